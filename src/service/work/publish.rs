//! Publishing the log: tiles first, then the signed checkpoint, each durable before the next.
//!
//! Killed in between, the next run writes the same files again: tiles are a function of the leaves,
//! and a checkpoint never names fewer leaves than one that was written before.

use std::io;
use std::path::{Path, PathBuf};

use tamis_keys::home;
use tamis_protocols::transparency::{self, CHECKPOINT, TileStore};

use super::{Held, JobError};
use crate::service::{Service, ServiceError, append::blocking};
use crate::store::{snapshot, transact};

/// Leaves of one step: at most 8 MiB in memory.
const STEP: u32 = 2048;

/// The log's directory as a tile store.
pub(in crate::service) struct LogDir(pub(in crate::service) PathBuf);

impl TileStore for LogDir {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.0.join(path);
        if let Some(parent) = path.parent() {
            make_durable_dir(&self.0, parent)?;
        }
        home::write_private(&path, bytes).map_err(io::Error::other)
    }
}

/// Makes `dir` and its missing parents below `root`; each is in its parent for good before it is used.
fn make_durable_dir(root: &Path, dir: &Path) -> io::Result<()> {
    if dir == root || dir.is_dir() {
        return Ok(());
    }
    let Some(parent) = dir.parent() else {
        return Ok(());
    };
    make_durable_dir(root, parent)?;
    match std::fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    std::fs::File::open(parent)?.sync_all()
}

impl Service {
    pub(super) async fn run_publish(&self, held: &Held) -> Result<(), JobError> {
        loop {
            held.check()?;
            let (published, leaves, all) = snapshot!(self.store(), "publish", |tx| {
                let (all, published) = tx.log_sizes().await?;
                let leaves = tx.leaves(published, STEP).await?;
                Ok::<_, JobError>((published, leaves, all))
            })?;
            let size = published + leaves.len() as u64;
            self.write_log(published, leaves).await?;
            transact!(self.store(), "publish-done", |tx| {
                if size > published {
                    tx.set_published(published, size).await?;
                }
                match size == all {
                    true => tx.end_job(&held.job).await?,
                    false => tx.hold_job(&held.job).await?,
                }
                Ok::<_, JobError>(())
            })?;
            if size == all {
                return Ok(());
            }
        }
    }

    async fn write_log(&self, published: u64, leaves: Vec<String>) -> Result<(), ServiceError> {
        let service = self.clone();
        blocking(move || {
            let failed = |error: &dyn std::fmt::Display| ServiceError::internal("log", error);
            let mut dir = LogDir(service.files().log());
            let leaves: Vec<Vec<u8>> = leaves.into_iter().map(String::into_bytes).collect();
            let (size, root) = transparency::publish(published, &leaves, &mut dir)
                .map_err(|error| failed(&error))?;
            let checkpoint = service.0.parts.log_key.sign_checkpoint(size, &root);
            dir.write(CHECKPOINT, checkpoint.as_bytes())
                .map_err(|error| failed(&error))
        })
        .await
    }
}
