//! Collaborations.

use jiff::Timestamp;
use jiff::civil::Date;

use super::row::Row;
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State, Step};

/// A collaboration.
#[derive(Clone)]
pub struct Collaboration {
    /// First 16 bytes of SHA-256 of the terms.
    pub id: Id,
    /// Where it stands, apart from expiry.
    pub state: state::Collaboration,
    /// The proposer.
    pub advertiser: String,
    /// The acceptor.
    pub partner: String,
    /// The exact signed bytes.
    pub terms: String,
    /// The last day.
    pub expires: Date,
    /// Base64.
    pub advertiser_signature: String,
    /// Base64, once accepted.
    pub partner_signature: Option<String>,
    /// Sealed to the partner, base64.
    pub share_for_partner: String,
    /// Sealed to the advertiser, base64, once accepted.
    pub share_for_advertiser: Option<String>,
    /// How many withdrawals there are.
    pub withdrawals: u64,
}

impl Collaboration {
    /// Whether `party` is one of the two sides.
    pub fn has(&self, party: &str) -> bool {
        self.advertiser == party || self.partner == party
    }

    /// Whether both signed and the last day has not passed on `today`.
    pub fn in_force(&self, today: Date) -> bool {
        self.state == state::Collaboration::Active && today <= self.expires
    }
}

/// The columns of a collaboration, as it is read below, with what follows `FROM`.
macro_rules! select_collaboration {
    ($rest:literal) => {
        concat!(
            "SELECT id, state, advertiser, partner, terms, expires, advertiser_signature, \
             partner_signature, share_for_partner, share_for_advertiser, withdrawals \
             FROM collaborations ",
            $rest
        )
    };
}

impl Tx {
    /// The collaboration of that id, whoever asks: callers scope it.
    pub async fn collaboration(&mut self, id: Id) -> Result<Option<Collaboration>, StoreError> {
        let row = self
            .optional(sql(select_collaboration!("WHERE id = $1")).bind(id.to_string()))
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Those of a party, newest first, at most 1,000.
    pub async fn collaborations(&mut self, party: &str) -> Result<Vec<Collaboration>, StoreError> {
        let rows = self
            .all(
                sql(select_collaboration!(
                    "WHERE advertiser = $1 OR partner = $2 ORDER BY created_at DESC, id \
                     LIMIT 1000"
                ))
                .bind(party)
                .bind(party),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The ids after `after` in their order, at most 1,000, each with its terms; none at the end.
    pub async fn terms_after(
        &mut self,
        after: Option<Id>,
    ) -> Result<Vec<(Id, String)>, StoreError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let statement = "SELECT id, terms FROM collaborations WHERE id > $1 ORDER BY id LIMIT 1000";
        let rows = self.all(sql(statement).bind(after)).await?;
        let both = |row: &Row| Ok((row.id("id")?, row.text("terms")?));
        rows.iter().map(both).collect()
    }

    /// Adds one, proposed.
    pub async fn add_collaboration(
        &mut self,
        new: &Collaboration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO collaborations (id, state, advertiser, partner, terms, expires, \
                 advertiser_signature, share_for_partner, withdrawals, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)",
            )
            .bind(new.id.to_string())
            .bind(new.state.as_str())
            .bind(&new.advertiser)
            .bind(&new.partner)
            .bind(&new.terms)
            .bind(new.expires.to_string())
            .bind(&new.advertiser_signature)
            .bind(&new.share_for_partner)
            .bind(now.as_millisecond()),
        )
        .await
    }

    /// Records the acceptance.
    pub async fn accept_collaboration(
        &mut self,
        id: Id,
        step: Step<state::Collaboration>,
        signature: &str,
        share: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "UPDATE collaborations SET state = $1, partner_signature = $2, \
                 share_for_advertiser = $3, accepted_at = $4 WHERE id = $5 AND state = $6",
            )
            .bind(step.to().as_str())
            .bind(signature)
            .bind(share)
            .bind(now.as_millisecond())
            .bind(id.to_string())
            .bind(step.from().as_str()),
        )
        .await
    }

    /// Counts one more withdrawal; its number, from 1.
    pub async fn count_withdrawal(&mut self, id: Id) -> Result<u64, StoreError> {
        self.one(
            sql("UPDATE collaborations SET withdrawals = withdrawals + 1 WHERE id = $1")
                .bind(id.to_string()),
        )
        .await?;
        self.withdrawal_count(id).await
    }

    /// How many withdrawals a collaboration has.
    pub async fn withdrawal_count(&mut self, id: Id) -> Result<u64, StoreError> {
        let row = self
            .optional(
                sql("SELECT withdrawals FROM collaborations WHERE id = $1").bind(id.to_string()),
            )
            .await?;
        match row {
            Some(row) => row.count("withdrawals"),
            None => Ok(0),
        }
    }
}

fn read(row: &Row) -> Result<Collaboration, StoreError> {
    Ok(Collaboration {
        id: row.id("id")?,
        state: row.state("state")?,
        advertiser: row.text("advertiser")?,
        partner: row.text("partner")?,
        terms: row.text("terms")?,
        expires: row.day("expires")?,
        advertiser_signature: row.text("advertiser_signature")?,
        partner_signature: row.text_or_null("partner_signature")?,
        share_for_partner: row.text("share_for_partner")?,
        share_for_advertiser: row.text_or_null("share_for_advertiser")?,
        withdrawals: row.count("withdrawals")?,
    })
}
