#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod hostile;
mod vectors;

use tamis_keys::Secret;

use super::*;

const NOW: i64 = 1_795_600_000;

fn signer(seed: u8, domain: &str) -> Signer {
    Signer::new(&Secret::from_bytes([seed; 32]), domain).unwrap()
}

fn shop() -> Signer {
    signer(1, "shop.example")
}

fn broker() -> Signer {
    signer(2, "broker.example")
}

fn us() -> Signer {
    signer(3, "graphs.example")
}

fn subject() -> Subject {
    Subject {
        value: "5f1d0c1b8a2e4f7790b3c5d2e1f00a115f1d0c1b8a2e4f7790b3c5d2e1f00a11".into(),
        kind: "email".into(),
        format: "sha256".into(),
    }
}

/// Of the shop, passed on by the broker.
fn asked(subject: &Subject) -> String {
    let identity = shop().identity("id-1", subject, NOW - 100);
    broker().request("rq-1", &identity, subject, NOW, "graphs.example")
}

fn answer(rq: &str) -> Result<Request, Refusal> {
    let incoming = Incoming::parse(rq)?;
    incoming.verify(&[broker().jwk()], &[shop().jwk()], "graphs.example", NOW)
}

#[test]
fn a_request_tells_who_asks_whom_it_comes_from_and_whom_it_is_about() {
    let rq = asked(&subject());
    let incoming = Incoming::parse(&rq).unwrap();
    assert_eq!(incoming.requester(), "broker.example");
    assert_eq!(incoming.origin(), "shop.example");
    let request = answer(&rq).unwrap();
    assert_eq!(
        (request.id.as_str(), request.origin_id.as_str()),
        ("rq-1", "id-1")
    );
    assert!(request.subject == subject());
    assert!(!format!("{request:?}").contains("5f1d0c"));
}

#[test]
fn an_answer_is_one_to_its_request_by_its_recipient() {
    let rq = asked(&subject());
    let ac = us().acknowledgement("ac-1", &rq, NOW, ResultCode::Accepted, None);
    let keys = [us().jwk()];
    let checked = check_acknowledgement(&ac, &rq, "graphs.example", &keys, NOW).unwrap();
    assert_eq!((checked.code, checked.why), (ResultCode::Accepted, None));
    let code = |ac: &str, rq: &str, domain: &str, keys: &[Jwk]| {
        check_acknowledgement(ac, rq, domain, keys, NOW)
            .unwrap_err()
            .code
    };
    let other = asked(&Subject {
        value: "x@y.example".into(),
        format: "plain".into(),
        ..subject()
    });
    assert_eq!(
        code(&ac, &other, "graphs.example", &keys),
        ResultCode::Malformed
    );
    assert_eq!(
        code(&ac, &rq, "other.example", &keys),
        ResultCode::Malformed
    );
    assert_eq!(
        code(&ac, &rq, "graphs.example", &[shop().jwk()]),
        ResultCode::Signature
    );
    assert_eq!(
        code(&rq, &rq, "graphs.example", &keys),
        ResultCode::Malformed
    );
    let no = us().acknowledgement("ac-2", &rq, NOW, ResultCode::Type, Some("no"));
    let checked = check_acknowledgement(&no, &rq, "graphs.example", &keys, NOW).unwrap();
    assert_eq!(
        (checked.code.number(), checked.why.as_deref()),
        (4, Some("no"))
    );
}

#[test]
fn the_resource_reads_back_and_says_what_is_taken() {
    let own = Discovery::new("https://graphs.example/dsr".into(), us().jwk());
    let bytes = serde_json::to_vec(&own).unwrap();
    let read = Discovery::parse(&bytes).unwrap();
    assert_eq!(read, own);
    assert!(read.takes(Kind::Phone, Format::Plain) && read.takes(Kind::Email, Format::Sha256));
    let http = String::from_utf8(bytes)
        .unwrap()
        .replace("https://", "http://");
    assert!(
        Discovery::parse(http.as_bytes()).is_none(),
        "never in the clear"
    );
    assert!(Discovery::parse(&vec![b' '; DISCOVERY_MAX + 1]).is_none());
    // The example of the framework itself.
    let example = br#"{"endpoint":"https://www.publisher1.com/api/delete/","identifiers":[{"id":1,"type":"email","format":"sha256"},{"id":2,"type":"idfa","format":"hash"}],"publicKey":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"Public key used in JWS spec Appendix A.3 example"}],"vendorScriptRequirement":true,"vendorScript":"<script>.....</script>"}"#;
    let read = Discovery::parse(example).unwrap();
    assert!(read.needs_script && read.takes(Kind::Email, Format::Sha256));
    assert!(!read.takes(Kind::Email, Format::Plain));
}

#[test]
fn the_signature_of_rfc_7515_appendix_a_3_holds_under_its_key_alone() {
    let key: Jwk = serde_json::from_str(r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#).unwrap();
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let compact = jws::Compact::parse(token).unwrap();
    assert_eq!(compact.verify(std::slice::from_ref(&key)), Ok(()));
    assert!(compact.verify(&[us().jwk()]).is_err());
    let flipped = token.replacen("DtEh", "DtEi", 1);
    assert!(
        jws::Compact::parse(&flipped)
            .unwrap()
            .verify(&[key])
            .is_err()
    );
}
