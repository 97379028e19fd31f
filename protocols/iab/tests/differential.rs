//! Other readers of the same strings. Where they differ from the specifications, the exception is here by
//! name; nothing else may differ.

use std::panic::catch_unwind;
use std::str::FromStr;

use iab_gpp::sections::Section as TheirSection;
use iab_gpp::sections::tcfeuv2::TcfEuV2;
use iab_gpp::v1::GPPString;
use lib_tcstring::TcModelV2;
use proptest::prelude::*;

use super::encoder::{changed, encode, filled, header, strings};
use super::gpp::{DEFAULTS, states};
use crate::consent::Purposes;
use crate::iab::gpp::{GppString, Section, StateSection};
use crate::iab::tcf::{RestrictionKind, TcString};
use crate::iab::{Ids, Malformed};

/// Runs another reader; none if it panics, as both do on some damaged strings.
fn quietly<T>(read: impl FnOnce() -> T + std::panic::UnwindSafe) -> Option<T> {
    catch_unwind(read).ok()
}

fn numbers(set: Purposes) -> Vec<u8> {
    (1..=24).filter(|number| set.contains(*number)).collect()
}

fn own(set: u64) -> Vec<u8> {
    (1..=63)
        .filter(|number| set >> (number - 1) & 1 == 1)
        .collect()
}

fn ids(ids: Option<&Ids>) -> Vec<u16> {
    ids.map(|ids| ids.iter().collect()).unwrap_or_default()
}

/// Ranges come in any order and may overlap.
fn sorted(ids: &[u16]) -> Vec<u16> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn the_same(ours: &TcString, theirs: &TcModelV2) -> Result<(), TestCaseError> {
    prop_assert_eq!(ours.created.as_millisecond() as u64, theirs.created_at);
    prop_assert_eq!(ours.last_updated.as_millisecond() as u64, theirs.updated_at);
    let head = (
        ours.cmp_id,
        ours.cmp_version,
        ours.screen,
        ours.vendor_list_version,
    );
    let (cmp, version) = (theirs.cmp_id, theirs.cmp_version);
    prop_assert_eq!(
        head,
        (
            cmp,
            version,
            theirs.consent_screen,
            theirs.vendor_list_version
        )
    );
    prop_assert_eq!(ours.language.to_string(), &*theirs.consent_language);
    prop_assert_eq!(
        ours.publisher_country.to_string(),
        &*theirs.publisher_country_code
    );
    prop_assert_eq!(u16::from(ours.policy_version), theirs.tcf_policy_version);
    prop_assert_eq!(ours.service_specific, theirs.is_service_specific);
    prop_assert_eq!(ours.non_standard_texts, theirs.use_non_standard_stacks);
    prop_assert_eq!(ours.purpose_one_treatment, theirs.purpose_one_treatment);
    prop_assert_eq!(
        numbers(ours.special_features),
        &*theirs.special_feature_opt_ins
    );
    prop_assert_eq!(numbers(ours.purposes_consent), &*theirs.purposes_consent);
    prop_assert_eq!(
        numbers(ours.purposes_interest),
        &*theirs.purposes_li_transparency
    );
    prop_assert_eq!(
        ids(Some(&ours.vendors_consent)),
        sorted(&theirs.vendors_consent)
    );
    prop_assert_eq!(
        ids(Some(&ours.vendors_interest)),
        sorted(&theirs.vendors_li_consent)
    );
    prop_assert_eq!(
        ids(ours.disclosed_vendors.as_ref()),
        sorted(&theirs.disclosed_vendors)
    );
    prop_assert_eq!(
        ids(ours.allowed_vendors.as_ref()),
        sorted(&theirs.allowed_vendors)
    );
    prop_assert_eq!(ours.restrictions.len(), theirs.publisher_restrictions.len());
    for (one, other) in ours.restrictions.iter().zip(&theirs.publisher_restrictions) {
        use lib_tcstring::PublisherRestrictionType as Type;
        let kind = match one.kind {
            RestrictionKind::NotAllowed => Type::NotAllowed,
            RestrictionKind::RequireConsent => Type::RequireConsent,
            RestrictionKind::RequireInterest => Type::RequireLegitimateInterest,
        };
        prop_assert_eq!(
            (one.purpose, &kind),
            (other.purpose_id, &other.restriction_type)
        );
        prop_assert_eq!(ids(Some(&one.vendors)), sorted(&other.vendor_list));
    }
    let publisher = ours.publisher.as_ref();
    let sets = publisher.map(|own| (numbers(own.consent), numbers(own.interest)));
    let (consent, interest) = sets.unwrap_or_default();
    prop_assert_eq!(consent, &*theirs.publisher_purposes_consent);
    prop_assert_eq!(interest, &*theirs.publisher_purposes_li_transparency);
    let sets = publisher.map(|publisher| {
        (
            own(publisher.custom_consent),
            own(publisher.custom_interest),
        )
    });
    let (consent, interest) = sets.unwrap_or_default();
    prop_assert_eq!(consent, &*theirs.custom_purposes_consent);
    prop_assert_eq!(interest, &*theirs.custom_purposes_li_transparency);
    Ok(())
}

/// `lib_tcstring` 0.5 on the same text, which has whole bytes only: it takes no others.
fn compare_tc(text: &str) -> Result<(), TestCaseError> {
    let text = filled(text);
    let ours = TcString::parse(&text);
    let theirs = quietly(|| TcModelV2::try_from(text.as_str()));
    match (ours, theirs) {
        // It counts one past the end of a range in 16 bits, and indexes beyond short segments.
        (_, None) => {}
        (Ok(ours), Some(Ok(theirs))) => the_same(&ours, &theirs)?,
        (Ok(_), Some(Err(error))) => prop_assert!(false, "they refuse {text}: {error}"),
        (Err(_), Some(Err(_))) => {}
        // It does not look at what follows the last field, at ids that are 0, run backwards or are beyond
        // the maximum, at restrictions of type 3 or on purpose 0 or above 24; the last of two equal segments counts.
        (Err(error), Some(Ok(_))) => {
            let lenient = [
                Malformed::Trailing,
                Malformed::Ids,
                Malformed::Restriction,
                Malformed::Segment,
            ];
            prop_assert!(lenient.contains(&error), "they read {text}: {error}");
        }
    }
    Ok(())
}

/// `iab_gpp` 0.1 on the same text.
fn compare_europe(text: &str) -> Result<(), TestCaseError> {
    let theirs = quietly(|| TcfEuV2::from_str(text));
    match (TcString::parse(text), theirs) {
        (_, None) => {}
        // It expects a maximum before the vendors of a restriction, which the format does not have.
        (Ok(ours), _) if !ours.restrictions.is_empty() => {}
        (Ok(ours), Some(Ok(theirs))) => {
            let core = &theirs.core;
            prop_assert_eq!(ours.created.as_second() as u64, core.created);
            prop_assert_eq!(ours.last_updated.as_second() as u64, core.last_updated);
            let terms = (ours.cmp_id, ours.vendor_list_version, ours.policy_version);
            prop_assert_eq!(
                terms,
                (core.cmp_id, core.vendor_list_version, core.policy_version)
            );
            prop_assert_eq!(ours.language.to_string(), &*core.consent_language);
            prop_assert_eq!(
                ours.publisher_country.to_string(),
                &*core.publisher_country_code
            );
            prop_assert_eq!(ours.service_specific, core.is_service_specific);
            let pairs = [
                (ours.purposes_consent, &core.purpose_consents),
                (ours.purposes_interest, &core.purpose_legitimate_interests),
                (ours.special_features, &core.special_feature_optins),
            ];
            for (ours, theirs) in pairs {
                let theirs: Vec<u8> = theirs.iter().map(|number| *number as u8).collect();
                prop_assert_eq!(numbers(ours), theirs);
            }
            let pairs = [
                (Some(&ours.vendors_consent), Some(&core.vendor_consents)),
                (
                    Some(&ours.vendors_interest),
                    Some(&core.vendor_legitimate_interests),
                ),
                (
                    ours.disclosed_vendors.as_ref(),
                    theirs.disclosed_vendors.as_ref(),
                ),
                (
                    ours.allowed_vendors.as_ref(),
                    theirs.allowed_vendors.as_ref(),
                ),
            ];
            for (ours, theirs) in pairs {
                prop_assert_eq!(ours.is_some(), theirs.is_some());
                let theirs: Vec<u16> = theirs.into_iter().flatten().copied().collect();
                prop_assert_eq!(ids(ours), theirs);
            }
            prop_assert_eq!(
                ours.publisher.is_some(),
                theirs.publisher_purposes.is_some()
            );
        }
        (Ok(_), Some(Err(error))) => prop_assert!(false, "they refuse {text}: {error}"),
        (Err(_), Some(Err(_))) => {}
        // As above, but segments are there once. It does not even look at the characters there. It fills
        // the last byte with zeros of its own, so that up to seven bits may be missing, and takes any six
        // bits for a letter.
        (Err(error), Some(Ok(_))) => {
            let lenient = [
                Malformed::Trailing,
                Malformed::Ids,
                Malformed::Restriction,
                Malformed::Letters,
                Malformed::Truncated,
                Malformed::Character,
            ];
            prop_assert!(lenient.contains(&error), "they read {text}: {error}");
        }
    }
    Ok(())
}

/// The values of a section of theirs in order: as its debug form names them.
fn values(section: &TheirSection) -> Vec<u8> {
    let shown = format!("{section:?}");
    let words = shown.split(|c: char| !c.is_alphanumeric());
    let value = |word: &str| match word {
        "NotApplicable" => Some(0),
        "Provided" | "OptedOut" | "NoConsent" | "Yes" | "true" => Some(1),
        "NotProvided" | "DidNotOptOut" | "Consent" | "No" | "false" => Some(2),
        _ => None,
    };
    words.filter_map(value).collect()
}

fn flat(section: &StateSection) -> Vec<u8> {
    let fields = section.fields().flat_map(|(_, values)| values.to_vec());
    let control = section.gpc().map(|on| if on { 1 } else { 2 });
    fields.chain(control).collect()
}

fn compare_state(id: u16, text: &str) -> Result<(), TestCaseError> {
    let whole = format!("{}~{text}", header(&[id]));
    let theirs = quietly(|| {
        GPPString::from_str(&whole)
            .ok()
            .map(|read| read.decode_all_sections())
    });
    let theirs = theirs.map(|read| read.and_then(|mut sections| sections.pop()?.ok()));
    match (GppString::parse(&whole), theirs) {
        (_, None) => {}
        (Ok(ours), Some(theirs)) => {
            let Section::State(ours) = &ours.sections[0] else {
                return Ok(());
            };
            // It reads the nation's version 1 as twelve categories, whatever its length.
            let longer = id == 7 && ours.version() == 1 && flat(ours).len() > 28;
            if !longer {
                prop_assert_eq!(theirs.as_ref().map(values), Some(flat(ours)), "{}", whole);
            }
        }
        (Err(_), Some(None)) => {}
        // It does not look at what follows the last field, not even at the characters, fills the last byte
        // with zeros of its own, and takes a value 3 for 0.
        (Err(error), Some(Some(_))) => {
            let lenient = [
                Malformed::Trailing,
                Malformed::Truncated,
                Malformed::Value,
                Malformed::Character,
            ];
            // So it does not see a segment where there can be none.
            let alone = [9, 11, 13].contains(&id) && error == Malformed::Segment;
            prop_assert!(
                alone || lenient.contains(&error),
                "they read {whole}: {error}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_header_of_three_sections_is_read_right_here() {
    // iab_gpp adds the third distance to the second one, not to the second number.
    let ids = |text: &str| -> Vec<u16> {
        let read = GPPString::from_str(text).unwrap();
        read.section_ids().map(|id| *id as u16).collect()
    };
    assert_eq!(ids(&format!("{}~a~b", header(&[2, 6]))), [2, 6]);
    let three = format!("{}~a~b~c", header(&[2, 6, 8]));
    assert_ne!(ids(&three), [2, 6, 8]);
    let ours = GppString::parse(&format!("{}~a~b~c", header(&[30, 34, 36]))).unwrap();
    let numbers: Vec<u16> = ours.sections.iter().map(Section::id).collect();
    assert_eq!(numbers, [30, 34, 36]);
    assert!(GppString::parse(DEFAULTS).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn tc_strings_are_read_as_two_others_read_them(string in strings(), as_ranges in any::<bool>()) {
        let text = encode(&string, as_ranges);
        compare_tc(&text)?;
        compare_europe(&text)?;
    }

    #[test]
    fn damaged_tc_strings_are_read_as_two_others_read_them(
        text in (strings(), any::<bool>()).prop_flat_map(|(string, as_ranges)| changed(encode(&string, as_ranges))),
        letters in "C[A-Za-z0-9_-]{30,60}([.][A-Za-z0-9_-]{1,20}){0,3}",
    ) {
        for text in [text, letters] {
            compare_tc(&text)?;
            compare_europe(&text)?;
        }
    }

    #[test]
    fn sections_of_the_states_are_read_as_another_reads_them(
        (id, text) in states().prop_filter("it ends with Minnesota", |(id, _)| *id <= 23),
        letters in "[ABC][A-Za-z0-9_-]{6,14}([.][A-Za-z0-9_-]{1,3}){0,2}",
    ) {
        compare_state(id, &text)?;
        compare_state(id, &letters)?;
    }

    #[test]
    fn damaged_sections_of_the_states_are_read_as_another_reads_them(
        (id, text) in states().prop_filter("it ends with Minnesota", |(id, _)| *id <= 23)
            .prop_flat_map(|(id, text)| (Just(id), changed(text))),
    ) {
        compare_state(id, &text)?;
    }
}
