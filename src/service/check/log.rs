//! The log: its files hold together, and are made of the leaves in the database.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

use tamis_protocols::transparency::{self, CHECKPOINT, TileStore, open_checkpoint};

use super::{Check, Finding, files};
use crate::service::ServiceError;
use crate::service::append::blocking;
use crate::service::completeness::Difference;
use crate::service::work::publish::LogDir;
use crate::store::snapshot;

/// Leaves of one step: at most 8 MiB in memory.
const STEP: u64 = 2048;

impl Check<'_> {
    pub(super) async fn log(&mut self) -> Result<(), ServiceError> {
        if let Some(difference) = self.service.compare_log().await?
            && matches!(difference, Difference::Rows | Difference::Published)
        {
            self.find(finding(difference.to_string()));
            return Ok(());
        }
        let (stored, published) = snapshot!(self.service.store(), "check-log", |tx| {
            Ok::<_, ServiceError>(tx.log_sizes().await?)
        })?;
        let service = self.service.clone();
        let (verified, size, bytes) = blocking(move || {
            let (dir, vkey) = (LogDir(service.files().log()), service.log_key());
            let bytes = files::size(&service.files().log()).unwrap_or_default();
            let head = dir.read(CHECKPOINT).ok().flatten();
            let head = head.map(|bytes| open_checkpoint(&bytes, &vkey));
            let verified = match head {
                // Nothing was ever published.
                None if published == 0 => Ok(()),
                _ => transparency::verify(&dir, &vkey).map(drop),
            };
            Ok((
                verified.map_err(|error| error.to_string()),
                head.flatten(),
                bytes,
            ))
        })
        .await?;
        self.advance(bytes);
        if let Err(problem) = verified {
            self.find(finding(problem));
            return Ok(());
        }
        let Some(head) = size else {
            return Ok(());
        };
        self.checked.leaves = head.size;
        if head.size < published || head.size > stored {
            self.find(finding(format!(
                "the checkpoint is over {} leaves; the database has {stored}, {published} of them \
                 published",
                head.size
            )));
        } else if self.stored_root(head.size).await? != Some(head.root) {
            self.find(finding(
                "the leaves in the database are not those that were published".to_owned(),
            ));
        }
        Ok(())
    }

    /// The root of the first `size` leaves in the database; none if one is missing.
    async fn stored_root(&self, size: u64) -> Result<Option<[u8; 32]>, ServiceError> {
        let mut edge = RightEdge::default();
        let mut done = (
            0,
            transparency::publish(0, &[], &mut edge).map_err(failed)?.1,
        );
        while done.0 < size {
            let limit = STEP.min(size - done.0) as u32;
            let leaves = snapshot!(self.service.store(), "check-leaves", |tx| {
                Ok::<_, ServiceError>(tx.leaves(done.0, limit).await?)
            })?;
            if leaves.is_empty() {
                return Ok(None);
            }
            let leaves: Vec<Vec<u8>> = leaves.into_iter().map(String::into_bytes).collect();
            edge.turn();
            done = transparency::publish(done.0, &leaves, &mut edge).map_err(failed)?;
        }
        Ok(Some(done.1))
    }
}

/// A log of which only what the last step wrote or read is kept: all that the next step needs.
#[derive(Default)]
struct RightEdge {
    before: BTreeMap<String, Vec<u8>>,
    now: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl RightEdge {
    fn turn(&mut self) {
        self.before = self.now.take();
    }
}

impl TileStore for RightEdge {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let found = self.before.get(path).cloned();
        if let Some(bytes) = &found {
            self.now.borrow_mut().insert(path.to_owned(), bytes.clone());
        }
        Ok(found)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.now.get_mut().insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }
}

fn finding(problem: String) -> Finding {
    Finding {
        object: "log".to_owned(),
        problem,
        next:
            "Restore log/ from a backup, or from a copy that an auditor fetched; then check again."
                .to_owned(),
    }
}

fn failed(error: io::Error) -> ServiceError {
    ServiceError::internal("log", error)
}
