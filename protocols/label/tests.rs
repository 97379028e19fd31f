#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::json;
use tamis_keys::purpose::CookieTag;
use tamis_keys::sealing;

use super::*;
use crate::golden::{self, Counting, Recorded};

const CONTEXT: LabelContext<'static> = LabelContext {
    collaboration: "00112233445566778899aabbccddeeff",
    destination: "dsp-a",
};

fn destination() -> Secret<Sealing> {
    Secret::from_bytes([0x41; 32])
}

fn pair(context: &LabelContext<'_>, entropy: &dyn Entropy) -> (LabelSealer, LabelOpener) {
    let to = sealing::public(&destination());
    let (sealer, enc) = LabelSealer::new(&to, context, entropy).unwrap();
    let opener = LabelOpener::new(&destination(), &enc, context).unwrap();
    (sealer, opener)
}

#[test]
fn committed_vectors_are_what_the_code_makes() {
    let drawn: Vec<u8> = [[0x51; 32], [0x52; 32]].concat();
    let to = sealing::public(&destination());
    let (sealer, enc) = LabelSealer::new(&to, &CONTEXT, &Recorded::new(&drawn)).unwrap();
    let opener = LabelOpener::new(&destination(), &enc, &CONTEXT).unwrap();
    let key: Secret<CookieTag> = Secret::from_bytes([0x61; 32]);
    let tagger = CookieTagger::new(&key, CONTEXT.collaboration, CONTEXT.destination);
    let long = [b'z'; COOKIE_MAX];
    let labels: Vec<_> = [
        (0, &b"c"[..]),
        (1, b"CAESEHxyz-0123456789"),
        (u64::MAX, &long),
    ]
    .into_iter()
    .map(|(row, cookie)| {
        let label = sealer.seal(row, cookie).unwrap();
        assert_eq!(opener.open(&label).unwrap(), cookie);
        json!({
            "row": row.to_string(),
            "cookie": hex::encode(cookie),
            "label": hex::encode(label),
            "tag": hex::encode(tagger.tag(cookie)),
        })
    })
    .collect();
    golden::check(
        "label/vectors/label.json",
        &json!({
            "collaboration": CONTEXT.collaboration,
            "destination": CONTEXT.destination,
            "destination_private": hex::encode(destination().expose()),
            "destination_public": hex::encode(to),
            "ephemeral_ikm": hex::encode(&drawn[..32]),
            "id_key": hex::encode(&drawn[32..]),
            "enc": hex::encode(enc),
            "cookie_tag_key": hex::encode(key.expose()),
            "labels": labels,
        }),
    );
}

#[test]
fn a_label_opens_at_its_destination_and_nowhere_else() {
    let entropy = Counting::new();
    let (sealer, opener) = pair(&CONTEXT, &entropy);
    let label = sealer.seal(7, b"cookie").unwrap();
    assert_eq!(opener.open(&label).unwrap(), b"cookie");

    let to = sealing::public(&destination());
    let (_, enc) = LabelSealer::new(&to, &CONTEXT, &entropy).unwrap();
    let other_upload = LabelOpener::new(&destination(), &enc, &CONTEXT).unwrap();
    assert_eq!(other_upload.open(&label), Err(LabelError::Refused));
    for context in [
        LabelContext {
            destination: "dmp-b",
            ..CONTEXT
        },
        LabelContext {
            collaboration: "other",
            ..CONTEXT
        },
    ] {
        let (_, opener) = pair(&context, &Counting::new());
        assert_eq!(opener.open(&label), Err(LabelError::Refused));
    }
    let elsewhere = LabelOpener::new(&Secret::from_bytes([0x42; 32]), &enc, &CONTEXT).unwrap();
    assert_eq!(elsewhere.open(&label), Err(LabelError::Refused));
}

#[test]
fn an_altered_label_never_opens() {
    let (sealer, opener) = pair(&CONTEXT, &Counting::new());
    let label = sealer.seal(7, b"cookie").unwrap();
    for at in 0..LABEL_LEN {
        let mut altered = label;
        altered[at] ^= 1;
        assert_eq!(opener.open(&altered), Err(LabelError::Refused));
    }
}

#[test]
fn a_label_does_not_tell_the_length_of_its_cookie_and_no_cookie_is_over_63_bytes() {
    let (sealer, opener) = pair(&CONTEXT, &Counting::new());
    for length in 1..=COOKIE_MAX {
        let cookie = vec![b'x'; length];
        assert_eq!(
            opener.open(&sealer.seal(0, &cookie).unwrap()).unwrap(),
            cookie
        );
    }
    assert_eq!(sealer.seal(0, b""), Err(LabelError::CookieLength));
    assert_eq!(sealer.seal(0, &[b'x'; 64]), Err(LabelError::CookieLength));
}

/// The attack: a caller that repeats a row number, which would repeat key and nonce if they came from it.
#[test]
fn two_cookies_of_one_row_number_share_no_key() {
    let (sealer, _) = pair(&CONTEXT, &Counting::new());
    let (one, two) = (
        sealer.seal(7, b"one").unwrap(),
        sealer.seal(7, b"two").unwrap(),
    );
    assert_ne!(one[..ID_LEN], two[..ID_LEN]);
    let xor: Vec<u8> = one[ID_LEN..]
        .iter()
        .zip(&two[ID_LEN..])
        .map(|(a, b)| a ^ b)
        .collect();
    assert_ne!(
        xor[4..PADDED_LEN],
        [0; PADDED_LEN - 4],
        "the padding would cancel out"
    );
}

/// The attack: two destinations, both with all their labels of one upload, look for common ids.
#[test]
fn two_destinations_cannot_join_their_labels_by_row() {
    let entropy = Counting::new();
    let (a, _) = pair(&CONTEXT, &entropy);
    let (b, _) = pair(
        &LabelContext {
            destination: "dmp-b",
            ..CONTEXT
        },
        &entropy,
    );
    let ids = |sealer: &LabelSealer| -> std::collections::BTreeSet<Vec<u8>> {
        (0..200)
            .map(|row| sealer.seal(row, b"same").unwrap()[..ID_LEN].to_vec())
            .collect()
    };
    assert!(ids(&a).is_disjoint(&ids(&b)));
}

#[test]
fn tags_are_stable_and_unrelated_across_destinations_collaborations_and_keys() {
    let key: Secret<CookieTag> = Secret::from_bytes([1; 32]);
    let tag = cookie_tag(&key, "c1", "dsp-a", b"x");
    assert_eq!(tag, CookieTagger::new(&key, "c1", "dsp-a").tag(b"x"));
    for other in [
        cookie_tag(&key, "c1", "dmp-b", b"x"),
        cookie_tag(&key, "c2", "dsp-a", b"x"),
        cookie_tag(&key, "c1d", "sp-a", b"x"),
        cookie_tag(&key, "c1", "dsp-", b"ax"),
        cookie_tag(&Secret::from_bytes([2; 32]), "c1", "dsp-a", b"x"),
    ] {
        assert_ne!(tag, other);
    }
}

proptest! {
    #[test]
    fn random_bytes_never_open_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), LABEL_LEN)) {
        let (_, opener) = pair(&CONTEXT, &Counting::new());
        let mut label = [0; LABEL_LEN];
        label.copy_from_slice(&bytes);
        prop_assert_eq!(opener.open(&label), Err(LabelError::Refused));
    }

    #[test]
    fn only_what_pad_makes_is_unpadded(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Some(cookie) = padding::unpad(&bytes) {
            prop_assert_eq!(&padding::pad(cookie).unwrap()[..], &bytes[..]);
        }
    }
}
