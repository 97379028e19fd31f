//! A sink, the service's side of a delivery, and a destination's key.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tamis_keys::purpose::Sealing;
use tamis_keys::{Secret, sealing};
use tamis_protocols::label::{LabelContext, LabelSealer};
use tamis_protocols::wire::api::AudienceUse;
use tamis_protocols::wire::delivery::Audience;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::delivery::batch::{Batch, Batches, Change, Cookie, Head};
use crate::delivery::sink::{Receiver, Sink, SinkError, SinkOptions, Summary};
use crate::delivery::testing::{Names, Seeded, now, receiver, secret, sender, target};
use crate::delivery::webhook::{Ack, SendError, Session};
use crate::domain::clock::MockClock;

pub(super) const NAME: &str = "dsp-a";

pub(super) fn sealing_key() -> Secret<Sealing> {
    Secret::from_bytes([9; 32])
}

/// Changes sealed in one upload's context: `+cookie` joins, `-cookie` leaves.
pub(super) fn sealed_by(key: &[u8; 32], changes: &[&str]) -> Vec<Change> {
    let context = LabelContext {
        collaboration: &"c".repeat(32),
        destination: NAME,
    };
    let (sealer, enc) = LabelSealer::new(key, &context, &Seeded::default()).unwrap();
    let mut row = 0;
    changes
        .iter()
        .map(|change| {
            row += 1;
            let (sign, cookie) = change.split_at(1);
            let label = Box::new(sealer.seal(row, cookie.as_bytes()).unwrap());
            let cookie = Cookie::Sealed { enc, label };
            match sign {
                "+" => Change::Add(cookie),
                _ => Change::Remove(cookie),
            }
        })
        .collect()
}

pub(super) fn sealed(changes: &[&str]) -> Vec<Change> {
    sealed_by(&sealing::public(&sealing_key()), changes)
}

pub(super) fn open(changes: &[&str]) -> Vec<Change> {
    changes
        .iter()
        .map(|change| match change.split_at(1) {
            ("+", cookie) => Change::Add(Cookie::Open(cookie.into())),
            (_, cookie) => Change::Remove(Cookie::Open(cookie.into())),
        })
        .collect()
}

/// The batches of delivery number `delivery` to an audience.
pub(super) fn batches(audience: &str, delivery: u8, changes: Vec<Change>) -> Vec<Batch> {
    let head = Head {
        queued_at: now(),
        audience: Audience {
            id: "a".repeat(32),
            name: audience.into(),
            purpose: AudienceUse::Target,
        },
        collaboration: "c".repeat(32),
        destination: NAME.into(),
        delivery: format!("{delivery:032x}"),
    };
    let changes = changes.into_iter().map(Ok::<_, std::convert::Infallible>);
    Batches::new(head, changes).map(Result::unwrap).collect()
}

/// One batch of few changes.
pub(super) fn batch(audience: &str, delivery: u8, changes: Vec<Change>) -> Batch {
    batches(audience, delivery, changes).remove(0)
}

/// A running sink and a session to it.
pub(super) struct World {
    pub(super) address: SocketAddr,
    pub(super) receiver: Receiver,
    pub(super) clock: MockClock,
    pub(super) session: Session,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<Summary, SinkError>>,
}

impl World {
    pub(super) async fn start(out: &Path) -> World {
        World::with(out, |_| {}).await
    }

    pub(super) async fn with(out: &Path, adjust: impl FnOnce(&mut SinkOptions)) -> World {
        let (receiver, clock) = (receiver(), MockClock::at(now()));
        let mut options = SinkOptions {
            name: NAME.into(),
            listen: "127.0.0.1:0".parse().unwrap(),
            out: out.to_path_buf(),
            capture: None,
            ready_file: None,
            receiver: receiver.clone(),
            secrets: vec![secret()],
            sealing: Some(sealing_key()),
            clock: Arc::new(clock.clone()),
        };
        adjust(&mut options);
        let sink = Sink::bind(options).await.unwrap();
        let address = sink.address();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(sink.serve(async {
            let _ = stopped.await;
        }));
        let sender = sender(Names::new(&["127.0.0.1"]));
        let session = sender.open(target(address.port(), &receiver)).await;
        World {
            address,
            receiver,
            clock,
            session: session.ok().unwrap(),
            stop,
            running,
        }
    }

    pub(super) async fn send(&self, batch: &Batch) -> Result<Ack, SendError> {
        let body = Bytes::from(batch.body.clone());
        self.session.send(&batch.id, now(), body).await
    }

    /// Ends the sink as SIGTERM does.
    pub(super) async fn end(self) -> Summary {
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap()
    }

    /// Ends the sink as SIGKILL does.
    pub(super) async fn kill(self) {
        self.running.abort();
        let _ = self.running.await;
        // A connection's task may hold the state for a moment longer.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

pub(super) fn members(out: &TempDir) -> String {
    std::fs::read_to_string(out.path().join("members.csv")).unwrap()
}

/// The status of a message that was not taken.
pub(super) fn status(verdict: Result<Ack, SendError>) -> u16 {
    use crate::delivery::webhook::Failure::Status;
    match verdict {
        Ok(ack) => ack.status,
        Err(
            SendError::Retry {
                failure: Status(status),
                ..
            }
            | SendError::Refused {
                failure: Status(status),
            },
        ) => status,
        Err(error) => panic!("no answer: {error}"),
    }
}
