//! Group commit: small transactions that arrive while one is being synced run one after the other inside
//! the next one, and all are acknowledged by its one sync.
//!
//! ```text
//! begin ─▶ queue for the group ─▶ own part, behind a savepoint ─▶ wait ─────────────▶ acknowledged
//!            first: BEGIN, and whoever closes queues up behind those who wait now ─▶ COMMIT ┘
//! ```
//! Errors of one never touch another: its part is rolled back to its savepoint alone, also when its caller
//! is gone. When the group as a whole cannot be committed, every part is run again by itself.
//!
//! Leaves of the log are held in memory until the group is closed, and written there many at a time; so
//! a part that only appends leaves costs no statement of its own, and no part may read the leaves.
//!
//! On SQLite alone: PostgreSQL syncs commits of several connections together by itself.

use std::sync::Arc;

use sqlx::{Any, AnyConnection, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, oneshot};

use super::Store;
use super::transaction::sql;

/// Where the open group is, if there is one. The queue in front of it is fair.
pub(super) type Group = Arc<Mutex<Option<Open>>>;

/// Leaves of one statement.
const ROWS: usize = 16;
const INSERT_ROWS: &str = "INSERT INTO leaves (idx, bytes) VALUES ($1, $2), ($3, $4), ($5, $6), \
    ($7, $8), ($9, $10), ($11, $12), ($13, $14), ($15, $16), ($17, $18), ($19, $20), ($21, $22), \
    ($23, $24), ($25, $26), ($27, $28), ($29, $30), ($31, $32)";
const INSERT_ROW: &str = "INSERT INTO leaves (idx, bytes) VALUES ($1, $2)";

/// How a group ended, as each of its parts is told.
pub(super) enum Ended {
    /// Durable.
    Committed,
    /// Nothing of it happened.
    Undone,
    /// The commit was reported as failed.
    Failed(String),
}

/// A transaction that takes parts in.
pub(super) struct Open {
    inner: Transaction<'static, Any>,
    /// SQLite's one writer.
    _turn: OwnedSemaphorePermit,
    done: Vec<oneshot::Sender<Ended>>,
    leaves: Option<Leaves>,
    /// A job that publishes waits already, as seen or queued in here.
    publishes: bool,
    /// The part that runs now, if one does.
    part: Option<Part>,
    /// A part could not be rolled back: nothing of the group may be committed.
    broken: bool,
}

/// New leaves that are not written yet.
struct Leaves {
    /// The index of the first.
    start: i64,
    new: Vec<String>,
}

/// What to go back to if the part fails.
struct Part {
    savepoint: bool,
    leaves: usize,
    publishes: bool,
}

/// The right to run a part of the open group.
pub(super) struct Member(OwnedMutexGuard<Option<Open>>);

impl Store {
    /// Waits for a turn in the open group, or opens one.
    pub(super) async fn join(&self) -> Result<Member, sqlx::Error> {
        let mut place = Arc::clone(&self.group).lock_owned().await;
        if let Some(open) = place.as_mut() {
            open.settle().await;
            if open.broken {
                close(&mut place).await;
            }
        }
        if place.is_none() {
            let turn = Arc::clone(&self.writer).acquire_owned().await;
            let turn = turn.map_err(|_| sqlx::Error::PoolClosed)?;
            let inner = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            *place = Some(Open {
                inner,
                _turn: turn,
                done: Vec::new(),
                leaves: None,
                publishes: false,
                part: None,
                broken: false,
            });
            // Behind everybody who waits now: they are the group.
            let group = Arc::clone(&self.group);
            tokio::spawn(async move { close(&mut group.lock_owned().await).await });
        }
        if let Some(open) = place.as_mut() {
            open.part = Some(Part {
                savepoint: false,
                leaves: open.leaves.as_ref().map_or(0, |leaves| leaves.new.len()),
                publishes: open.publishes,
            });
        }
        Ok(Member(place))
    }
}

/// Commits the open group, if there is one, and tells its parts.
async fn close(place: &mut OwnedMutexGuard<Option<Open>>) {
    let Some(mut open) = place.take() else {
        return;
    };
    open.settle().await;
    let done = std::mem::take(&mut open.done);
    let written = !open.broken && open.write_leaves().await.is_ok();
    let ended = match written && !done.is_empty() {
        false => {
            // A failed rollback closes the connection, which rolls back.
            let _ = open.inner.rollback().await;
            Err(None)
        }
        true => open.inner.commit().await.map_err(Some),
    };
    for one in done {
        // Whoever is gone needs no answer.
        let _ = one.send(match &ended {
            Ok(()) => Ended::Committed,
            Err(None) => Ended::Undone,
            Err(Some(error)) => Ended::Failed(error.to_string()),
        });
    }
}

impl Open {
    /// Rolls back a part whose caller left in the middle.
    async fn settle(&mut self) {
        if self.part.is_some() {
            self.undo().await;
        }
    }

    async fn undo(&mut self) {
        let Some(part) = self.part.take() else {
            return;
        };
        if let Some(leaves) = &mut self.leaves {
            leaves.new.truncate(part.leaves);
        }
        self.publishes = part.publishes;
        if part.savepoint {
            // Also if whoever rolls back leaves in the middle of it.
            let was = std::mem::replace(&mut self.broken, true);
            let undone = sql("ROLLBACK TO part").execute(&mut *self.inner).await;
            let released = sql("RELEASE part").execute(&mut *self.inner).await;
            self.broken = was || undone.is_err() || released.is_err();
        }
    }

    async fn connection(&mut self) -> Result<&mut AnyConnection, sqlx::Error> {
        if let Some(part) = &mut self.part
            && !part.savepoint
        {
            // Marked first: if the caller leaves meanwhile it may be set.
            part.savepoint = true;
            sql("SAVEPOINT part").execute(&mut *self.inner).await?;
        }
        Ok(&mut self.inner)
    }

    /// Holds a leaf; its index.
    async fn hold_leaf(&mut self, bytes: &str) -> Result<i64, sqlx::Error> {
        if self.leaves.is_none() {
            let row = sql("SELECT value FROM counters WHERE name = 'leaves'")
                .fetch_one(&mut *self.inner)
                .await?;
            self.leaves = Some(Leaves {
                start: sqlx::Row::try_get(&row, 0)?,
                new: Vec::new(),
            });
        }
        let leaves = self.leaves.as_mut().ok_or(sqlx::Error::RowNotFound)?;
        leaves.new.push(bytes.to_owned());
        Ok(leaves.start + leaves.new.len() as i64 - 1)
    }

    async fn write_leaves(&mut self) -> Result<(), sqlx::Error> {
        let Some(Leaves { start, new }) = self.leaves.take() else {
            return Ok(());
        };
        if new.is_empty() {
            return Ok(());
        }
        let mut index = start;
        for rows in new.chunks(ROWS) {
            let rows = match rows.len() {
                ROWS => vec![rows],
                _ => rows.chunks(1).collect(),
            };
            for rows in rows {
                let text = if rows.len() == ROWS {
                    INSERT_ROWS
                } else {
                    INSERT_ROW
                };
                let mut statement = sql(text);
                for bytes in rows {
                    statement = statement.bind(index).bind(bytes.clone());
                    index += 1;
                }
                statement.execute(&mut *self.inner).await?;
            }
        }
        let counted = sql("UPDATE counters SET value = $1 WHERE name = 'leaves' AND value = $2")
            .bind(index)
            .bind(start)
            .execute(&mut *self.inner)
            .await?;
        match counted.rows_affected() {
            1 => Ok(()),
            _ => Err(sqlx::Error::RowNotFound),
        }
    }
}

impl Member {
    /// The transaction, behind a savepoint of this part's own.
    pub(super) async fn connection(&mut self) -> Result<&mut AnyConnection, sqlx::Error> {
        let open = self.0.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        open.connection().await
    }

    /// Holds a leaf until the group is closed; its index.
    pub(super) async fn hold_leaf(&mut self, bytes: &str) -> Result<i64, sqlx::Error> {
        let open = self.0.as_mut().ok_or(sqlx::Error::WorkerCrashed)?;
        open.hold_leaf(bytes).await
    }

    /// Whether a job that publishes is known to wait.
    pub(super) fn publishes(&self) -> bool {
        self.0.as_ref().is_some_and(|open| open.publishes)
    }

    pub(super) fn set_publishes(&mut self) {
        if let Some(open) = self.0.as_mut() {
            open.publishes = true;
        }
    }

    /// Ends the part well; waits until all of the group is durable, or is not.
    pub(super) async fn commit(mut self) -> Ended {
        let Some(open) = self.0.as_mut() else {
            return Ended::Undone;
        };
        if open.part.as_ref().is_some_and(|part| part.savepoint) {
            let released = sql("RELEASE part").execute(&mut *open.inner).await;
            if released.is_err() {
                open.broken = true;
            }
        }
        open.part = None;
        let (told, ended) = oneshot::channel();
        open.done.push(told);
        drop(self);
        // Dropped with the runtime: not committed, as far as is known.
        ended
            .await
            .unwrap_or_else(|_| Ended::Failed("it was stopped".to_owned()))
    }

    /// Ends the part as if it had not been.
    pub(super) async fn roll_back(mut self) {
        if let Some(open) = self.0.as_mut() {
            open.undo().await;
        }
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
