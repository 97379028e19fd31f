//! Requests that must not be taken, each with the code that says why.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD as URL, Engine as _};
use proptest::prelude::*;

use super::*;

fn code(rq: &str) -> ResultCode {
    answer(rq).unwrap_err().code
}

/// The request with one part of it changed: 0 header, 1 claims, 2 signature.
fn altered(rq: &str, part: usize, from: &str, to: &str) -> String {
    let mut parts: Vec<String> = rq.split('.').map(str::to_owned).collect();
    let text = String::from_utf8(URL.decode(&parts[part]).unwrap()).unwrap();
    assert!(text.contains(from), "{text}");
    parts[part] = URL.encode(text.replacen(from, to, 1));
    parts.join(".")
}

#[test]
fn a_forged_request_has_an_invalid_signature() {
    let rq = asked(&subject());
    let identity = shop().identity("id-1", &subject(), NOW);
    // Signed by somebody else in the broker's name.
    let forged = signer(9, "broker.example");
    let forged = forged.request("rq-1", &identity, &subject(), NOW, "graphs.example");
    assert_eq!(code(&forged), ResultCode::Signature);
    // A genuine request about somebody else's identifier.
    let other = altered(&rq, 1, "rq-1", "rq-2");
    assert_eq!(code(&other), ResultCode::Signature);
    // The broker makes up what the shop never said.
    let made_up = signer(2, "shop.example").identity("id-1", &subject(), NOW);
    let made_up = broker().request("rq-1", &made_up, &subject(), NOW, "graphs.example");
    assert_eq!(code(&made_up), ResultCode::Signature);
}

#[test]
fn a_token_cannot_choose_how_it_is_verified() {
    let rq = asked(&subject());
    for alg in ["none", "HS256", "ES256", "RS256", "eddsa", ""] {
        let weak = altered(&rq, 0, "EdDSA", alg);
        assert_eq!(code(&weak), ResultCode::Signature, "{alg}");
    }
    // No signature at all is no token.
    let (unsigned, _) = rq.rsplit_once('.').unwrap();
    let none = altered(&format!("{unsigned}."), 0, "EdDSA", "none");
    assert_eq!(code(&none), ResultCode::NotAToken);
    // The public key as a shared secret: only the key's own algorithm is believed.
    let symmetric = altered(
        &rq,
        0,
        r#""typ":"JWT","alg":"EdDSA""#,
        r#""alg":"HS256","typ":"JWT""#,
    );
    assert_eq!(code(&symmetric), ResultCode::Signature);
    let critical = altered(&rq, 0, "{", r#"{"crit":["b64"],"b64":false,"#);
    assert_eq!(code(&critical), ResultCode::NotAToken);
    // A key that is brought along is not looked at.
    let jwk = serde_json::to_string(&signer(9, "x").jwk()).unwrap();
    let brought = altered(&rq, 0, "{", &format!(r#"{{"jwk":{jwk},"#));
    assert_eq!(code(&brought), ResultCode::Signature);
}

#[test]
fn a_key_serves_only_in_its_own_algorithm() {
    let mut key = broker().jwk();
    key.alg = Some("ES256".into());
    assert_eq!(key.algorithm(), None);
    let incoming = Incoming::parse(&asked(&subject())).unwrap();
    let verified = incoming.verify(&[key], &[shop().jwk()], "graphs.example", NOW);
    assert_eq!(verified.unwrap_err().code, ResultCode::Signature);
    let incoming = Incoming::parse(&asked(&subject())).unwrap();
    let mut renamed = broker().jwk();
    renamed.kid = Some("another".into());
    let verified = incoming.verify(&[renamed], &[shop().jwk()], "graphs.example", NOW);
    assert_eq!(verified.unwrap_err().code, ResultCode::Signature);
}

#[test]
fn an_old_request_and_one_of_the_future_have_an_invalid_timestamp() {
    let at = |id: i64, rq: i64| {
        let identity = shop().identity("id-1", &subject(), id);
        answer(&broker().request("rq-1", &identity, &subject(), rq, "graphs.example"))
            .err()
            .map(|refusal| refusal.code)
    };
    assert_eq!(at(NOW, NOW), None);
    assert_eq!(at(NOW - ORIGIN_AGE, NOW - REQUEST_AGE), None);
    assert_eq!(at(NOW + SKEW, NOW + SKEW), None);
    let wrong = Some(ResultCode::Timestamp);
    assert_eq!(at(NOW, NOW - REQUEST_AGE - 1), wrong);
    assert_eq!(at(NOW, NOW + SKEW + 1), wrong);
    assert_eq!(at(NOW - ORIGIN_AGE - 1, NOW), wrong);
    for extreme in [i64::MIN, i64::MAX] {
        assert_eq!(at(NOW, extreme), wrong);
        assert_eq!(at(extreme, NOW), wrong);
    }
}

#[test]
fn a_request_to_somebody_else_is_not_taken_though_it_is_genuine() {
    // The attack: who got a request passes it on word for word to another recipient.
    let identity = shop().identity("id-1", &subject(), NOW);
    let theirs = broker().request("rq-1", &identity, &subject(), NOW, "other.example");
    assert_eq!(code(&theirs), ResultCode::Malformed);
}

#[test]
fn other_identifiers_are_refused_by_type_and_by_format() {
    let about = |kind: &str, format: &str, value: &str| {
        let subject = Subject {
            value: value.into(),
            kind: kind.into(),
            format: format.into(),
        };
        answer(&asked(&subject)).err().map(|refusal| refusal.code)
    };
    assert_eq!(about("email", "plain", "a@b.example"), None);
    assert_eq!(about("phone", "sha256", &"0A".repeat(32)), None);
    assert_eq!(about("idfa", "plain", "x"), Some(ResultCode::Type));
    assert_eq!(about("email", "md5", "x"), Some(ResultCode::Format));
    assert_eq!(about("email", "sha256", "x"), Some(ResultCode::Format));
    assert_eq!(about("email", "plain", ""), Some(ResultCode::Malformed));
    let long = "x".repeat(513);
    assert_eq!(about("email", "plain", &long), Some(ResultCode::Malformed));
}

#[test]
fn what_is_no_token_or_lacks_a_field_is_told_apart() {
    let rq = asked(&subject());
    for no in ["", ".", "..", "a.b", "a.b.c.d", "%.%.%", &format!("{rq}=")] {
        assert_eq!(code(no), ResultCode::NotAToken, "{no}");
    }
    assert_eq!(code(&"a".repeat(TOKEN_MAX + 1)), ResultCode::NotAToken);
    for field in ["version", "idJWT", "jti", "iss", "sub", "iat"] {
        let lacking = altered(&rq, 1, &format!("\"{field}\""), "\"other\"");
        assert_eq!(code(&lacking), ResultCode::Malformed, "{field}");
    }
    for (from, to) in [
        ("\"1.0\"", "\"2.0\""),
        ("\"rq-1\"", "\"\""),
        ("\"broker.example\"", "\"Broker.example\""),
        ("\"broker.example\"", "\"broker.example/x\""),
        ("\"iat\":", "\"iat\":\"\",\"x\":"),
    ] {
        assert_eq!(
            code(&altered(&rq, 1, from, to)),
            ResultCode::Malformed,
            "{to}"
        );
    }
    // What it carries is no token, or one of another kind.
    let carried = broker().request("rq-1", "x", &subject(), NOW, "graphs.example");
    assert_eq!(code(&carried), ResultCode::NotAToken);
    let ac = us().acknowledgement("ac-1", "x", NOW, ResultCode::Accepted, None);
    let carried = broker().request("rq-1", &ac, &subject(), NOW, "graphs.example");
    assert_eq!(code(&carried), ResultCode::Malformed);
}

proptest! {
    #[test]
    fn random_text_and_any_flipped_byte_are_refused_and_never_panic(
        text in "[A-Za-z0-9_.-]{0,300}", any: String, at in any::<prop::sample::Index>(), byte in b'A'..=b'z',
    ) {
        for token in [&text, &any] {
            prop_assert!(answer(token).is_err());
            let _ = check_acknowledgement(token, "", "a.example", &[us().jwk()], NOW);
            let _ = Discovery::parse(token.as_bytes());
        }
        let rq = asked(&subject());
        let mut flipped = rq.clone().into_bytes();
        let at = at.index(flipped.len());
        flipped[at] = byte;
        let flipped = String::from_utf8(flipped).unwrap();
        prop_assert!(flipped == rq || answer(&flipped).is_err());
    }
}
