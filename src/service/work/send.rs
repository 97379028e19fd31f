//! Sending a plan: changes to batches, batches to the destination, acknowledgements to the database.
//!
//! Batches are made on a thread of their own, two ahead at most. They are a function of the plan and
//! of the files it is compared with, so a run after a kill makes the same ones and skips those that
//! are acknowledged.
//!
//! Memory: three batches of at most 2 MiB; when an earlier plan was sent in part, also 16 bytes for
//! every change, to say each one once.

use std::collections::HashSet;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tamis_protocols::wire::delivery::Audience;
use tokio::sync::mpsc;

use super::plan::Order;
use super::{Held, JobError, Outbound, Route};
use crate::delivery::batch::{self, Batch, Batches, Head, receipt_digest};
use crate::delivery::webhook::SendError;
use crate::domain::state::{self, Step};
use crate::service::Service;
use crate::sets::members::{self, Change};
use crate::store::deliveries::Delivery;
use crate::store::members::MemberFile;
use crate::store::{snapshot, transact};

/// How an attempt ended.
pub(super) enum Sent {
    /// Every batch is acknowledged.
    All {
        /// The chain over them.
        digest: [u8; 32],
    },
    /// The plan no longer holds.
    Stale,
    /// The destination could not be reached, or asked for time.
    Later {
        /// How much it asked for.
        asked: Option<Duration>,
    },
    /// The destination wants no more.
    Refused,
}

/// What the batching thread hands over.
enum Piece {
    Batch(Batch),
    Failed(JobError),
}

impl Service {
    pub(super) async fn send(
        &self,
        held: &Held,
        order: &Order,
        plan: &MemberFile,
        outbound: &Outbound,
    ) -> Result<Sent, JobError> {
        let (delivery, before) = snapshot!(self.store(), "send-begin", |tx| {
            let delivery = tx.delivery(order.delivery.id).await?;
            let delivery = delivery.ok_or_else(|| JobError::gone("the delivery"))?;
            let mut before = tx.told(plan.audience, &plan.destination).await?;
            before.retain(|file| file.id != plan.id);
            Ok::<_, JobError>((delivery, before))
        })?;
        let mut digest = read_digest(&delivery)?;
        let mut pieces = self.pieces(order, plan, before);
        let mut route: Option<Box<dyn Route>> = None;
        let mut sequence = 0;
        let mut ended = false;
        while let Some(piece) = pieces.recv().await {
            let batch = match piece {
                Piece::Batch(batch) => batch,
                Piece::Failed(error) => return Err(error),
            };
            ended = batch.last;
            sequence = u64::from(batch.sequence);
            if sequence < delivery.acknowledged {
                continue;
            }
            if !self.may_send(held, order, plan).await? {
                return Ok(Sent::Stale);
            }
            let open = match route.take() {
                Some(open) => open,
                None => match outbound
                    .courier
                    .open(self.target(&order.destination)?)
                    .await
                {
                    Ok(open) => open,
                    Err(error) => return Ok(later(&error)),
                },
            };
            let next = receipt_digest(&digest, &batch.body);
            let body = bytes::Bytes::from(batch.body);
            let answer = tokio::select! {
                answer = open.send(&batch.id, self.now(), body) => answer,
                () = held.cancel.cancelled() => return Err(JobError::Cancelled),
            };
            if let Err(error) = answer {
                return Ok(later(&error));
            }
            self.acknowledge(held, order, plan, sequence, &next).await?;
            digest = next;
            route = Some(open);
        }
        match ended && sequence + 1 >= delivery.acknowledged {
            true => Ok(Sent::All { digest }),
            false => Err(JobError::failed("batches", "they ended early")),
        }
    }

    /// Right before a batch leaves: the lease is held, nobody withdrew, the day has not changed. From
    /// here on the destination may hold some of the plan.
    async fn may_send(
        &self,
        held: &Held,
        order: &Order,
        plan: &MemberFile,
    ) -> Result<bool, JobError> {
        held.check()?;
        if order.day(self.today()) != plan.judged_on {
            return Ok(false);
        }
        transact!(self.store(), "send-batch", |tx| {
            tx.hold_job(&held.job).await?;
            let withdrawals = tx.withdrawal_count(order.audience.collaboration).await?;
            if withdrawals != plan.withdrawals {
                return Ok(false);
            }
            let file = tx.member_file(plan.id).await?;
            let file = file.ok_or_else(|| JobError::gone("the plan"))?;
            if file.state == state::MemberFile::Planned {
                let step = Step::new(file.state, state::MemberFile::Partial)?;
                tx.step_member_file(plan.id, step).await?;
            }
            Ok::<_, JobError>(true)
        })
    }

    async fn acknowledge(
        &self,
        held: &Held,
        order: &Order,
        plan: &MemberFile,
        sequence: u64,
        digest: &[u8; 32],
    ) -> Result<(), JobError> {
        let digest = hex::encode(digest);
        transact!(self.store(), "send-acknowledged", |tx| {
            tx.hold_job(&held.job).await?;
            Ok(tx
                .acknowledge_batch(order.delivery.id, plan.id, sequence, &digest)
                .await?)
        })
    }

    /// Makes the batches of a plan, from the first one on.
    fn pieces(
        &self,
        order: &Order,
        plan: &MemberFile,
        before: Vec<MemberFile>,
    ) -> mpsc::Receiver<Piece> {
        let (sender, receiver) = mpsc::channel(1);
        let head = Head {
            queued_at: plan.created_at,
            audience: Audience {
                id: order.audience.id.to_string(),
                name: order.audience.name.clone(),
                purpose: order.decision.purpose,
            },
            collaboration: order.audience.collaboration.to_string(),
            destination: plan.destination.clone(),
            delivery: plan.id.to_string(),
        };
        let service = self.clone();
        let plan = plan.clone();
        tokio::task::spawn_blocking(move || {
            let made = service.make(head, &plan, &before, &sender);
            if let Err(error) = made {
                // Nobody listens any more: nobody needs to know.
                let _ = sender.blocking_send(Piece::Failed(error));
            }
        });
        receiver
    }

    fn make(
        &self,
        head: Head,
        plan: &MemberFile,
        before: &[MemberFile],
        sender: &mpsc::Sender<Piece>,
    ) -> Result<(), JobError> {
        let after = self.open_members(plan)?;
        let mut befores = Vec::new();
        if !before
            .iter()
            .any(|file| file.state == state::MemberFile::Told)
        {
            befores.push(None);
        }
        for file in before {
            befores.push(Some(self.open_members(file)?));
        }
        let mut said = HashSet::new();
        let several = befores.len() > 1;
        let changes = befores
            .iter()
            .flat_map(|before| members::changes(before.as_ref(), &after))
            .map(|change| {
                let failed = |error| JobError::failed("member file", error);
                change.map_err(failed).and_then(convert)
            })
            .filter(|change| match change {
                Ok(change) if several => said.insert(fingerprint(change)),
                _ => true,
            });
        for batch in Batches::new(head, changes) {
            let batch = batch.map_err(|error| JobError::failed("batch", error))?;
            if sender.blocking_send(Piece::Batch(batch)).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// From what a member file holds to what a batch takes.
fn convert(change: Change) -> Result<batch::Change, JobError> {
    Ok(match change {
        Change::Add(cookie) => batch::Change::Add(cookie_of(cookie)?),
        Change::Remove(cookie) => batch::Change::Remove(cookie_of(cookie)?),
    })
}

fn cookie_of(cookie: members::Cookie) -> Result<batch::Cookie, JobError> {
    match cookie.origin.enc {
        None => Ok(batch::Cookie::Open(cookie.bytes)),
        Some(enc) => {
            let label = cookie
                .bytes
                .try_into()
                .map_err(|_| JobError::failed("member file", "a label of another length"))?;
            Ok(batch::Cookie::Sealed { enc, label })
        }
    }
}

/// 16 bytes that stand for a change, to say it once.
fn fingerprint(change: &batch::Change) -> [u8; 16] {
    let mut hash = Sha256::new();
    let (kind, cookie) = match change {
        batch::Change::Add(cookie) => (b"+", cookie),
        batch::Change::Remove(cookie) => (b"-", cookie),
    };
    hash.update(kind);
    match cookie {
        batch::Cookie::Open(bytes) => hash.update(bytes),
        batch::Cookie::Sealed { enc, label } => {
            hash.update(enc);
            hash.update(label.as_slice());
        }
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}

fn read_digest(delivery: &Delivery) -> Result<[u8; 32], JobError> {
    let mut digest = [0; 32];
    hex::decode_to_slice(&delivery.digest, &mut digest)
        .map_err(|error| JobError::failed("stored digest", error))?;
    Ok(digest)
}

fn later(error: &SendError) -> Sent {
    tracing::warn!(%error, "a batch was not taken");
    match error {
        SendError::Retry { after, .. } => Sent::Later { asked: *after },
        SendError::Refused { .. } => Sent::Refused,
    }
}
