//! Consent records at rest: whether every one that is kept can still be proven.

use super::{Check, Finding};
use crate::domain::id::Id;
use crate::domain::state;
use crate::service::append::blocking;
use crate::service::ledger::Stored;
use crate::service::{Service, ServiceError};
use crate::store::snapshot;
use crate::store::uploads::Upload;

impl Check<'_> {
    /// Checks the records of one upload; whether the next start keeps their directory.
    pub(super) async fn ledger(&mut self, id: Id) -> Result<bool, ServiceError> {
        let (stored, upload) = snapshot!(self.service.store(), "check-ledger", |tx| {
            let upload = tx.upload(id).await?;
            let kept = upload.filter(|upload| {
                matches!(upload.state, state::Upload::Sealing | state::Upload::Sealed)
            });
            Ok::<_, ServiceError>((Stored::read(tx, id).await?, kept))
        })?;
        let (Some(stored), Some(upload)) = (stored, upload) else {
            return Ok(false);
        };
        if stored.row.leaf.is_none() {
            // Being written, or not yet: what it will be is known when its upload is sealed.
            return Ok(true);
        }
        self.checked.ledgers += 1;
        let service = self.service.clone();
        let (bytes, problem) = blocking(move || {
            let bytes = super::files::size(&service.files().consent(id)).unwrap_or_default();
            Ok((bytes, check(&service, &stored, &upload).err()))
        })
        .await?;
        self.checked.findings.extend(problem.map(|problem| Finding {
            object: format!("consent records of upload {id}"),
            problem,
            next: format!(
                "Restore consent/{id} from a backup: until then its owner cannot prove these records."
            ),
        }));
        self.advance(bytes);
        Ok(true)
    }
}

/// Reads all of it. What is wrong, in a sentence.
fn check(service: &Service, stored: &Stored, upload: &Upload) -> Result<(), String> {
    let opened = service
        .open_ledger(stored)
        .map_err(|error| error.to_string())?;
    let (mut ledger, keys) = opened.map_err(|error| error.to_string())?;
    ledger.verify(&keys).map_err(|error| error.to_string())?;
    let report = upload.report.as_deref().unwrap_or_default();
    let report: Option<tamis_protocols::wire::api::UploadReport> =
        serde_json::from_str(report).ok();
    let root = hex::encode(ledger.consent_root());
    match report.is_some_and(|report| report.consent_root == root) {
        true => Ok(()),
        false => Err("the records are not those that were reported to their owner".to_owned()),
    }
}
