//! Publishing the log: tiles first, then the signed checkpoint, each durable before the next.
//!
//! ```text
//! leaves ─▶ tiles, durable ─▶ the head moves, in the database ─▶ signed ─▶ witnesses ─▶ checkpoint
//! ```
//! Killed in between, the next run writes the same files again: tiles are a function of the leaves,
//! and a checkpoint never names fewer leaves than one that was written before. The head in the database
//! moves from the one that was read: of two instances that would sign two logs one fails before it signs,
//! and so does one whose database is older than its files.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tamis_keys::home;
use tamis_protocols::transparency::{self, CHECKPOINT, TileStore, open_checkpoint};

use super::cosign::Signed;
use super::{Held, JobError, Outbound};
use crate::service::{Service, ServiceError, append::blocking};
use crate::store::heads::LogHead;
use crate::store::jobs::JobKind;
use crate::store::{snapshot, transact};

/// Leaves of one step: at most 32 MiB in memory.
const STEP: u32 = 8192;

/// Witnesses are asked when nothing is left to publish, and at most this often while there is.
const ASKED: Duration = Duration::from_secs(1);

/// When witnesses are asked again, if too few have cosigned.
const ASK_AGAIN: Duration = Duration::from_secs(10);

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

/// The files of one step: held, then written together, so that each directory is synced once.
struct Files {
    dir: LogDir,
    new: Vec<(PathBuf, Vec<u8>)>,
}

impl TileStore for Files {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.dir.read(path)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.new.push((self.dir.0.join(path), bytes.to_vec()));
        Ok(())
    }
}

impl Files {
    fn settle(self) -> io::Result<()> {
        for (path, _) in &self.new {
            if let Some(parent) = path.parent() {
                make_durable_dir(&self.dir.0, parent)?;
            }
        }
        home::write_private_all(&self.new).map_err(io::Error::other)
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

/// Whether the log of this size and root, whose tiles are there, continues an older one.
fn continues(
    dir: &LogDir,
    (old, old_root): (u64, &[u8; 32]),
    (size, root): (u64, &[u8; 32]),
) -> bool {
    if old == 0 || old == size {
        return old == 0 || old_root == root;
    }
    let proof = transparency::consistency_proof(dir, size, root, old);
    proof.is_ok_and(|proof| transparency::check_consistency(&proof, size, root, old, old_root))
}

impl Service {
    pub(super) async fn run_publish(
        &self,
        held: &Held,
        outbound: &Outbound,
    ) -> Result<(), JobError> {
        let mut asked: Option<tokio::time::Instant> = None;
        loop {
            held.check()?;
            let (published, leaves, all, head) = snapshot!(self.store(), "publish", |tx| {
                let (all, published) = tx.log_sizes().await?;
                let leaves = tx.leaves(published, STEP).await?;
                Ok::<_, JobError>((published, leaves, all, tx.log_head().await?))
            })?;
            let size = published + leaves.len() as u64;
            let root = self.write_tiles(published, leaves).await?;
            self.move_head(held, &head, size, root).await?;
            let mut signed = self.sign(size, root).await?;
            let last = size == all;
            if last || asked.is_none_or(|at| at.elapsed() > ASKED) {
                self.collect(held, outbound, &mut signed).await;
                asked = Some(tokio::time::Instant::now());
            }
            let checkpoint = signed.checkpoint();
            self.write_checkpoint(checkpoint.clone()).await?;
            let enough = signed.count() >= self.limits().witnesses.require;
            let now = self.now();
            let due = self.after(now, ASK_AGAIN);
            transact!(self.store(), "publish-done", |tx| {
                if size > published {
                    tx.set_published(published, size).await?;
                }
                if enough && signed.count() > 0 {
                    tx.set_cosigned(&checkpoint).await?;
                    // Those that waited for this.
                    tx.hasten_jobs(JobKind::Deliver, now).await?;
                }
                match last {
                    false => tx.hold_job(&held.job).await?,
                    // Whoever waits behind this one asks the witnesses again.
                    true if enough || tx.job_waits(JobKind::Publish).await? => {
                        tx.end_job(&held.job).await?
                    }
                    true => tx.return_job(&held.job, due, false).await?,
                }
                Ok::<_, JobError>(())
            })?;
            if last {
                if enough && signed.count() > 0 {
                    self.wake();
                }
                return Ok(());
            }
        }
    }

    /// Writes every file that the leaves change, for good; the root.
    async fn write_tiles(
        &self,
        published: u64,
        leaves: Vec<String>,
    ) -> Result<[u8; 32], ServiceError> {
        let dir = LogDir(self.files().log());
        blocking(move || {
            let mut files = Files {
                dir,
                new: Vec::new(),
            };
            let leaves: Vec<Vec<u8>> = leaves.into_iter().map(String::into_bytes).collect();
            transparency::publish(published, &leaves, &mut files)
                .and_then(|(_, root)| files.settle().map(|()| root))
                .map_err(|error| ServiceError::internal("log", error))
        })
        .await
    }

    /// Makes sure that nothing else was or is signed at this size or a larger one.
    async fn move_head(
        &self,
        held: &Held,
        head: &LogHead,
        size: u64,
        root: [u8; 32],
    ) -> Result<(), JobError> {
        let (dir, vkey) = (LogDir(self.files().log()), self.log_key());
        let before = head.root.as_ref().map(|text| {
            let mut root = [0; 32];
            let is_root = hex::decode_to_slice(text, &mut root).is_ok();
            is_root.then_some((head.size, root))
        });
        let good = blocking(move || {
            let shown = dir
                .read(CHECKPOINT)
                .map_err(|error| ServiceError::internal("checkpoint", error))?;
            let shown = shown.and_then(|bytes| open_checkpoint(&bytes, &vkey));
            let shown = shown.map(|shown| Some((shown.size, shown.root)));
            // Most often they are the same.
            let mut older: Vec<_> = [shown, before].into_iter().flatten().collect();
            older.dedup();
            let good = |old: Option<(u64, [u8; 32])>| {
                old.is_some_and(|(old, of)| continues(&dir, (old, &of), (size, &root)))
            };
            Ok(older.into_iter().all(good))
        });
        if !good.await? || size < head.size {
            return Err(JobError::failed(
                "log",
                "another head was signed: the database or the log is not the newest; restore both \
                 from one backup",
            ));
        }
        let hex = hex::encode(root);
        let is_moved = size > head.size || head.root.is_none();
        transact!(self.store(), "publish-head", |tx| {
            tx.hold_job(&held.job).await?;
            if is_moved {
                tx.move_log_head(head, size, &hex).await?;
            }
            Ok(())
        })
    }

    /// The signed checkpoint, with what witnesses said of it before, if it is the one that is shown.
    async fn sign(&self, size: u64, root: [u8; 32]) -> Result<Signed, ServiceError> {
        let dir = LogDir(self.files().log());
        let note = self.0.parts.log_key.sign_checkpoint(size, &root);
        let peers = &self.limits().witnesses.peers;
        let mut signed = Signed::new(size, root, note);
        let shown = dir
            .read(CHECKPOINT)
            .map_err(|error| ServiceError::internal("log", error))?;
        if let Some(shown) = shown {
            signed.take_over(&String::from_utf8_lossy(&shown), peers);
        }
        Ok(signed)
    }

    async fn write_checkpoint(&self, checkpoint: String) -> Result<(), ServiceError> {
        let mut dir = LogDir(self.files().log());
        blocking(move || {
            dir.write(CHECKPOINT, checkpoint.as_bytes())
                .map_err(|error| ServiceError::internal("log", error))
        })
        .await
    }
}
