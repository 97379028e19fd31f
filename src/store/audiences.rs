//! Audiences and the gate's decisions on them, one per destination and asking.

use jiff::Timestamp;
use jiff::civil::Date;
use tamis_protocols::wire::api::AudienceUse;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State, Step};

/// An audience.
#[derive(Clone)]
pub struct Audience {
    /// What destinations and the log know it by.
    pub id: Id,
    /// What it belongs to.
    pub collaboration: Id,
    /// The advertiser's name for it.
    pub name: String,
    /// As last given.
    pub expression: String,
    /// As last given.
    pub purpose: AudienceUse,
}

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
    /// The day it was asked.
    pub as_of: Date,
    /// Where it stands.
    pub state: state::Decision,
    /// The released number; none unless released.
    pub about: Option<u64>,
    /// Index of the gate decision's leaf.
    pub leaf: Option<u64>,
}

/// The columns of an audience, as it is read below, with what follows `FROM`.
macro_rules! select_audience {
    ($rest:literal) => {
        concat!(
            "SELECT id, collaboration, name, expression, purpose FROM audiences ",
            $rest
        )
    };
}

/// The columns of a decision `d`, as it is read below, with what follows `FROM`.
macro_rules! select_decision {
    ($rest:literal) => {
        concat!(
            "SELECT d.id AS id, d.audience AS audience, d.destination AS destination, \
             d.question AS question, d.expression AS expression, d.purpose AS purpose, \
             d.advertiser_upload AS advertiser_upload, d.partner_upload AS partner_upload, \
             d.as_of AS as_of, d.state AS state, d.about AS about, d.leaf AS leaf \
             FROM decisions d ",
            $rest
        )
    };
}

impl Tx {
    /// The audience of that name in a collaboration.
    pub async fn audience_named(
        &mut self,
        collaboration: Id,
        name: &str,
    ) -> Result<Option<Audience>, StoreError> {
        let row = self
            .optional(
                sql(select_audience!("WHERE collaboration = $1 AND name = $2"))
                    .bind(collaboration.to_string())
                    .bind(name),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The audience of that id.
    pub async fn audience(&mut self, id: Id) -> Result<Option<Audience>, StoreError> {
        let row = self
            .optional(sql(select_audience!("WHERE id = $1")).bind(id.to_string()))
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Those of a collaboration, newest first, at most 1,000.
    pub async fn audiences(&mut self, collaboration: Id) -> Result<Vec<Audience>, StoreError> {
        let rows = self
            .all(
                sql(select_audience!(
                    "WHERE collaboration = $1 ORDER BY created_at DESC, id LIMIT 1000"
                ))
                .bind(collaboration.to_string()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// How many audiences a collaboration has.
    pub async fn audience_count(&mut self, collaboration: Id) -> Result<u64, StoreError> {
        let row = self
            .optional(
                sql("SELECT COUNT(*) AS n FROM audiences WHERE collaboration = $1")
                    .bind(collaboration.to_string()),
            )
            .await?;
        row.map_or(Ok(0), |row| row.count("n"))
    }

    /// Adds an audience.
    pub async fn add_audience(&mut self, new: &Audience, now: Timestamp) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO audiences (id, collaboration, name, expression, purpose, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(new.id.to_string())
            .bind(new.collaboration.to_string())
            .bind(&new.name)
            .bind(&new.expression)
            .bind(purpose_word(new.purpose))
            .bind(now.as_millisecond()),
        )
        .await
    }

    /// Changes what an audience is, for decisions from now on.
    pub async fn set_audience(&mut self, audience: &Audience) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE audiences SET expression = $1, purpose = $2 WHERE id = $3")
                .bind(&audience.expression)
                .bind(purpose_word(audience.purpose))
                .bind(audience.id.to_string()),
        )
        .await
    }

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

    /// The newest *released* decision at every destination, for every audience of a collaboration.
    pub async fn released_decisions(
        &mut self,
        collaboration: Id,
    ) -> Result<Vec<Decision>, StoreError> {
        let rows = self
            .all(
                sql(select_decision!(
                    "JOIN audiences a ON a.id = d.audience WHERE a.collaboration = $1 \
                     AND d.number = (SELECT MAX(e.number) FROM decisions e \
                     WHERE e.audience = d.audience AND e.destination = d.destination AND e.state = $2) \
                     ORDER BY d.number"
                ))
                .bind(collaboration.to_string())
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

    /// The gate's earlier answer to the same question: released about so many, or below the minimum.
    pub async fn earlier_answer(
        &mut self,
        question: &str,
    ) -> Result<Option<(state::Decision, Option<u64>)>, StoreError> {
        let row = self
            .optional(
                sql("SELECT state, about FROM decisions WHERE question = $1 \
                     AND state IN ($2, $3) ORDER BY number LIMIT 1")
                .bind(question)
                .bind(state::Decision::Released.as_str())
                .bind(state::Decision::BelowMinimum.as_str()),
            )
            .await?;
        row.map(|row| Ok((row.state("state")?, row.count_or_null("about")?)))
            .transpose()
    }

    /// Adds a decision, deciding.
    pub async fn add_decision(&mut self, new: &Decision, now: Timestamp) -> Result<(), StoreError> {
        let number = self.count("order").await?;
        self.one(
            sql(
                "INSERT INTO decisions (id, audience, destination, question, expression, \
                 purpose, advertiser_upload, partner_upload, as_of, state, number, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
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
        about: Option<u64>,
        leaf: Option<u64>,
    ) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE decisions SET state = $1, about = $2, leaf = $3 \
                 WHERE id = $4 AND state = $5")
            .bind(step.to().as_str())
            .bind(about.map(int))
            .bind(leaf.map(int))
            .bind(id.to_string())
            .bind(step.from().as_str()),
        )
        .await
    }
}

fn purpose_word(purpose: AudienceUse) -> &'static str {
    match purpose {
        AudienceUse::Target => "target",
        AudienceUse::Exclude => "exclude",
    }
}

fn purpose(row: &Row) -> Result<AudienceUse, StoreError> {
    match row.text("purpose")?.as_str() {
        "target" => Ok(AudienceUse::Target),
        "exclude" => Ok(AudienceUse::Exclude),
        _ => Err(row.corrupt("purpose")),
    }
}

fn read(row: &Row) -> Result<Audience, StoreError> {
    Ok(Audience {
        id: row.id("id")?,
        collaboration: row.id("collaboration")?,
        name: row.text("name")?,
        expression: row.text("expression")?,
        purpose: purpose(row)?,
    })
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
        as_of: row.day("as_of")?,
        state: row.state("state")?,
        about: row.count_or_null("about")?,
        leaf: row.count_or_null("leaf")?,
    })
}
