//! Audiences: named by the advertiser.

use jiff::Timestamp;
use tamis_protocols::wire::api::AudienceUse;

use super::row::Row;
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;

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
    /// Percent kept back for comparison, as last given.
    pub holdout: u8,
}

/// The columns of an audience, as it is read below, with what follows `FROM`.
macro_rules! select_audience {
    ($rest:literal) => {
        concat!(
            "SELECT id, collaboration, name, expression, purpose, holdout FROM audiences ",
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
                "INSERT INTO audiences (id, collaboration, name, expression, purpose, holdout, \
                 created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(new.id.to_string())
            .bind(new.collaboration.to_string())
            .bind(&new.name)
            .bind(&new.expression)
            .bind(purpose_word(new.purpose))
            .bind(i64::from(new.holdout))
            .bind(now.as_millisecond()),
        )
        .await
    }

    /// Changes what an audience is, for decisions from now on.
    pub async fn set_audience(&mut self, audience: &Audience) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE audiences SET expression = $1, purpose = $2, holdout = $3 WHERE id = $4")
                .bind(&audience.expression)
                .bind(purpose_word(audience.purpose))
                .bind(i64::from(audience.holdout))
                .bind(audience.id.to_string()),
        )
        .await
    }
}

pub(super) fn purpose_word(purpose: AudienceUse) -> &'static str {
    match purpose {
        AudienceUse::Target => "target",
        AudienceUse::Exclude => "exclude",
    }
}

pub(super) fn purpose(row: &Row) -> Result<AudienceUse, StoreError> {
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
        holdout: percent(row)?,
    })
}

pub(super) fn percent(row: &Row) -> Result<u8, StoreError> {
    u8::try_from(row.count("holdout")?).map_err(|_| row.corrupt("holdout"))
}
