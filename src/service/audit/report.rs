//! What the consent records of all uploads say, in counts. Small cells never leave the service.

use std::collections::BTreeMap;

use tamis_protocols::wire::api::{Cells, ConsentReportView, UploadConsent};

use super::{auditor, suppress};
use crate::service::{Caller, Service, ServiceError};
use crate::sets::{Counted, Tallies};
use crate::store::snapshot;

impl Service {
    /// Counts by basis, purpose, source, notice version, age, jurisdiction and reason of refusal, upload by
    /// upload; of those whose records are kept, at most the 1,000 newest.
    pub async fn consent_report(&self, caller: &Caller) -> Result<ConsentReportView, ServiceError> {
        auditor(caller)?;
        let found = snapshot!(self.store(), "consent-report", |tx| {
            let mut found = Vec::new();
            for (id, leaf, tallies) in tx.tallies().await? {
                if let Some(upload) = tx.upload(id).await? {
                    found.push((upload, leaf, tallies));
                }
            }
            Ok::<_, ServiceError>(found)
        })?;
        let uploads = found.into_iter().map(|(upload, log_index, tallies)| {
            let tallies: Tallies = serde_json::from_str(&tallies)
                .map_err(|error| ServiceError::internal("stored tallies", error))?;
            Ok(UploadConsent {
                collaboration: upload.collaboration.to_string(),
                upload: upload.id.to_string(),
                party: upload.owner,
                kind: upload.kind.as_str().to_owned(),
                log_index,
                fields: fields(tallies),
            })
        });
        let uploads = uploads.collect::<Result<_, ServiceError>>()?;
        Ok(ConsentReportView { uploads })
    }
}

fn fields(tallies: Tallies) -> BTreeMap<String, Cells> {
    let rows = tallies.rows;
    let mut fields: BTreeMap<String, Cells> = [
        ("basis", tallies.basis),
        ("source", tallies.source),
        ("notice_version", tallies.notice_version),
        ("jurisdiction", tallies.jurisdiction),
        ("age_months", tallies.age_months),
        ("dropped", tallies.dropped),
    ]
    .into_iter()
    .map(|(field, counted)| (field.to_owned(), suppress::parted(cells(counted))))
    .collect();
    let purposes = suppress::covering(cells(tallies.purpose), rows);
    fields.insert("purpose".to_owned(), purposes);
    fields
}

fn cells(counted: Counted) -> Vec<(String, u64)> {
    let more = [("(other)", counted.other), ("(none)", counted.none)];
    let more = more.map(|(value, n)| (value.to_owned(), n));
    counted.values.into_iter().chain(more).collect()
}
