#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rlibphonenumber::PhoneNumberType;

use super::*;

static REGIONS: LazyLock<Vec<Region>> = LazyLock::new(|| {
    let mut regions: Vec<Region> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
    regions.sort_by_key(|region| region.to_string());
    regions
});

/// Numbers of every kind of every region and of the codes without a region, in E.164, with the region.
static EXAMPLES: LazyLock<Vec<(Option<Region>, String)>> = LazyLock::new(|| {
    let kinds = [
        PhoneNumberType::FixedLine,
        PhoneNumberType::Mobile,
        PhoneNumberType::TollFree,
        PhoneNumberType::PremiumRate,
        PhoneNumberType::SharedCost,
        PhoneNumberType::PersonalNumber,
        PhoneNumberType::VoIP,
        PhoneNumberType::Pager,
        PhoneNumberType::UAN,
        PhoneNumberType::VoiceMail,
    ];
    let of_kind = |region: Region| {
        kinds.into_iter().filter_map(move |kind| {
            let number = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind);
            Some((Some(region), e164_of(&number.ok()?)))
        })
    };
    let codes = PHONE_NUMBER_UTIL.get_supported_global_network_calling_codes();
    let nowhere = codes.filter_map(|code| {
        let number = PHONE_NUMBER_UTIL.get_example_number_for_non_geo_entity(code);
        Some((None, e164_of(&number.ok()?)))
    });
    REGIONS
        .iter()
        .copied()
        .flat_map(of_kind)
        .chain(nowhere)
        .collect()
});

fn e164_of(number: &rlibphonenumber::PhoneNumber) -> String {
    PHONE_NUMBER_UTIL
        .format(number, PhoneNumberFormat::E164)
        .into_owned()
}

/// What the tables say, and what the library says.
fn both(cell: &str, region: Option<Region>) -> (Option<String>, Option<String>) {
    let tables = usual(cell, region);
    let tables = tables.map(|number| String::from_utf8(number.as_bytes().to_vec()).unwrap());
    (tables, e164(cell, region).ok())
}

/// The tables say nothing, or what the library says.
fn agree(cell: &str, region: Option<Region>) -> bool {
    let (tables, library) = both(cell, region);
    tables.is_none() || tables == library
}

#[test]
fn tables_know_the_valid_numbers_of_the_whole_world() {
    let (mut known, mut numbers) = (0, 0);
    for (region, number) in EXAMPLES.iter() {
        let national = PHONE_NUMBER_UTIL.parse(number, None).unwrap();
        let national = PHONE_NUMBER_UTIL.format(&national, PhoneNumberFormat::National);
        for (cell, region) in [(number.as_str(), None), (national.as_ref(), *region)] {
            let (tables, library) = both(cell, region);
            assert!(tables.is_none() || tables == library, "{cell} {region:?}");
            numbers += u32::from(library.is_some());
            known += u32::from(tables.is_some());
        }
    }
    assert!(numbers > 2_000, "{numbers}");
    assert!(known * 100 > numbers * 93, "{known} of {numbers}");
}

/// National numbers: every way to begin with `digits` digits, in several lengths.
fn sweep(region: Region, digits: u32, lengths: std::ops::RangeInclusive<usize>) {
    let code = PHONE_NUMBER_UTIL
        .get_country_code_for_region(region)
        .unwrap();
    for start in 0..10_u64.pow(digits) {
        for length in lengths.clone() {
            let width = digits as usize;
            let tail = (start + 1) * 7_919_777_777 % 100_000_000_007;
            let mut number = format!("{start:0width$}{tail:012}");
            number.truncate(length);
            assert!(agree(&number, Some(region)), "{number} in {region}");
            let abroad = format!("+{code}{number}");
            assert!(agree(&abroad, None), "{abroad}");
        }
    }
}

#[test]
fn tables_agree_with_the_library_in_every_region_whatever_a_number_begins_with() {
    for region in REGIONS.iter() {
        sweep(*region, 1, 4..=13);
    }
}

#[test]
fn tables_agree_with_the_library_on_the_ranges_of_large_regions() {
    for region in ["AU", "FR", "US", "CA", "GB", "DE", "IT", "RE", "BR", "MX"] {
        sweep(Region::from_code(region).unwrap(), 3, 9..=11);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn tables_agree_with_the_library_on_numbers_that_are_almost_right(
        example in any::<Index>(),
        changes in proptest::collection::vec((any::<Index>(), 0..10_u8), 0..4),
        cut in 0..3_usize,
        more in "[0-9]{0,2}",
        start in select(vec!["", "+", "+ ", "(+", "0", "00", "011", "0011", "+0", "1", "8"]),
        code in any::<bool>(),
        signs in proptest::collection::vec((any::<Index>(), select(vec![' ', '-', '.', '/', '(', ')'])), 0..4),
        elsewhere in proptest::option::weighted(0.3, any::<Index>()),
    ) {
        let (region, number) = example.get(&EXAMPLES);
        let mut digits = number[1..].to_owned();
        if !code {
            let parsed = PHONE_NUMBER_UTIL.parse(number, None).unwrap();
            digits.drain(..parsed.country_code.to_string().len());
        }
        for (place, digit) in changes {
            let place = place.index(digits.len());
            digits.replace_range(place..=place, &digit.to_string());
        }
        digits.truncate(digits.len().saturating_sub(cut));
        let mut cell = format!("{start}{digits}{more}");
        for (place, sign) in signs {
            cell.insert(place.index(cell.len() + 1), sign);
        }
        let region = match elsewhere {
            Some(elsewhere) => Some(*elsewhere.get(&REGIONS)),
            None => *region,
        };
        let (tables, library) = both(&cell, region);
        prop_assert!(tables.is_none() || tables == library, "{} {:?}", cell, region);
    }

    #[test]
    fn tables_agree_with_the_library_on_any_cell(
        cell in prop_oneof![any::<String>(), "[+0-9()\\-. ٠-٩;extel:,#*~/x\u{ff0b}]{0,30}", "[+0-9 ()-]{3,18}"],
        region in any::<Index>(),
    ) {
        prop_assert!(agree(&cell, None));
        prop_assert!(agree(&cell, Some(*region.get(&REGIONS))));
    }
}
