//! Data that must stay somewhere: terms may name a place, and a service whose storage is not there takes
//! neither the terms nor a byte of an upload.
//!
//! The place is the operator's word (`residency` of its configuration) for database and data directory
//! together; both parties sign which word they demand. Withdrawals are taken wherever the service is:
//! nobody is kept in for the sake of a place.

use tamis_protocols::wire::terms::Terms;

use super::{Service, ServiceError, terms};
use crate::domain::id::Id;
use crate::store::snapshot;

impl Service {
    /// Fails unless the storage is where the terms want it.
    ///
    /// # Errors
    /// `residency`.
    pub(super) fn may_keep(&self, terms: &Terms) -> Result<(), ServiceError> {
        let here = &self.0.parts.residency;
        match &terms.residency {
            Some(tag) if !here.honours(Some(tag)) => Err(ServiceError::conflict(
                "residency",
                format!(
                    "The terms keep the data in `{tag}`, and this service keeps data in {here}: agree on terms without that, or ask the operator.",
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The collaborations whose data must stay where this service's storage no longer is, in the order of
    /// their ids, with the place that each demands: none, unless the configuration was changed. For the
    /// start, which fails then.
    ///
    /// # Errors
    /// Of the database.
    pub async fn misplaced(&self) -> Result<Vec<(Id, String)>, ServiceError> {
        let (mut found, mut last) = (Vec::new(), None);
        loop {
            let page = snapshot!(self.store(), "residency", |tx| {
                Ok::<_, ServiceError>(tx.terms_after(last).await?)
            })?;
            let Some((id, _)) = page.last() else {
                return Ok(found);
            };
            last = Some(*id);
            for (id, text) in page {
                let wanted = terms::stored(&text)?.residency;
                if let Some(tag) = wanted.filter(|tag| !self.0.parts.residency.honours(Some(tag))) {
                    found.push((id, tag));
                }
            }
        }
    }
}
