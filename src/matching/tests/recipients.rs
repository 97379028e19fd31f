//! Rows whose consent names its recipients: used there, and nowhere else.

use std::io::Cursor;
use std::path::Path;

use tamis_protocols::consent::{ConsentRecord, Destinations};
use tamis_protocols::wire::batch::{
    BatchBuilder, ConsentField, CookieCell, Row, StreamEncoder, WireHeader,
};

use super::*;
use crate::sets::testing::{Seeded, expectation};
use crate::sets::{Expectation, SealJob, SealedSet, reach, seal};

const ROWS: u32 = 200;

/// Whom row `n` names: nobody, one, the other, both, or a stranger.
fn named(n: u32) -> Option<Vec<String>> {
    let names: &[&str] = match n % 5 {
        0 => return None,
        1 => &["dmp-b"],
        2 => &["dsp-a"],
        3 => &["dmp-b", "dsp-a", "somebody-else"],
        _ => &["somebody-else"],
    };
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn usable(n: u32, destination: &str) -> bool {
    named(n).is_none_or(|names| names.iter().any(|name| name == destination))
}

fn row(n: u32) -> TestRow {
    TestRow {
        identifiers: [Some(n), None, None],
        given: Some("2026-01-01".parse().unwrap()),
        opposed: false,
        segments: if n.is_multiple_of(2) {
            vec![0]
        } else {
            vec![1]
        },
        cookies: vec![Some(1), Some(2)],
    }
}

/// An upload of [`ROWS`] rows with the recipients of `named`.
fn upload(header: &WireHeader, named: &dyn Fn(u32) -> Option<Vec<String>>) -> Vec<u8> {
    let mut encoder = StreamEncoder::new(Vec::new(), header).unwrap();
    let mut builder = BatchBuilder::new(header).unwrap();
    for n in 0..ROWS {
        let row = row(n);
        let mut consent: ConsentRecord = row.consent();
        if let Some(names) = named(n) {
            consent.details_mut().recipients = Some(names);
        }
        let cell = |sealed: bool| CookieCell {
            tag: [n as u8; 16],
            cookie: if sealed { &[9; 88] } else { b"cookie" },
        };
        let cells: Vec<_> = (header.labels.values())
            .map(|enc| Some(cell(enc.is_some())))
            .collect();
        let sent = Row {
            tokens: [Some(token(0, n)), None, None],
            consent: &consent,
            segments: if header.segments.is_empty() {
                &[]
            } else {
                &row.segments
            },
            cookies: &cells,
        };
        builder.push_row(&sent).unwrap();
    }
    encoder.write(&builder.finish().unwrap()).unwrap();
    encoder.finish().unwrap()
}

fn set(header: &WireHeader, bytes: Vec<u8>, dir: &Path, id: &str) -> SealedSet {
    let job = SealJob {
        source: Box::new(Cursor::new(bytes)),
        dir,
        key: &key(),
        set_id: id,
        parent: None,
        ledger: None,
        expect: Expectation {
            recipients: Destinations::new(DESTINATIONS.map(|name| (name, None))),
            ..expectation(header)
        },
        memory: 0,
        entropy: &Seeded::new(5),
        threads: 2,
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    };
    seal(job).unwrap();
    SealedSet::open(dir, &key(), id).unwrap()
}

fn naming(header: WireHeader) -> WireHeader {
    WireHeader {
        consent: vec![ConsentField::Recipients],
        ..header
    }
}

/// The rows, by number, of persons: each has one token, and persons are in the order of tokens.
fn rows_of(persons: &PersonSet, accepted: &dyn Fn(u32) -> bool) -> Vec<u32> {
    let mut tokens: Vec<(Token, u32)> = (0..ROWS)
        .filter(|n| accepted(*n))
        .map(|n| (token(0, n), n))
        .collect();
    tokens.sort_by_key(|(token, _)| token.0);
    let found = (0..).zip(&tokens).filter(|(at, _)| persons.contains(*at));
    let mut rows: Vec<u32> = found.map(|(_, (_, n))| *n).collect();
    rows.sort_unstable();
    rows
}

fn ask(advertiser: &SealedSet, partner: &SealedSet, questions: Vec<Question>) -> Vec<PersonSet> {
    let plan = MatchPlan {
        advertiser,
        partner,
        suppressed: &[],
        as_of: AS_OF,
        questions,
        progress: &|_| {},
    };
    let engine = LocalEngine::default();
    engine.evaluate(&plan, &AtomicBool::new(false)).unwrap()
}

#[test]
fn an_advertisers_row_is_found_only_where_its_consent_names_the_destination() {
    let dir = tempfile::tempdir().unwrap();
    let (crm, graph) = (naming(crm()), graph());
    let shop = set(&crm, upload(&crm, &named), &dir.path().join("crm"), "crm");
    let everybody = |_| None;
    let partner = set(
        &graph,
        upload(&graph, &everybody),
        &dir.path().join("graph"),
        "graph",
    );
    // Whoever names a stranger alone is left out, and counted.
    assert_eq!(
        shop.report().dropped["recipient_missing"],
        u64::from(ROWS / 5)
    );
    type Asked = (&'static str, Option<&'static str>, fn(u32) -> bool);
    let questions: [Asked; 7] = [
        ("all", Some("dmp-b"), |_| true),
        ("all", Some("dsp-a"), |_| true),
        ("x = a", Some("dmp-b"), |n| n.is_multiple_of(2)),
        ("not x = a", Some("dmp-b"), |n| !n.is_multiple_of(2)),
        // Whatever is said, the restriction stands outside of it.
        ("all or not all", Some("dsp-a"), |_| true),
        ("not (x = a and all)", Some("dsp-a"), |n| {
            !n.is_multiple_of(2)
        }),
        ("x = a", None, |n| n.is_multiple_of(2)),
    ];
    let asked = questions.iter().map(|(text, at, _)| question(text, *at));
    let answers = ask(&shop, &partner, asked.collect());
    for ((text, at, satisfies), answer) in questions.iter().zip(&answers) {
        let expected: Vec<u32> = (0..ROWS)
            .filter(|n| n % 5 != 4 && satisfies(*n))
            .filter(|n| at.is_none_or(|at| usable(*n, at)))
            .collect();
        assert_eq!(rows_of(answer, &|_| true), expected, "{text} at {at:?}");
    }
}

#[test]
fn a_partners_cookie_is_not_kept_where_the_row_does_not_name_the_destination() {
    let dir = tempfile::tempdir().unwrap();
    let (crm, graph) = (crm(), naming(graph()));
    let everybody = |_| None;
    let shop = set(
        &crm,
        upload(&crm, &everybody),
        &dir.path().join("crm"),
        "crm",
    );
    let partner = set(
        &graph,
        upload(&graph, &named),
        &dir.path().join("graph"),
        "graph",
    );
    let accepted = |n: u32| n % 5 != 4;
    let cancel = AtomicBool::new(false);
    let reached = reach(&partner, &DESTINATIONS, AS_OF, &[], &cancel)
        .unwrap()
        .unwrap();
    let asked = DESTINATIONS
        .map(|name| question("all", Some(name)))
        .to_vec();
    let answers = ask(&shop, &partner, asked);
    for ((name, there), answer) in DESTINATIONS.iter().zip(&reached.at).zip(&answers) {
        let expected: Vec<u32> = (0..ROWS)
            .filter(|n| accepted(*n) && usable(*n, name))
            .collect();
        assert_eq!(rows_of(there, &accepted), expected, "{name}");
        assert_eq!(rows_of(answer, &accepted), expected, "{name}");
    }
}

#[test]
fn a_set_without_restricted_rows_is_as_if_there_were_none_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let with = naming(crm());
    let everybody = |_| None;
    let plain = set(
        &crm(),
        upload(&crm(), &everybody),
        &dir.path().join("a"),
        "a",
    );
    let named_nobody = set(&with, upload(&with, &everybody), &dir.path().join("b"), "b");
    let restricted = set(&with, upload(&with, &named), &dir.path().join("c"), "c");
    let labels = |set: &SealedSet| set.layers()[0].segments().to_vec();
    assert_eq!(labels(&plain), crm().segments);
    assert_eq!(labels(&named_nobody), crm().segments);
    assert!(labels(&restricted).len() > crm().segments.len());
    // What the owner is told has only its own labels.
    let told: Vec<&String> = restricted.report().segments.keys().collect();
    assert_eq!(told, crm().segments.iter().collect::<Vec<_>>());
}

#[test]
fn no_expression_can_name_the_labels_that_restrict_rows() {
    for attack in [
        r#""tamis:restricted" = yes"#,
        r#"not "tamis:restricted" = yes"#,
        r#""tamis:recipient" in ("dsp-a", "dmp-b")"#,
        r#"all or ("tamis:recipient" = dsp-a)"#,
    ] {
        let refused = Expression::parse(attack).unwrap_err();
        assert!(refused.expected.contains("tamis:"), "{attack}");
    }
}

/// The attack: hope that a compaction, which writes all classes anew, forgets who may be used where.
#[test]
fn a_compaction_keeps_every_restriction() {
    let dir = tempfile::tempdir().unwrap();
    let (crm, graph) = (naming(crm()), graph());
    let base = set(&crm, upload(&crm, &named), &dir.path().join("crm"), "crm");
    let everybody = |_| None;
    let partner = set(
        &graph,
        upload(&graph, &everybody),
        &dir.path().join("graph"),
        "graph",
    );
    let small = dir.path().join("compact");
    crate::sets::compact(crate::sets::CompactJob {
        set: &base,
        dir: &small,
        key: &key(),
        entropy: &Seeded::new(7),
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    })
    .unwrap();
    let layer = crate::sets::Layer::compacted(&small, &key(), "crm").unwrap();
    let compacted = SealedSet::stacked(vec![layer]).unwrap();
    let asked = || {
        DESTINATIONS
            .map(|name| question("all", Some(name)))
            .to_vec()
    };
    let rows = |set: &SealedSet| -> Vec<Vec<u32>> {
        let answers = ask(set, &partner, asked());
        answers.iter().map(|one| rows_of(one, &|_| true)).collect()
    };
    let before = rows(&base);
    assert_eq!(rows(&compacted), before);
    assert!(before[0] != before[1]);
}
