//! Decisions of the gate on audiences, one per destination and asking.

use jiff::Timestamp;
use jiff::civil::Date;
use tamis_protocols::wire::api::AudienceUse;

use super::audiences::{percent, purpose, purpose_word};
use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State, Step};

/// A decision.
#[derive(Clone)]
pub struct Decision {
    /// Resource id.
    pub id: Id,
    /// Which audience.
    pub audience: Id,
    /// Where.
    pub destination: String,
    /// Digest of what is asked of the gate.
    pub question: String,
    /// Canonical form.
    pub expression: String,
    /// What the destination shall do.
    pub purpose: AudienceUse,
    /// Pinned.
    pub advertiser_upload: Id,
    /// Pinned.
    pub partner_upload: Id,
    /// Percent kept back for comparison.
    pub holdout: u8,
    /// The day it was asked.
    pub as_of: Date,
    /// Where it stands.
    pub state: state::Decision,
    /// The released number; none unless released.
    pub about: Option<u64>,
    /// The released size of the control group; none if there is none.
    pub control_about: Option<u64>,
    /// Whose persons are delivered; none unless released.
    pub emission: Option<Id>,
    /// Not delivered before the operator has looked at its upload.
    pub held: bool,
    /// Index of the gate decision's leaf.
    pub leaf: Option<u64>,
}

/// What the gate said to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Released, or below the minimum.
    pub state: state::Decision,
    /// The released number; none unless released.
    pub about: Option<u64>,
    /// The released size of the control group.
    pub control_about: Option<u64>,
    /// Whose persons are delivered; none unless released.
    pub emission: Option<Id>,
    /// Not delivered before the operator has looked at its upload.
    pub held: bool,
}

/// The columns of a decision `d`, as it is read below, with what follows `FROM`.
macro_rules! select_decision {
    ($rest:literal) => {
        concat!(
            "SELECT d.id AS id, d.audience AS audience, d.destination AS destination, \
             d.question AS question, d.expression AS expression, d.purpose AS purpose, \
             d.advertiser_upload AS advertiser_upload, d.partner_upload AS partner_upload, \
             d.holdout AS holdout, d.as_of AS as_of, d.state AS state, d.about AS about, \
             d.control_about AS control_about, d.emission AS emission, d.held AS held, \
             d.leaf AS leaf FROM decisions d ",
            $rest
        )
    };
}

impl Tx {
    /// The newest decision at every destination of an audience, by destination.
    pub async fn newest_decisions(&mut self, audience: Id) -> Result<Vec<Decision>, StoreError> {
        let rows = self
            .all(
                sql(select_decision!(
                    "WHERE audience = $1 AND number = (SELECT MAX(number) FROM decisions e \
                     WHERE e.audience = d.audience AND e.destination = d.destination) \
                     ORDER BY destination"
                ))
                .bind(audience.to_string()),
            )
            .await?;
        rows.iter().map(read_decision).collect()
    }

    /// The newest *released* decision at every destination, for every audience of a collaboration; those
    /// that are held do not count.
    pub async fn released_decisions(
        &mut self,
        collaboration: Id,
    ) -> Result<Vec<Decision>, StoreError> {
        let rows = self
            .all(
                sql(select_decision!(
                    "JOIN audiences a ON a.id = d.audience WHERE a.collaboration = $1 \
                     AND d.number = (SELECT MAX(e.number) FROM decisions e \
                     WHERE e.audience = d.audience AND e.destination = d.destination AND e.state = $2 \
                     AND e.held = 0) ORDER BY d.number"
                ))
                .bind(collaboration.to_string())
                .bind(state::Decision::Released.as_str()),
            )
            .await?;
        rows.iter().map(read_decision).collect()
    }

    /// Released decisions of an audience at a destination, the newest first, at most 1,000.
    pub async fn released_of(
        &mut self,
        audience: Id,
        destination: &str,
    ) -> Result<Vec<Decision>, StoreError> {
        let rows = self
            .all(
                sql(select_decision!(
                    "WHERE d.audience = $1 AND d.destination = $2 AND d.state = $3 \
                     ORDER BY d.number DESC LIMIT 1000"
                ))
                .bind(audience.to_string())
                .bind(destination)
                .bind(state::Decision::Released.as_str()),
            )
            .await?;
        rows.iter().map(read_decision).collect()
    }

    /// Undecided decisions of a collaboration, oldest first, at most 1,000.
    pub async fn deciding(&mut self, collaboration: Id) -> Result<Vec<Decision>, StoreError> {
        let rows = self
            .all(
                sql(select_decision!(
                    "JOIN audiences a ON a.id = d.audience WHERE a.collaboration = $1 \
                     AND d.state = $2 ORDER BY d.number LIMIT 1000"
                ))
                .bind(collaboration.to_string())
                .bind(state::Decision::Deciding.as_str()),
            )
            .await?;
        rows.iter().map(read_decision).collect()
    }

    /// The decision of that id.
    pub async fn decision(&mut self, id: Id) -> Result<Option<Decision>, StoreError> {
        let row = self
            .optional(sql(select_decision!("WHERE id = $1")).bind(id.to_string()))
            .await?;
        row.as_ref().map(read_decision).transpose()
    }

    /// The gate's earlier answer to the same question.
    pub async fn earlier_answer(&mut self, question: &str) -> Result<Option<Answer>, StoreError> {
        let row = self
            .optional(
                sql(
                    "SELECT state, about, control_about, emission, held FROM decisions \
                     WHERE question = $1 AND state IN ($2, $3) ORDER BY number LIMIT 1",
                )
                .bind(question)
                .bind(state::Decision::Released.as_str())
                .bind(state::Decision::BelowMinimum.as_str()),
            )
            .await?;
        row.map(|row| {
            Ok(Answer {
                state: row.state("state")?,
                about: row.count_or_null("about")?,
                control_about: row.count_or_null("control_about")?,
                emission: row.id_or_null("emission")?,
                held: row.count("held")? > 0,
            })
        })
        .transpose()
    }

    /// Whether a question was asked before, and has an answer or waits for it.
    pub async fn is_asked(&mut self, question: &str) -> Result<bool, StoreError> {
        let row = self
            .optional(
                sql("SELECT id FROM decisions WHERE question = $1 AND state <> $2 LIMIT 1")
                    .bind(question)
                    .bind(state::Decision::Failed.as_str()),
            )
            .await?;
        Ok(row.is_some())
    }

    /// Adds a decision, deciding.
    pub async fn add_decision(&mut self, new: &Decision, now: Timestamp) -> Result<(), StoreError> {
        let number = self.count("order").await?;
        self.one(
            sql(
                "INSERT INTO decisions (id, audience, destination, question, expression, \
                 purpose, advertiser_upload, partner_upload, as_of, state, holdout, number, \
                 created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            )
            .bind(new.id.to_string())
            .bind(new.audience.to_string())
            .bind(&new.destination)
            .bind(&new.question)
            .bind(&new.expression)
            .bind(purpose_word(new.purpose))
            .bind(new.advertiser_upload.to_string())
            .bind(new.partner_upload.to_string())
            .bind(new.as_of.to_string())
            .bind(new.state.as_str())
            .bind(i64::from(new.holdout))
            .bind(number)
            .bind(now.as_millisecond()),
        )
        .await
    }

    /// Moves a decision along an arrow, with what the gate said.
    pub async fn finish_decision(
        &mut self,
        id: Id,
        step: Step<state::Decision>,
        answer: Option<&Answer>,
        leaf: Option<u64>,
    ) -> Result<(), StoreError> {
        let emission = answer.and_then(|answer| answer.emission);
        self.one(
            sql(
                "UPDATE decisions SET state = $1, about = $2, control_about = $3, emission = $4, \
                 held = $5, leaf = $6 WHERE id = $7 AND state = $8",
            )
            .bind(step.to().as_str())
            .bind(answer.and_then(|answer| answer.about).map(int))
            .bind(answer.and_then(|answer| answer.control_about).map(int))
            .bind(emission.map(|id| id.to_string()))
            .bind(i64::from(answer.is_some_and(|answer| answer.held)))
            .bind(leaf.map(int))
            .bind(id.to_string())
            .bind(step.from().as_str()),
        )
        .await
    }
}

fn read_decision(row: &Row) -> Result<Decision, StoreError> {
    Ok(Decision {
        id: row.id("id")?,
        audience: row.id("audience")?,
        destination: row.text("destination")?,
        question: row.text("question")?,
        expression: row.text("expression")?,
        purpose: purpose(row)?,
        advertiser_upload: row.id("advertiser_upload")?,
        partner_upload: row.id("partner_upload")?,
        holdout: percent(row)?,
        as_of: row.day("as_of")?,
        state: row.state("state")?,
        about: row.count_or_null("about")?,
        control_about: row.count_or_null("control_about")?,
        emission: row.id_or_null("emission")?,
        held: row.count("held")? > 0,
        leaf: row.count_or_null("leaf")?,
    })
}
