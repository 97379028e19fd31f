//! The committed vectors, written by the Python beside them on `cryptography`; not by this code.

use serde_json::Value;

use super::*;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn keys(value: &Value) -> Vec<Jwk> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn the_vectors_of_the_second_implementation_hold() {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/requests.json")).unwrap();
    let now = vectors["now"].as_i64().unwrap();
    let own = text(&vectors["recipient"]);
    let cases = vectors["cases"].as_array().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for case in cases {
        let says = text(&case["says"]);
        let rq = text(&case["rqJWT"]);
        let verified = Incoming::parse(rq).and_then(|incoming| {
            incoming.verify(
                &keys(&case["requester_keys"]),
                &keys(&case["origin_keys"]),
                own,
                now,
            )
        });
        let code = match &verified {
            Ok(request) => {
                assert_eq!(request.requester, text(&case["requester"]), "{says}");
                assert_eq!(request.origin, text(&case["origin"]), "{says}");
                assert_eq!(request.subject.value, text(&case["identifier"]), "{says}");
                ResultCode::Accepted
            }
            Err(refusal) => refusal.code,
        };
        assert_eq!(
            u64::from(code),
            case["raResultCode"].as_u64().unwrap(),
            "{says}"
        );
        seen.insert(code);
        let Some(ac) = case.get("acJWT") else {
            continue;
        };
        let checked =
            check_acknowledgement(text(ac), rq, own, &keys(&vectors["recipient_keys"]), now);
        assert_eq!(checked.unwrap().code, code, "{says}");
    }
    assert_eq!(seen.len(), ResultCode::ALL.len(), "a case of every code");
}

/// Ed25519 is deterministic and so are these tokens: what this code makes of the same claims is the same.
#[test]
fn tokens_made_of_the_same_claims_are_the_same() {
    let vectors: Value = serde_json::from_str(include_str!("../vectors/requests.json")).unwrap();
    for made in vectors["made"].as_array().unwrap() {
        let seed: [u8; 32] = hex::decode(text(&made["seed"]))
            .unwrap()
            .try_into()
            .unwrap();
        let signer = Signer::new(&Secret::from_bytes(seed), text(&made["domain"])).unwrap();
        let subject: Subject = serde_json::from_value(made["sub"].clone()).unwrap();
        let iat = made["iat"].as_i64().unwrap();
        let identity = signer.identity("id-1", &subject, iat);
        assert_eq!(identity, text(&made["idJWT"]));
        let rq = signer.request("rq-1", &identity, &subject, iat, text(&made["recipient"]));
        assert_eq!(rq, text(&made["rqJWT"]));
        let ac = signer.acknowledgement("ac-1", &rq, iat, ResultCode::Timestamp, Some("late"));
        assert_eq!(ac, text(&made["acJWT"]));
        assert_eq!(serde_json::to_value(signer.jwk()).unwrap(), made["jwk"]);
    }
}
