//! Deliveries: what is to be sent, how far it is, and what was acknowledged.

use jiff::Timestamp;
use tamis_protocols::wire::api::DeliveryReason;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State, Step};

/// A delivery.
#[derive(Clone)]
pub struct Delivery {
    /// Resource id.
    pub id: Id,
    /// Which audience.
    pub audience: Id,
    /// Where.
    pub destination: String,
    /// The released decision whose uploads it uses.
    pub decision: Id,
    /// Why.
    pub reason: DeliveryReason,
    /// The withdrawal it answers.
    pub withdrawal: Option<Id>,
    /// Where it stands.
    pub state: state::Delivery,
    /// Failed and running attempts.
    pub attempts: u64,
    /// Failures in a row since a batch was last acknowledged.
    pub failures: u64,
    /// The member file being sent.
    pub plan: Option<Id>,
    /// Batches of the plan below are acknowledged.
    pub acknowledged: u64,
    /// Hash chain over the plan's acknowledged batches, hexadecimal.
    pub digest: String,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Timestamp>,
    /// When the last batch was acknowledged.
    pub delivered_at: Option<Timestamp>,
    /// Index of the receipt's leaf.
    pub leaf: Option<u64>,
}

/// How far the removal from one audience at one destination is.
pub struct Removal {
    /// Where.
    pub destination: String,
    /// Days after which the destination drops what it is not told again.
    pub member_ttl_days: Option<u64>,
    /// A delivery that honours it was acknowledged.
    pub acknowledged: bool,
    /// Where the newest delivery that honours it stands.
    pub state: state::Delivery,
    /// When the newest delivery before it was acknowledged.
    pub told_at: Option<Timestamp>,
    /// Some of one that did not honour it yet may have arrived.
    pub partly: bool,
}

/// The columns of a delivery `d`, as it is read below, with what follows `FROM`.
macro_rules! select_delivery {
    ($rest:literal) => {
        concat!(
            "SELECT d.id AS id, d.audience AS audience, d.destination AS destination, \
             d.decision AS decision, d.reason AS reason, d.withdrawal AS withdrawal, \
             d.state AS state, d.attempts AS attempts, d.failures AS failures, d.plan AS plan, \
             d.acknowledged AS acknowledged, d.digest AS digest, d.created_at AS created_at, \
             d.next_attempt_at AS next_attempt_at, d.delivered_at AS delivered_at, \
             d.leaf AS leaf FROM deliveries d ",
            $rest
        )
    };
}

impl Tx {
    /// The delivery of that id, whoever asks: callers scope it.
    pub async fn delivery(&mut self, id: Id) -> Result<Option<Delivery>, StoreError> {
        let row = self
            .optional(sql(select_delivery!("WHERE id = $1")).bind(id.to_string()))
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Those of a collaboration, newest first, at most 1,000.
    pub async fn deliveries(&mut self, collaboration: Id) -> Result<Vec<Delivery>, StoreError> {
        let rows = self
            .all(
                sql(select_delivery!(
                    "JOIN audiences a ON a.id = d.audience WHERE a.collaboration = $1 \
                     ORDER BY d.number DESC LIMIT 1000"
                ))
                .bind(collaboration.to_string()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The newest delivery of an audience to a destination.
    pub async fn newest_delivery(
        &mut self,
        audience: Id,
        destination: &str,
    ) -> Result<Option<Delivery>, StoreError> {
        let row = self
            .optional(
                sql(select_delivery!(
                    "WHERE audience = $1 AND destination = $2 ORDER BY number DESC LIMIT 1"
                ))
                .bind(audience.to_string())
                .bind(destination),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// How far every audience is that had to be removed from for a withdrawal. A later delivery of the
    /// same audience honours it too: so does the one that makes good for a delivery that failed.
    pub async fn removals(&mut self, withdrawal: Id) -> Result<Vec<Removal>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT d.destination AS destination, p.member_ttl_days AS ttl, \
                     (SELECT COUNT(*) FROM deliveries e WHERE e.audience = d.audience \
                     AND e.destination = d.destination AND e.number >= d.number \
                     AND e.state = 'delivered') AS done, \
                     (SELECT e.state FROM deliveries e WHERE e.audience = d.audience \
                     AND e.destination = d.destination AND e.number >= d.number \
                     ORDER BY e.number DESC LIMIT 1) AS state, \
                     (SELECT MAX(e.delivered_at) FROM deliveries e WHERE e.audience = d.audience \
                     AND e.destination = d.destination AND e.number < d.number) AS told_at, \
                     (SELECT COUNT(*) FROM member_files f WHERE f.audience = d.audience \
                     AND f.destination = d.destination AND f.state = 'partial' \
                     AND f.withdrawals < w.number) AS partly \
                     FROM deliveries d JOIN parties p ON p.name = d.destination \
                     JOIN withdrawals w ON w.id = d.withdrawal \
                     WHERE d.withdrawal = $1 ORDER BY d.number",
                )
                .bind(withdrawal.to_string()),
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Removal {
                    destination: row.text("destination")?,
                    member_ttl_days: row.count_or_null("ttl")?,
                    acknowledged: row.count("done")? > 0,
                    state: row.state("state")?,
                    told_at: row.time_or_null("told_at")?,
                    partly: row.count("partly")? > 0,
                })
            })
            .collect()
    }

    /// Adds one, queued.
    pub async fn add_delivery(&mut self, new: &Delivery) -> Result<(), StoreError> {
        let number = self.count("order").await?;
        self.one(
            sql(
                "INSERT INTO deliveries (id, audience, destination, decision, reason, \
                 withdrawal, state, attempts, failures, acknowledged, digest, number, \
                 created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, $8, $9, $10)",
            )
            .bind(new.id.to_string())
            .bind(new.audience.to_string())
            .bind(&new.destination)
            .bind(new.decision.to_string())
            .bind(reason_word(new.reason))
            .bind(new.withdrawal.map(|id| id.to_string()))
            .bind(new.state.as_str())
            .bind(&new.digest)
            .bind(number)
            .bind(new.created_at.as_millisecond()),
        )
        .await
    }

    /// Moves a delivery along an arrow.
    pub async fn step_delivery(
        &mut self,
        id: Id,
        step: Step<state::Delivery>,
        next_attempt_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE deliveries SET state = $1, next_attempt_at = $2 \
                 WHERE id = $3 AND state = $4")
            .bind(step.to().as_str())
            .bind(next_attempt_at.map(|at| at.as_millisecond()))
            .bind(id.to_string())
            .bind(step.from().as_str()),
        )
        .await
    }

    /// Counts an attempt, or takes the last one back (`by` is 1 or -1).
    pub async fn count_attempt(&mut self, id: Id, by: i64) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE deliveries SET attempts = attempts + $1 WHERE id = $2")
                .bind(by)
                .bind(id.to_string()),
        )
        .await
    }

    /// Counts a failure since the last acknowledgement.
    pub async fn count_failure(&mut self, id: Id) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE deliveries SET failures = failures + 1 WHERE id = $1").bind(id.to_string()),
        )
        .await
    }

    /// Gives a sending delivery a new plan, of which nothing is acknowledged.
    pub async fn set_plan(&mut self, id: Id, plan: Id, digest: &str) -> Result<(), StoreError> {
        self.one(
            sql(
                "UPDATE deliveries SET plan = $1, acknowledged = 0, digest = $2 \
                 WHERE id = $3 AND state = $4",
            )
            .bind(plan.to_string())
            .bind(digest)
            .bind(id.to_string())
            .bind(state::Delivery::Sending.as_str()),
        )
        .await
    }

    /// Records that the batch `sequence` was acknowledged; `digest` includes it.
    pub async fn acknowledge_batch(
        &mut self,
        id: Id,
        plan: Id,
        sequence: u64,
        digest: &str,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "UPDATE deliveries SET acknowledged = $1, digest = $2, failures = 0 \
                 WHERE id = $3 AND plan = $4 AND state = $5 AND acknowledged = $6",
            )
            .bind(int(sequence + 1))
            .bind(digest)
            .bind(id.to_string())
            .bind(plan.to_string())
            .bind(state::Delivery::Sending.as_str())
            .bind(int(sequence)),
        )
        .await
    }

    /// Records the end of a delivery that reached its destination.
    pub async fn finish_delivery(
        &mut self,
        id: Id,
        step: Step<state::Delivery>,
        leaf: Option<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "UPDATE deliveries SET state = $1, leaf = $2, delivered_at = $3, \
                 next_attempt_at = NULL WHERE id = $4 AND state = $5",
            )
            .bind(step.to().as_str())
            .bind(leaf.map(int))
            .bind(now.as_millisecond())
            .bind(id.to_string())
            .bind(step.from().as_str()),
        )
        .await
    }
}

fn reason_word(reason: DeliveryReason) -> &'static str {
    match reason {
        DeliveryReason::Release => "release",
        DeliveryReason::Withdrawal => "withdrawal",
        DeliveryReason::Expiry => "expiry",
    }
}

fn read(row: &Row) -> Result<Delivery, StoreError> {
    let reason = match row.text("reason")?.as_str() {
        "release" => DeliveryReason::Release,
        "withdrawal" => DeliveryReason::Withdrawal,
        "expiry" => DeliveryReason::Expiry,
        _ => return Err(row.corrupt("reason")),
    };
    Ok(Delivery {
        id: row.id("id")?,
        audience: row.id("audience")?,
        destination: row.text("destination")?,
        decision: row.id("decision")?,
        reason,
        withdrawal: row.id_or_null("withdrawal")?,
        state: row.state("state")?,
        attempts: row.count("attempts")?,
        failures: row.count("failures")?,
        plan: row.id_or_null("plan")?,
        acknowledged: row.count("acknowledged")?,
        digest: row.text("digest")?,
        created_at: row.time("created_at")?,
        next_attempt_at: row.time_or_null("next_attempt_at")?,
        delivered_at: row.time_or_null("delivered_at")?,
        leaf: row.count_or_null("leaf")?,
    })
}
