//! Named transactions that may be run again.

use std::time::Duration;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Transaction};
use tokio::sync::SemaphorePermit;

use super::group::{Ended, Member};
use super::row::Row;
use super::{Engine, Store, StoreError};

/// Attempts of one transaction before the last error is given to the caller.
const ATTEMPTS: u32 = 20;

/// One running transaction.
pub struct Tx {
    name: &'static str,
    inner: Inner,
    /// The database said that the whole transaction should be run again.
    lost: bool,
}

/// Whose transaction it is.
enum Inner {
    /// Its own; and whether a job that publishes is known to wait.
    Alone(Transaction<'static, Any>, bool),
    /// A group's, of which it is a part.
    Part(Member),
}

/// How a block is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// On one snapshot.
    Reads,
    /// As a transaction of its own.
    Writes,
    /// As a part of a group's transaction.
    Grouped,
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
        $crate::store::again!($store.attempts($name, $crate::store::Kind::Writes), |$tx| {
            $work
        })
    };
}

/// [`transact!`] for blocks that write little and may be many at a time: several share one commit, and
/// each is acknowledged when that is durable. The block does not read leaves of the log. See `group`.
macro_rules! grouped {
    ($store:expr, $name:expr, |$tx:ident| $work:block) => {
        $crate::store::again!(
            $store.attempts($name, $crate::store::Kind::Grouped),
            |$tx| $work
        )
    };
}

/// Runs a block on one consistent snapshot, for reading only: `snapshot!(store, "name", |tx| { … })`.
macro_rules! snapshot {
    ($store:expr, $name:expr, |$tx:ident| $work:block) => {
        $crate::store::again!($store.attempts($name, $crate::store::Kind::Reads), |$tx| {
            $work
        })
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

pub(crate) use {again, grouped, snapshot, transact};

/// The attempts of one transaction.
pub(crate) struct Attempts<'s> {
    store: &'s Store,
    name: &'static str,
    kind: Kind,
    made: u32,
    turn: Option<SemaphorePermit<'s>>,
}

impl Store {
    pub(crate) fn attempts(&self, name: &'static str, kind: Kind) -> Attempts<'_> {
        let kind = match (kind, self.engine) {
            (Kind::Grouped, Engine::Postgres) => Kind::Writes,
            (kind, _) => kind,
        };
        Attempts {
            store: self,
            name,
            kind,
            made: 0,
            turn: None,
        }
    }
}

impl Attempts<'_> {
    pub(crate) async fn begin(&mut self) -> Result<Tx, StoreError> {
        let reads = self.kind == Kind::Reads;
        let statement = match (self.store.engine, reads) {
            (Engine::Sqlite, false) => "BEGIN IMMEDIATE",
            (Engine::Sqlite, true) => "BEGIN DEFERRED",
            (Engine::Postgres, false) => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            (Engine::Postgres, true) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        loop {
            let begun = match self.kind {
                Kind::Grouped => self.store.join().await.map(Inner::Part),
                _ => {
                    if !reads && self.store.engine == Engine::Sqlite {
                        // The semaphore is never closed.
                        self.turn = self.store.writer.acquire().await.ok();
                    }
                    let begun = self.store.pool.begin_with(statement).await;
                    begun.map(|inner| Inner::Alone(inner, false))
                }
            };
            match begun {
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
        let name = self.name;
        let failed = |source| StoreError::Database { name, source };
        let (lost, result) = match (tx.inner, result) {
            (Inner::Part(part), Ok(value)) => match part.commit().await {
                Ended::Committed => return Some(Ok(value)),
                Ended::Undone => {
                    // By itself, so that it meets its own errors alone.
                    self.kind = Kind::Writes;
                    let undone = sqlx::Error::Protocol("the group was undone".to_owned());
                    (true, Err(failed(undone).into()))
                }
                Ended::Failed(what) => {
                    let error = failed(sqlx::Error::Protocol(what));
                    return Some(Err(error.into()));
                }
            },
            (Inner::Part(part), result) => {
                part.roll_back().await;
                (tx.lost, result)
            }
            (Inner::Alone(inner, _), Ok(value)) if self.kind == Kind::Writes => {
                match inner.commit().await {
                    Ok(()) => return Some(Ok(value)),
                    Err(source) => (is_lost_race(&source), Err(failed(source).into())),
                }
            }
            (Inner::Alone(inner, _), result) => {
                // A failed rollback closes the connection, which rolls back.
                let _ = inner.rollback().await;
                (tx.lost, result)
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
        let result = match self.connection().await {
            Ok(connection) => statement.execute(connection).await,
            Err(error) => Err(error),
        };
        Ok(self.watch(result)?.rows_affected())
    }

    /// The row, if there is one.
    pub(super) async fn optional(&mut self, statement: Sql) -> Result<Option<Row>, StoreError> {
        let result = match self.connection().await {
            Ok(connection) => statement.fetch_optional(connection).await,
            Err(error) => Err(error),
        };
        let row: Option<AnyRow> = self.watch(result)?;
        Ok(row.map(|row| Row::new(self.name, row)))
    }

    /// Every row; the statement carries its LIMIT.
    pub(super) async fn all(&mut self, statement: Sql) -> Result<Vec<Row>, StoreError> {
        let result = match self.connection().await {
            Ok(connection) => statement.fetch_all(connection).await,
            Err(error) => Err(error),
        };
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

    /// Holds a leaf until the group is closed, and tells its index; none if this is no part of a group.
    pub(super) async fn hold_leaf(&mut self, bytes: &str) -> Result<Option<i64>, StoreError> {
        let held = match &mut self.inner {
            Inner::Alone(..) => return Ok(None),
            Inner::Part(part) => part.hold_leaf(bytes).await,
        };
        self.watch(held).map(Some)
    }

    /// Whether this transaction, or the group that it is a part of, has made sure that a job publishes.
    pub fn publishes(&self) -> bool {
        match &self.inner {
            Inner::Alone(_, publishes) => *publishes,
            Inner::Part(part) => part.publishes(),
        }
    }

    /// Notes that.
    pub fn set_publishes(&mut self) {
        match &mut self.inner {
            Inner::Alone(_, publishes) => *publishes = true,
            Inner::Part(part) => part.set_publishes(),
        }
    }

    async fn connection(&mut self) -> Result<&mut AnyConnection, sqlx::Error> {
        match &mut self.inner {
            Inner::Alone(inner, _) => Ok(inner),
            Inner::Part(part) => part.connection().await,
        }
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
#[path = "transaction_tests.rs"]
mod tests;
