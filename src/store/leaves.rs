//! Leaves of the log: written in the transaction of the event they record, published later.

use super::row::int;
use super::transaction::sql;
use super::{StoreError, Tx};

impl Tx {
    /// Appends a leaf; its index. Indices are given out inside the transaction, so there are no gaps.
    pub async fn append_leaf(&mut self, bytes: &str) -> Result<u64, StoreError> {
        if let Some(index) = self.hold_leaf(bytes).await? {
            return Ok(u64::try_from(index).unwrap_or_default());
        }
        let index = self.count("leaves").await?;
        self.one(
            sql("INSERT INTO leaves (idx, bytes) VALUES ($1, $2)")
                .bind(index)
                .bind(bytes),
        )
        .await?;
        Ok(u64::try_from(index).unwrap_or_default())
    }

    /// Puts something where a leaf is to be, for one test.
    #[cfg(test)]
    pub(crate) async fn spoil_leaf(&mut self, index: u64) -> Result<(), StoreError> {
        self.one(sql("INSERT INTO leaves (idx, bytes) VALUES ($1, 'spoilt')").bind(int(index)))
            .await
    }

    /// How many leaves there are, and how many of them are published.
    pub async fn log_sizes(&mut self) -> Result<(u64, u64), StoreError> {
        let rows = self
            .all(sql(
                "SELECT name, value FROM counters WHERE name IN ('leaves', 'published') \
                 ORDER BY name",
            ))
            .await?;
        match rows.as_slice() {
            [leaves, published] => Ok((leaves.count("value")?, published.count("value")?)),
            _ => Err(self.not_one_row()),
        }
    }

    /// How many rows the leaves have, and the index after the highest.
    pub async fn leaf_rows(&mut self) -> Result<(u64, u64), StoreError> {
        let rows = self
            .all(sql(
                "SELECT COUNT(*) AS rows_there, COALESCE(MAX(idx) + 1, 0) AS end_there FROM leaves",
            ))
            .await?;
        match rows.as_slice() {
            [row] => Ok((row.count("rows_there")?, row.count("end_there")?)),
            _ => Err(self.not_one_row()),
        }
    }

    /// Alters leaves or counters behind the service's back, for one test.
    #[cfg(test)]
    pub(crate) async fn tamper(&mut self, statement: &'static str) -> Result<(), StoreError> {
        self.one(sql(statement)).await
    }

    /// Leaves from `start` on, at most `limit`.
    pub async fn leaves(&mut self, start: u64, limit: u32) -> Result<Vec<String>, StoreError> {
        let rows = self
            .all(
                sql("SELECT bytes FROM leaves WHERE idx >= $1 ORDER BY idx LIMIT $2")
                    .bind(int(start))
                    .bind(i64::from(limit)),
            )
            .await?;
        rows.iter().map(|row| row.text("bytes")).collect()
    }

    /// Records that the first `size` leaves are published, after `before` were.
    pub async fn set_published(&mut self, before: u64, size: u64) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE counters SET value = $1 WHERE name = 'published' AND value = $2")
                .bind(int(size))
                .bind(int(before)),
        )
        .await
    }
}
