#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn facts() -> Facts {
    Facts {
        file: "crm.csv".to_owned(),
        kind: "crm",
        as_of: jiff::civil::date(2026, 11, 22),
        ragged: 7,
        ragged_lines: vec![3, 9],
        destinations: vec!["dsp-a".to_owned()],
        labels: vec!["loyalty=gold".to_owned()],
        columns: BTreeMap::from([("email".to_owned(), "Mail".to_owned())]),
        ignored_columns: vec!["id".to_owned()],
        notes: Vec::new(),
    }
}

fn tally() -> Tally {
    let mut tally = Tally::new(1, 1);
    tally.rows = 1_500;
    tally.usable = 600;
    tally.dropped.insert(DropReason::Opposed, 900);
    tally.unreadable.insert("consent_at", 4);
    tally.segments[0] = 1_234;
    tally.cookies[0].unusable = 2;
    let cells = tally.cells_mut(IdentifierColumn::Email);
    cells.valid = 1_000;
    for reason in [
        Malformed::NoAtSign,
        Malformed::NoAtSign,
        Malformed::AlreadyHashed,
    ] {
        cells.count::<()>(&Err(reason));
    }
    tally
}

fn report() -> Quality {
    let repeated = Repeated {
        values: 200,
        estimated: true,
    };
    Quality::new(facts(), &tally(), &[(IdentifierColumn::Email, repeated)])
}

#[test]
fn the_report_says_what_is_wrong_and_what_helps() {
    let text = report().to_string();
    for word in [
        "1,500 rows",
        "600 can take part (40 %)",
        "≈200",
        "opposed",
        "loyalty=gold",
        "2 × no @",
        "email_sha256",
        "lines 3, 9, …",
        "4 cells of consent_at",
        "63 bytes",
        "fewer than half",
        "tenth of the values",
    ] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
}

#[test]
fn the_report_serialises_with_stable_names() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["identifiers"][0]["column"], "email");
    assert_eq!(json["identifiers"][0]["malformed"], 3);
    assert_eq!(json["identifiers"][0]["already_hashed"], 1);
    assert_eq!(json["identifiers"][0]["reasons"]["no_at_sign"], 2);
    assert_eq!(json["dropped"]["opposed"], 900);
    assert_eq!(json["as_of"], "2026-11-22");
    assert_eq!(json["segments"]["loyalty=gold"], 1_234);
}

#[test]
fn adding_tallies_adds_every_counter() {
    let mut sum = tally();
    sum.add(&tally());
    assert_eq!(sum.rows, 3_000);
    assert_eq!(sum.cells[0].refused[&Malformed::NoAtSign], 4);
    assert_eq!(sum.dropped[&DropReason::Opposed], 1_800);
    assert_eq!(sum.cookies[0].unusable, 4);
    assert_eq!(sum.segments[0], 2_468);
}
