//! Looking up for a caller: what is not the caller's is not there.

use super::{Caller, Service, ServiceError};
use crate::domain::id::Id;
use crate::domain::state;
use crate::store::Tx;
use crate::store::collaborations::Collaboration;
use crate::store::uploads::Upload;

/// Reads an id; one that cannot be read names nothing.
pub(super) fn id(text: &str) -> Result<Id, ServiceError> {
    Id::parse(text).ok_or(ServiceError::NotFound)
}

/// The collaboration, if the caller is one of its two sides.
pub(super) async fn collaboration(
    tx: &mut Tx,
    caller: &Caller,
    id: Id,
) -> Result<Collaboration, ServiceError> {
    tx.collaboration(id)
        .await?
        .filter(|found| found.has(&caller.name))
        .ok_or(ServiceError::NotFound)
}

/// The upload, if the caller owns it.
pub(super) async fn upload(tx: &mut Tx, caller: &Caller, id: Id) -> Result<Upload, ServiceError> {
    tx.upload(id)
        .await?
        .filter(|found| found.owner == caller.name)
        .ok_or(ServiceError::NotFound)
}

impl Service {
    /// Fails unless the collaboration is signed by both and not past its last day.
    pub(super) fn must_be_in_force(&self, found: &Collaboration) -> Result<(), ServiceError> {
        if found.in_force(self.today()) {
            return Ok(());
        }
        Err(match found.state {
            state::Collaboration::Proposed => ServiceError::conflict(
                "not_active",
                "The collaboration is not active: the partner has to accept it first.",
            ),
            state::Collaboration::Active => ServiceError::conflict(
                "expired",
                "The collaboration has expired: propose a new one.",
            ),
        })
    }
}

/// Fails unless the caller is the advertiser's side of a collaboration it belongs to.
pub(super) fn advertiser_only(caller: &Caller, found: &Collaboration) -> Result<(), ServiceError> {
    if found.advertiser == caller.name {
        Ok(())
    } else {
        Err(wrong_side("Only the advertiser's side can do this."))
    }
}

pub(super) fn wrong_side(detail: &str) -> ServiceError {
    ServiceError::conflict("wrong_side", detail)
}
