//! Cosignatures and what a witness answers.

use proptest::prelude::*;

use super::*;

const TIME: u64 = 1_795_600_000;

pub(super) fn witness(n: u8) -> WitnessKey {
    let name = format!("witness.example/w{n}");
    WitnessKey::new(Secret::from_bytes([n; 32]), &name).unwrap()
}

fn verifiers(count: u8) -> Vec<WitnessVerifier> {
    (1..=count).map(|n| witness(n).verifier()).collect()
}

/// Leaf `n` of side `side` of a fork, which begins behind leaf 5.
pub(super) fn act(n: u64, side: u8) -> Vec<u8> {
    let subject = match n < 5 {
        true => format!("party-{n}"),
        false => format!("party-{n}-{side}"),
    };
    let event = Event::Admin {
        action: "party-invited".into(),
        subject,
    };
    leaf(n as usize % 60, "operator", event).to_bytes()
}

/// A log of `size` leaves and its root, published in two steps.
fn side(size: u64, side: u8) -> (MemoryStore, [u8; 32]) {
    let leaves: Vec<_> = (0..size).map(|n| act(n, side)).collect();
    let mut store = MemoryStore::default();
    let (_, root) = publish(0, &leaves, &mut store).unwrap();
    (store, root)
}

/// The request that takes a witness from `old` to `size` leaves.
pub(super) fn request(old: u64, size: u64, fork: u8) -> AddCheckpoint {
    let (store, root) = side(size, fork);
    let proof = match old {
        0 => Vec::new(),
        old if old >= size => Vec::new(),
        old => consistency_proof(&store, size, &root, old).unwrap(),
    };
    AddCheckpoint {
        old,
        proof,
        checkpoint: key().sign_checkpoint(size, &root).into_bytes(),
    }
}

fn watching() -> Witness {
    Witness::new([key().vkey().as_str()]).unwrap()
}

fn consider(last: Option<&Seen>, request: &AddCheckpoint) -> Verdict {
    match watching().read(&request.to_bytes()) {
        Ok(known) => Witness::consider(last, &known),
        Err(verdict) => verdict,
    }
}

fn seen(size: u64, fork: u8) -> Seen {
    let (_, root) = side(size, fork);
    Seen { size, root }
}

fn cosigned(size: u64, by: &[u8]) -> String {
    let (_, root) = side(size, 0);
    let checkpoint = key().sign_checkpoint(size, &root);
    let (text, _) = checkpoint.split_once("\n\n").unwrap();
    let text = format!("{text}\n");
    let lines = by.iter().map(|n| witness(*n).cosign(text.as_bytes(), TIME));
    checkpoint.clone() + &lines.collect::<String>()
}

#[test]
fn a_cosigned_checkpoint_names_the_witnesses_that_are_known() {
    let bytes = cosigned(7, &[1, 2, 3]);
    let opened = open_cosigned(bytes.as_bytes(), &key().vkey(), &verifiers(2)).unwrap();
    assert_eq!(opened.head.size, 7);
    let named: Vec<_> = opened.by.iter().map(|one| one.witness.as_str()).collect();
    assert_eq!(named, ["witness.example/w1", "witness.example/w2"]);
    assert!(opened.by.iter().all(|one| one.time == TIME));
    let plain = open_checkpoint(bytes.as_bytes(), &key().vkey()).unwrap();
    assert_eq!(plain, opened.head);
}

#[test]
fn a_verifier_key_of_a_witness_has_one_spelling() {
    let vkey = witness(1).verifier().vkey();
    assert_eq!(WitnessVerifier::parse(&vkey), Some(witness(1).verifier()));
    assert!(WitnessVerifier::parse(&key().vkey()).is_none(), "of a log");
    for at in 0..vkey.len() {
        let mut altered = vkey.clone().into_bytes();
        altered[at] ^= 1;
        let altered = String::from_utf8(altered).unwrap();
        assert!(WitnessVerifier::parse(&altered).is_none(), "byte {at}");
    }
    assert!(WitnessVerifier::parse(&vkey.to_uppercase()).is_none());
}

#[test]
fn every_flipped_byte_of_a_cosigned_checkpoint_is_found_by_whoever_knows_its_witnesses() {
    let honest = cosigned(7, &[1, 2]).into_bytes();
    for at in 0..honest.len() {
        for mask in [0x01, 0x20] {
            let mut altered = honest.clone();
            altered[at] ^= mask;
            let opened = open_cosigned(&altered, &key().vkey(), &verifiers(2));
            // A name or key id that is no longer the witness's is a line of nobody who is known.
            let fewer = opened.is_none_or(|opened| opened.by.len() < 2);
            assert!(fewer, "byte {at}, mask {mask:#x}");
        }
    }
}

#[test]
fn forged_moved_repeated_and_too_many_cosignatures_do_not_count() {
    let vkey = key().vkey();
    let honest = cosigned(7, &[1]);
    let line = honest.lines().last().unwrap().to_owned() + "\n";
    let opens = |bytes: &str| open_cosigned(bytes.as_bytes(), &vkey, &verifiers(2));
    assert_eq!(opens(&honest).unwrap().by.len(), 1);
    // The cosignature of another checkpoint.
    let other = cosigned(8, &[]);
    assert!(opens(&format!("{other}{line}")).is_none());
    // The same line twice would count twice.
    assert!(opens(&format!("{honest}{line}")).is_none());
    // A key of the same name that is not the witness's.
    let forger = WitnessKey::new(Secret::from_bytes([9; 32]), "witness.example/w2").unwrap();
    let text = honest.split_once("\n\n").unwrap().0.to_owned() + "\n";
    let forged = forger.cosign(text.as_bytes(), TIME);
    assert_eq!(opens(&format!("{honest}{forged}")).unwrap().by.len(), 1);
    // Before the log's own line.
    let (text, own) = cosigned(7, &[])
        .split_once("\n\n")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert!(opens(&format!("{text}\n\n{line}{own}")).is_none());
    let strangers: Vec<u8> = (10..10 + MAX_COSIGNATURES as u8).collect();
    assert!(opens(&cosigned(7, &strangers)).is_some());
    let more: Vec<u8> = (10..11 + MAX_COSIGNATURES as u8).collect();
    assert!(opens(&cosigned(7, &more)).is_none());
}

#[test]
fn a_time_beyond_the_standard_is_refused() {
    let text = "tamis.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    let check = |time: u64| {
        let line = witness(1).cosign(text.as_bytes(), time);
        witness(1).verifier().pick(text.as_bytes(), &line).is_some()
    };
    assert!(check(0) && check(i64::MAX as u64));
    assert!(!check(1 << 63));
}

#[test]
fn a_witness_cosigns_what_continues_what_it_saw_and_nothing_else() {
    assert!(matches!(
        consider(None, &request(0, 7, 0)),
        Verdict::Cosign { .. }
    ));
    let (last, newer) = (seen(7, 0), seen(300, 0));
    let Verdict::Cosign { seen, text } = consider(Some(&last), &request(7, 300, 0)) else {
        panic!("refused");
    };
    assert_eq!(seen, newer);
    assert!(text.starts_with(b"tamis.example/log\n300\n"));
    // The same again: the answer may have been lost.
    assert!(matches!(
        consider(Some(&last), &request(7, 7, 0)),
        Verdict::Cosign { .. }
    ));
}

#[test]
fn an_operator_who_shows_two_logs_gets_no_second_cosignature() {
    let last = seen(7, 0);
    // The other log, of the same size: whatever the request says of the old one.
    assert_eq!(
        consider(Some(&last), &request(7, 7, 1)),
        Verdict::Conflict { size: 7 }
    );
    assert_eq!(
        consider(Some(&last), &request(0, 7, 1)),
        Verdict::Conflict { size: 7 }
    );
    // It grew: no proof leads from one to the other.
    assert_eq!(consider(Some(&last), &request(7, 9, 1)), Verdict::BadProof);
    // The common beginning is shorter than what was seen.
    assert_eq!(
        consider(Some(&last), &request(5, 9, 1)),
        Verdict::Conflict { size: 7 }
    );
    // Rolled back.
    assert_eq!(
        consider(Some(&last), &request(0, 6, 0)),
        Verdict::Conflict { size: 7 }
    );
    let mut back = request(0, 6, 0);
    back.old = 7;
    assert_eq!(consider(Some(&last), &back), Verdict::Malformed);
}

#[test]
fn the_answers_are_those_of_the_standard() {
    let last = seen(7, 0);
    let good = request(7, 9, 0);
    let mut proof = good.clone();
    proof.proof[0][0] ^= 1;
    assert_eq!(consider(Some(&last), &proof), Verdict::BadProof);
    let mut longer = good.clone();
    longer.proof.push([0; 32]);
    assert_eq!(consider(Some(&last), &longer), Verdict::BadProof);
    let mut needless = request(0, 7, 0);
    needless.proof.push([0; 32]);
    assert_eq!(consider(None, &needless), Verdict::BadProof);
    assert_eq!(consider(None, &good), Verdict::Conflict { size: 0 });

    let other = LogKey::new(Secret::from_bytes([0x72; 32]), ORIGIN).unwrap();
    let elsewhere = LogKey::new(Secret::from_bytes([0x71; 32]), "other.example/log").unwrap();
    let (_, root) = side(9, 0);
    let signed = |key: &LogKey| AddCheckpoint {
        checkpoint: key.sign_checkpoint(9, &root).into_bytes(),
        ..good.clone()
    };
    assert_eq!(
        consider(Some(&last), &signed(&other)),
        Verdict::BadSignature
    );
    assert_eq!(
        consider(Some(&last), &signed(&elsewhere)),
        Verdict::UnknownLog
    );
}

#[test]
fn only_one_spelling_of_a_request_is_read() {
    let body = String::from_utf8(request(5, 9, 0).to_bytes()).unwrap();
    assert!(AddCheckpoint::parse(body.as_bytes()).is_some());
    let full = AddCheckpoint {
        proof: vec![[7; 32]; MAX_PROOF],
        ..request(5, 9, 0)
    };
    assert_eq!(AddCheckpoint::parse(&full.to_bytes()), Some(full.clone()));
    let more = AddCheckpoint {
        proof: vec![[7; 32]; MAX_PROOF + 1],
        ..full
    };
    for bad in [
        more.to_bytes(),
        body.replacen("old 5", "old 05", 1).into_bytes(),
        body.replacen("old 5", "old +5", 1).into_bytes(),
        body.replacen("old 5", "old  5", 1).into_bytes(),
        body.replacen("old 5", "new 5", 1).into_bytes(),
        body.replacen('\n', "\r\n", 1).into_bytes(),
        body.replacen("=\n", "\n", 1).into_bytes(),
        b"old 5\n".to_vec(),
        b"\n\n".to_vec(),
        Vec::new(),
    ] {
        assert!(AddCheckpoint::parse(&bad).is_none(), "{bad:?}");
        assert_eq!(watching().read(&bad).err(), Some(Verdict::Malformed));
    }
}

#[test]
fn a_log_with_extension_lines_and_other_signatures_is_cosigned_as_it_is() {
    let honest = request(0, 7, 0);
    let text = String::from_utf8(honest.checkpoint).unwrap();
    let (text, _) = text.split_once("\n\n").unwrap();
    // Signed by hand: our own log has no extension lines.
    let text = format!("{text}\nextended\n");
    let signing = tamis_keys::signing::SigningKey::<tamis_keys::purpose::LogSigning>::from_secret(
        &Secret::from_bytes([0x71; 32]),
    );
    let id = signed_note::key_id(ORIGIN, &[&[1][..], &signing.public()].concat());
    let line = signed_note::Signature::new(
        ORIGIN.to_owned(),
        id,
        signing.sign(text.as_bytes()).to_vec(),
    );
    let line = String::from_utf8(line.unwrap().to_bytes()).unwrap();
    let stranger = witness(9).cosign(text.as_bytes(), TIME);
    let checkpoint = format!("{text}\n{line}{stranger}").into_bytes();
    assert!(open_checkpoint(&checkpoint, &key().vkey()).is_none());
    let request = AddCheckpoint {
        old: 0,
        proof: Vec::new(),
        checkpoint,
    };
    let Verdict::Cosign { text: told, .. } = consider(None, &request) else {
        panic!("refused");
    };
    assert_eq!(told, text.as_bytes());
}

proptest! {
    #[test]
    fn random_requests_never_panic_and_altered_ones_are_never_cosigned(
        bytes: Vec<u8>,
        at in 0usize..400,
        to: u8,
    ) {
        let _ = watching().read(&bytes);
        let honest = request(5, 9, 0).to_bytes();
        let mut altered = honest.clone();
        let at = at % altered.len();
        altered[at] = to;
        let last = seen(5, 0);
        if let Ok(known) = watching().read(&altered) {
            let verdict = Witness::consider(Some(&last), &known);
            let cosigns = matches!(verdict, Verdict::Cosign { .. });
            prop_assert!(!cosigns || altered == honest);
        }
    }
}
