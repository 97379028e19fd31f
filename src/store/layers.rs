//! Layers: which uploads a set is made of, and whether it was written as one layer again.
//!
//! ```text
//! full ◀── add ◀── remove ◀── add        parent: the upload whose set this one changed
//!                     │
//!                  compacted             everything up to here as one layer
//! ```
//! The set of an upload is its one layer if it was compacted; else its own layer on the set of its parent,
//! in the form in which that was when the upload was sealed: compaction numbers persons anew, and a delta
//! speaks of persons by number. So a delta that was sealed before its parent was compacted keeps to the
//! old layers, which stay. Whichever way a set is opened, it answers the same.

use std::collections::HashSet;

use jiff::Timestamp;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State};
use crate::store::jobs::JobKind;
use crate::store::uploads::Kind;

/// One layer of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRow {
    /// The upload it was made from; of a compacted one, the newest.
    pub upload: Id,
    /// The upload's data key, wrapped.
    pub wrapped_key: String,
    /// Whether it is everything up to that upload.
    pub compacted: bool,
}

/// What a sealed upload did to the set of its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// The upload whose set it changed, and whether that was one compacted layer; none: it replaced
    /// everything.
    pub parent: Option<(Id, bool)>,
    /// What the whole set is then.
    pub size: SetSize,
}

/// The whole set of an upload, its own rows and those of its parents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetSize {
    /// Rows.
    pub rows: u64,
    /// Rows that take part; of a partner also those whose person is gone.
    pub accepted: u64,
    /// Persons that it has numbered, gone or not.
    pub persons: u64,
}

/// Which layers a sealed upload is opened from, and which it was made into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// The upload.
    pub upload: Id,
    /// What its own layer lies on, and whether that is one compacted layer; none: a base.
    pub parent: Option<(Id, bool)>,
    /// Whether its set was written as one layer.
    pub compacted: bool,
}

impl Stack {
    /// Sets that together have every layer: those that no other set lies on, by upload and form.
    pub fn tops(all: &[Stack]) -> Vec<(Id, bool)> {
        let below: HashSet<(Id, bool)> = all.iter().filter_map(|one| one.parent).collect();
        let forms = all.iter().flat_map(|one| {
            let compacted = one.compacted.then_some((one.upload, true));
            [Some((one.upload, false)), compacted]
        });
        forms
            .flatten()
            .filter(|form| !below.contains(form))
            .collect()
    }
}

/// The layers of the set of upload `$1`, which is one compacted layer if the first term is 1.
macro_rules! select_layers {
    ($compacted:literal) => {
        concat!(
            "WITH RECURSIVE chain (id, compacted, depth) AS (SELECT id, CAST(",
            $compacted,
            " AS BIGINT), CAST(0 AS BIGINT) FROM uploads WHERE id = $1 UNION ALL \
             SELECT u.parent, u.parent_compacted, c.depth + 1 FROM chain c, uploads u \
             WHERE u.id = c.id AND c.compacted = 0 AND u.parent IS NOT NULL) \
             SELECT u.id AS id, u.wrapped_key AS wrapped_key, c.compacted AS compacted \
             FROM chain c, uploads u WHERE u.id = c.id ORDER BY c.depth DESC"
        )
    };
}

impl Tx {
    /// The layers that the set of a sealed upload is opened from, the base first.
    pub async fn layers(&mut self, upload: Id) -> Result<Vec<LayerRow>, StoreError> {
        let rows = self
            .all(
                sql(select_layers!(
                    "CASE WHEN compacted_at IS NULL THEN 0 ELSE 1 END"
                ))
                .bind(upload.to_string()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The layers of a sealed upload's set in one form: as the one layer that it was compacted to, or as
    /// they were before, whatever is there by now.
    pub async fn layers_of_form(
        &mut self,
        upload: Id,
        compacted: bool,
    ) -> Result<Vec<LayerRow>, StoreError> {
        let rows = self
            .all(
                sql(select_layers!("$2"))
                    .bind(upload.to_string())
                    .bind(i64::from(compacted)),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Every sealed upload of a kind in a collaboration, in the order of sealing.
    pub async fn stacks(
        &mut self,
        collaboration: Id,
        kind: Kind,
    ) -> Result<Vec<Stack>, StoreError> {
        let rows = self
            .all(
                sql("SELECT id, parent, parent_compacted, \
                     CAST(CASE WHEN compacted_at IS NULL THEN 0 ELSE 1 END AS BIGINT) AS compacted \
                     FROM uploads WHERE collaboration = $1 AND kind = $2 AND state = $3 \
                     ORDER BY sealed_order")
                .bind(collaboration.to_string())
                .bind(kind.as_str())
                .bind(state::Upload::Sealed.as_str()),
            )
            .await?;
        rows.iter()
            .map(|row| {
                let parent = row.id_or_null("parent")?;
                let form = row.int("parent_compacted")? != 0;
                Ok(Stack {
                    upload: row.id("id")?,
                    parent: parent.map(|parent| (parent, form)),
                    compacted: row.int("compacted")? != 0,
                })
            })
            .collect()
    }

    /// Notes what a sealed upload did to the set of its side.
    pub async fn set_lineage(&mut self, upload: Id, lineage: Lineage) -> Result<(), StoreError> {
        self.one(
            sql(
                "UPDATE uploads SET parent = $1, parent_compacted = $2, set_rows = $3, \
                 set_accepted = $4, set_persons = $5 WHERE id = $6",
            )
            .bind(lineage.parent.map(|(parent, _)| parent.to_string()))
            .bind(i64::from(lineage.parent.is_some_and(|(_, one)| one)))
            .bind(int(lineage.size.rows))
            .bind(int(lineage.size.accepted))
            .bind(int(lineage.size.persons))
            .bind(upload.to_string()),
        )
        .await
    }

    /// Rows of the first set that an advertiser had in a collaboration; none before it is sealed.
    pub async fn first_sealed_rows(
        &mut self,
        collaboration: Id,
    ) -> Result<Option<u64>, StoreError> {
        let row = self
            .optional(
                sql(
                    "SELECT set_rows FROM uploads WHERE collaboration = $1 AND kind = $2 \
                     AND state = $3 AND set_rows IS NOT NULL ORDER BY sealed_order LIMIT 1",
                )
                .bind(collaboration.to_string())
                .bind(Kind::Crm.as_str())
                .bind(state::Upload::Sealed.as_str()),
            )
            .await?;
        row.map(|row| row.count("set_rows")).transpose()
    }

    /// From now on the set of this upload is opened from its one layer. Fails if it was already.
    pub async fn set_compacted(&mut self, upload: Id, now: Timestamp) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE uploads SET compacted_at = $1 WHERE id = $2 AND compacted_at IS NULL")
                .bind(now.as_millisecond())
                .bind(upload.to_string()),
        )
        .await
    }

    /// Notes when an upload was sealed.
    pub async fn set_sealed_at(&mut self, upload: Id, now: Timestamp) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE uploads SET sealed_at = $1 WHERE id = $2")
                .bind(now.as_millisecond())
                .bind(upload.to_string()),
        )
        .await
    }

    /// The newest partner's upload that was sealed at `until` or before.
    pub async fn sealed_before(
        &mut self,
        collaboration: Id,
        until: Timestamp,
    ) -> Result<Option<Id>, StoreError> {
        let row = self
            .optional(
                sql(
                    "SELECT id FROM uploads WHERE collaboration = $1 AND kind = 'graph' \
                     AND sealed_at <= $2 ORDER BY sealed_order DESC LIMIT 1",
                )
                .bind(collaboration.to_string())
                .bind(until.as_millisecond()),
            )
            .await?;
        row.map(|row| row.id("id")).transpose()
    }

    /// The newest upload of a collaboration whose rows carry tokens of another one as well.
    pub async fn bridge(&mut self, collaboration: Id, other: Id) -> Result<Option<Id>, StoreError> {
        let row = self
            .optional(
                sql(
                    "SELECT id FROM uploads WHERE collaboration = $1 AND bridges = $2 \
                     AND sealed_at IS NOT NULL ORDER BY sealed_order DESC LIMIT 1",
                )
                .bind(collaboration.to_string())
                .bind(other.to_string()),
            )
            .await?;
        row.map(|row| row.id("id")).transpose()
    }

    /// Whether the set of an upload was written as one layer, or will be.
    pub async fn keeps_compacted(&mut self, upload: Id) -> Result<bool, StoreError> {
        let row = self
            .optional(
                sql("SELECT id FROM uploads u WHERE id = $1 AND (compacted_at IS NOT NULL OR EXISTS \
                     (SELECT 1 FROM jobs j WHERE j.kind = $2 AND j.subject = u.id))")
                .bind(upload.to_string())
                .bind(JobKind::Compact.as_str()),
            )
            .await?;
        Ok(row.is_some())
    }

    /// Uploads whose set was written as one layer, or will be: to tell orphaned files on disk.
    pub async fn compacted_ids(&mut self) -> Result<HashSet<Id>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT id FROM uploads u WHERE compacted_at IS NOT NULL OR EXISTS \
                     (SELECT 1 FROM jobs j WHERE j.kind = $1 AND j.subject = u.id)",
                )
                .bind(JobKind::Compact.as_str()),
            )
            .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }
}

fn read(row: &Row) -> Result<LayerRow, StoreError> {
    Ok(LayerRow {
        upload: row.id("id")?,
        wrapped_key: row.text("wrapped_key")?,
        compacted: row.int("compacted")? != 0,
    })
}
