//! Destinations in memory: they apply each batch once, and notice what must never happen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tamis_protocols::wire::delivery::{Member, Message};
use tokio::sync::Notify;

use crate::delivery::webhook::{Failure, SendError, Target};
use crate::service::work::{Courier, Route};

/// How a destination answers the next batches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Take,
    /// Takes it, and the acknowledgement is lost.
    TakeAndBreak,
    Break,
    Refuse,
    /// Takes it and never answers: a worker that is killed here has sent, and does not know.
    TakeAndHang,
    /// Takes it, and acknowledges when told to go on.
    TakeAndWait,
}

#[derive(Clone, Default)]
pub(super) struct Destinations(Arc<Mutex<State>>, Arc<Notify>);

#[derive(Default)]
struct State {
    /// Every batch that arrived, in order, also twice.
    arrived: Vec<(String, Vec<u8>)>,
    /// By id.
    applied: BTreeMap<String, Vec<u8>>,
    /// Members by destination and audience name.
    members: BTreeMap<(String, String), BTreeSet<String>>,
    answers: Vec<Answer>,
    hanging: usize,
}

impl Destinations {
    /// How the next batches are answered, in order; after them everything is taken.
    pub(super) fn answer(&self, answers: &[Answer]) {
        self.0.lock().unwrap().answers = answers.iter().rev().copied().collect();
    }

    pub(super) fn members(&self, destination: &str, audience: &str) -> BTreeSet<String> {
        let key = (destination.to_owned(), audience.to_owned());
        let state = self.0.lock().unwrap();
        state.members.get(&key).cloned().unwrap_or_default()
    }

    /// Ids of the batches that arrived, in order, with repetitions.
    pub(super) fn arrived(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        state.arrived.iter().map(|(id, _)| id.clone()).collect()
    }

    /// Acknowledges the batch that waits.
    pub(super) fn go_on(&self) {
        self.1.notify_one();
    }

    /// How many batches were taken and not answered at once.
    pub(super) fn hanging(&self) -> usize {
        self.0.lock().unwrap().hanging
    }

    pub(super) fn messages(&self) -> Vec<Message> {
        let state = self.0.lock().unwrap();
        state
            .arrived
            .iter()
            .map(|(_, body)| Message::from_bytes(body).unwrap())
            .collect()
    }

    fn take(&self, id: &str, body: &[u8]) -> Answer {
        let mut state = self.0.lock().unwrap();
        let answer = state.answers.pop().unwrap_or(Answer::Take);
        state.arrived.push((id.to_owned(), body.to_vec()));
        let hangs = matches!(answer, Answer::TakeAndHang | Answer::TakeAndWait);
        state.hanging += usize::from(hangs);
        if matches!(answer, Answer::Break | Answer::Refuse) {
            return answer;
        }
        if let Some(known) = state.applied.get(id) {
            assert_eq!(known, body, "the same id with other bytes");
            return answer;
        }
        state.applied.insert(id.to_owned(), body.to_vec());
        let message = Message::from_bytes(body).unwrap();
        assert_eq!(message.id(), id);
        let data = message.data;
        let members = state
            .members
            .entry((data.destination, data.audience.name))
            .or_default();
        for member in &data.remove {
            members.remove(&name(member));
        }
        for member in &data.add {
            members.insert(name(member));
        }
        answer
    }
}

/// Labels of the tests begin with the person's number.
fn name(member: &Member) -> String {
    match member {
        Member::Open(cookie) => cookie.clone(),
        Member::Sealed { label, .. } => {
            format!(
                "cookie-{}",
                u32::from_be_bytes(label[..4].try_into().unwrap())
            )
        }
    }
}

impl Courier for Destinations {
    fn open(&self, target: Target) -> BoxFuture<'_, Result<Box<dyn Route>, SendError>> {
        assert!(target.url.starts_with("https://"));
        assert_eq!(target.secrets.len(), 1);
        Box::pin(async move { Ok(Box::new(self.clone()) as Box<dyn Route>) })
    }
}

impl Route for Destinations {
    fn send<'a>(
        &'a self,
        id: &'a str,
        _: Timestamp,
        body: Bytes,
    ) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async move {
            match self.take(id, &body) {
                Answer::Take => Ok(()),
                Answer::TakeAndBreak | Answer::Break => Err(SendError::Retry {
                    after: Some(Duration::from_secs(30)),
                    failure: Failure::Broken,
                }),
                Answer::Refuse => Err(SendError::Refused {
                    failure: Failure::Status(410),
                }),
                Answer::TakeAndHang => std::future::pending().await,
                Answer::TakeAndWait => {
                    self.1.notified().await;
                    Ok(())
                }
            }
        })
    }
}
