//! The database: SQLite by default, PostgreSQL by URL, the same statements on both.
//!
//! One file per aggregate. Everything happens in a *named* transaction: `transact!` runs a
//! block, `IMMEDIATE` on SQLite and `SERIALIZABLE` on PostgreSQL, and runs it again when the database
//! says that it lost a race; `grouped!` lets small ones share a commit; `snapshot!` is the same for reading one consistent state. A mutation names the row it expects and fails unless it hits exactly one.
//!
//! sqlx's `Any` driver knows few types, binds a NULL with the type of its `Option`, and takes pragmas
//! only after connecting; so columns are TEXT and BIGINT, sums stay out of SQL, and the pragmas are
//! set in [`connect`].
//!
//! What is in here of the parties' data: public keys, signed terms, reports for their owner, released
//! numbers. Rows, tokens and cookies are in encrypted files; here are only their wrapped keys.

pub mod audiences;
pub mod audits;
pub mod charges;
pub mod choices;
pub mod collaborations;
mod connect;
pub mod coverages;
pub mod decisions;
pub mod deliveries;
pub mod emissions;
mod group;
pub mod heads;
pub mod inventory;
pub mod jobs;
pub mod layers;
pub mod leaves;
pub mod ledgers;
pub mod matches;
pub mod members;
pub mod parties;
pub mod quarantines;
mod row;
pub mod samples;
pub mod tightenings;
mod transaction;
pub mod uploads;
pub mod withdrawals;

use std::sync::Arc;

use sqlx::AnyPool;
use tokio::sync::Semaphore;

#[cfg(test)]
pub(crate) use connect::create_schema;
pub use connect::sqlite_url;
pub use transaction::Tx;
pub(crate) use transaction::{Kind, again, grouped, snapshot, transact};

/// A handle on the database; clones share one pool.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    engine: Engine,
    /// SQLite has one writer: waiting here is fair and does not spin on a busy database.
    writer: Arc<Semaphore>,
    group: group::Group,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

/// Why the store could not do it. Says nothing of the data.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address is neither `sqlite:` nor `postgres:`, or cannot be read.
    #[error("not a database address: use sqlite: or postgres:")]
    Address,
    /// The schema could not be brought up to date.
    #[error("the schema of the database could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database failed.
    #[error("the database failed in {name}: {source}")]
    Database {
        /// The transaction's name.
        name: &'static str,
        /// What it said.
        source: sqlx::Error,
    },
    /// A mutation hit another number of rows than one: somebody else was faster, or the row is gone.
    #[error("{name} expected to change exactly one row")]
    NotOneRow {
        /// The transaction's name.
        name: &'static str,
    },
    /// A row holds what no version of this program writes.
    #[error("{name} found a row it cannot read: column {column}")]
    Corrupt {
        /// The transaction's name.
        name: &'static str,
        /// Where.
        column: &'static str,
    },
}

impl Store {
    /// Whether the database answers.
    pub async fn ready(&self) -> bool {
        sqlx::query("SELECT 1").execute(&self.pool).await.is_ok()
    }

    /// After keys were written over: leaves no earlier page in the write-ahead log of SQLite. Where somebody
    /// reads at that moment it is left to the next time; PostgreSQL has no such command.
    pub async fn scrub(&self) -> Result<(), StoreError> {
        if self.engine == Engine::Postgres {
            return Ok(());
        }
        let name = "scrub";
        // Whoever wants to write waits here, and not on a busy database.
        let _turn = self.writer.acquire().await.ok();
        let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.pool);
        match emptied.await {
            Ok(_) => Ok(()),
            Err(source) => Err(StoreError::Database { name, source }),
        }
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
