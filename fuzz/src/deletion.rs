//! Deletion requests of other companies, their answers, and what they publish.

use std::sync::OnceLock;

use tamis_keys::Secret;
use tamis_protocols::ddrf::{
    Discovery, Incoming, ResultCode, Signer, Subject, check_acknowledgement,
};

const NOW: i64 = 1_795_600_000;
const OWN: &str = "graphs.example";

struct Made {
    shop: Signer,
    us: Signer,
    rq: String,
    ac: String,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let signer = |seed, domain| {
            Signer::new(&Secret::from_bytes([seed; 32]), domain).expect("a domain")
        };
        let (shop, us) = (signer(1, "shop.example"), signer(2, OWN));
        let subject = Subject {
            value: "ana@example.org".to_owned(),
            kind: "email".to_owned(),
            format: "plain".to_owned(),
        };
        let identity = shop.identity("id", &subject, NOW);
        let rq = shop.request("rq", &identity, &subject, NOW, OWN);
        let ac = us.acknowledgement("ac", &rq, NOW, ResultCode::Accepted, None);
        Made { shop, us, rq, ac }
    })
}

pub(crate) fn requests() -> Vec<Vec<u8>> {
    vec![made().rq.clone().into_bytes(), made().ac.clone().into_bytes()]
}

/// Only the very request and the very answer are taken.
pub(crate) fn request(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let made = made();
    let keys = [made.shop.jwk()];
    let taken = Incoming::parse(text)
        .and_then(|incoming| incoming.verify(&keys, &keys, OWN, NOW))
        .is_ok();
    assert_eq!(taken, text == made.rq, "a forged request");
    let answered = check_acknowledgement(text, &made.rq, OWN, &[made.us.jwk()], NOW).is_ok();
    assert_eq!(answered, text == made.ac, "a forged answer");
    taken || answered
}

pub(crate) fn resources() -> Vec<Vec<u8>> {
    let own = Discovery::new("https://graphs.example/dsr".to_owned(), made().us.jwk());
    vec![serde_json::to_vec(&own).expect("written")]
}

/// What is read is written and read again the same; its keys verify nothing.
pub(crate) fn resource(data: &[u8]) -> bool {
    let Some(found) = Discovery::parse(data) else {
        return false;
    };
    let again = serde_json::to_vec(&found).expect("written");
    assert_eq!(Discovery::parse(&again), Some(found.clone()));
    for key in &found.keys {
        assert!(!key.verifies(b"nothing that was signed", &[7; 64]));
    }
    true
}
