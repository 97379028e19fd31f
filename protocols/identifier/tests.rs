#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use sha2::Digest as _;

use super::*;

const IDENTIFIERS: &str = include_str!("vectors/identifiers.json");
const REFUSED: &str = include_str!("vectors/refused.json");
const PREHASHED: &str = include_str!("vectors/prehashed.json");

#[derive(Deserialize)]
struct Vector {
    profile: Profile,
    #[serde(rename = "type")]
    kind: String,
    input: Value,
    region: Option<String>,
    form: Option<String>,
    canonical: Option<String>,
    sha256: Option<String>,
    base64: Option<String>,
    refused: Option<String>,
}

fn cell(input: &Value) -> &str {
    input.as_str().unwrap()
}

fn apply(vector: &Vector) -> Result<Canonical, Malformed> {
    let normaliser = Normaliser::new(vector.profile, vector.region.as_deref()).unwrap();
    let field = match vector.kind.as_str() {
        "email" => return normaliser.email(cell(&vector.input)),
        "phone" => return normaliser.phone(cell(&vector.input)),
        "postal" => {
            return normaliser.postal(&PostalParts {
                surname: cell(&vector.input[0]),
                given_name: cell(&vector.input[1]),
                street_number: cell(&vector.input[2]),
                postcode: cell(&vector.input[3]),
            });
        }
        "given_name" => Field::GivenName,
        "surname" => Field::Surname,
        "date_of_birth" => Field::DateOfBirth,
        "city" => Field::City,
        "state" => Field::State,
        "postcode" => Field::Postcode,
        "country" => Field::Country,
        other => panic!("unknown type {other}"),
    };
    let value = normaliser.field(field, cell(&vector.input))?;
    let form = vector.form.as_deref();
    Ok(match value {
        FieldValue::Hashed(canonical) if form == Some("hashed") => canonical,
        FieldValue::Plain(canonical) if form == Some("plain") => canonical,
        _ => panic!(
            "{}: hashed where plain is asked, or the reverse",
            vector.input
        ),
    })
}

#[test]
fn every_vector_gives_its_canonical_form_and_digest() {
    let vectors: Vec<Vector> = serde_json::from_str(IDENTIFIERS).unwrap();
    assert!(vectors.len() > 50);
    for vector in &vectors {
        let canonical = apply(vector).unwrap_or_else(|e| panic!("{}: {e}", vector.input));
        assert_eq!(Some(canonical.as_str()), vector.canonical.as_deref());
        let bytes = *canonical.digest().as_bytes();
        assert_eq!(Some(hex::encode(bytes)), vector.sha256, "{}", vector.input);
        assert_eq!(Some(STANDARD.encode(bytes)), vector.base64);
    }
}

#[test]
fn every_refused_cell_is_refused_for_its_reason() {
    let vectors: Vec<Vector> = serde_json::from_str(REFUSED).unwrap();
    for vector in &vectors {
        let reason = apply(vector).expect_err(&vector.input.to_string());
        assert_eq!(
            Some(reason.as_str()),
            vector.refused.as_deref(),
            "{}",
            vector.input
        );
    }
}

#[test]
fn digests_are_taken_as_sha256_only() {
    let vectors: Vec<Value> = serde_json::from_str(PREHASHED).unwrap();
    for vector in &vectors {
        let kind = IdentifierType::parse(cell(&vector["type"])).unwrap();
        match prehashed(kind, cell(&vector["input"])) {
            Ok(digest) => assert_eq!(hex::encode(digest.as_bytes()), cell(&vector["sha256"])),
            Err(reason) => assert_eq!(reason.as_str(), cell(&vector["refused"]), "{vector}"),
        }
    }
}

#[test]
fn a_digest_brought_by_a_party_equals_the_one_made_here() {
    let normaliser = Normaliser::new(Profile::Onboarding1, None).unwrap();
    let made = normaliser.email(" Anna.B+x@Gmail.com").unwrap().digest();
    let brought = prehashed(IdentifierType::Email, &hex::encode(made.as_bytes())).unwrap();
    assert!(made == brought);
}

#[test]
fn an_address_of_254_bytes_passes_and_of_255_does_not() {
    let normaliser = Normaliser::new(Profile::Onboarding1, None).unwrap();
    let domain = "example.com";
    let local = "a".repeat(254 - 1 - domain.len());
    assert!(normaliser.email(&format!("{local}@{domain}")).is_ok());
    let longer = normaliser.email(&format!("{local}a@{domain}"));
    assert_eq!(longer, Err(Malformed::TooLong));
    let monster = format!("a@{}.com", "é".repeat(1_000_000));
    assert_eq!(normaliser.email(&monster), Err(Malformed::TooLong));
}

#[test]
fn identifiers_and_digests_do_not_show_in_debug() {
    let normaliser = Normaliser::new(Profile::Onboarding1, Some("au")).unwrap();
    let canonical = normaliser.email("anna@example.com").unwrap();
    let shown = format!("{canonical:?} {:?}", canonical.digest());
    assert_eq!(shown, "Canonical(hidden) IdentifierDigest(hidden)");
}

#[test]
fn regions_without_phone_numbers_are_refused() {
    for region in ["", "A", "AUS", "XX", "001", "61", "é"] {
        assert!(
            Normaliser::new(Profile::Onboarding1, Some(region)).is_err(),
            "{region}"
        );
    }
    assert!(Normaliser::new(Profile::Onboarding1, Some("au")).is_ok());
}

#[test]
fn words_and_numbers_of_types_and_profiles_round_trip() {
    for kind in IdentifierType::ALL {
        assert_eq!(IdentifierType::parse(kind.as_str()), Some(kind));
        let json = serde_json::to_string(&kind).unwrap();
        assert_eq!(json, format!("\"{}\"", kind.as_str()));
    }
    for profile in Profile::ALL {
        assert_eq!(Profile::parse(profile.as_str()), Some(profile));
        let json = serde_json::to_string(&profile).unwrap();
        assert_eq!(json, format!("\"{}\"", profile.as_str()));
    }
    assert_eq!(IdentifierType::ALL.map(IdentifierType::code), [1, 2, 3]);
}

#[test]
fn fields_that_a_platform_does_not_take_are_refused() {
    for profile in [Profile::Onboarding1, Profile::Uid2_1] {
        let normaliser = Normaliser::new(profile, None).unwrap();
        let refused = normaliser.field(Field::Surname, "x");
        assert_eq!(refused, Err(Malformed::NotInProfile));
    }
    let meta = Normaliser::new(Profile::Meta1, Some("US")).unwrap();
    for date in ["13/40/1997", "1997-02-30", "yesterday", "19971301", "٠١٢٣"] {
        assert_eq!(
            meta.field(Field::DateOfBirth, date),
            Err(Malformed::BadField)
        );
    }
    let zip = meta.field(Field::Postcode, "94035-1234").unwrap();
    assert_eq!(zip, FieldValue::Hashed(Canonical("94035".to_owned())));
}

fn profiles() -> impl Strategy<Value = Profile> {
    proptest::sample::select(Profile::ALL.to_vec())
}

proptest! {
    #[test]
    fn no_cell_makes_a_normaliser_panic(
        profile in profiles(),
        cell in prop_oneof![any::<String>(), "[+0-9()\\-. ٠-٩;extel:,#*~/x\u{ff0b}]{0,30}", "\\PC{0,20}@\\PC{0,20}\\.\\PC{0,8}"],
    ) {
        for region in [None, Some("AU"), Some("FR"), Some("US"), Some("IT")] {
            let normaliser = Normaliser::new(profile, region).unwrap();
            let _ = normaliser.email(&cell);
            let _ = normaliser.phone(&cell);
            for field in [Field::GivenName, Field::DateOfBirth, Field::City, Field::Postcode, Field::Country] {
                let _ = normaliser.field(field, &cell);
            }
        }
        let _ = prehashed(IdentifierType::Email, &cell);
    }

    #[test]
    fn normalising_an_address_twice_changes_nothing(
        profile in profiles(),
        local in "[a-zA-ZÀ-ž0-9.+_' -]{1,20}",
        domain in "(gmail\\.com|GoogleMail\\.com|[a-zé]{1,9}\\.[a-z]{2,5}|BÜCHER\\.example|日本\\.jp)",
    ) {
        let normaliser = Normaliser::new(profile, None).unwrap();
        if let Ok(once) = normaliser.email(&format!("{local}@{domain}")) {
            prop_assert_eq!(normaliser.email(once.as_str()), Ok(once));
        }
    }

    #[test]
    fn digests_of_cells_are_those_of_their_forms(
        cell in prop_oneof![
            any::<String>(),
            "[ \t]{0,2}[a-zA-Z.+_'\u{1}-]{0,12}@(gmail\\.com|GoogleMail\\.com|[a-zA-Z0-9-]{0,8}\\.[a-zA-Z0-9-]{0,5}|[a-z.-]{0,70})[ \t]{0,2}",
            "[a-z.]{40,300}@(gmail\\.com|example\\.fr|[a-z]{55,70}\\.fr|([a-z]{1,60}\\.){3,6}com)",
            "[+0-9()\\-. ]{0,20}",
        ],
    ) {
        for profile in Profile::ALL {
            for region in [None, Some("AU"), Some("US")] {
                let normaliser = Normaliser::new(profile, region).unwrap();
                let email = normaliser.email(&cell).map(|form| form.digest());
                prop_assert_eq!(normaliser.email_digest(&cell), email);
                let phone = normaliser.phone(&cell).map(|form| form.digest());
                prop_assert_eq!(normaliser.phone_digest(&cell), phone);
            }
        }
    }

    #[test]
    fn a_digest_is_the_sha256_of_the_form(form in "\\PC{0,40}|[a-z]{50,60}|[a-z]{0,200}") {
        let expected: [u8; 32] = sha2::Sha256::digest(form.as_bytes()).into();
        prop_assert!(IdentifierDigest::of(&form).as_bytes() == &expected);
    }

    #[test]
    fn normalising_a_number_twice_changes_nothing(number in "0[23478][0-9]{8}", region in "(AU|FR|GB|DE)") {
        let normaliser = Normaliser::new(Profile::Onboarding1, Some(&region)).unwrap();
        if let Ok(once) = normaliser.phone(&number) {
            prop_assert!(once.as_str().starts_with('+'));
            prop_assert_eq!(normaliser.phone(once.as_str()), Ok(once.clone()));
            let elsewhere = Normaliser::new(Profile::Onboarding1, None).unwrap();
            prop_assert_eq!(elsewhere.phone(once.as_str()), Ok(once));
        }
    }

    #[test]
    fn normalising_an_address_on_paper_twice_changes_nothing(cells in proptest::array::uniform4("\\PC{0,12}")) {
        let normaliser = Normaliser::new(Profile::Onboarding1, None).unwrap();
        let postal = |cells: [&str; 4]| normaliser.postal(&PostalParts {
            surname: cells[0], given_name: cells[1], street_number: cells[2], postcode: cells[3],
        });
        if let Ok(once) = postal(cells.each_ref().map(String::as_str)) {
            let parts: Vec<&str> = once.as_str().split('|').collect();
            prop_assert_eq!(parts.len(), 4);
            prop_assert_eq!(parts[1].chars().count(), 1);
            let again = postal([parts[0], parts[1], parts[2], parts[3]]);
            prop_assert_eq!(again, Ok(once.clone()));
        }
    }
}
