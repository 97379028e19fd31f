//! What a file says beyond basis, purposes and time, from its cells to the spool.

use super::*;

/// Per row of the spool: its record, and which destinations it has a cookie at, by name.
fn spooled(party: &Party) -> Vec<(ConsentRecord, [bool; 2])> {
    let file = BufReader::new(File::open(party.spool()).unwrap());
    let mut decoder = StreamDecoder::new(file).unwrap();
    let header = decoder.header().clone();
    let mut rows = Vec::new();
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        for row in 0..batch.num_rows() {
            let mut record = ConsentRecord::default();
            reader.consent_into(row, &mut record);
            rows.push((record, [0, 1].map(|at| reader.cookie(row, at).is_some())));
        }
    }
    rows
}

fn named(record: &ConsentRecord) -> Option<Vec<&str>> {
    let names = record.details().recipients.as_ref()?;
    Some(names.iter().map(String::as_str).collect())
}

#[test]
fn a_cookie_does_not_leave_for_a_destination_that_the_row_does_not_name() {
    let party = Party::new();
    let row = |n: u8, names: &str| format!("p{n}@example.com,1 3 4,2026-05-05,a{n},b{n},{names}\n");
    let file = party.file(
        &[
            "email,consent_purposes,consent_at,cookie_dsp_a,cookie_dmp_b,consent_recipients\n"
                .to_owned(),
            row(1, ""),
            row(2, "dsp-a"),
            row(3, "dmp-b;dsp-a"),
            row(4, "somebody-else"),
            row(5, "Everybody!"),
        ]
        .concat(),
    );
    let prepared = party.prepare(Role::Partner, &file, false).unwrap();
    assert_eq!(prepared.quality.usable, 3);
    assert_eq!(prepared.quality.dropped["recipient_missing"], 2);
    assert_eq!(prepared.quality.unreadable["consent_recipients"], 1);
    let rows = spooled(&party);
    // By name: dmp-b is 0, dsp-a is 1.
    let found = |names: Option<&[&str]>| -> Vec<[bool; 2]> {
        let same = |(record, _): &&(ConsentRecord, [bool; 2])| named(record).as_deref() == names;
        rows.iter().filter(same).map(|(_, at)| *at).collect()
    };
    assert_eq!(found(None), [[true, true]]);
    assert_eq!(found(Some(&["dsp-a"])), [[false, true]]);
    assert_eq!(found(Some(&["dmp-b", "dsp-a"])), [[true, true]]);
    assert_eq!(found(Some(&["somebody-else"])), [[false, false]]);
    assert_eq!(found(Some(&[])), [[false, false]]);
}

#[test]
fn a_file_without_the_new_columns_is_sent_as_before() {
    let party = Party::new();
    party
        .prepare(Role::Partner, &example("graph.csv"), false)
        .unwrap();
    let file = BufReader::new(File::open(party.spool()).unwrap());
    let decoder = StreamDecoder::new(file).unwrap();
    assert!(decoder.header().consent.is_empty());
}

#[test]
fn a_history_that_ended_leaves_the_row_out_under_its_reason() {
    let party = Party::new();
    let file = party.file(
        "email,consent_purposes,consent_at,cookie_dsp_a,consent_history,consent_valid_until\n\
         a@example.com,1 3 4,2026-05-05,a,given 2026-05-05; withdrawn 2026-06-01,\n\
         b@example.com,1 3 4,2026-05-05,b,given 2026-05-05; opposed 2026-06-01,\n\
         c@example.com,1 3 4,2026-05-05,c,given 2026-05-05; narrowed 2026-06-01,2026-11-22\n\
         d@example.com,1 3 4,2026-05-05,d,,2026-11-21\n\
         e@example.com,1 3 4,2026-05-05,e,,whenever\n",
    );
    let prepared = party.prepare(Role::Partner, &file, false).unwrap();
    let dropped = &prepared.quality.dropped;
    assert_eq!(prepared.quality.usable, 1);
    for reason in ["withdrawn", "opposed", "expired", "no_date"] {
        assert_eq!(dropped[reason], 1, "{reason}");
    }
}

/// Made in 2022: consent to 1, 3, 4, 5 and 6, vendors 11, 28 and 29.
const GOOD: &str =
    "CPTtLAAPTtLAAAAAAAENAAFgALwAAEAAAAAAAOgAgABgAAAA.IAoAAgABgAAEAQAAEAAA.d4AACEAAAAAA";
/// Under policy 2.
const OLD: &str = "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA.YAAAAAAAAAAA";

fn with_vendors(vendors: [Option<u16>; 2]) -> Party {
    let mut party = Party::new();
    for (destination, vendor) in party.terms.destinations.iter_mut().zip(vendors) {
        destination.vendor = vendor;
    }
    // Long enough for a string of 2022.
    party.terms.partner_consent.max_age_months = 120;
    party
}

fn strings(rows: &[(&str, &str)]) -> String {
    let rows = rows
        .iter()
        .enumerate()
        .map(|(n, (tc, gpp))| format!("p{n}@example.com,{tc},{gpp},a{n},b{n}\n"));
    let header = "email,tc_string,gpp_string,cookie_dsp_a,cookie_dmp_b\n".to_owned();
    [header].into_iter().chain(rows).collect()
}

#[test]
fn a_consent_string_says_what_the_file_has_no_column_for_and_does_not_leave() {
    let party = with_vendors([Some(28), Some(12)]);
    let file = party.file(&strings(&[(GOOD, "")]));
    let prepared = party.prepare(Role::Partner, &file, false).unwrap();
    assert_eq!(prepared.quality.usable, 1);
    let [(record, cookies)] = &spooled(&party)[..] else {
        panic!("one row");
    };
    assert!(record.purposes.contains_all(&[1, 3, 4]));
    assert_eq!(record.given_at.unwrap().to_string(), "2022-02-01T00:00:00Z");
    // 12 is no vendor of the string: its destination is not named, and gets no cookie.
    assert_eq!(named(record), Some(vec!["gvl:28"]));
    assert_eq!(*cookies, [false, true]);
    let spool = std::fs::read(party.spool()).unwrap();
    let piece = &GOOD.as_bytes()[..12];
    assert!(!spool.windows(piece.len()).any(|window| window == piece));
}

#[test]
fn a_string_that_does_not_count_is_no_consent_whatever_the_other_cells_say() {
    let party = with_vendors([Some(28), None]);
    let both = format!("DBACNYA~{GOOD}~1YNN");
    let opted_out = format!("DBACNYA~{GOOD}~1YYN");
    let cases = [
        (OLD, "", "no_basis"),
        ("nonsense", "", "no_basis"),
        ("", "DBACNYA~nonsense", "no_basis"),
        // In the other's column.
        ("", GOOD, "no_basis"),
        (GOOD, OLD, "no_basis"),
        (GOOD, opted_out.as_str(), "opposed"),
        ("", opted_out.as_str(), "opposed"),
        ("", "", "purpose_missing"),
    ];
    for (tc, gpp, reason) in cases {
        let file = party.file(&strings(&[(GOOD, ""), ("", &both), (tc, gpp)]));
        let prepared = party.prepare(Role::Partner, &file, false).unwrap();
        assert_eq!(prepared.quality.usable, 2, "{tc} {gpp}");
        assert_eq!(prepared.quality.dropped[reason], 1, "{tc} {gpp}");
    }
    // The attack: consent in plain columns beside a string that does not count.
    let file = party.file(&format!(
        "email,tc_string,consent_basis,consent_purposes,consent_at,cookie_dsp_a\n\
         a@example.com,{GOOD},consent,1 3 4,2026-05-05,a\n\
         b@example.com,{OLD},consent,1 3 4,2026-05-05,b\n"
    ));
    let prepared = party.prepare(Role::Partner, &file, false).unwrap();
    assert_eq!(prepared.quality.usable, 1);
    let counted = "consent strings of an old policy";
    assert_eq!(prepared.quality.unreadable[counted], 1);
}

#[test]
fn a_string_names_nobody_where_the_terms_have_no_vendor_number() {
    let party = with_vendors([None, None]);
    let file = party.file(&strings(&[(GOOD, "")]));
    let prepared = party.prepare(Role::Partner, &file, true).unwrap();
    assert_eq!(prepared.quality.dropped["recipient_missing"], 1);
    let said = |warning: &String| warning.contains("--vendor");
    assert!(prepared.quality.warnings.iter().any(said));
}

#[test]
fn a_vendor_that_may_do_less_takes_nothing_from_the_others() {
    // 2 is no vendor of the string; 11 is.
    let party = with_vendors([Some(11), Some(2)]);
    let file = party.file(&strings(&[(GOOD, "")]));
    let prepared = party.prepare(Role::Partner, &file, false).unwrap();
    assert_eq!(prepared.quality.usable, 1);
    assert_eq!(named(&spooled(&party)[0].0), Some(vec!["gvl:11"]));
}
