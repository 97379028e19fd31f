//! Recording: a leaf of the log, in the transaction of the event.
//!
//! A leaf that an auditor would not accept is not written: then nothing happens either.

use jiff::Timestamp;
use tamis_protocols::release::Policy;
use tamis_protocols::transparency::{Event, Leaf};

use super::{Service, ServiceError};
use crate::store::jobs::JobKind;
use crate::store::{Tx, grouped};

/// The name under which the service itself acts. No party may have it.
pub(super) const OPERATOR: &str = "operator";

impl Service {
    /// Appends the leaf of `event` and queues its publication; its index. A policy is kept for auditors: the
    /// leaf has only its digest.
    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        actor: &str,
        event: Event,
        policy: Option<&Policy>,
    ) -> Result<u64, ServiceError> {
        let applied = policy;
        let policy = policy.map(|policy| hex::encode(policy.digest()));
        if let (Some(policy), Some(digest)) = (applied, &policy) {
            let parameters = serde_json::to_string(policy)
                .map_err(|error| ServiceError::internal("policy", error))?;
            tx.keep_policy(digest, Policy::VERSION, &parameters).await?;
        }
        let leaf = Leaf::new(now.to_string(), actor, event, policy);
        leaf.check()
            .map_err(|error| ServiceError::internal("leaf", error))?;
        let line = String::from_utf8(leaf.to_bytes())
            .map_err(|error| ServiceError::internal("leaf", error))?;
        let index = tx.append_leaf(&line).await?;
        if !tx.publishes() {
            match tx.job_waits(JobKind::Publish).await? {
                // It may wait for witnesses.
                true => tx.hasten_jobs(JobKind::Publish, now).await?,
                false => self.queue(tx, JobKind::Publish, "log", "log", now).await?,
            }
            tx.set_publishes();
        }
        Ok(index)
    }

    /// Appends what the operator did by hand to `subject`, a name or an id; its index.
    pub(super) async fn record_act(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        action: &str,
        subject: &str,
    ) -> Result<u64, ServiceError> {
        let event = Event::Admin {
            action: action.to_owned(),
            subject: subject.to_owned(),
        };
        self.record(tx, now, OPERATOR, event, None).await
    }

    /// Records an act of the operator that changes nothing in the database; in the log for good when this
    /// returns, published later. Its index.
    ///
    /// # Errors
    /// An action or a subject that a leaf cannot have; the database.
    pub async fn note(&self, action: &str, subject: &str) -> Result<u64, ServiceError> {
        let now = self.now();
        let (index, first) = grouped!(self.store(), "note", |tx| {
            let first = !tx.publishes();
            let index = self.record_act(tx, now, action, subject).await?;
            Ok::<_, ServiceError>((index, first))
        })?;
        // Those of one group are published together.
        if first {
            self.wake();
        }
        Ok(index)
    }

    /// Queues a job; call [`Service::wake`] after the commit.
    pub(super) async fn queue(
        &self,
        tx: &mut Tx,
        kind: JobKind,
        subject: &str,
        lane: &str,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        Ok(tx.add_job(self.id(), kind, subject, lane, now).await?)
    }
}
