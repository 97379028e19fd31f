#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::date;
use tamis_keys::purpose::{CookieTag, PairKey, Sealing};
use tamis_keys::{Secret, sealing};
use tamis_protocols::consent::{ConsentRecord, ConsentRule};
use tamis_protocols::identifier::{IdentifierType, Normaliser, Profile};
use tamis_protocols::label::{LabelContext, LabelOpener, cookie_tag};
use tamis_protocols::token::{Token, Tokeniser};
use tamis_protocols::wire::api::Role;
use tamis_protocols::wire::batch::{BatchReader, StreamDecoder};
use tamis_protocols::wire::terms::Terms;

use super::testing::Seeded;
use super::*;

const COLLABORATION: &str = "00112233445566778899aabbccddeeff";

fn terms(identifiers: &[IdentifierType]) -> Terms {
    Terms {
        version: 1,
        nonce: "00".repeat(16),
        advertiser: "shop".to_owned(),
        partner: "onboarder".to_owned(),
        protocol: "keyed".to_owned(),
        profile: Profile::Onboarding1,
        identifiers: identifiers.to_vec(),
        epoch: 1,
        destinations: vec!["dsp-a".to_owned(), "dmp-b".to_owned()],
        k_min: 100,
        advertiser_consent: ConsentRule::advertiser(),
        partner_consent: ConsentRule::partner(),
        expires: date(2027, 12, 31),
    }
}

struct Party {
    dir: tempfile::TempDir,
    terms: Terms,
    pair_key: Secret<PairKey>,
    cookie_tag: Secret<CookieTag>,
    dsp_key: Secret<Sealing>,
    segments: Vec<String>,
    region: Option<&'static str>,
}

impl Party {
    fn new() -> Party {
        Party {
            dir: tempfile::tempdir().unwrap(),
            terms: terms(&[IdentifierType::Email, IdentifierType::Phone]),
            pair_key: Secret::from_bytes([1; 32]),
            cookie_tag: Secret::from_bytes([2; 32]),
            dsp_key: Secret::from_bytes([3; 32]),
            segments: Vec::new(),
            region: Some("AU"),
        }
    }

    fn file(&self, text: &str) -> PathBuf {
        let path = self.dir.path().join("input.csv");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn spool(&self) -> PathBuf {
        self.dir.path().join("spool.arrows")
    }

    fn prepare(&self, role: Role, file: &Path, dry: bool) -> Result<Prepared, PartyError> {
        let spool = self.spool();
        let destinations = [
            DestinationKey {
                name: "dsp-a".to_owned(),
                sealing_key: Some(sealing::public(&self.dsp_key)),
            },
            DestinationKey {
                name: "dmp-b".to_owned(),
                sealing_key: None,
            },
        ];
        prepare(&PrepareOptions {
            file,
            map: None,
            region: self.region,
            segments: &self.segments,
            role,
            collaboration: COLLABORATION,
            terms: &self.terms,
            pair_key: &self.pair_key,
            cookie_tag: &self.cookie_tag,
            destinations: &destinations,
            spool: (!dry).then_some(spool.as_path()),
            today: date(2026, 11, 22),
            entropy: &Seeded::new(11),
            progress: &|_| {},
        })
    }

    fn token_of_email(&self, address: &str) -> Token {
        let normaliser = Normaliser::new(Profile::Onboarding1, None).unwrap();
        let digest = normaliser.email(address).unwrap().digest();
        Tokeniser::new(&self.pair_key).token(IdentifierType::Email, &digest)
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

const CONSENT: &str = "consent,1 3 4,2026-05-05T05:00:00Z";

#[test]
fn the_example_crm_becomes_rows_that_the_service_can_read() {
    let party = Party::new();
    let prepared = party
        .prepare(Role::Advertiser, &example("crm.csv"), false)
        .unwrap();
    assert_eq!(prepared.rows, 5_000);
    let quality = &prepared.quality;
    assert_eq!(quality.rows, 5_000);
    assert_eq!(quality.identifiers[0].empty, 73);
    assert_eq!(quality.identifiers[0].malformed, 78 + 73 + 70 + 67);
    assert_eq!(quality.identifiers[1].reasons["double_zero_prefix"], 518);
    let segments = [
        "loyalty=bronze",
        "loyalty=gold",
        "loyalty=platinum",
        "loyalty=silver",
        "status=active",
        "status=inactive",
    ];
    assert_eq!(
        quality
            .segments
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>(),
        segments
    );
    assert_eq!(quality.segments["loyalty=platinum"], 107);
    let dropped: u64 = quality.dropped.values().sum();
    assert_eq!(quality.usable + dropped, 5_000);

    // What the service finds is what the report said.
    let mut decoder =
        StreamDecoder::new(BufReader::new(File::open(party.spool()).unwrap())).unwrap();
    let header = decoder.header().clone();
    assert_eq!(header.segments, segments);
    let (mut rows, mut usable) = (0, 0);
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        for row in 0..batch.num_rows() {
            rows += 1;
            let mut record = ConsentRecord::default();
            reader.consent_into(row, &mut record);
            let has_token = reader.tokens(row).iter().any(Option::is_some);
            match party
                .terms
                .advertiser_consent
                .evaluate(&record, date(2026, 11, 22))
            {
                Ok(_) if has_token => usable += 1,
                Ok(_) => *reasons.entry("no_identifier").or_default() += 1,
                Err(reason) => {
                    assert!(
                        !has_token,
                        "a token of somebody whose consent can never do was sent"
                    );
                    *reasons.entry(reason.as_str()).or_default() += 1;
                }
            }
        }
    }
    assert_eq!((rows, usable), (5_000, quality.usable));
    assert_eq!(reasons, quality.dropped);
}

#[test]
fn the_example_graph_carries_sealed_and_open_cookies() {
    let party = Party::new();
    let prepared = party
        .prepare(Role::Partner, &example("graph.csv"), false)
        .unwrap();
    assert_eq!(prepared.rows, 7_272);
    assert_eq!(prepared.quality.cookies["dsp-a"].present, 7_272 - 1_218);
    let mut decoder =
        StreamDecoder::new(BufReader::new(File::open(party.spool()).unwrap())).unwrap();
    let header = decoder.header().clone();
    assert_eq!(header.labels["dmp-b"], None);
    let context = LabelContext {
        collaboration: COLLABORATION,
        destination: "dsp-a",
    };
    let opener =
        LabelOpener::new(&party.dsp_key, &header.labels["dsp-a"].unwrap(), &context).unwrap();
    let mut sealed = BTreeSet::new();
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        for row in 0..batch.num_rows() {
            // By name: dmp-b is 0, dsp-a is 1.
            if let Some(open) = reader.cookie(row, 0) {
                assert_eq!(open.cookie.len(), 19);
            }
            if let Some(cell) = reader.cookie(row, 1) {
                let cookie = opener.open(cell.cookie.try_into().unwrap()).unwrap();
                assert_eq!(
                    cell.tag,
                    cookie_tag(&party.cookie_tag, COLLABORATION, "dsp-a", &cookie)
                );
                sealed.insert(String::from_utf8(cookie).unwrap());
            }
        }
    }
    let text = std::fs::read_to_string(example("graph.csv")).unwrap();
    assert!(sealed.len() > 4_000);
    assert!(sealed.iter().all(|cookie| text.contains(cookie.as_str())));
}

#[test]
fn no_identifier_and_no_cookie_is_in_the_spool() {
    let party = Party::new();
    let text = format!(
        "email,phone,cookie_dsp_a,cookie_dmp_b,consent_purposes,consent_at\nAnna.Secret@Example.com,0405 013 424,dsp-cookie-1,,1 3 4,2026-06-01\n,,,{},1 3 4,2026-06-01\n",
        "x".repeat(64)
    );
    party
        .prepare(Role::Partner, &party.file(&text), false)
        .unwrap();
    let spool = std::fs::read(party.spool()).unwrap();
    let normaliser = Normaliser::new(Profile::Onboarding1, None).unwrap();
    let digest = normaliser
        .email("anna.secret@example.com")
        .unwrap()
        .digest();
    let holds = |needle: &[u8]| spool.windows(needle.len()).any(|window| window == needle);
    for secret in [
        &b"nna.secret"[..],
        b"Secret",
        b"405013424",
        b"dsp-cookie-1",
        digest.as_bytes(),
    ] {
        assert!(!holds(secret));
    }
    assert!(holds(&party.token_of_email("anna.secret@example.com").0));
}

#[test]
fn the_order_of_the_file_is_not_the_order_of_the_upload() {
    let party = Party::new();
    let mut text = String::from("email,consent_basis,consent_purposes,consent_at\n");
    (0..300).for_each(|row| text.push_str(&format!("p{row}@example.com,{CONSENT}\n")));
    party
        .prepare(Role::Advertiser, &party.file(&text), false)
        .unwrap();
    let mut decoder = StreamDecoder::new(File::open(party.spool()).unwrap()).unwrap();
    let header = decoder.header().clone();
    let mut found = Vec::new();
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        found.extend((0..batch.num_rows()).map(|row| reader.tokens(row)[0].unwrap()));
    }
    let expected: Vec<Token> = (0..300)
        .map(|row| party.token_of_email(&format!("p{row}@example.com")))
        .collect();
    assert_ne!(found, expected);
    let in_place = found.iter().zip(&expected).filter(|(a, b)| a == b).count();
    assert!(in_place < 15, "{in_place} rows kept their place");
    assert_eq!(
        found.into_iter().collect::<BTreeSet<_>>(),
        expected.into_iter().collect()
    );
}

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
fn digests_of_the_same_person_give_the_same_token() {
    let party = Party::new();
    let normaliser = Normaliser::new(Profile::Onboarding1, None).unwrap();
    let digest = hex::encode(
        normaliser
            .email("anna@example.com")
            .unwrap()
            .digest()
            .as_bytes(),
    );
    let text = format!(
        "email_sha256,email,consent_basis,consent_purposes,consent_at\n{digest},,{CONSENT}\n\
         d41d8cd98f00b204e9800998ecf8427e,,{CONSENT}\n{digest},anna@example.com,{CONSENT}\n\
         {digest},bob@example.com,{CONSENT}\n,{digest},{CONSENT}\n"
    );
    let quality = party
        .prepare(Role::Advertiser, &party.file(&text), false)
        .unwrap()
        .quality;
    let (email, hashed) = (&quality.identifiers[0], &quality.identifiers[1]);
    assert_eq!((email.already_hashed, hashed.column), (1, "email_sha256"));
    assert_eq!(
        (hashed.valid, hashed.duplicate, hashed.contradicting),
        (3, 2, 1)
    );
    assert_eq!(hashed.reasons["md5"], 1);
    assert_eq!(quality.dropped["no_identifier"], 2);
    let mut decoder = StreamDecoder::new(File::open(party.spool()).unwrap()).unwrap();
    let header = decoder.header().clone();
    let batch = decoder.next_batch().unwrap().unwrap();
    let reader = BatchReader::new(&batch, &header).unwrap();
    let tokens: Vec<Token> = (0..5).filter_map(|row| reader.tokens(row)[0]).collect();
    let anna = party.token_of_email("anna@example.com");
    assert_eq!(tokens.iter().filter(|token| **token == anna).count(), 2);
    assert!(tokens.contains(&party.token_of_email("bob@example.com")));
}

#[test]
fn rows_that_only_another_day_could_let_in_are_sent_whole() {
    let party = Party::new();
    let text = "email,consent_basis,consent_purposes,consent_at\n\
                old@example.com,consent,3 4,2024-01-01\nnew@example.com,consent,3 4,2026-11-23\n\
                ok@example.com,consent,3 4,2026-11-22\nno@example.com,consent,3,2026-11-22\n";
    let quality = party
        .prepare(Role::Advertiser, &party.file(text), false)
        .unwrap()
        .quality;
    assert_eq!(quality.usable, 1);
    assert_eq!(
        (
            quality.dropped["too_old"],
            quality.dropped["consent_in_future"]
        ),
        (1, 1)
    );
    let mut decoder = StreamDecoder::new(File::open(party.spool()).unwrap()).unwrap();
    let header = decoder.header().clone();
    let batch = decoder.next_batch().unwrap().unwrap();
    let reader = BatchReader::new(&batch, &header).unwrap();
    let with_token = (0..4)
        .filter(|row| reader.tokens(*row)[0].is_some())
        .count();
    assert_eq!(with_token, 3);
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
fn who_withdraws_has_the_tokens_of_the_upload() {
    let party = Party::new();
    let file = party
        .file("E-Mail,Phone\n Anna.B@GMAIL.com ,0405 013 424\nn/a,\nanna.b+x@googlemail.com,\n");
    let tokens = withdrawal_tokens(&WithdrawalOptions {
        file: &file,
        map: None,
        region: Some("AU"),
        terms: &party.terms,
        pair_key: &party.pair_key,
    })
    .unwrap();
    assert_eq!(tokens.len(), 2);
    assert!(tokens.contains(&party.token_of_email("annab@gmail.com")));
    assert!(tokens.is_sorted());
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
        collaboration: COLLABORATION,
        terms: &party.terms,
        pair_key: &party.pair_key,
        cookie_tag: &party.cookie_tag,
        destinations: &[],
        spool: None,
        today: date(2026, 11, 22),
        entropy: &Seeded::new(1),
        progress: &progress,
    })
    .unwrap();
    assert_eq!(seen.into_inner(), std::fs::metadata(&file).unwrap().len());
}

/// `cargo test --release party_speed -- --ignored --nocapture`: rows per second of each step.
#[test]
#[ignore = "a measurement: one million rows"]
#[allow(clippy::print_stderr)]
fn party_speed() {
    const ROWS: u64 = 1_000_000;
    let party = Party::new();
    let timed = |what: &str, work: &dyn Fn()| {
        let start = std::time::Instant::now();
        work();
        let seconds = start.elapsed().as_secs_f64();
        eprintln!(
            "{what}: {seconds:.2} s, {:.0} rows/s",
            ROWS as f64 / seconds
        );
    };
    timed("population (both files)", &|| {
        population::write(party.dir.path(), ROWS, 1).unwrap();
    });
    for (role, name) in [(Role::Advertiser, "crm.csv"), (Role::Partner, "graph.csv")] {
        let file = party.dir.path().join(name);
        for dry in [true, false] {
            timed(&format!("{name}, dry run: {dry}"), &|| {
                let prepared = party.prepare(role, &file, dry).unwrap();
                assert_eq!(prepared.quality.rows, ROWS);
            });
        }
    }
}
