#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

const BODY: &[u8] = br#"{"type":"x"}"#;
const NOW: i64 = 1_795_341_600;

fn secret(byte: u8) -> Secret<Webhook> {
    Secret::from_bytes([byte; 32])
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn check(secrets: &[Secret<Webhook>], id: &str, at: i64, signature: &str) -> Result<(), Rejection> {
    let timestamp = at.to_string();
    let headers = Headers {
        id,
        timestamp: &timestamp,
        signature,
    };
    verify(secrets, headers, BODY, now())
}

#[test]
fn the_vector_of_the_standard_holds() {
    let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let signature = signature(
        &key,
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        br#"{"test": 2432232314}"#,
    );
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn the_vector_of_our_own_message_holds() {
    let vector: serde_json::Value =
        serde_json::from_str(include_str!("../../protocols/wire/vectors/delivery.json")).unwrap();
    let text = |key: &str| vector[key].as_str().unwrap();
    let secret = parse_secret(text("secret")).unwrap();
    let at = vector["webhook_timestamp"].as_i64().unwrap();
    let signature = sign(&[secret], text("webhook_id"), at, text("body").as_bytes());
    assert_eq!(signature, text("webhook_signature"));
}

#[test]
fn a_secret_is_read_back_from_its_text() {
    let text = secret_text(&secret(7));
    assert_eq!(
        parse_secret(&format!("{}\n", *text)).unwrap().expose(),
        &[7; 32]
    );
    assert!(parse_secret(text.strip_prefix("whsec_").unwrap()).is_err());
    assert!(parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_err());
    assert!(parse_secret("").is_err());
}

#[test]
fn a_signed_message_is_taken_within_five_minutes_either_way() {
    for (away, taken) in [
        (0, true),
        (300, true),
        (-300, true),
        (301, false),
        (-301, false),
    ] {
        let signature = sign(&[secret(1)], "id", NOW + away, BODY);
        let verdict = check(&[secret(1)], "id", NOW + away, &signature);
        assert_eq!(verdict.is_ok(), taken, "{away} seconds away");
    }
}

#[test]
fn a_message_is_taken_during_a_rotation_on_either_side() {
    let both = sign(&[secret(1), secret(2)], "id", NOW, BODY);
    assert!(check(&[secret(1)], "id", NOW, &both).is_ok());
    assert!(check(&[secret(2)], "id", NOW, &both).is_ok());
    let one = sign(&[secret(2)], "id", NOW, BODY);
    assert!(check(&[secret(1), secret(2)], "id", NOW, &one).is_ok());
    let with_a_newer_scheme = format!("v1a,AAAA {one}");
    assert!(check(&[secret(2)], "id", NOW, &with_a_newer_scheme).is_ok());
}

#[test]
fn a_signature_covers_the_id_the_time_and_the_body() {
    let secrets = [secret(1)];
    let signature = sign(&secrets, "id", NOW, BODY);
    assert_eq!(
        check(&secrets, "other", NOW, &signature),
        Err(Rejection::Unsigned)
    );
    assert_eq!(
        check(&secrets, "id", NOW + 1, &signature),
        Err(Rejection::Unsigned)
    );
    let headers = Headers {
        id: "id",
        timestamp: "1795341600",
        signature: &signature,
    };
    assert!(verify(&secrets, headers, BODY, now()).is_ok());
    let cut = &BODY[..BODY.len() - 1];
    assert_eq!(
        verify(&secrets, headers, cut, now()),
        Err(Rejection::Unsigned)
    );
}

#[test]
fn a_forged_signature_is_refused() {
    let secrets = [secret(1)];
    let foreign = sign(&[secret(2)], "id", NOW, BODY);
    let genuine = sign(&secrets, "id", NOW, BODY);
    let truncated = STANDARD.encode(&STANDARD.decode(&genuine[3..]).unwrap()[..31]);
    for forged in [
        foreign.as_str(),
        "",
        "v1,",
        "v1",
        genuine.strip_prefix("v1,").unwrap(),
        &genuine.replace("v1,", "v2,"),
        &format!("v1,{truncated}"),
    ] {
        assert_eq!(check(&secrets, "id", NOW, forged), Err(Rejection::Unsigned));
    }
    assert_eq!(check(&[], "id", NOW, &genuine), Err(Rejection::Unsigned));
}

#[test]
fn a_timestamp_has_one_spelling() {
    for odd in [
        "",
        "+1795341600",
        "-1",
        "1795341600.0",
        " 1795341600",
        "1e9",
        "99999999999999999999",
    ] {
        let headers = Headers {
            id: "id",
            timestamp: odd,
            signature: "v1,",
        };
        let verdict = verify(&[secret(1)], headers, BODY, now());
        assert_eq!(verdict, Err(Rejection::BadTimestamp), "{odd:?}");
    }
}

proptest! {
    #[test]
    fn random_headers_never_panic_and_never_pass(id in ".*", timestamp in ".*", signature in ".*") {
        let headers = Headers { id: &id, timestamp: &timestamp, signature: &signature };
        prop_assert!(verify(&[secret(1)], headers, BODY, now()).is_err());
    }

    #[test]
    fn random_secrets_never_panic(text in ".*") {
        let _ = parse_secret(&text);
    }
}
