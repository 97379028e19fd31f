//! Charges to the privacy budgets: of an advertiser with a partner, and of a partner with everybody.

use jiff::Timestamp;

use super::row::int;
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State};

/// A charge.
#[derive(Clone)]
pub struct Charge {
    /// The decision or match that it is for.
    pub subject: Id,
    /// Where.
    pub collaboration: Id,
    /// Whose account with the partner.
    pub advertiser: String,
    /// Whose account with all advertisers.
    pub partner: String,
    /// Thousandths of ε.
    pub amount: u32,
    /// When.
    pub at: Timestamp,
}

/// A charge as an account sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Thousandths of ε.
    pub amount: u32,
    /// When.
    pub at: Timestamp,
}

/// What waits to be decided, and will be charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Matches.
    pub matches: u64,
    /// Audiences at a destination, without a hold-out.
    pub audiences: u64,
    /// Audiences at a destination with a hold-out.
    pub holdouts: u64,
}

impl Tx {
    /// Adds a charge; a subject is charged once.
    pub async fn add_charge(&mut self, new: &Charge) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO charges (subject, collaboration, advertiser, partner, amount, at) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(new.subject.to_string())
            .bind(new.collaboration.to_string())
            .bind(&new.advertiser)
            .bind(&new.partner)
            .bind(int(new.amount.into()))
            .bind(new.at.as_millisecond()),
        )
        .await
    }

    /// Charges after `since` of an advertiser with a partner, or of a partner with everybody, oldest
    /// first.
    pub async fn charges(
        &mut self,
        advertiser: Option<&str>,
        partner: &str,
        since: Timestamp,
    ) -> Result<Vec<Spent>, StoreError> {
        let rows = self
            .all(
                sql("SELECT amount, at FROM charges WHERE partner = $1 \
                     AND ($2 = '' OR advertiser = $2) AND at > $3 ORDER BY at, subject")
                .bind(partner)
                .bind(advertiser.unwrap_or_default())
                .bind(since.as_millisecond()),
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Spent {
                    amount: u32::try_from(row.count("amount")?).unwrap_or(u32::MAX),
                    at: row.time("at")?,
                })
            })
            .collect()
    }

    /// What waits to be decided of an advertiser with a partner, or of a partner with everybody, and has
    /// no answer yet that costs nothing.
    pub async fn waiting(
        &mut self,
        advertiser: Option<&str>,
        partner: &str,
    ) -> Result<Waiting, StoreError> {
        let matches = self
            .optional(
                sql("SELECT COUNT(*) AS n FROM matches m JOIN collaborations c \
                     ON c.id = m.collaboration WHERE c.partner = $1 \
                     AND ($2 = '' OR c.advertiser = $2) AND m.state = $3")
                .bind(partner)
                .bind(advertiser.unwrap_or_default())
                .bind(state::Match::Pending.as_str()),
            )
            .await?;
        let audiences = self
            .all(
                sql(
                    "SELECT DISTINCT d.question AS question, d.holdout AS holdout \
                     FROM decisions d JOIN audiences a ON a.id = d.audience \
                     JOIN collaborations c ON c.id = a.collaboration WHERE c.partner = $1 \
                     AND ($2 = '' OR c.advertiser = $2) AND d.state = $3 AND NOT EXISTS \
                     (SELECT 1 FROM decisions e WHERE e.question = d.question \
                     AND e.state IN ($4, $5)) LIMIT 100000",
                )
                .bind(partner)
                .bind(advertiser.unwrap_or_default())
                .bind(state::Decision::Deciding.as_str())
                .bind(state::Decision::Released.as_str())
                .bind(state::Decision::BelowMinimum.as_str()),
            )
            .await?;
        let mut waiting = Waiting {
            matches: matches.map_or(Ok(0), |row| row.count("n"))?,
            ..Waiting::default()
        };
        for row in audiences {
            match row.count("holdout")? {
                0 => waiting.audiences += 1,
                _ => waiting.holdouts += 1,
            }
        }
        Ok(waiting)
    }
}
