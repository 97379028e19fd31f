//! Erasing: what the sender of a request keeps of its people is destroyed: the consent records of its side,
//! and the rows of its sets.
//!
//! ```text
//! request, in effect ─▶ records, chunk by chunk ─▶ rows, layer by layer: people leave, numbers stay
//!                                                      └─▶ one transaction: end of job · state · leaf
//! ```
//! Matching knows these people no more from the request on, whatever becomes of this job: their tokens are on
//! the sealed list that every judgement reads, and that list stays, because to keep somebody out one must
//! remember whom. What a destination was told stays in its member file until the removal is acknowledged:
//! without it nobody could say what is to be removed.
//!
//! It runs in one lane per collaboration and in the loop of the compactions, so neither sees half of the
//! other's work. An upload that was sealed, or a set that was compacted, while it ran is gone through as
//! well: the transaction that ends the job sees them all. One that is sealed later is gone through by a job of
//! its own, so an erased person is on the disk of that side for no longer than that takes, also if they are sent
//! again. It is never given up.
//!
//! What each party learns: its own requests' states. The log: that it was done, and nothing of how much.

use tamis_protocols::token::Token;
use tamis_protocols::transparency::Event;

use super::open::Layers;
use super::{Held, JobError};
use crate::domain::id::Id;
use crate::service::Service;
use crate::service::append::blocking;
use crate::service::files::Object;
use crate::sets::{self, EraseJob};
use crate::store::jobs::JobKind;
use crate::store::layers::Stack;
use crate::store::uploads::{Kind, Upload};
use crate::store::withdrawals::Withdrawal;
use crate::store::{Tx, snapshot, transact};

/// What is to be gone through: sets that together have every layer of a side; for everybody whom it erased.
struct Case {
    /// The one that the job is for.
    request: Withdrawal,
    /// All erasures of its sender in the collaboration.
    erasures: Vec<Withdrawal>,
    stacks: Vec<Stack>,
    sets: Vec<Layers>,
}

impl Service {
    pub(super) async fn run_erase(&self, held: &Held) -> Result<(), JobError> {
        let id = held.subject()?;
        loop {
            held.check()?;
            let case = snapshot!(self.store(), "erase", |tx| { case(tx, id).await })?;
            let (service, found) = (self.clone(), case.erasures.clone());
            let tokens = blocking(move || Ok(service.withdrawn_by(&found))).await??;
            let (sender, there) = (&case.request.sender, case.request.collaboration);
            self.erase_records(held, sender, there, &tokens).await?;
            let (service, running) = (self.clone(), held.clone());
            let erased = blocking(move || {
                let erased = service.erase_rows(&running, &case, &tokens);
                Ok(erased.map(|()| case))
            });
            let case = match erased.await? {
                Err(_) if held.cancel.is_cancelled() => return Err(JobError::Cancelled),
                erased => erased?,
            };
            if self.erased(held, &case).await? {
                self.wake();
                return Ok(());
            }
        }
    }

    /// Has an upload that is being marked as sealed gone through as well, if its owner erased people before:
    /// it may bring them again. Call [`Service::wake`] after the commit.
    pub(super) async fn erase_again(&self, tx: &mut Tx, upload: &Upload) -> Result<(), JobError> {
        let before = tx.erasures_of(upload.collaboration, &upload.owner).await?;
        if let Some(last) = before.last() {
            let lane = erase_lane(upload.collaboration);
            let (kind, subject) = (JobKind::Erase, last.id.to_string());
            self.queue(tx, kind, &subject, &lane, self.now()).await?;
        }
        Ok(())
    }

    /// Ends the job, unless more was sealed or compacted meanwhile.
    async fn erased(&self, held: &Held, case: &Case) -> Result<bool, JobError> {
        let now = self.now();
        let request = &case.request;
        transact!(self.store(), "erase-end", |tx| {
            tx.hold_job(&held.job).await?;
            if stacks(tx, request).await? != case.stacks {
                return Ok(false);
            }
            tx.end_job(&held.job).await?;
            if tx
                .withdrawal(request.id)
                .await?
                .is_some_and(|now| now.erased.is_some())
            {
                // It was said before; a later upload was gone through.
                tx.set_erased_again(request.id).await?;
                return Ok(true);
            }
            let event = Event::Erasure {
                collaboration: request.collaboration.to_string(),
                withdrawal: request.id.to_string(),
                destroyed: vec!["records".to_owned(), "rows".to_owned()],
            };
            let leaf = self.record(tx, now, &request.sender, event, None).await?;
            tx.set_erased(request.id, now, leaf).await?;
            Ok::<_, JobError>(true)
        })
    }

    fn erase_rows(&self, held: &Held, case: &Case, tokens: &[Token]) -> Result<(), JobError> {
        let all = case.sets.len();
        for (at, layers) in case.sets.iter().enumerate() {
            self.erase_of(held, layers, tokens)?;
            held.progress.set((at + 1) as f64 / all as f64);
        }
        Ok(())
    }

    /// The tokens of several requests, ascending, each once.
    fn withdrawn_by(&self, requests: &[Withdrawal]) -> Result<Vec<Token>, JobError> {
        let mut tokens = Vec::new();
        for request in requests {
            tokens.extend(self.withdrawn(request)?);
        }
        tokens.sort_unstable();
        tokens.dedup();
        Ok(tokens)
    }

    /// The tokens of a request, ascending.
    pub(in crate::service) fn withdrawn(
        &self,
        request: &Withdrawal,
    ) -> Result<Vec<Token>, JobError> {
        let object = Object::Withdrawal(request.id);
        let key = self.key(object, &request.wrapped_key)?;
        let path = self.files().withdrawal(request.id);
        let tokens = sets::read_tokens(&path, &key, &object.context())
            .map_err(|error| JobError::failed("withdrawal file", error))?;
        match tokens.len() as u64 == request.tokens {
            true => Ok(tokens),
            false => Err(JobError::failed(
                "withdrawal file",
                "not all of it is there",
            )),
        }
    }

    fn erase_of(&self, held: &Held, layers: &Layers, tokens: &[Token]) -> Result<(), JobError> {
        let failed = |error: &dyn std::fmt::Display| JobError::failed("erasing", error);
        let owners = {
            let set = self.open_set(layers)?;
            sets::owners_of(&set, tokens).map_err(|error| failed(&error))?
        };
        // In one layer nothing else is to be found by the tokens.
        let passes: &[bool] = if layers.len() > 1 {
            &[true, false]
        } else {
            &[false]
        };
        for keep_tokens in passes {
            for row in layers.rows() {
                held.check()?;
                let layer = self.open_layer(row)?;
                let dir = match row.compacted {
                    true => self.files().compacted(row.upload),
                    false => self.files().set(row.upload),
                };
                let job = EraseJob {
                    layer: &layer,
                    compacted: row.compacted,
                    dir: &dir,
                    key: &self.key(Object::Upload(row.upload), &row.wrapped_key)?,
                    entropy: self.entropy(),
                    owners: &owners,
                    tokens,
                    keep_tokens: *keep_tokens,
                    cancel: held.cancel.flag(),
                };
                sets::erase(job).map_err(|error| failed(&error))?;
            }
        }
        Ok(())
    }
}

/// Erasures of one collaboration run one at a time.
pub(in crate::service) fn erase_lane(collaboration: Id) -> String {
    format!("erase/{collaboration}")
}

async fn case(tx: &mut Tx, id: Id) -> Result<Case, JobError> {
    let request = tx.withdrawal(id).await?;
    let request = request.ok_or_else(|| JobError::gone("the request"))?;
    let erasures = tx
        .erasures_of(request.collaboration, &request.sender)
        .await?;
    let stacks = stacks(tx, &request).await?;
    let mut sets = Vec::new();
    for top in Stack::tops(&stacks) {
        sets.push(Layers::of_form(tx, top).await?);
    }
    Ok(Case {
        request,
        erasures,
        stacks,
        sets,
    })
}

/// Every sealed upload of the side that sent the request.
async fn stacks(tx: &mut Tx, request: &Withdrawal) -> Result<Vec<Stack>, JobError> {
    let collaboration = tx.collaboration(request.collaboration).await?;
    let collaboration = collaboration.ok_or_else(|| JobError::gone("the collaboration"))?;
    let kind = match request.sender == collaboration.advertiser {
        true => Kind::Crm,
        false => Kind::Graph,
    };
    Ok(tx.stacks(request.collaboration, kind).await?)
}
