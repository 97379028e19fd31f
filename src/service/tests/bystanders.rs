//! Witnesses in memory, each of which can be down, forge, or hang.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use futures::future::BoxFuture;
use tamis_keys::Secret;
use tamis_protocols::transparency::{Seen, Verdict, Witness, WitnessKey, WitnessVerifier};

use crate::delivery::webhook::Failure;
use crate::delivery::witnesses::{Asked, Unheard};
use crate::service::work::Witnesses;

/// How a witness behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Honest,
    Down,
    /// Signs with a key of its own choosing.
    Forges,
    /// Signs, remembers, and its answer never arrives.
    Hangs,
}

#[derive(Default)]
pub(super) struct Bystanders {
    moods: Mutex<BTreeMap<String, Mood>>,
    seen: Mutex<BTreeMap<String, Seen>>,
    log: Mutex<String>,
    hanging: Mutex<usize>,
}

pub(super) fn key(n: u8) -> WitnessKey {
    let name = format!("witness.example/w{n}");
    WitnessKey::new(Secret::from_bytes([n; 32]), &name).unwrap()
}

pub(super) fn peers(count: u8) -> Vec<WitnessVerifier> {
    (1..=count).map(|n| key(n).verifier()).collect()
}

impl Bystanders {
    /// The log they look after.
    pub(super) fn trust(&self, vkey: &str) {
        vkey.clone_into(&mut self.log.lock().unwrap());
    }

    pub(super) fn set(&self, n: u8, mood: Mood) {
        let name = format!("witness.example/w{n}");
        self.moods.lock().unwrap().insert(name, mood);
    }

    /// The size that a witness cosigned last.
    pub(super) fn size(&self, n: u8) -> u64 {
        let name = format!("witness.example/w{n}");
        self.seen
            .lock()
            .unwrap()
            .get(&name)
            .map_or(0, |seen| seen.size)
    }

    /// Makes a witness see a log that the operator showed it and nobody else.
    pub(super) fn show(&self, n: u8, seen: Seen) {
        let name = format!("witness.example/w{n}");
        self.seen.lock().unwrap().insert(name, seen);
    }

    pub(super) fn hanging(&self) -> usize {
        *self.hanging.lock().unwrap()
    }

    fn judge(&self, name: &str, body: &[u8]) -> Asked {
        let witness = Witness::new([self.log.lock().unwrap().as_str()]).unwrap();
        let known = match witness.read(body) {
            Ok(known) => known,
            Err(verdict) => panic!("a request that no witness understands: {verdict:?}"),
        };
        let mut all = self.seen.lock().unwrap();
        match Witness::consider(all.get(name), &known) {
            Verdict::Cosign { seen, text } => {
                all.insert(name.to_owned(), seen);
                let n = name
                    .trim_start_matches("witness.example/w")
                    .parse()
                    .unwrap();
                let mood = self.moods.lock().unwrap().get(name).copied();
                let key = match mood {
                    Some(Mood::Forges) => {
                        WitnessKey::new(Secret::from_bytes([99; 32]), name).unwrap()
                    }
                    _ => key(n),
                };
                // A stranger's line beside it is nobody's business.
                let stranger = self::key(77).cosign(&text, 5);
                Asked::Cosigned(stranger + &key.cosign(&text, 1_795_600_000))
            }
            Verdict::Conflict { size } => Asked::Knows(size),
            Verdict::BadProof => Asked::Refused(422),
            verdict => panic!("{verdict:?}"),
        }
    }
}

impl Witnesses for Bystanders {
    fn ask<'a>(&'a self, name: &'a str, body: Bytes) -> BoxFuture<'a, Result<Asked, Unheard>> {
        Box::pin(async move {
            let mood = self.moods.lock().unwrap().get(name).copied();
            match mood.unwrap_or(Mood::Honest) {
                Mood::Down => Err(Unheard::Failed(Failure::Unreachable)),
                Mood::Hangs => {
                    self.judge(name, &body);
                    *self.hanging.lock().unwrap() += 1;
                    std::future::pending().await
                }
                Mood::Honest | Mood::Forges => Ok(self.judge(name, &body)),
            }
        })
    }
}
