//! Reports and refusals, and how fast they come.

use super::*;

#[test]
fn a_dry_run_gives_the_same_report_and_writes_nothing() {
    let party = Party::new();
    let dry = party
        .prepare(Role::Advertiser, &example("crm.csv"), true)
        .unwrap();
    assert_eq!(dry.rows, 0);
    assert!(
        std::fs::read_dir(party.dir.path())
            .unwrap()
            .next()
            .is_none()
    );
    let wet = party
        .prepare(Role::Advertiser, &example("crm.csv"), false)
        .unwrap();
    let json = |prepared: &Prepared| serde_json::to_value(&prepared.quality).unwrap();
    assert_eq!(json(&dry), json(&wet));
}

#[test]
fn bad_files_are_refused_and_leave_no_spool() {
    let party = Party::new();
    let head = "email,consent_basis,consent_purposes,consent_at\n";
    for (text, word) in [
        (String::new(), "empty"),
        (head.to_owned(), "no rows"),
        (format!("{head}a\nb\n"), "all 2 rows"),
        (format!("{head}n/a,{CONSENT}\n"), "--dry-run"),
        ("a,b\n1,2\n".to_owned(), "consent_basis"),
        (
            format!("{head}{},{CONSENT}\n", "x".repeat(2 << 20)),
            "line 2",
        ),
    ] {
        let error = party
            .prepare(Role::Advertiser, &party.file(&text), false)
            .unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        let left = std::fs::read_dir(party.dir.path()).unwrap().count();
        assert_eq!(left, 1, "only the input is there");
    }
    assert!(matches!(
        party.prepare(Role::Auditor, &example("crm.csv"), true),
        Err(PartyError::WrongRole)
    ));
    let nowhere = Party {
        region: Some("XX"),
        ..Party::new()
    };
    let error = nowhere
        .prepare(Role::Advertiser, &example("crm.csv"), true)
        .unwrap_err();
    assert!(error.to_string().contains("--region"), "{error}");
}

#[test]
fn a_file_with_a_third_of_garbage_is_reported_and_the_rest_is_used() {
    let party = Party::new();
    let mut text = String::from("email,consent_basis,consent_purposes,consent_at\n");
    for row in 0..3_000 {
        match row % 10 {
            0 => text.push_str("garbage\n"),
            1 => text.push_str("@@@@,,,\n"),
            2 => text.push_str("a,b,c,d,e,f,g\n"),
            _ => text.push_str(&format!("p{row}@example.com,{CONSENT}\n")),
        }
    }
    let quality = party
        .prepare(Role::Advertiser, &party.file(&text), false)
        .unwrap()
        .quality;
    assert_eq!(
        (quality.ragged, quality.usable, quality.rows),
        (600, 2_100, 2_400)
    );
    assert_eq!(quality.ragged_lines, [2, 4, 12, 14, 22]);
    assert_eq!(quality.dropped["no_basis"], 300);
}

#[test]
fn too_many_segment_labels_are_refused_with_advice() {
    let mut party = Party::new();
    let mut text = String::from("email,city,consent_basis,consent_purposes,consent_at\n");
    (0..1_001).for_each(|row| text.push_str(&format!("p{row}@example.com,city {row},{CONSENT}\n")));
    let file = party.file(&text);
    assert!(party.prepare(Role::Advertiser, &file, true).is_ok());
    party.segments = vec!["city".to_owned()];
    let error = party
        .prepare(Role::Advertiser, &file, true)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`city`") && error.contains("--segments"),
        "{error}"
    );
}

#[test]
fn rare_values_are_left_out_and_the_common_ones_kept() {
    let mut party = Party::new();
    let mut text = String::from("email,tier,consent_basis,consent_purposes,consent_at\n");
    for row in 0..3_000 {
        let garbage = format!("\u{a7}{row}");
        let tier = match row % 3 {
            0 => "gold",
            1 => "silver",
            _ => &garbage,
        };
        text.push_str(&format!("p{row}@example.com,{tier},{CONSENT}\n"));
    }
    text.push_str(&format!("q@example.com,extra,{CONSENT}\n"));
    party.segments = vec!["tier".to_owned()];
    let file = party.file(&text);
    let quality = party
        .prepare(Role::Advertiser, &file, true)
        .unwrap()
        .quality;
    assert_eq!(quality.segments.len(), 2);
    assert_eq!(quality.segments["tier=gold"], 1_000);
    assert!(
        quality
            .warnings
            .iter()
            .any(|w| w.contains("1001 rare values of `tier`"))
    );
}

#[test]
fn segment_values_are_trimmed_and_lowercase() {
    let mut party = Party::new();
    party.segments = vec!["Tier".to_owned()];
    let text = format!(
        "email,tier,consent_basis,consent_purposes,consent_at\na@b.fr, GOLD ,{CONSENT}\nc@d.fr,gold,{CONSENT}\ne@f.fr,,{CONSENT}\n"
    );
    let quality = party
        .prepare(Role::Advertiser, &party.file(&text), true)
        .unwrap()
        .quality;
    assert_eq!(
        quality.segments,
        BTreeMap::from([("tier=gold".to_owned(), 2)])
    );
}

#[test]
fn progress_ends_at_the_length_of_the_file() {
    let party = Party::new();
    let seen = AtomicU64::new(0);
    let file = example("crm.csv");
    let progress = |bytes: u64| {
        assert!(seen.swap(bytes, Ordering::Relaxed) <= bytes);
    };
    prepare(&PrepareOptions {
        file: &file,
        map: None,
        region: party.region,
        segments: &[],
        role: Role::Advertiser,
        mode: Default::default(),
        collaboration: COLLABORATION,
        terms: &party.terms,
        pair_key: &party.pair_key,
        bridge: None,
        cookie_tag: &party.cookie_tag,
        destinations: &[],
        spool: None,
        today: date(2026, 11, 22),
        entropy: &Seeded::new(1),
        progress: &progress,
        stop: &std::sync::atomic::AtomicBool::new(false),
    })
    .unwrap();
    assert_eq!(seen.into_inner(), std::fs::metadata(&file).unwrap().len());
}
