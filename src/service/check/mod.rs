//! The checker: whether everything that was ever acknowledged is still there and whole.
//!
//! It runs while no service does, reads every byte of the data directory once, and changes nothing:
//! what a crash left behind is listed, and swept by the next start. Every finding names one object,
//! says what is wrong with it and what the operator can do next.
//!
//! ```text
//! receiving upload   its spool holds at least the acknowledged bytes, and they decrypt
//! sealing upload     its spool holds all of them; a set that is already visible is whole
//! sealed upload      its set opens, every block of its layer verifies, it is the one that was reported;
//!                    so does the one layer that its set was compacted to
//! consent records    every one is what was committed to, and the tree leads to what was reported
//! withdrawal         its list opens and has as many tokens as were acknowledged
//! member file        it opens and reads to its end
//! log                signature, tiles and rules hold, and it is made of the stored leaves
//! ```
//! Memory: what the largest object needs to be opened. What the operator learns: which files are
//! damaged, nothing of what is in them.

mod files;
mod ledgers;
mod log;
mod objects;

use std::collections::HashSet;

use super::append::blocking;
use super::files::Kind;
use super::{Service, ServiceError};
use crate::domain::id::Id;
use crate::domain::state;
use crate::store::inventory::Table;
use crate::store::{StoreError, snapshot};
use objects::Object;

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Uploads that are being received or wait for sealing.
    pub spools: u64,
    /// Sealed sets.
    pub sets: u64,
    /// Uploads whose consent records are kept.
    pub ledgers: u64,
    /// Lists of tokens of people who withdrew.
    pub withdrawals: u64,
    /// Member files.
    pub member_files: u64,
    /// Files of emissions.
    pub emissions: u64,
    /// Leaves of the log.
    pub leaves: u64,
    /// What is not as it was acknowledged.
    pub findings: Vec<Finding>,
    /// Names under the data directory that nothing refers to: the next start sweeps them.
    pub leftovers: Vec<String>,
}

/// One object that is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which object, in words, with its id.
    pub object: String,
    /// What is wrong with it: the file, and where in it.
    pub problem: String,
    /// What the operator can do.
    pub next: String,
}

/// Called with the bytes that are checked and all that there are.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

impl Service {
    /// Checks everything. The caller holds the data directory's lock: nothing may change meanwhile.
    ///
    /// # Errors
    /// When the database or the data directory cannot be read at all; damage is a [`Finding`].
    pub async fn check_stored(&self, progress: Progress<'_>) -> Result<Checked, ServiceError> {
        let service = self.clone();
        let all = blocking(move || service.files().size().map_err(unreadable)).await?;
        let mut check = Check {
            service: self,
            progress,
            done: 0,
            all,
            checked: Checked::default(),
        };
        progress(0, all);
        let mut known = HashSet::new();
        for table in [
            Table::Uploads,
            Table::Withdrawals,
            Table::MemberFiles,
            Table::Emissions,
        ] {
            let mut last = None;
            loop {
                let ids = snapshot!(self.store(), "check-page", |tx| {
                    Ok::<_, ServiceError>(tx.inventory(table, last).await?)
                })?;
                for id in &ids {
                    let Some(kept) = check.row(table, *id).await? else {
                        continue;
                    };
                    known.extend(kept.iter().map(|kind| (*kind, *id)));
                    if table == Table::Uploads && check.ledger(*id).await? {
                        known.insert((Kind::Consent, *id));
                    }
                }
                last = ids.last().copied();
                if last.is_none() {
                    break;
                }
            }
        }
        check.leftovers(known).await?;
        check.log().await?;
        progress(all, all);
        Ok(check.checked)
    }
}

/// A running check.
struct Check<'a> {
    service: &'a Service,
    progress: Progress<'a>,
    done: u64,
    all: u64,
    checked: Checked,
}

impl Check<'_> {
    /// Checks what belongs to one row; the kinds of file that the next start keeps for it.
    async fn row(&mut self, table: Table, id: Id) -> Result<Option<Vec<Kind>>, ServiceError> {
        let object = match table {
            Table::Uploads => self.upload(id).await,
            Table::Withdrawals => self.withdrawal(id).await,
            Table::MemberFiles => self.member_file(id).await,
            Table::Emissions => self.emission(id).await,
        };
        let object = match object {
            Ok(object) => object,
            Err(ReadError::Row(error)) => {
                self.find(objects::unreadable_row(table, id, &error));
                return Ok(Some(objects::all_kinds(table)));
            }
            Err(ReadError::Store(error)) => return Err(error),
        };
        let Some(object) = object else {
            return Ok(None);
        };
        match object.kinds.first() {
            Some(Kind::Spools) => self.checked.spools += 1,
            Some(Kind::Sets | Kind::Compacted) => self.checked.sets += 1,
            Some(Kind::Withdrawals) => self.checked.withdrawals += 1,
            Some(Kind::Members) => self.checked.member_files += 1,
            Some(Kind::Emissions) => self.checked.emissions += 1,
            Some(Kind::Consent) | None => {}
        }
        let kinds = object.kinds.clone();
        let service = self.service.clone();
        let (bytes, findings) = blocking(move || Ok(object.check(&service))).await?;
        self.checked.findings.extend(findings);
        self.advance(bytes);
        Ok(Some(kinds))
    }

    fn find(&mut self, finding: Finding) {
        self.checked.findings.push(finding);
    }

    fn advance(&mut self, bytes: u64) {
        self.done = (self.done + bytes).min(self.all);
        (self.progress)(self.done, self.all);
    }

    /// One upload; none if nothing of it is kept.
    async fn upload(&self, id: Id) -> Result<Option<Object>, ReadError> {
        let (found, layers, compacted) =
            read(snapshot!(self.service.store(), "check-upload", |tx| {
                let layers = tx.layers(id).await?;
                Ok::<_, StoreError>((tx.upload(id).await?, layers, tx.keeps_compacted(id).await?))
            }))?;
        let kept = found.filter(|upload| {
            !matches!(
                upload.state,
                state::Upload::Refused | state::Upload::Terminated
            )
        });
        Ok(kept.map(|upload| Object::upload(upload, layers.into(), compacted)))
    }

    async fn withdrawal(&self, id: Id) -> Result<Option<Object>, ReadError> {
        let found = read(snapshot!(self.service.store(), "check-withdrawal", |tx| {
            tx.withdrawal(id).await
        }))?;
        Ok(found.map(Object::withdrawal))
    }

    async fn member_file(&self, id: Id) -> Result<Option<Object>, ReadError> {
        let found = read(snapshot!(self.service.store(), "check-members", |tx| {
            tx.member_file(id).await
        }))?;
        Ok(found.map(Object::member_file))
    }

    async fn emission(&self, id: Id) -> Result<Option<Object>, ReadError> {
        let found = read(snapshot!(self.service.store(), "check-emission", |tx| {
            tx.emission_file(id).await
        }))?;
        Ok(found.map(Object::emission))
    }
}

/// Why a row is not there: it cannot be understood, or the database failed.
enum ReadError {
    Row(StoreError),
    Store(ServiceError),
}

fn read<T>(found: Result<T, StoreError>) -> Result<T, ReadError> {
    found.map_err(|error| match error {
        StoreError::Corrupt { .. } => ReadError::Row(error),
        other => ReadError::Store(other.into()),
    })
}

fn unreadable(error: std::io::Error) -> ServiceError {
    ServiceError::internal("data directory", error)
}
