//! Connecting: pool, pragmas, migrations.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlSafeStr;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use tokio::sync::Semaphore;

use super::{Engine, Store, StoreError};

/// Append-only: a released migration is never edited.
const MIGRATIONS: [(i64, &str, &str); 9] = [
    (1, "first", include_str!("migrations/0001_first.sql")),
    (
        2,
        "jobs_seen_and_cancelled",
        include_str!("migrations/0002_jobs_seen_and_cancelled.sql"),
    ),
    (3, "layers", include_str!("migrations/0003_layers.sql")),
    (4, "gate", include_str!("migrations/0004_gate.sql")),
    (
        5,
        "policy_and_coverage",
        include_str!("migrations/0005_policy_and_coverage.sql"),
    ),
    (6, "ledgers", include_str!("migrations/0006_ledgers.sql")),
    (7, "audit", include_str!("migrations/0007_audit.sql")),
    (
        8,
        "log_heads",
        include_str!("migrations/0008_log_heads.sql"),
    ),
    (9, "requests", include_str!("migrations/0009_requests.sql")),
];

/// Per connection, as the `Any` driver takes no options. WAL lets readers read while one writes;
/// FULL makes a commit survive a power cut; a busy database is waited for; what is deleted or written over
/// is cleared from the file, so that a key that is forgotten is nowhere.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 10000; PRAGMA secure_delete = ON;";

/// The address of an SQLite database in the file `path`, created if missing.
pub fn sqlite_url(path: &Path) -> String {
    let mut url = String::from("sqlite://");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => url.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => url.push(char::from(*byte)),
            byte => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url.push_str("?mode=rwc");
    url
}

impl Store {
    /// Connects to `url` and brings the schema up to date. At most 8 connections.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        sqlx::any::install_default_drivers();
        let engine = match url.split(':').next() {
            Some("sqlite") => Engine::Sqlite,
            Some("postgres" | "postgresql") => Engine::Postgres,
            _ => return Err(StoreError::Address),
        };
        let failed = |source| StoreError::Database {
            name: "connect",
            source,
        };
        let pool = AnyPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(30))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if engine == Engine::Sqlite {
                        sqlx::raw_sql(PRAGMAS).execute(connection).await?;
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await
            .map_err(failed)?;
        migrator(&MIGRATIONS).run(&pool).await?;
        Ok(Store {
            pool,
            engine,
            writer: Arc::new(Semaphore::new(1)),
            group: Arc::default(),
        })
    }
}

fn migrator(all: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = all
        .iter()
        .map(|(version, name, sql)| {
            Migration::new(
                *version,
                (*name).into(),
                MigrationType::Simple,
                (*sql).into_sql_str(),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(migrations)
}

/// Makes a schema on a PostgreSQL server, for one test.
#[cfg(test)]
pub(crate) async fn create_schema(url: &str, schema: &str) -> Result<(), sqlx::Error> {
    use sqlx::Connection;
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(url).await?;
    let statement = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    sqlx::raw_sql(statement).execute(&mut connection).await?;
    connection.close().await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[tokio::test]
    async fn a_connection_is_durable_and_checks_references() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&sqlite_url(&dir.path().join("a b?#%.db")))
            .await
            .unwrap();
        for (pragma, expected) in [
            ("PRAGMA journal_mode", "wal"),
            ("PRAGMA synchronous", "2"),
            ("PRAGMA foreign_keys", "1"),
            ("PRAGMA busy_timeout", "10000"),
            ("PRAGMA secure_delete", "1"),
        ] {
            use sqlx::Row;
            let row = sqlx::query(pragma).fetch_one(&store.pool).await.unwrap();
            let value = row
                .try_get::<String, _>(0)
                .or_else(|_| row.try_get::<i64, _>(0).map(|number| number.to_string()))
                .unwrap();
            assert_eq!(value, expected, "{pragma}");
        }
        assert!(dir.path().join("a b?#%.db").exists());
    }

    #[test]
    fn every_column_is_explained() {
        let constraint = |line: &str| {
            let mut constraints = ["UNIQUE", "PRIMARY KEY"].into_iter();
            constraints.any(|one| line.trim_start().starts_with(one))
        };
        for (_, _, sql) in MIGRATIONS {
            let mut inside = false;
            for line in sql.lines() {
                if line.starts_with("CREATE TABLE") {
                    inside = true;
                } else if line.starts_with(')') {
                    inside = false;
                } else if line.starts_with("ALTER TABLE") {
                    assert!(line.contains("; -- "), "no comment: {line}");
                    assert!(line.contains(" TEXT") || line.contains(" BIGINT"), "{line}");
                } else if inside && !constraint(line) {
                    assert!(line.contains("-- "), "no comment: {line}");
                    assert!(line.contains(" TEXT") || line.contains(" BIGINT"), "{line}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_job_queued_by_the_first_version_is_leased_by_this_one() {
        use crate::domain::id::Id;
        use crate::store::jobs::{JobKind, Renewed};
        use crate::store::transact;

        let dir = tempfile::tempdir().unwrap();
        let url = sqlite_url(&dir.path().join("old.db"));
        sqlx::any::install_default_drivers();
        let old = sqlx::AnyPool::connect(&url).await.unwrap();
        migrator(&MIGRATIONS[..1]).run(&old).await.unwrap();
        let (id, subject) = ("0a".repeat(16), "0b".repeat(16));
        let row = format!(
            "INSERT INTO jobs (id, kind, subject, lane, number, due_at, attempts, lease_until, \
             created_at) VALUES ('{id}', 'seal', '{subject}', 'a', 0, 0, 0, 0, 0)"
        );
        let row = sqlx::AssertSqlSafe(row);
        sqlx::raw_sql(row).execute(&old).await.unwrap();
        old.close().await;

        let store = Store::open(&url).await.unwrap();
        let lease = Id::parse(&subject).unwrap();
        let now = jiff::Timestamp::from_second(1).unwrap();
        let until = jiff::Timestamp::from_second(61).unwrap();
        let kept: Result<Renewed, StoreError> = transact!(store, "lease", |tx| {
            let kinds = [JobKind::Seal; 3];
            let job = tx.lease_job(kinds, lease, lease, now, until).await?;
            let job = job.expect("it waits");
            assert!(!job.cancelled);
            tx.renew_job(&job, until).await
        });
        assert_eq!(kept.unwrap(), Renewed::Held);
    }

    #[tokio::test]
    async fn other_databases_are_refused_by_name() {
        assert!(matches!(
            Store::open("mysql://localhost/x").await,
            Err(StoreError::Address)
        ));
    }
}
