#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod leaves;
mod order;
mod tamper;
mod tiles;
mod vectors;
mod witnesses;

use tamis_keys::Secret;

use super::*;

const ORIGIN: &str = "tamis.example/log";

fn key() -> LogKey {
    LogKey::new(Secret::from_bytes([0x71; 32]), ORIGIN).unwrap()
}

/// 32 hexadecimal digits.
fn id(n: u8) -> String {
    hex::encode([n; 16])
}

/// 64 hexadecimal digits.
fn digest(n: u8) -> String {
    hex::encode([n; 32])
}

fn leaf(minute: usize, actor: &str, event: Event) -> Leaf {
    let policy = matches!(
        event,
        Event::Tightening { .. }
            | Event::Coverage { .. }
            | Event::MatchDecision { .. }
            | Event::GateDecision { .. }
    );
    let time = format!("2026-11-22T09:{minute:02}:00Z");
    Leaf::new(time, actor, event, policy.then(|| digest(0xcc)))
}

fn enrolment(party: &str, role: &str) -> Event {
    Event::Enrolment {
        party: party.into(),
        role: role.into(),
        signing_key: key_fingerprint(&[1; 32]),
        sealing_key: (role != "auditor").then(|| key_fingerprint(&[2; 32])),
    }
}

fn upload(n: u8, kind: &str) -> Event {
    Event::Upload {
        collaboration: id(1),
        upload: id(n),
        kind: kind.into(),
        consent_root: digest(n),
        mode: None,
        parent: None,
        bridge: None,
    }
}

/// A graph in one collaboration that carries tokens of another.
fn bridged(n: u8, there: u8, other: u8) -> Event {
    let mut event = upload(n, "graph");
    if let Event::Upload {
        collaboration,
        bridge,
        ..
    } = &mut event
    {
        (*collaboration, *bridge) = (id(there), Some(id(other)));
    }
    event
}

fn agreed(advertiser: &'static str, n: u8) -> [(&'static str, Event); 2] {
    let collaboration = || id(n);
    [
        (
            advertiser,
            Event::Proposal {
                collaboration: collaboration(),
            },
        ),
        (
            "mapper",
            Event::Acceptance {
                collaboration: collaboration(),
            },
        ),
    ]
}

fn delta(n: u8, kind: &str, word: &str, on: u8) -> Event {
    let mut event = upload(n, kind);
    if let Event::Upload { mode, parent, .. } = &mut event {
        (*mode, *parent) = (Some(word.into()), Some(id(on)));
    }
    event
}

fn tightening(number: u32) -> Event {
    Event::Tightening {
        collaboration: id(1),
        number,
        document: digest(number as u8),
    }
}

fn coverage(upload: u8, shares: &[(&str, Option<u8>)]) -> Event {
    let share = |(destination, percent): &(&str, Option<u8>)| Coverage {
        destination: (*destination).into(),
        percent: *percent,
    };
    Event::Coverage {
        collaboration: id(1),
        upload: id(upload),
        destinations: shares.iter().map(share).collect(),
    }
}

fn gate(n: u8, audience: u8, destination: &str, about: Option<u64>) -> Event {
    Event::GateDecision {
        collaboration: id(1),
        audience: id(audience),
        destination: destination.into(),
        decision_id: id(n),
        released: about.is_some(),
        about,
        control: None,
        charge: 400,
    }
}

fn delivery(n: u8, decision: u8, audience: u8, destination: &str) -> Event {
    Event::Delivery {
        decision_id: id(decision),
        delivery: id(n),
        audience: id(audience),
        destination: destination.into(),
        digest: digest(n),
    }
}

fn request(n: u8, kind: Option<&str>) -> Event {
    Event::Withdrawal {
        collaboration: id(1),
        withdrawal: id(n),
        commitment: digest(n),
        kind: kind.map(str::to_owned),
    }
}

fn erasure(there: u8, n: u8, destroyed: &[&str]) -> Event {
    Event::Erasure {
        collaboration: id(there),
        withdrawal: id(n),
        destroyed: destroyed.iter().map(|what| (*what).to_owned()).collect(),
    }
}

/// A whole collaboration, from enrolment to an erasure.
fn story() -> Vec<Leaf> {
    let collaboration = || id(1);
    let events = [
        ("operator", enrolment("acme", "advertiser")),
        ("operator", enrolment("mapper", "partner")),
        ("operator", enrolment("dsp-a", "destination")),
        ("auditor", enrolment("auditor", "auditor")),
        (
            "acme",
            Event::Proposal {
                collaboration: collaboration(),
            },
        ),
        (
            "mapper",
            Event::Acceptance {
                collaboration: collaboration(),
            },
        ),
        ("acme", upload(2, "crm")),
        ("mapper", upload(3, "graph")),
        (
            "acme",
            Event::MatchDecision {
                collaboration: collaboration(),
                match_id: id(4),
                released: true,
                about: Some(1240),
                charge: 200,
            },
        ),
        ("acme", gate(5, 6, "dsp-a", Some(320))),
        ("acme", gate(7, 8, "dsp-a", None)),
        ("dsp-a", delivery(9, 5, 6, "dsp-a")),
        (
            "acme",
            Event::Withdrawal {
                collaboration: collaboration(),
                withdrawal: id(10),
                commitment: digest(10),
                kind: None,
            },
        ),
        ("dsp-a", delivery(11, 5, 6, "dsp-a")),
        ("mapper", delta(13, "graph", "add", 3)),
        ("mapper", delta(14, "graph", "remove", 13)),
        ("mapper", delta(15, "graph", "refresh", 14)),
        ("operator", coverage(15, &[("dsp-a", Some(61))])),
        ("mapper", tightening(1)),
        ("mapper", request(17, Some("erasure"))),
        ("mapper", erasure(1, 17, &["records", "rows"])),
        ("acme", request(18, Some("opposition"))),
    ];
    let anew = agreed("acme", 2).into_iter();
    let anew = anew.chain([("mapper", bridged(16, 2, 1))]);
    let numbered = events.into_iter().chain(anew).enumerate();
    numbered
        .map(|(n, (actor, event))| leaf(n, actor, event))
        .collect()
}

fn bytes(leaves: &[Leaf]) -> Vec<Vec<u8>> {
    leaves.iter().map(Leaf::to_bytes).collect()
}

/// A published and signed log, published in steps of `step` leaves.
fn log_of(leaves: &[Vec<u8>], step: usize) -> MemoryStore {
    let mut store = MemoryStore::default();
    let mut size = 0;
    let mut root = publish(0, &[], &mut store).unwrap().1;
    for part in leaves.chunks(step) {
        (size, root) = publish(size, part, &mut store).unwrap();
    }
    sign(&mut store, size, &root);
    store
}

fn sign(store: &mut MemoryStore, size: u64, root: &[u8; 32]) {
    let checkpoint = key().sign_checkpoint(size, root);
    store.write(CHECKPOINT, checkpoint.as_bytes()).unwrap();
}

fn check(store: &MemoryStore) -> Result<Summary, Violation> {
    verify(store, &key().vkey())
}
