//! Appending to an upload, one writer at a time, so that a cut connection loses next to nothing.
//!
//! The spool file says how much is there; the database only learns of completed appends. A writer that
//! is dropped keeps what it got, unless its bytes had a checksum that was never verified: those are
//! marked in the database before the first one is stored, and cut off when the spool is next opened,
//! also after a kill. When the last byte is stored the upload moves to sealing, its job in the same
//! transaction; an upload whose process died between those two is completed when it is next looked at.
//!
//! Memory: one buffer of [`BUFFER`] bytes a writer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::files::Object;
use super::uploads::complete;
use super::{Caller, Service, ServiceError, scope};
use crate::domain::id::Id;
use crate::domain::state::{self, Step};
use crate::sets::Spool;
use crate::store::jobs::JobKind;
use crate::store::transact;
use crate::store::uploads::Upload;

/// Bytes gathered before they are encrypted and written.
const BUFFER: usize = 1 << 20;

/// How long a second writer waits for the first.
const PATIENCE: Duration = Duration::from_secs(1);

/// The position is not known yet: open the spool.
const UNKNOWN: u64 = u64::MAX;

/// Who appends to what. One small entry per incomplete upload that was touched since the start.
#[derive(Default)]
pub(super) struct Appenders(Mutex<HashMap<Id, Arc<Slot>>>);

struct Slot {
    turn: Arc<tokio::sync::Mutex<()>>,
    position: AtomicU64,
}

/// The right to write to one upload.
pub(super) struct Turn {
    slot: Arc<Slot>,
    _guard: OwnedMutexGuard<()>,
}

impl Appenders {
    fn slot(&self, id: Id) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.entry(id).or_insert_with(|| {
            Arc::new(Slot {
                turn: Arc::default(),
                position: AtomicU64::new(UNKNOWN),
            })
        });
        Arc::clone(slot)
    }

    pub(super) async fn turn(&self, id: Id) -> Result<Turn, ServiceError> {
        let slot = self.slot(id);
        let waiting = Arc::clone(&slot.turn).lock_owned();
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(guard) => Ok(Turn {
                slot,
                _guard: guard,
            }),
            Err(_) => Err(ServiceError::conflict(
                "upload_locked",
                "Another request appends to this upload: try again in a moment.",
            )),
        }
    }

    pub(super) fn forget(&self, id: Id) {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.remove(&id);
    }
}

/// Appends to one upload; nobody else can meanwhile. Dropping it keeps what was appended.
pub struct UploadWriter {
    service: Service,
    id: Id,
    length: u64,
    /// Where this append began.
    mark: u64,
    /// Bytes stored and buffered.
    offset: u64,
    buffer: Vec<u8>,
    spool: Option<Spool>,
    all_or_nothing: bool,
    turn: Option<Turn>,
}

impl Service {
    /// Starts appending at `offset`, which must be where the upload ends.
    ///
    /// # Errors
    /// `upload_locked`, `upload_complete`, `upload_terminated`, `offset_mismatch`.
    pub async fn begin_append(
        &self,
        caller: &Caller,
        id: &str,
        offset: u64,
    ) -> Result<UploadWriter, ServiceError> {
        let id = scope::id(id)?;
        self.upload_row(caller, id).await?;
        let turn = self.0.appenders.turn(id).await?;
        let found = self.upload_row(caller, id).await?;
        match found.state {
            state::Upload::Receiving => {}
            state::Upload::Terminated => {
                return Err(ServiceError::conflict(
                    "upload_terminated",
                    "The upload was ended or has expired: create a new one.",
                ));
            }
            _ => return Err(complete()),
        }
        let spool = self.open_spool(&found, &turn).await?;
        let mark = spool.len();
        if mark >= found.length {
            drop(spool);
            self.complete_upload(id, found.length).await?;
            return Err(complete());
        }
        if mark != offset {
            return Err(ServiceError::conflict(
                "offset_mismatch",
                "The upload ends at another offset: ask for it, and continue there.",
            ));
        }
        Ok(UploadWriter {
            service: self.clone(),
            id,
            length: found.length,
            mark,
            offset: mark,
            buffer: Vec::new(),
            spool: Some(spool),
            all_or_nothing: false,
            turn: Some(turn),
        })
    }

    /// How many bytes of an incomplete upload are there. Completes it if that is all of them.
    pub(super) async fn position(&self, upload: &Upload) -> Result<u64, ServiceError> {
        let turn = self.0.appenders.turn(upload.id).await;
        let slot = self.0.appenders.slot(upload.id);
        let known = slot.position.load(Ordering::Acquire);
        match (turn, known) {
            // Somebody appends: what is stored for good is the answer.
            (Err(_), UNKNOWN) => Ok(upload.received),
            (Err(_), known) => Ok(known),
            (Ok(_), known) if known < upload.length => Ok(known),
            (Ok(turn), _) => {
                let spool = self.open_spool(upload, &turn).await?;
                let there = spool.len();
                drop(spool);
                if there >= upload.length {
                    self.complete_upload(upload.id, upload.length).await?;
                }
                Ok(there)
            }
        }
    }

    /// Opens the spool, or creates it; bytes that were never verified are cut off.
    async fn open_spool(&self, upload: &Upload, turn: &Turn) -> Result<Spool, ServiceError> {
        let path = self.files().spool(upload.id);
        let object = Object::Upload(upload.id);
        let key = self.key(object, &upload.wrapped_key)?;
        let context = object.context();
        let unverified = upload.unverified_from;
        let spool = blocking(move || {
            if !path.try_exists().map_err(disk)? {
                return Spool::create(&path, &key, &context).map_err(disk);
            }
            let mut spool = Spool::open(&path, &key, &context).map_err(disk)?;
            if let Some(mark) = unverified.filter(|mark| *mark < spool.len()) {
                spool.truncate_to(mark).map_err(disk)?;
            }
            Ok(spool)
        })
        .await?;
        turn.slot.position.store(spool.len(), Ordering::Release);
        Ok(spool)
    }

    /// Moves a complete upload to sealing.
    async fn complete_upload(&self, id: Id, length: u64) -> Result<(), ServiceError> {
        let now = self.now();
        transact!(self.store(), "upload-complete", |tx| {
            let found = tx.upload(id).await?.ok_or(ServiceError::NotFound)?;
            if found.state != state::Upload::Receiving {
                return Ok(());
            }
            let step = Step::new(found.state, state::Upload::Sealing)
                .map_err(|error| ServiceError::internal("upload", error))?;
            tx.set_received(id, length).await?;
            tx.step_upload(id, step).await?;
            let subject = id.to_string();
            let lane = seal_lane(&found);
            self.queue(tx, JobKind::Seal, &subject, &lane, now).await
        })?;
        self.0.appenders.forget(id);
        self.wake();
        Ok(())
    }
}

impl UploadWriter {
    /// From here to [`UploadWriter::commit`] all bytes stay or none: for bytes whose checksum is only
    /// known at their end. Call it before the first [`UploadWriter::append`].
    pub async fn all_or_nothing(&mut self) -> Result<(), ServiceError> {
        let (id, mark) = (self.id, self.mark);
        transact!(self.service.store(), "upload-unverified", |tx| {
            Ok::<_, ServiceError>(tx.set_unverified(id, mark).await?)
        })?;
        self.all_or_nothing = true;
        Ok(())
    }

    /// Appends bytes. They are stored for good by [`UploadWriter::commit`].
    ///
    /// # Errors
    /// `too_many_bytes` beyond the declared length; `Unavailable` if the disk does not take them.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), ServiceError> {
        let grown = self.offset.saturating_add(bytes.len() as u64);
        if grown > self.length {
            return Err(ServiceError::invalid(
                "too_many_bytes",
                "The upload would become longer than declared.",
            ));
        }
        for part in bytes.chunks(BUFFER) {
            self.buffer.extend_from_slice(part);
            if self.buffer.len() >= BUFFER {
                self.flush(false).await?;
            }
        }
        self.offset = grown;
        Ok(())
    }

    /// Stores everything for good; the new offset. When that is the declared length, sealing begins.
    pub async fn commit(mut self) -> Result<u64, ServiceError> {
        self.flush(true).await?;
        let (id, offset) = (self.id, self.offset);
        if offset == self.length {
            self.service.complete_upload(id, offset).await?;
        } else {
            transact!(self.service.store(), "upload-append", |tx| {
                Ok::<_, ServiceError>(tx.set_received(id, offset).await?)
            })?;
        }
        self.spool = None;
        Ok(offset)
    }

    /// Throws away everything since the append began.
    pub async fn rollback(mut self) -> Result<(), ServiceError> {
        self.buffer.clear();
        let (id, mark) = (self.id, self.mark);
        let Some(mut spool) = self.spool.take() else {
            return Ok(());
        };
        blocking(move || spool.truncate_to(mark).map_err(disk)).await?;
        self.set_position(mark);
        transact!(self.service.store(), "upload-rollback", |tx| {
            Ok::<_, ServiceError>(tx.set_received(id, mark).await?)
        })
    }

    /// Writes the buffer; with `durably`, down to the disk. On failure the spool is given up: the next
    /// writer opens it anew and finds what survived.
    async fn flush(&mut self, durably: bool) -> Result<(), ServiceError> {
        let Some(mut spool) = self.spool.take() else {
            return Err(disk("an earlier write failed"));
        };
        let buffer = std::mem::take(&mut self.buffer);
        self.set_position(UNKNOWN);
        let (spool, mut buffer) = blocking(move || {
            write(&mut spool, &buffer, durably)?;
            Ok((spool, buffer))
        })
        .await?;
        buffer.clear();
        self.buffer = buffer;
        if durably && !self.all_or_nothing {
            self.set_position(spool.len());
        }
        self.spool = Some(spool);
        Ok(())
    }

    fn set_position(&self, position: u64) {
        if let Some(turn) = &self.turn {
            turn.slot.position.store(position, Ordering::Release);
        }
    }
}

impl Drop for UploadWriter {
    /// Keeps what was appended, in the background; the next writer waits for its turn meanwhile.
    fn drop(&mut self) {
        let (Some(mut spool), Some(turn)) = (self.spool.take(), self.turn.take()) else {
            return;
        };
        turn.slot.position.store(UNKNOWN, Ordering::Release);
        if self.all_or_nothing {
            // Cut off when the spool is next opened.
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let buffer = std::mem::take(&mut self.buffer);
        runtime.spawn_blocking(move || {
            // A failure loses bytes that nobody was told are kept.
            let _ = write(&mut spool, &buffer, true);
            drop(turn);
        });
    }
}

fn write(spool: &mut Spool, buffer: &[u8], durably: bool) -> Result<(), ServiceError> {
    if !buffer.is_empty() {
        spool.append(buffer).map_err(disk)?;
    }
    if durably {
        spool.sync().map_err(disk)?;
    }
    Ok(())
}

/// Uploads of one side are sealed one after the other, in the order in which they were completed: what a
/// delta changes is what was there before it.
pub(super) fn seal_lane(upload: &Upload) -> String {
    format!("seal/{}/{}", upload.collaboration, upload.kind.as_str())
}

/// Runs file work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ServiceError::internal("background task", error)),
    }
}

/// What the owner of an upload is told when the disk does not take it.
fn disk(error: impl std::fmt::Display) -> ServiceError {
    tracing::error!(%error, "a spool file cannot be written or read");
    ServiceError::Unavailable {
        detail: "The service cannot store the upload at the moment: continue it later.".to_owned(),
    }
}
