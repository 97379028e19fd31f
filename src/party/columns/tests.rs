#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const KEYS: [IdentifierType; 2] = [IdentifierType::Email, IdentifierType::Phone];

fn header(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

fn crm<'a>() -> Wanted<'a> {
    Wanted {
        identifiers: &KEYS,
        consent: Consent::WithBasis,
        destinations: &[],
        segments: Some(&[]),
    }
}

fn find(columns: &str, map: &str, wanted: &Wanted<'_>) -> Result<Layout, ColumnError> {
    Layout::find(&header(columns), &ColumnMap::parse(map).unwrap(), wanted)
}

#[test]
fn usual_names_are_found_in_any_spelling() {
    let text = "ID,E-Mail,Mobile,Consent Basis,CONSENT-PURPOSES,consentAt,Loyalty,Opt_Out,x";
    let layout = find(text, "", &crm()).unwrap();
    let column = |role| layout.chosen[layout.position(role).unwrap()];
    assert_eq!((column(Role::Email), column(Role::Phone)), (1, 2));
    assert_eq!(
        (column(Role::ConsentBasis), column(Role::ConsentAt)),
        (3, 5)
    );
    assert_eq!(column(Role::Opposed), 7);
    assert_eq!(
        layout.segments,
        [("loyalty".to_owned(), layout.segments[0].1)]
    );
    assert_eq!(layout.chosen[layout.segments[0].1], 6);
    assert_eq!(layout.ignored, ["ID", "x"]);
    assert_eq!(layout.found["email"], "E-Mail");
}

#[test]
fn cookies_are_found_by_the_name_of_their_destination() {
    let destinations = ["dmp-b".to_owned(), "dsp-a".to_owned()];
    let wanted = Wanted {
        identifiers: &KEYS,
        consent: Consent::WithoutBasis,
        destinations: &destinations,
        segments: None,
    };
    let layout = find(
        "email,cookie_dsp_a,Cookie-DMP-B,cookie_x,consent_purposes,consent_at",
        "",
        &wanted,
    )
    .unwrap();
    assert_eq!(layout.chosen[layout.position(Role::Cookie(0)).unwrap()], 2);
    assert_eq!(layout.chosen[layout.position(Role::Cookie(1)).unwrap()], 1);
    assert_eq!(layout.notes.len(), 1, "no phone column: {:?}", layout.notes);
    let error = find("email,consent_purposes,consent_at", "", &wanted)
        .unwrap_err()
        .to_string();
    assert!(error.contains("cookie_dmp_b, or cookie_dsp_a"), "{error}");
}

#[test]
fn what_is_missing_is_named_with_what_was_found() {
    let error = find("Nom,Prénom,consent_at", "", &crm())
        .unwrap_err()
        .to_string();
    for word in [
        "email or email_sha256",
        "consent_basis",
        "consent_purposes",
        "Nom, Prénom",
    ] {
        assert!(error.contains(word), "{word}: {error}");
    }
    let error = find("email;phone;consent_at", "", &crm())
        .unwrap_err()
        .to_string();
    assert!(error.contains("semicolons"), "{error}");
}

#[test]
fn a_file_without_a_header_does_not_show_its_first_person() {
    // The attack: an error message that carries the first line into a log.
    let error = find("anna@example.com,0612345678,consent", "", &crm())
        .unwrap_err()
        .to_string();
    assert!(
        !error.contains("anna") && !error.contains("0612345678"),
        "{error}"
    );
    assert!(error.contains("first line"), "{error}");
}

#[test]
fn a_map_overrides_adds_and_removes() {
    let text = "Mail perso,email,b,p,at,x";
    let map = "email = \"Mail perso\"\nconsent_basis = \"b\"\nconsent-purposes = 'p'\nconsent_at = 'at'\ncookie_elsewhere = 'x'";
    let layout = find(text, map, &crm()).unwrap();
    assert_eq!(layout.chosen[layout.position(Role::Email).unwrap()], 0);
    let named = "phone = ''\nconsent_basis = 'b'\nconsent_purposes = 'p'\nconsent_at = 'at'";
    let removed = find("email,phone,b,p,at", named, &crm()).unwrap();
    assert_eq!(removed.position(Role::Phone), None);
}

#[test]
fn two_columns_for_one_thing_need_a_map() {
    let text = "phone,mobile,consent_basis,consent_purposes,consent_at";
    let error = find(text, "", &crm()).unwrap_err();
    assert!(matches!(error, ColumnError::Twice { .. }), "{error}");
    assert!(find(text, "phone = 'mobile'", &crm()).is_ok());
}

#[test]
fn a_wrong_map_is_refused_with_its_reason() {
    let refused = |map: &str| {
        let map = ColumnMap::parse(map)?;
        Layout::find(&header("email,x"), &map, &crm()).map(drop)
    };
    for (map, word) in [
        ("email = ", "line 1"),
        ("x = 1", "line 1"),
        ("e_mail_address = 'x'", "there is no role"),
        ("email = 'nope'", "there is no column `nope`"),
    ] {
        let error = refused(map).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn named_segment_columns_are_taken_and_missing_ones_refused() {
    let text = "email,Store City,status,consent_basis,consent_purposes,consent_at";
    let named = ["store_city".to_owned()];
    let wanted = Wanted {
        segments: Some(&named),
        ..crm()
    };
    let layout = find(text, "", &wanted).unwrap();
    assert_eq!(layout.segments[0].0, "store_city");
    assert_eq!(layout.segments.len(), 1);
    let unknown = ["rank".to_owned()];
    let error = find(
        text,
        "",
        &Wanted {
            segments: Some(&unknown),
            ..crm()
        },
    )
    .unwrap_err();
    assert!(matches!(error, ColumnError::NoSegment { .. }));
}

#[test]
fn a_postal_identifier_needs_its_four_columns() {
    let keys = [IdentifierType::Email, IdentifierType::Postal];
    let wanted = Wanted {
        identifiers: &keys,
        consent: Consent::NotRead,
        destinations: &[],
        segments: None,
    };
    let layout = find("email,surname,given_name,street_number", "", &wanted).unwrap();
    assert!(!layout.has_postal());
    assert_eq!(layout.notes.len(), 1);
    assert!(
        find("email,last_name,First Name,street_number,zip", "", &wanted)
            .unwrap()
            .has_postal()
    );
}
