//! Matches: how many persons two uploads share, once the gate has decided.

use jiff::Timestamp;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State, Step};

/// A match.
#[derive(Clone)]
pub struct Match {
    /// Resource id.
    pub id: Id,
    /// What it belongs to.
    pub collaboration: Id,
    /// Pinned.
    pub advertiser_upload: Id,
    /// Pinned.
    pub partner_upload: Id,
    /// Where it stands.
    pub state: state::Match,
    /// The released number; none below the minimum.
    pub about: Option<u64>,
    /// Index of the gate decision's leaf.
    pub leaf: Option<u64>,
}

/// The columns of a match, as it is read below, with what follows `FROM`.
macro_rules! select_match_ {
    ($rest:literal) => {
        concat!(
            "SELECT id, collaboration, advertiser_upload, partner_upload, state, about, leaf \
             FROM matches ",
            $rest
        )
    };
}

impl Tx {
    /// The match of that id, whoever asks: callers scope it.
    pub async fn match_(&mut self, id: Id) -> Result<Option<Match>, StoreError> {
        let row = self
            .optional(sql(select_match_!("WHERE id = $1")).bind(id.to_string()))
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The match of two uploads that was asked for earlier, unless it failed.
    pub async fn match_of(
        &mut self,
        collaboration: Id,
        advertiser_upload: Id,
        partner_upload: Id,
    ) -> Result<Option<Match>, StoreError> {
        let row = self
            .optional(
                sql(select_match_!(
                    "WHERE collaboration = $1 AND advertiser_upload = $2 \
                     AND partner_upload = $3 AND state <> $4 ORDER BY created_at LIMIT 1"
                ))
                .bind(collaboration.to_string())
                .bind(advertiser_upload.to_string())
                .bind(partner_upload.to_string())
                .bind(state::Match::Failed.as_str()),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Adds one, pending.
    pub async fn add_match(&mut self, new: &Match, now: Timestamp) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO matches (id, collaboration, advertiser_upload, partner_upload, \
                 state, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(new.id.to_string())
            .bind(new.collaboration.to_string())
            .bind(new.advertiser_upload.to_string())
            .bind(new.partner_upload.to_string())
            .bind(new.state.as_str())
            .bind(now.as_millisecond()),
        )
        .await
    }

    /// Moves a match along an arrow, with what the gate said.
    pub async fn finish_match(
        &mut self,
        id: Id,
        step: Step<state::Match>,
        about: Option<u64>,
        leaf: Option<u64>,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "UPDATE matches SET state = $1, about = $2, leaf = $3 WHERE id = $4 AND state = $5",
            )
            .bind(step.to().as_str())
            .bind(about.map(int))
            .bind(leaf.map(int))
            .bind(id.to_string())
            .bind(step.from().as_str()),
        )
        .await
    }
}

fn read(row: &Row) -> Result<Match, StoreError> {
    Ok(Match {
        id: row.id("id")?,
        collaboration: row.id("collaboration")?,
        advertiser_upload: row.id("advertiser_upload")?,
        partner_upload: row.id("partner_upload")?,
        state: row.state("state")?,
        about: row.count_or_null("about")?,
        leaf: row.count_or_null("leaf")?,
    })
}
