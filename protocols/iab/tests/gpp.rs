use jiff::civil::date;
use proptest::prelude::*;

use super::encoder::{Writer, changed, header};
use super::tcf::{FIELDS, OLD};
use crate::iab::gpp::{Answer, Field, GppString, Layout, OptOuts, Section};
use crate::iab::{Ids, LONGEST, Malformed};

/// The reference encoder's defaults for sections 2, 5, 6 and 7 to 22: everything 0 but the covered
/// transaction, which is 1. So it shows where each state's layout ends.
pub(super) const DEFAULTS: &str = "DBACOdM~CPSG_8APSG_8AAAAAAENAACAAAAAAAAAAAAAAAAAAAAA.QAAA.IAAA~\
    BPSG_8APSG_8AAAAAAENAACAAAAAAAAAAAAAAAAAAAA.YAAAAAAAAAA~1---~BAAAAAAAAABA.QA~BAAAAABA.QA~BAAAABA~\
    BAAAAEA.QA~BAAAAAQA~BAAAAAEA.QA~BAAAAABA~BAAAAABA.QA~BAAAAAABAA.QA~BAAAAAQA.QA~BAAAAAABAA.QA~\
    BAAAAAQA.QA~BAAAAAQA.QA~BAAAAABA.QA~BAAAAAAAQA.QA~BAAAAAQA.QA";

fn parse(text: &str) -> GppString {
    GppString::parse(text).unwrap()
}

/// One section of a GPP string.
fn section(id: u16, text: &str) -> Result<Section, Malformed> {
    let read = GppString::parse(&format!("{}~{text}", header(&[id])));
    read.map(|string| string.sections.into_iter().next().unwrap())
}

/// A state's section: every value 0, but those given; the covered transaction 1.
fn state(id: u16, set: &[(Field, usize, u64)]) -> String {
    let layout = Layout::of(id).last().unwrap();
    let mut bits = Writer::default();
    bits.number(u64::from(*layout.versions.end()), 6);
    for (field, count) in layout.fields {
        for place in 0..*count {
            let chosen = set.iter().find(|(set, at, _)| (set, at) == (field, &place));
            let covered = u64::from(*field == Field::MspaCoveredTransaction);
            bits.number(chosen.map_or(covered, |(_, _, value)| *value), 2);
        }
    }
    bits.text()
}

#[test]
fn public_strings_say_what_they_were_made_to_say() {
    let one = parse(&format!("DBABMA~{FIELDS}"));
    assert_eq!(one.europe().unwrap().policy_version, 5);
    assert_eq!(one.opted_out(), None);
    let two = parse(&format!("DBACNYA~{OLD}~1YNN"));
    assert_eq!(
        two.sections.iter().map(Section::id).collect::<Vec<_>>(),
        [2, 6]
    );
    assert_eq!(two.opted_out(), Some(OptOuts::default()));
    let Section::UsPrivacy(privacy) = parse("DBABTA~1YNN").sections[0] else {
        panic!()
    };
    assert_eq!((privacy.notice, privacy.covered), (Answer::Yes, Answer::No));
    let nation = parse("DBABLA~BAAAVVVVUQA.QA");
    let Section::State(nation) = &nation.sections[0] else {
        panic!()
    };
    assert_eq!(
        (nation.version(), nation.layout().place, nation.gpc()),
        (1, "US", Some(false))
    );
    assert_eq!(parse("DBAA").sections, []);
}

#[test]
fn every_layout_ends_where_the_reference_encoder_ends_it() {
    let read = parse(DEFAULTS);
    let ids: Vec<u16> = read.sections.iter().map(Section::id).collect();
    assert_eq!(
        ids,
        [
            2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22
        ]
    );
    for section in &read.sections[3..] {
        let Section::State(section) = section else {
            panic!()
        };
        for (field, values) in section.fields() {
            let expected = u8::from(field == Field::MspaCoveredTransaction);
            assert!(values.iter().all(|value| *value == expected), "{section:?}");
        }
        assert_eq!(
            section.gpc(),
            (![9, 11, 13].contains(&section.layout().id)).then_some(false)
        );
    }
}

#[test]
fn values_lie_where_the_reference_encoder_puts_them() {
    let values = |id: u16, text: &str, field: Field| match section(id, text) {
        Ok(Section::State(section)) => section.field(field).unwrap().to_vec(),
        other => panic!("{other:?}"),
    };
    let (sensitive, child) = (
        Field::SensitiveDataProcessing,
        Field::KnownChildSensitiveDataConsents,
    );
    let oregon = "BVWSSRpFYA.YA";
    assert_eq!(
        values(15, oregon, sensitive),
        [2, 1, 0, 2, 1, 0, 2, 1, 0, 1, 2]
    );
    assert_eq!(values(15, oregon, child), [2, 1, 0]);
    assert_eq!(values(15, oregon, Field::MspaServiceProviderMode), [2]);
    let delaware = "BVWSSSSVYA.YA";
    assert_eq!(values(17, delaware, sensitive), [2, 1, 0, 2, 1, 0, 2, 1, 0]);
    assert_eq!(values(17, delaware, child), [2, 1, 0, 2, 1]);
}

#[test]
fn the_states_of_2026_begin_with_their_agreement() {
    // Strings of the reference encoder for Maryland, and for Indiana, Kentucky and Rhode Island alike.
    let Ok(Section::State(maryland)) = section(24, "BVVU.YA") else {
        panic!()
    };
    assert!(maryland.fields().all(|(_, values)| values == [1]));
    assert_eq!(maryland.gpc(), Some(true));
    for id in 25..=27 {
        let Ok(Section::State(section)) = section(id, "BVVV.kkk") else {
            panic!()
        };
        assert!(section.fields().all(|(_, values)| values == [1]));
        assert_eq!(section.sensitive(), Some(&[2, 1, 0, 2, 1, 0, 2, 1][..]));
        assert!(section.opted_out().sale && section.opted_out().targeted_advertising);
    }
    for id in 24..=27 {
        assert!(section(id, "BQAA").is_ok());
        assert_eq!(section(id, "BAAA"), Err(Malformed::Value));
    }
}

#[test]
fn an_opt_out_is_heard_in_every_section_that_has_it() {
    let questions = [
        (
            Field::SaleOptOut,
            OptOuts {
                sale: true,
                ..OptOuts::default()
            },
        ),
        (
            Field::SharingOptOut,
            OptOuts {
                sharing: true,
                ..OptOuts::default()
            },
        ),
        (
            Field::TargetedAdvertisingOptOut,
            OptOuts {
                targeted_advertising: true,
                ..OptOuts::default()
            },
        ),
        (
            Field::KnownChildSensitiveDataConsents,
            OptOuts {
                child: true,
                ..OptOuts::default()
            },
        ),
    ];
    let mut heard = 0;
    for id in 7..=27 {
        let layout = Layout::of(id).last().unwrap();
        for (field, expected) in questions {
            let known = layout.fields.iter().find(|(known, _)| *known == field);
            for place in 0..known.map_or(0, |(_, count)| *count) {
                let section = section(id, &state(id, &[(field, place, 1)])).unwrap();
                assert_eq!(section.opted_out(), Some(expected), "{id}");
                heard += 1;
            }
        }
        let Ok(Section::State(none)) = section(id, &state(id, &[])) else {
            panic!()
        };
        assert!(!none.opted_out().any());
    }
    // Sale 21 times, advertising all but California, sharing two, children by ages and uses.
    assert_eq!(heard, 21 + 20 + 2 + 41);
    assert!(section(6, "1YYN").unwrap().opted_out().unwrap().sale);
}

#[test]
fn no_other_section_talks_an_opt_out_away() {
    // The attack: an opt-out in one state beside sections that say the person did not.
    let no = state(
        7,
        &[
            (Field::SaleOptOut, 0, 2),
            (Field::TargetedAdvertisingOptOut, 0, 2),
        ],
    );
    let yes = state(10, &[(Field::TargetedAdvertisingOptOut, 0, 1)]);
    for (ids, texts) in [([7, 10], [&no, &yes]), ([10, 12], [&yes, &no])] {
        let both = format!("{}~{}~{}", header(&ids), texts[0], texts[1]);
        let Ok(read) = GppString::parse(&both) else {
            continue;
        };
        assert!(read.opted_out().unwrap().targeted_advertising);
    }
    let control = parse(&format!("{}~{no}.YA", header(&[7])));
    assert_eq!(
        control.opted_out(),
        Some(OptOuts {
            sale: true,
            sharing: true,
            targeted_advertising: true,
            child: false
        })
    );
}

#[test]
fn a_header_that_lists_other_sections_is_refused() {
    for (text, wrong) in [
        ("", Malformed::Truncated),
        ("CBABTA~1YNN", Malformed::Version),
        ("DCABTA~1YNN", Malformed::Version),
        ("DBABTA", Malformed::Sections),
        ("DBABTA~1YNN~1YNN", Malformed::Sections),
        ("DBACNYA~1YNN", Malformed::Sections),
        ("DBABTB~1YNN", Malformed::Trailing),
        ("DBABTA~1YN", Malformed::Truncated),
        ("DBABTA~1YNNN", Malformed::Trailing),
        ("DBABTA~2YNN", Malformed::Version),
        ("DBABTA~1YN0", Malformed::Character),
        ("DBABLA~BAAAVVVVUQA.AA", Malformed::Segment),
        ("DBABLA~BAAAVVVVUQA.QA.QA", Malformed::Character),
        ("DBABLA~DAAAVVVVUQA.QA", Malformed::Version),
        ("DBABLA~B___VVVVUQA.QA", Malformed::Value),
    ] {
        assert_eq!(GppString::parse(text), Err(wrong), "{text}");
    }
    let long = format!("DBABTA~1YNN{}", "A".repeat(LONGEST));
    assert_eq!(GppString::parse(&long), Err(Malformed::TooLong));
    assert_eq!(
        section(9, &format!("{}.QA", state(9, &[]))),
        Err(Malformed::Segment)
    );
}

#[test]
fn a_header_of_few_bits_cannot_ask_for_much() {
    // One group from 1 on, as long as a code can say; and one longer.
    let group = |length: u64| {
        let mut bits = Writer::default();
        bits.bits("000011 000001 000000000001 1 11")
            .fibonacci(length);
        bits.text()
    };
    assert_eq!(GppString::parse(&group(65_534)), Err(Malformed::Sections));
    assert_eq!(GppString::parse(&group(65_535)), Err(Malformed::Ids));
    assert_eq!(GppString::parse(&group(70_000)), Err(Malformed::Ids));
    // A code that never ends.
    let endless = format!("DBAB{}", "A".repeat(1000));
    assert_eq!(GppString::parse(&endless), Err(Malformed::Ids));
}

#[test]
fn sections_that_are_not_known_are_kept_as_their_number() {
    let read = parse(&format!("{}~whatever~1YNY", header(&[4, 6])));
    assert_eq!(read.sections[0], Section::Unknown(4));
    assert_eq!(read.sections[0].name(), None);
}

#[test]
fn canadian_lists_are_read_as_specified_and_as_they_were_written_for_years() {
    let read = |text: &str| match section(5, text) {
        Ok(Section::Canada(string)) => Ok(*string),
        Ok(_) => panic!(),
        Err(error) => Err(error),
    };
    // Public strings of the reference encoder.
    let old = read("BPSG_8APSG_8AAyACAENGdCgf_gfgAfgfgBgABABAAABAB4AACACAAA.fHHHA4444ao").unwrap();
    let ids = |ids: &[u16]| Ids::from_ranges(ids.iter().map(|id| (*id, *id)).collect());
    assert_eq!(old.vendors_express, ids(&[12, 24, 48]));
    assert_eq!(old.vendors_implied, ids(&[18, 30]));
    assert_eq!(old.created.to_string(), "2022-01-01T00:00:00Z");
    assert_eq!(old.publisher.unwrap().custom, 3);

    let core = "BPSG_8APSG_8AAyACAENGdCgf_gfgAfgf";
    let specified = |express: &[u64], implied: &[u64]| {
        let mut bits = Writer::default();
        for character in core.bytes().take(33) {
            let index = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                .find(char::from(character));
            bits.number(index.unwrap() as u64, 6);
        }
        bits.number(0, 1);
        for list in [express, implied] {
            bits.number(1, 1).number(list.len() as u64, 12);
            let mut last = 0;
            for id in list {
                bits.number(0, 1).fibonacci(id - last);
                last = *id;
            }
        }
        bits.number(0, 12).text()
    };
    let new = read(&specified(&[12, 24, 48], &[18, 30])).unwrap();
    assert_eq!(
        (&new.vendors_express, &new.vendors_implied),
        (&old.vendors_express, &old.vendors_implied)
    );
    assert_eq!(new.restrictions, []);
}

#[test]
fn a_canadian_string_that_says_two_things_is_refused() {
    // A bit field of 95 vendors, as specified; as in Europe, vendor 47 and a restriction of vendor 1.
    let mut bits = Writer::default();
    bits.number(1, 6)
        .number(0, 60)
        .number(0, 60)
        .number(0, 60)
        .number(0, 13);
    bits.bits("0 0000000001011111 000000000001 0 0000000000101111 0000000000000000 0");
    bits.bits("000000000001 000001 00 000000000001 0 0000000000000001 0 0000000000000000");
    assert_eq!(section(5, &bits.text()), Err(Malformed::Ambiguous));
}

#[test]
fn a_string_is_judged_the_same_inside_another() {
    let read = parse(&format!("DBABMA~{OLD}"));
    let day = date(2026, 11, 26);
    let alone = crate::iab::tcf::TcString::parse(OLD).unwrap();
    assert_eq!(
        read.europe().unwrap().judge(day).map(|_| ()),
        alone.judge(day).map(|_| ())
    );
}

/// Any section of the states, as text.
pub(super) fn states() -> impl Strategy<Value = (u16, String)> {
    let values = proptest::collection::vec(0_u64..3, 64);
    let extra = prop_oneof![Just(""), Just(".QA"), Just(".YA"), Just(".kkk")];
    (7_u16..=27, 0_usize..2, values, extra).prop_map(|(id, which, values, extra)| {
        let layouts = Layout::of(id);
        let layout = &layouts[which.min(layouts.len() - 1)];
        let mut bits = Writer::default();
        let version = if layouts.len() == 2 {
            which as u64 + 1
        } else {
            1
        };
        bits.number(version, 6);
        let mut values = values.into_iter();
        for (field, count) in layout.fields {
            for value in values.by_ref().take(*count) {
                let covered = *field == Field::MspaCoveredTransaction && value == 0;
                bits.number(value + u64::from(covered), 2);
            }
        }
        (id, format!("{}{extra}", bits.text()))
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_decoder_panic(
        noise in any::<String>(), letters in "DBA[A-Za-z0-9_-]{0,6}(~[A-Z][A-Za-z0-9_.-]{0,60}){0,3}",
        canada in "B[A-Za-z0-9_.-]{30,120}",
        changed in states().prop_flat_map(|(id, text)| changed(format!("{}~{text}", header(&[id])))),
    ) {
        let canada = format!("{}~{canada}", header(&[5]));
        for text in [noise, letters, canada, changed] {
            if let Ok(read) = GppString::parse(&text) {
                let _ = read.opted_out();
                prop_assert!(serde_json::to_string(&read).is_ok());
            }
        }
    }

    #[test]
    fn headers_round_trip(ids in proptest::collection::btree_set(28_u16..3000, 0..8)) {
        let ids: Vec<u16> = ids.into_iter().collect();
        let text = format!("{}{}", header(&ids), "~x".repeat(ids.len()));
        let read = GppString::parse(&text).unwrap();
        prop_assert_eq!(read.sections.iter().map(Section::id).collect::<Vec<_>>(), ids);
    }
}
