//! Keys of choices: by which the gate holds persons back, and keeps some for control.

use super::transaction::sql;
use super::{StoreError, Tx};

/// The key of a pair of parties.
#[derive(Clone)]
pub struct ChoiceKey {
    /// The key, sealed, base64.
    pub sealed_key: String,
    /// The data key that it is sealed under, wrapped.
    pub wrapped_key: String,
}

impl Tx {
    /// The key of an advertiser and a partner, if there is one yet.
    pub async fn choice_key(
        &mut self,
        advertiser: &str,
        partner: &str,
    ) -> Result<Option<ChoiceKey>, StoreError> {
        let row = self
            .optional(
                sql("SELECT sealed_key, wrapped_key FROM choices \
                     WHERE advertiser = $1 AND partner = $2")
                .bind(advertiser)
                .bind(partner),
            )
            .await?;
        row.map(|row| {
            Ok(ChoiceKey {
                sealed_key: row.text("sealed_key")?,
                wrapped_key: row.text("wrapped_key")?,
            })
        })
        .transpose()
    }

    /// Adds the key of an advertiser and a partner.
    pub async fn add_choice_key(
        &mut self,
        advertiser: &str,
        partner: &str,
        new: &ChoiceKey,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO choices (advertiser, partner, sealed_key, wrapped_key) \
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(advertiser)
            .bind(partner)
            .bind(&new.sealed_key)
            .bind(&new.wrapped_key),
        )
        .await
    }
}
