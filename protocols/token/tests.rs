#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hmac::Mac as _;
use proptest::prelude::*;
use serde_json::json;
use sha2::Digest;

use super::*;
use crate::golden;

const COLLABORATION: &str = "00112233445566778899aabbccddeeff";

fn secret(n: u8) -> Secret<PairSecret> {
    Secret::from_bytes([n; 32])
}

fn tokeniser(secret_byte: u8, collaboration: &str, epoch: u32) -> Tokeniser {
    Tokeniser::new(&pair_key(&secret(secret_byte), collaboration, Epoch(epoch)))
}

fn digest(canonical: &str) -> IdentifierDigest {
    IdentifierDigest(Sha256::digest(canonical).into())
}

#[test]
fn committed_vectors_are_what_the_code_makes() {
    let canonicals = [
        (IdentifierType::Email, "jane.doe@example.com"),
        (IdentifierType::Email, "müller@xn--bcher-kva.example"),
        (IdentifierType::Phone, "+61491570006"),
        (
            IdentifierType::Postal,
            "doej12", /* any bytes will do */
        ),
    ];
    let mut keys = Vec::new();
    for (n, collaboration, epoch) in [
        (1, COLLABORATION, 1),
        (1, COLLABORATION, 2),
        (1, "ffeeddccbbaa99887766554433221100", 1),
        (2, COLLABORATION, 4_294_967_295),
    ] {
        let key = pair_key(&secret(n), collaboration, Epoch(epoch));
        let tokeniser = Tokeniser::new(&key);
        let tokens: Vec<_> = canonicals
            .iter()
            .map(|(kind, canonical)| {
                json!({
                    "type": *kind as u8,
                    "canonical": canonical,
                    "digest": hex::encode(digest(canonical).as_bytes()),
                    "token": tokeniser.token(*kind, &digest(canonical)).to_hex(),
                })
            })
            .collect();
        keys.push(json!({
            "pair_secret": hex::encode(secret(n).expose()),
            "collaboration": collaboration,
            "epoch": epoch,
            "pair_key": hex::encode(key.expose()),
            "tokens": tokens,
        }));
    }
    golden::check("token/vectors/token.json", &json!({ "keys": keys }));
}

#[test]
fn the_same_identifier_gives_the_same_token_to_both_parties() {
    let (one, other) = (
        tokeniser(1, COLLABORATION, 1),
        tokeniser(1, COLLABORATION, 1),
    );
    let token = one.token(IdentifierType::Email, &digest("a@b.example"));
    assert!(token == other.token(IdentifierType::Email, &digest("a@b.example")));
    assert!(token != one.token(IdentifierType::Email, &digest("c@b.example")));
}

#[test]
fn tokens_of_other_types_secrets_collaborations_and_epochs_are_unrelated() {
    let made = |n, collaboration, epoch, kind| {
        tokeniser(n, collaboration, epoch).token(kind, &digest("x"))
    };
    let tokens = [
        made(1, COLLABORATION, 1, IdentifierType::Email),
        made(1, COLLABORATION, 1, IdentifierType::Phone),
        made(1, COLLABORATION, 2, IdentifierType::Email),
        made(
            1,
            "ffeeddccbbaa99887766554433221100",
            1,
            IdentifierType::Email,
        ),
        made(2, COLLABORATION, 1, IdentifierType::Email),
    ];
    let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
    assert_eq!(distinct.len(), tokens.len());
}

/// The operator's attack: it knows the protocol, the collaboration, the epoch, and has a list of guesses,
/// but no pair secret. Neither plain digests nor keys that it can derive by itself hit anything.
#[test]
fn without_the_pair_secret_a_dictionary_recovers_nothing() {
    let known: Vec<String> = (0..500).map(|n| format!("user{n}@example.com")).collect();
    let held: std::collections::HashSet<Token> = known
        .iter()
        .map(|c| tokeniser(0xA7, COLLABORATION, 1).token(IdentifierType::Email, &digest(c)))
        .collect();
    let guesses = [
        tokeniser(0, COLLABORATION, 1),
        Tokeniser::new(&Secret::from_bytes([0; 32])),
        Tokeniser::new(&Secret::from_slice(COLLABORATION.as_bytes()).unwrap()),
    ];
    for candidate in &known {
        let digest = digest(candidate);
        let mut plain = [0; TOKEN_LEN];
        plain.copy_from_slice(&digest.as_bytes()[..TOKEN_LEN]);
        assert!(!held.contains(&Token(plain)));
        for guess in &guesses {
            assert!(!held.contains(&guess.token(IdentifierType::Email, &digest)));
        }
    }
}

#[test]
fn debug_output_of_a_token_says_nothing() {
    assert_eq!(format!("{:?}", Token([0xAB; 16])), "Token(..)");
}

#[test]
fn hexadecimal_tokens_have_one_spelling() {
    let token = Token([0xAB; 16]);
    assert!(Token::from_hex(&token.to_hex()) == Some(token));
    assert!(Token::from_hex(&token.to_hex().to_uppercase()).is_none());
    assert!(Token::from_hex(&token.to_hex()[2..]).is_none());
}

proptest! {
    #[test]
    fn a_token_is_the_hmac_of_version_type_length_and_digest(key: [u8; 32], digest: [u8; 32]) {
        let tokeniser = Tokeniser::new(&Secret::from_bytes(key));
        for kind in IdentifierType::ALL {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(&[1, kind as u8, 0, 32]);
            mac.update(&digest);
            let token = tokeniser.token(kind, &IdentifierDigest(digest));
            prop_assert_eq!(&token.0[..], &mac.finalize().into_bytes()[..TOKEN_LEN]);
        }
    }

    #[test]
    fn random_text_is_no_token_and_never_panics(text: String) {
        prop_assume!(text.len() != 32);
        prop_assert!(Token::from_hex(&text).is_none());
    }
}
