//! The head of the log as it was signed last, kept apart from the files, and the newest one that enough
//! witnesses cosigned.

use super::row::int;
use super::transaction::sql;
use super::{StoreError, Tx};

/// The signed head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// Leaves under the root.
    pub size: u64,
    /// The root, hexadecimal; none if an earlier version signed it.
    pub root: Option<String>,
    /// The newest checkpoint that had enough cosignatures when it was stored.
    pub cosigned: Option<String>,
}

impl Tx {
    /// The head that was signed last.
    pub async fn log_head(&mut self) -> Result<LogHead, StoreError> {
        let row = self
            .optional(sql(
                "SELECT size, root, cosigned FROM log_heads WHERE name = 'log'",
            ))
            .await?
            .ok_or(self.not_one_row())?;
        Ok(LogHead {
            size: row.count("size")?,
            root: row.text_or_null("root")?,
            cosigned: row.text_or_null("cosigned")?,
        })
    }

    /// Moves the head from what it was to what is signed next: of two who move it from one head, one fails.
    pub async fn move_log_head(
        &mut self,
        from: &LogHead,
        size: u64,
        root: &str,
    ) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE log_heads SET size = $1, root = $2 \
                 WHERE name = 'log' AND size = $3 AND COALESCE(root, '') = $4")
            .bind(int(size))
            .bind(root)
            .bind(int(from.size))
            .bind(from.root.clone().unwrap_or_default()),
        )
        .await
    }

    /// Keeps a checkpoint that enough witnesses cosigned.
    pub async fn set_cosigned(&mut self, checkpoint: &str) -> Result<(), StoreError> {
        self.one(sql("UPDATE log_heads SET cosigned = $1 WHERE name = 'log'").bind(checkpoint))
            .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::store::{Store, sqlite_url, transact};

    #[tokio::test]
    async fn of_two_who_move_the_head_from_one_place_one_fails() {
        let dir = tempfile::tempdir().unwrap();
        let url = sqlite_url(&dir.path().join("s.db"));
        let (one, two) = (
            Store::open(&url).await.unwrap(),
            Store::open(&url).await.unwrap(),
        );
        let from: Result<LogHead, StoreError> =
            transact!(one, "read", |tx| { tx.log_head().await });
        let from = from.unwrap();
        let step = async |store: &Store, from: &LogHead, size: u64, root: &str| {
            let moved: Result<(), StoreError> = transact!(store, "move", |tx| {
                tx.move_log_head(from, size, root).await
            });
            moved
        };
        step(&one, &from, 3, "aa").await.unwrap();
        // Of another root, and of the same.
        for root in ["bb", "aa"] {
            let lost = step(&two, &from, 3, root).await;
            assert!(matches!(lost, Err(StoreError::NotOneRow { .. })));
        }
        let other = LogHead {
            size: 3,
            root: Some("bb".to_owned()),
            cosigned: None,
        };
        assert!(step(&two, &other, 4, "cc").await.is_err());
        let from = LogHead {
            root: Some("aa".to_owned()),
            ..other
        };
        step(&two, &from, 4, "cc").await.unwrap();
    }
}
