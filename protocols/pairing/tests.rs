#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::json;
use tamis_keys::purpose::Signing;

use super::*;
use crate::golden::{self, Counting, Recorded};
use crate::release::{Policy, Wish};
use crate::wire::tightening::Tightening;

const TERMS: &[u8] = br#"{"version":1,"nonce":"00"}"#;

/// One side, with its own view of the other's keys.
struct Side {
    signing: Secret<Signing>,
    sealing: Secret<Sealing>,
    share: Secret<PairShare>,
}

impl Side {
    fn new(n: u8) -> Self {
        Side {
            signing: Secret::from_bytes([n; 32]),
            sealing: Secret::from_bytes([n + 1; 32]),
            share: Secret::from_bytes([n + 2; 32]),
        }
    }

    fn signing_public(&self) -> [u8; 32] {
        SigningKey::from_secret(&self.signing).public()
    }

    fn sealing_public(&self) -> [u8; 32] {
        sealing::public(&self.sealing)
    }
}

fn transcript(advertiser: &Side, partner: &Side) -> Transcript {
    Transcript {
        collaboration: collaboration_id(TERMS),
        advertiser_signing: advertiser.signing_public(),
        partner_signing: partner.signing_public(),
        advertiser_sealing: advertiser.sealing_public(),
        partner_sealing: partner.sealing_public(),
    }
}

#[test]
fn committed_vectors_are_what_the_code_makes() {
    let (advertiser, partner) = (Side::new(0x10), Side::new(0x20));
    let id = collaboration_id(TERMS);
    let transcript = transcript(&advertiser, &partner);
    let sealed = |side: &Side, to: &Side, from: &str, name: &str, ikm: [u8; 32]| {
        let recorded = Recorded::new(&ikm);
        let sealed = seal_share(
            &side.share,
            &id,
            from,
            name,
            &to.sealing_public(),
            &recorded,
        );
        json!({
            "from": from,
            "to": name,
            "share": hex::encode(side.share.expose()),
            "recipient_private": hex::encode(to.sealing.expose()),
            "recipient_public": hex::encode(to.sealing_public()),
            "ephemeral_ikm": hex::encode(ikm),
            "sealed": hex::encode(sealed.unwrap()),
        })
    };
    let signature = |side: &Side| {
        json!({
            "seed": hex::encode(side.signing.expose()),
            "public": hex::encode(side.signing_public()),
            "signature": hex::encode(sign_terms(&SigningKey::from_secret(&side.signing), TERMS)),
        })
    };
    let tightening = serde_json::to_string(&Tightening {
        version: Tightening::VERSION,
        collaboration: id.clone(),
        party: "mapper".to_owned(),
        number: 1,
        policy: Policy::floor()
            .tightened(&Wish {
                k_min: Some(250),
                pair_cap: Some(4_000),
                ..Wish::default()
            })
            .unwrap(),
    })
    .unwrap();
    let signed: Tightening = serde_json::from_str(&tightening).unwrap();
    let key = SigningKey::from_secret(&partner.signing);
    let secret = pair_secret(&advertiser.share, &partner.share, &transcript);
    golden::check(
        "pairing/vectors/pairing.json",
        &json!({
            "terms": String::from_utf8_lossy(TERMS),
            "collaboration": id,
            "advertiser": signature(&advertiser),
            "partner": signature(&partner),
            "shares": [
                sealed(&advertiser, &partner, "acme", "mapper", [0x31; 32]),
                sealed(&partner, &advertiser, "mapper", "acme", [0x32; 32]),
            ],
            "tightening": {
                "document": tightening,
                "policy_digest": hex::encode(signed.policy.digest()),
                "signature": hex::encode(sign_tightening(&key, tightening.as_bytes())),
            },
            "transcript_digest": hex::encode(transcript.digest()),
            "pair_secret": hex::encode(secret.expose()),
            "fingerprint": fingerprint(&secret, &transcript),
        }),
    );
}

#[test]
fn both_sides_agree_through_a_relay_that_sees_only_sealed_shares() {
    let (advertiser, partner, entropy) = (Side::new(1), Side::new(4), Counting::new());
    let id = collaboration_id(TERMS);
    let there = seal_share(
        &advertiser.share,
        &id,
        "a",
        "p",
        &partner.sealing_public(),
        &entropy,
    )
    .unwrap();
    let back = seal_share(
        &partner.share,
        &id,
        "p",
        "a",
        &advertiser.sealing_public(),
        &entropy,
    )
    .unwrap();
    assert_eq!(
        (there.len(), back.len()),
        (SEALED_SHARE_LEN, SEALED_SHARE_LEN)
    );
    for sealed in [&there, &back] {
        assert!(
            !sealed
                .windows(32)
                .any(|w| w == advertiser.share.expose() || w == partner.share.expose())
        );
    }

    let transcript = transcript(&advertiser, &partner);
    let at_partner = open_share(&partner.sealing, &id, "a", "p", &there).unwrap();
    let at_advertiser = open_share(&advertiser.sealing, &id, "p", "a", &back).unwrap();
    let one = pair_secret(&advertiser.share, &at_advertiser, &transcript);
    let other = pair_secret(&at_partner, &partner.share, &transcript);
    assert!(one.ct_eq(&other));
    assert_eq!(
        fingerprint(&one, &transcript),
        fingerprint(&other, &transcript)
    );
}

/// The operator's attack: it tells each side its own key instead of the other's, opens both shares and
/// knows both secrets. The fingerprints differ, which is what the two people compare.
#[test]
fn a_relay_in_the_middle_is_seen_by_the_fingerprint() {
    let (advertiser, partner, relay) = (Side::new(1), Side::new(4), Side::new(7));
    let id = collaboration_id(TERMS);
    let caught = seal_share(
        &advertiser.share,
        &id,
        "a",
        "p",
        &relay.sealing_public(),
        &Counting::new(),
    )
    .unwrap();
    let known = open_share(&relay.sealing, &id, "a", "p", &caught).unwrap();
    assert!(known.ct_eq(&advertiser.share), "the relay holds the share");

    let seen_by_advertiser = Transcript {
        partner_sealing: relay.sealing_public(),
        ..transcript(&advertiser, &partner)
    };
    let seen_by_partner = Transcript {
        advertiser_sealing: relay.sealing_public(),
        ..transcript(&advertiser, &partner)
    };
    // Even if it passes the very shares on, so that only the keys differ.
    let one = pair_secret(&advertiser.share, &partner.share, &seen_by_advertiser);
    let other = pair_secret(&advertiser.share, &partner.share, &seen_by_partner);
    assert!(!one.ct_eq(&other));
    assert_ne!(
        fingerprint(&one, &seen_by_advertiser),
        fingerprint(&other, &seen_by_partner)
    );
}

#[test]
fn a_share_opens_only_for_its_collaboration_sender_and_recipient() {
    let partner = Side::new(4);
    let share: Secret<PairShare> = Secret::from_bytes([9; 32]);
    let sealed = seal_share(
        &share,
        "c1",
        "a",
        "p",
        &partner.sealing_public(),
        &Counting::new(),
    )
    .unwrap();
    let open = |id, from, to, sealed: &[u8]| open_share(&partner.sealing, id, from, to, sealed);
    assert!(open("c1", "a", "p", &sealed).is_ok());
    for (id, from, to) in [
        ("c2", "a", "p"),
        ("c1", "b", "p"),
        ("c1", "a", "q"),
        ("c1", "p", "a"),
        ("c", "1a", "p"),
    ] {
        assert_eq!(
            open(id, from, to, &sealed).err(),
            Some(PairingError::Refused)
        );
    }
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        // Bit 255 of an X25519 key is ignored by the curve, but not by the key schedule.
        assert!(open("c1", "a", "p", &altered).is_err());
    }
}

#[test]
fn every_part_of_the_transcript_changes_secret_and_fingerprint() {
    let (advertiser, partner) = (Side::new(1), Side::new(4));
    let base = transcript(&advertiser, &partner);
    let secret = |t: &Transcript| pair_secret(&advertiser.share, &partner.share, t);
    let changed = [
        Transcript {
            collaboration: "x".into(),
            ..base.clone()
        },
        Transcript {
            advertiser_signing: [0; 32],
            ..base.clone()
        },
        Transcript {
            partner_signing: [0; 32],
            ..base.clone()
        },
        Transcript {
            advertiser_sealing: [0; 32],
            ..base.clone()
        },
        Transcript {
            partner_sealing: [0; 32],
            ..base.clone()
        },
    ];
    for other in &changed {
        assert!(!secret(other).ct_eq(&secret(&base)));
        assert_ne!(
            fingerprint(&secret(&base), other),
            fingerprint(&secret(&base), &base)
        );
    }
    assert!(!pair_secret(&partner.share, &advertiser.share, &base).ct_eq(&secret(&base)));
}

#[test]
fn a_signature_over_terms_is_no_signature_over_anything_else() {
    let side = Side::new(1);
    let key = SigningKey::from_secret(&side.signing);
    let signature = sign_terms(&key, TERMS);
    assert!(verify_terms(&key.public(), TERMS, &signature));
    assert!(!verify_terms(&key.public(), b"{}", &signature));
    assert!(!verify_terms(&key.public(), TERMS, &key.sign(TERMS)));
}

#[test]
fn a_signed_tightening_is_neither_terms_nor_anothers() {
    let (advertiser, partner) = (Side::new(0x10), Side::new(0x20));
    let document = br#"{"version":1,"collaboration":"00"}"#;
    let key = SigningKey::from_secret(&advertiser.signing);
    let signature = sign_tightening(&key, document);
    let public = advertiser.signing_public();
    assert!(verify_tightening(&public, document, &signature));
    assert!(!verify_tightening(
        &partner.signing_public(),
        document,
        &signature
    ));
    assert!(!verify_tightening(&public, b"{}", &signature));
    assert!(!verify_terms(&public, document, &signature));
    let as_terms = sign_terms(&key, document);
    assert!(!verify_tightening(&public, document, &as_terms));
}

proptest! {
    #[test]
    fn random_bytes_are_no_share_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..160), id: String) {
        prop_assert!(open_share(&Secret::from_bytes([4; 32]), &id, "a", "p", &bytes).is_err());
    }
}
