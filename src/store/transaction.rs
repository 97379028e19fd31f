//! Named transactions that may be run again.

use std::time::Duration;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Transaction};

use super::row::Row;
use super::{Engine, Store, StoreError};

/// Attempts of one transaction before the last error is given to the caller.
const ATTEMPTS: u32 = 20;

/// One running transaction.
pub struct Tx {
    name: &'static str,
    inner: Transaction<'static, Any>,
    /// The database said that the whole transaction should be run again.
    lost: bool,
}

/// A statement with its arguments.
pub(super) type Sql = Query<'static, Any, AnyArguments>;

/// A statement; arguments follow with `.bind`.
pub(super) fn sql(text: &'static str) -> Sql {
    sqlx::query(text)
}

impl Store {
    /// Runs `work` as one transaction and commits it if it says `Ok`. It is run again, from the
    /// beginning, when the database reports a lost race: so it must change nothing but the database.
    pub async fn transact<T, E, F>(&self, name: &'static str, mut work: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: AsyncFnMut(&mut Tx) -> Result<T, E>,
    {
        let begin = match self.engine {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            let _turn = match self.engine {
                // The semaphore is never closed.
                Engine::Sqlite => self.writer.acquire().await.ok(),
                Engine::Postgres => None,
            };
            let (result, lost) = self.once(name, begin, &mut work).await;
            match result {
                Err(_) if lost && attempt < ATTEMPTS => {
                    metrics::counter!("tamis_transaction_retries_total", "name" => name)
                        .increment(1);
                    let pause = Duration::from_millis(u64::from(attempt * attempt).min(100));
                    tokio::time::sleep(pause).await;
                }
                result => return result,
            }
        }
    }

    /// Runs `work` on one consistent snapshot; whatever it changed is rolled back.
    pub async fn read<T, E, F>(&self, name: &'static str, mut work: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: AsyncFnMut(&mut Tx) -> Result<T, E>,
    {
        let begin = match self.engine {
            Engine::Sqlite => "BEGIN DEFERRED",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        let mut tx = self.begin(name, begin).await?;
        let result = work(&mut tx).await;
        // Nothing to keep: a failed rollback closes the connection, and that is all.
        let _ = tx.inner.rollback().await;
        result
    }

    async fn once<T, E, F>(
        &self,
        name: &'static str,
        begin: &'static str,
        work: &mut F,
    ) -> (Result<T, E>, bool)
    where
        E: From<StoreError>,
        F: AsyncFnMut(&mut Tx) -> Result<T, E>,
    {
        let mut tx = match self.begin(name, begin).await {
            Ok(tx) => tx,
            Err(error) => {
                let lost =
                    matches!(&error, StoreError::Database { source, .. } if is_lost_race(source));
                return (Err(error.into()), lost);
            }
        };
        match work(&mut tx).await {
            Ok(value) => match tx.inner.commit().await {
                Ok(()) => (Ok(value), false),
                Err(source) => {
                    let lost = is_lost_race(&source);
                    (Err(StoreError::Database { name, source }.into()), lost)
                }
            },
            Err(error) => {
                let lost = tx.lost;
                let _ = tx.inner.rollback().await;
                (Err(error), lost)
            }
        }
    }

    async fn begin(&self, name: &'static str, begin: &'static str) -> Result<Tx, StoreError> {
        let inner = self
            .pool
            .begin_with(begin)
            .await
            .map_err(|source| StoreError::Database { name, source })?;
        Ok(Tx {
            name,
            inner,
            lost: false,
        })
    }
}

/// Busy or locked on SQLite (primary codes 5 and 6), serialisation failure or deadlock on PostgreSQL.
fn is_lost_race(error: &sqlx::Error) -> bool {
    let Some(code) = error.as_database_error().and_then(|error| error.code()) else {
        return false;
    };
    match code.as_ref() {
        "40001" | "40P01" => true,
        code => code
            .parse::<u32>()
            .is_ok_and(|code| matches!(code & 0xff, 5 | 6) && code < 1000),
    }
}

impl Tx {
    /// A mutation that must hit exactly one row.
    pub(super) async fn one(&mut self, statement: Sql) -> Result<(), StoreError> {
        match self.many(statement).await? {
            1 => Ok(()),
            _ => Err(self.not_one_row()),
        }
    }

    /// A mutation that may hit any number of rows; how many it hit.
    pub(super) async fn many(&mut self, statement: Sql) -> Result<u64, StoreError> {
        let result = statement.execute(&mut *self.inner).await;
        Ok(self.watch(result)?.rows_affected())
    }

    /// The row, if there is one.
    pub(super) async fn optional(&mut self, statement: Sql) -> Result<Option<Row>, StoreError> {
        let result = statement.fetch_optional(&mut *self.inner).await;
        let row: Option<AnyRow> = self.watch(result)?;
        Ok(row.map(|row| Row::new(self.name, row)))
    }

    /// Every row; the statement carries its LIMIT.
    pub(super) async fn all(&mut self, statement: Sql) -> Result<Vec<Row>, StoreError> {
        let result = statement.fetch_all(&mut *self.inner).await;
        let rows: Vec<AnyRow> = self.watch(result)?;
        Ok(rows
            .into_iter()
            .map(|row| Row::new(self.name, row))
            .collect())
    }

    /// A counter's value before it was raised by one. Also what orders writers of one counter.
    pub(super) async fn count(&mut self, counter: &'static str) -> Result<i64, StoreError> {
        self.one(sql("UPDATE counters SET value = value + 1 WHERE name = $1").bind(counter))
            .await?;
        let row = self
            .optional(sql("SELECT value FROM counters WHERE name = $1").bind(counter))
            .await?
            .ok_or(self.not_one_row())?;
        Ok(row.int("value")? - 1)
    }

    pub(super) fn not_one_row(&self) -> StoreError {
        StoreError::NotOneRow { name: self.name }
    }

    fn watch<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|source| {
            self.lost |= is_lost_race(&source);
            StoreError::Database {
                name: self.name,
                source,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::store::sqlite_url;

    #[tokio::test]
    async fn concurrent_writers_get_every_number_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&sqlite_url(&dir.path().join("s.db")))
            .await
            .unwrap();
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    store
                        .transact("count", async |tx: &mut Tx| tx.count("order").await)
                        .await
                })
            })
            .collect();
        let mut numbers = Vec::new();
        for task in tasks {
            numbers.push(task.await.unwrap().unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..20).collect::<Vec<i64>>());
    }

    #[tokio::test]
    async fn a_failed_transaction_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&sqlite_url(&dir.path().join("s.db")))
            .await
            .unwrap();
        let failed: Result<(), StoreError> = store
            .transact("fail", async |tx: &mut Tx| {
                tx.count("order").await?;
                tx.one(sql("UPDATE counters SET value = 9 WHERE name = 'nobody'"))
                    .await
            })
            .await;
        assert!(matches!(failed, Err(StoreError::NotOneRow { .. })));
        let next = store
            .transact("count", async |tx: &mut Tx| tx.count("order").await)
            .await
            .unwrap();
        assert_eq!(next, 0);
    }
}
