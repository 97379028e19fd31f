//! The memory that computing jobs share: what a job may use, and when it may start.
//!
//! Before a job is leased, what it may need at most is reserved, all at once:
//!
//! ```text
//! seal            32 MiB + 4 bytes per byte of the upload
//!                 + of a delta: 1 byte per 3 rows of the set that it changes, and 33 bits per person
//!                 when coverage is due
//! compact         96 MiB + 4 bytes per person + 1 byte per 3 rows and a bit per row
//! match, decide   32 MiB + 32 bytes per withdrawn token + 1 byte per 3 rows of either side
//!                 + (rows + 2 · persons) bits + per question (rows + 3 · persons) bits
//! decide          + 8 bytes per person: the cells of a destination, or numbers of an older set
//! ```
//! each at most the budget of a job; in bits, rows are the advertiser's, persons the partner's: who is
//! out, who was found, who can be reached. Those of all layers count, gone or not. The bytes per row are the indexes of the open token runs. What is granted
//! is a bound: sorting gets what is left of it, and a decision asks no more questions at once than fit.
//! A reservation goes back when the last thing that works under it is dropped, however it ended.
//!
//! Reservations never sum to more than the total. They are granted in the order of asking, and a job
//! that waits is overtaken by none that would fit: so none starves. One larger than the total gets the
//! total, and nobody asks for more while holding some: so none waits for ever.
//!
//! Not counted, because deliveries must not wait for sealings: their evaluation (one at a time, of
//! deliveries and jobs together), what [`super::judge`] keeps, two member files of 64 MiB. Sealing a
//! graph needs 4 bytes per row more; with less than 256 MiB per job, a message of the largest permitted
//! size, which no client of ours makes, may not fit.

use std::sync::Arc;

use tamis_protocols::wire::batch::MAX_BODY_BYTES;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::judge::QUESTIONS;
use super::{Held, JobError};
use crate::domain::id::Id;
use crate::service::Service;
use crate::service::coverage;
use crate::service::uploads::set_size;
use crate::store::jobs::{Due, JobKind};
use crate::store::layers::SetSize;
use crate::store::{StoreError, Tx, snapshot};

const MIB: u64 = 1 << 20;

/// Open blocks, indexes and threads of any computing job.
const BESIDE: u64 = 32 * MIB;

/// Memory in bytes, handed out in MiB.
pub struct Memory {
    total: u32,
    left: Arc<Semaphore>,
}

/// Memory that a job may use until this is dropped.
pub struct Reservation {
    bytes: u64,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Memory {
    /// `total` bytes, at least one MiB.
    pub(crate) fn new(total: u64) -> Memory {
        let total = mib(total).max(1);
        Memory {
            total,
            left: Arc::new(Semaphore::new(total as usize)),
        }
    }

    /// Waits for its turn and for `bytes`, rounded up to whole MiB; for the total if that is less.
    pub async fn reserve(&self, bytes: u64) -> Reservation {
        let granted = mib(bytes).clamp(1, self.total);
        // The semaphore is fair, and never closed.
        let permit = Arc::clone(&self.left).acquire_many_owned(granted).await;
        Reservation {
            bytes: u64::from(granted) * MIB,
            _permit: permit.ok(),
        }
    }

    /// Bytes reserved at the moment.
    pub fn reserved(&self) -> u64 {
        (u64::from(self.total)).saturating_sub(self.left.available_permits() as u64) * MIB
    }
}

fn mib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(MIB)).unwrap_or(u32::MAX >> 4)
}

/// What sealing an upload of `length` bytes needs at most: the message being read and every token in
/// the sorter's buffers, which grow by doubling.
fn sealing(length: u64) -> u64 {
    length.saturating_mul(4).saturating_add(BESIDE)
}

/// What of `granted` bytes is left for sorting the tokens of an upload of `length` bytes.
pub(super) fn sorting(granted: u64, length: u64) -> usize {
    let message = length.min(MAX_BODY_BYTES as u64);
    let left = granted.saturating_sub(BESIDE + message).max(granted / 4);
    usize::try_from(left).unwrap_or(usize::MAX)
}

/// What an evaluation is about, in numbers.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    rows: u64,
    graph_rows: u64,
    persons: u64,
    withdrawn: u64,
    /// Bytes that the gate needs beside.
    gate: u64,
}

impl Sizes {
    /// Of two sealed uploads; what is not sealed counts nothing.
    pub(super) async fn read(
        tx: &mut Tx,
        collaboration: Id,
        (advertiser, partner): (Id, Id),
    ) -> Result<Sizes, StoreError> {
        let crm = size(tx, advertiser).await?;
        let graph = size(tx, partner).await?;
        let withdrawals = tx.withdrawals(collaboration).await?;
        Ok(Sizes {
            rows: crm.rows,
            graph_rows: graph.rows,
            persons: graph.persons,
            withdrawn: withdrawals.iter().map(|one| one.tokens).sum(),
            gate: 0,
        })
    }

    /// The same with what it takes to decide audiences.
    pub(super) fn deciding(self) -> Sizes {
        Sizes {
            gate: 8 * self.persons,
            ..self
        }
    }

    fn common(self) -> u64 {
        let indexes = indexes(self.rows + self.graph_rows);
        BESIDE + 32 * self.withdrawn + indexes + (self.rows + 2 * self.persons) / 8 + self.gate
    }

    fn question(self) -> u64 {
        (self.rows + 3 * self.persons) / 8
    }

    fn need(self, questions: usize) -> u64 {
        self.common() + self.question().saturating_mul(questions as u64)
    }

    /// How many questions may be asked at once with `granted` bytes: at least one, at most
    /// [`QUESTIONS`].
    pub(super) fn questions_within(self, granted: u64) -> usize {
        let fitting = granted.saturating_sub(self.common()) / self.question().max(1);
        usize::try_from(fitting).map_or(QUESTIONS, |fitting| fitting.clamp(1, QUESTIONS))
    }
}

/// The whole set of an upload; nothing if there is none.
async fn size(tx: &mut Tx, upload: Id) -> Result<SetSize, StoreError> {
    let found = tx.upload(upload).await?;
    Ok(found.map(|upload| set_size(&upload)).unwrap_or_default())
}

/// What writing a set as one layer needs: pages of all layers, the new numbers of persons, who is gone.
fn compacting(set: SetSize) -> u64 {
    BESIDE + 64 * MIB + 4 * set.persons + indexes(set.rows) + set.rows / 8
}

/// What leaving people out of the layers of a set needs, one layer at a time: pages and blocks, and what
/// their numbers take.
const ERASING: u64 = BESIDE + 64 * MIB;

/// What counting a partner's whole set needs: a bit per person for each destination, at most 32, and one
/// more. An advertiser's has no persons.
fn counting(persons: u64) -> u64 {
    persons.saturating_mul(33) / 8
}

/// The indexes of open token runs: 8 bytes per 256 tokens, 24 where tokens are alike in their first half,
/// up to four a row.
fn indexes(rows: u64) -> u64 {
    rows * 3 / 8
}

impl Service {
    /// The memory of computing jobs.
    pub fn memory(&self) -> &Memory {
        &self.0.memory
    }

    /// Bytes that a computing job may need at most. One of which that cannot be told may need all that
    /// a job gets: it is not for the queue to fail.
    pub async fn need(&self, due: &Due) -> u64 {
        let budget = self.limits().job_memory;
        match self.estimate(due).await {
            Ok(need) => need.min(budget),
            Err(_) => budget,
        }
    }

    async fn estimate(&self, due: &Due) -> Result<u64, JobError> {
        let subject = Id::parse(&due.subject).ok_or_else(|| JobError::gone("the subject"))?;
        if due.cancelled {
            return Ok(0);
        }
        snapshot!(self.store(), "job-need", |tx| {
            match due.kind {
                JobKind::Seal => {
                    let Some(upload) = tx.upload(subject).await? else {
                        return Ok(0);
                    };
                    let mut need = sealing(upload.length);
                    if upload.mode.is_delta()
                        && let Some(below) =
                            tx.newest_sealed(upload.collaboration, upload.kind).await?
                    {
                        let set = size(tx, below).await?;
                        need += indexes(set.rows);
                        let newest = tx.newest_coverage(upload.collaboration).await?;
                        if coverage::is_due(newest.as_ref(), self.now()) {
                            need += counting(set.persons);
                        }
                    }
                    Ok(need)
                }
                JobKind::Match => {
                    let found = tx.match_(subject).await?;
                    let found = found.ok_or_else(|| JobError::gone("the match"))?;
                    let pair = (found.advertiser_upload, found.partner_upload);
                    Ok(Sizes::read(tx, found.collaboration, pair).await?.need(1))
                }
                JobKind::Decide => {
                    let waiting = tx.deciding(subject).await?;
                    let Some(first) = waiting.first() else {
                        return Ok(0);
                    };
                    let pair = (first.advertiser_upload, first.partner_upload);
                    let sizes = Sizes::read(tx, subject, pair).await?.deciding();
                    Ok(sizes.need(waiting.len().min(QUESTIONS)))
                }
                JobKind::Compact => Ok(compacting(size(tx, subject).await?)),
                JobKind::Erase => Ok(ERASING),
                JobKind::Deliver | JobKind::Publish | JobKind::Expire => Ok(0),
            }
        })
    }

    /// Bytes that a job may use: what was reserved for it.
    pub(super) fn granted(&self, held: &Held) -> u64 {
        let budget = self.limits().job_memory;
        held.memory.as_ref().map_or(budget, |memory| memory.bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Fifty jobs ask in order, small and larger than the total alike.
        #[test]
        fn the_total_is_never_exceeded_and_nobody_is_overtaken(
            total in 1_u64..40,
            needs in prop::collection::vec((0_u64..60, 0_u32..4), 50),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let memory = Arc::new(Memory::new(total * MIB));
                let (used, admitted) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
                let mut jobs = tokio::task::JoinSet::new();
                for (number, (need, steps)) in needs.into_iter().enumerate() {
                    let (memory, used, admitted) = (memory.clone(), used.clone(), admitted.clone());
                    jobs.spawn(async move {
                        let reserved = memory.reserve(need * MIB).await;
                        assert_eq!(admitted.fetch_add(1, Ordering::SeqCst), number as u64);
                        let bytes = reserved.bytes;
                        assert_eq!(bytes, need.clamp(1, total) * MIB);
                        let now = used.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        assert!(now <= total * MIB && now <= memory.reserved());
                        for _ in 0..steps {
                            tokio::task::yield_now().await;
                        }
                        used.fetch_sub(bytes, Ordering::SeqCst);
                    });
                }
                while let Some(ended) = jobs.join_next().await {
                    ended.unwrap();
                }
                assert_eq!(memory.reserved(), 0);
            });
        }

        #[test]
        fn what_is_asked_at_once_fits_what_is_granted(
            rows in 0_u64..1 << 40,
            graph_rows in 0_u64..1 << 40,
            persons in 0_u64..1 << 40,
            withdrawn in 0_u64..1 << 30,
            granted in 0_u64..1 << 40,
        ) {
            let sizes = Sizes { rows, graph_rows, persons, withdrawn, gate: 0 }.deciding();
            let questions = sizes.questions_within(granted);
            prop_assert!((1..=QUESTIONS).contains(&questions));
            prop_assert!(questions == 1 || sizes.need(questions) <= granted);
            prop_assert!(sizes.questions_within(sizes.need(7)) >= 7);
        }

        #[test]
        fn sorting_gets_no_more_than_is_granted(granted in MIB..1 << 40, length in 0_u64..1 << 50) {
            let sorting = sorting(granted, length) as u64;
            prop_assert!(sorting > 0 && sorting <= granted);
        }
    }

    #[tokio::test]
    async fn a_reservation_comes_back_from_a_job_that_panicked_or_was_dropped() {
        let memory = Arc::new(Memory::new(8 * MIB));
        let inner = memory.clone();
        let panicked = tokio::spawn(async move {
            let _held = inner.reserve(8 * MIB).await;
            panic!("as told");
        });
        assert!(panicked.await.is_err());
        assert_eq!(memory.reserved(), 0);
        let held = memory.reserve(6 * MIB).await;
        let waiting = memory.reserve(4 * MIB);
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(5), waiting).await;
        assert!(given_up.is_err());
        assert_eq!(memory.reserved(), 6 * MIB);
        drop(held);
        assert_eq!(memory.reserved(), 0);
    }
}
