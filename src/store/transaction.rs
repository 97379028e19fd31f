//! Named transactions that may be run again.

use std::time::Duration;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Transaction};
use tokio::sync::SemaphorePermit;

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

/// Runs a block as one transaction and commits it if it says `Ok`: `transact!(store, "name", |tx| { … })`.
///
/// `IMMEDIATE` on SQLite, `SERIALIZABLE` on PostgreSQL. The block is run again, from the beginning,
/// when the database reports a lost race: so it must change nothing but the database. `?` leaves the
/// block, not the function around it.
macro_rules! transact {
    ($store:expr, $name:expr, |$tx:ident| $work:block) => {
        $crate::store::again!($store.attempts($name, true), |$tx| $work)
    };
}

/// Runs a block on one consistent snapshot, for reading only: `snapshot!(store, "name", |tx| { … })`.
macro_rules! snapshot {
    ($store:expr, $name:expr, |$tx:ident| $work:block) => {
        $crate::store::again!($store.attempts($name, false), |$tx| $work)
    };
}

/// The loop of both. Not a function: a closure that lends a transaction to a future cannot yet say
/// that the future may move between threads.
macro_rules! again {
    ($attempts:expr, |$tx:ident| $work:block) => {{
        let mut attempts = $attempts;
        loop {
            match attempts.begin().await {
                Err(error) => break Err(From::from(error)),
                Ok(mut transaction) => {
                    let result = {
                        let $tx = &mut transaction;
                        async { $work }.await
                    };
                    if let Some(result) = attempts.end(transaction, result).await {
                        break result;
                    }
                }
            }
        }
    }};
}

pub(crate) use {again, snapshot, transact};

/// The attempts of one transaction.
pub(crate) struct Attempts<'s> {
    store: &'s Store,
    name: &'static str,
    writes: bool,
    made: u32,
    turn: Option<SemaphorePermit<'s>>,
}

impl Store {
    pub(crate) fn attempts(&self, name: &'static str, writes: bool) -> Attempts<'_> {
        Attempts {
            store: self,
            name,
            writes,
            made: 0,
            turn: None,
        }
    }
}

impl Attempts<'_> {
    pub(crate) async fn begin(&mut self) -> Result<Tx, StoreError> {
        let statement = match (self.store.engine, self.writes) {
            (Engine::Sqlite, true) => "BEGIN IMMEDIATE",
            (Engine::Sqlite, false) => "BEGIN DEFERRED",
            (Engine::Postgres, true) => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            (Engine::Postgres, false) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        loop {
            if self.writes && self.store.engine == Engine::Sqlite {
                // The semaphore is never closed.
                self.turn = self.store.writer.acquire().await.ok();
            }
            match self.store.pool.begin_with(statement).await {
                Ok(inner) => {
                    return Ok(Tx {
                        name: self.name,
                        inner,
                        lost: false,
                    });
                }
                Err(error) if is_lost_race(&error) && self.again().await => {}
                Err(source) => {
                    let name = self.name;
                    return Err(StoreError::Database { name, source });
                }
            }
        }
    }

    /// Commits or rolls back; none if the block has to be run again.
    pub(crate) async fn end<T, E: From<StoreError>>(
        &mut self,
        tx: Tx,
        result: Result<T, E>,
    ) -> Option<Result<T, E>> {
        let (lost, result) = match result {
            Ok(value) if self.writes => match tx.inner.commit().await {
                Ok(()) => return Some(Ok(value)),
                Err(source) => {
                    let name = self.name;
                    let lost = is_lost_race(&source);
                    (lost, Err(StoreError::Database { name, source }.into()))
                }
            },
            result => {
                let lost = tx.lost;
                // A failed rollback closes the connection, which rolls back.
                let _ = tx.inner.rollback().await;
                (lost, result)
            }
        };
        match result {
            Err(_) if lost && self.again().await => None,
            result => Some(result),
        }
    }

    /// Whether another attempt is left; waits before it.
    async fn again(&mut self) -> bool {
        self.turn = None;
        self.made += 1;
        if self.made >= ATTEMPTS {
            return false;
        }
        metrics::counter!("tamis_transaction_retries_total", "name" => self.name).increment(1);
        let pause = Duration::from_millis(u64::from(self.made * self.made).min(100));
        tokio::time::sleep(pause).await;
        true
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
                tokio::spawn(
                    async move { transact!(store, "count", |tx| { tx.count("order").await }) },
                )
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
        let failed: Result<(), StoreError> = transact!(store, "fail", |tx| {
            tx.count("order").await?;
            tx.one(sql("UPDATE counters SET value = 9 WHERE name = 'nobody'"))
                .await
        });
        assert!(matches!(failed, Err(StoreError::NotOneRow { .. })));
        let next: Result<i64, StoreError> =
            transact!(store, "count", |tx| { tx.count("order").await });
        assert_eq!(next.unwrap(), 0);
    }
}
