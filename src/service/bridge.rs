//! Uploads whose rows carry tokens of two collaborations: which there may be.
//!
//! When two parties agree anew, the same persons get other tokens, and the gate could no longer tell whom it
//! let out before. So the partner uploads its graph once under both keys; from then on
//! what was emitted is told in the numbers of that set ([`super::work`], history). The service learns which
//! pseudonyms of the two collaborations are one person's, and nobody else learns anything.

use tamis_protocols::wire::api::UploadMode;

use super::uploads::Announced;
use super::{Caller, ServiceError, scope};
use crate::domain::id::Id;
use crate::domain::state;
use crate::store::Tx;
use crate::store::collaborations::Collaboration;

/// The collaboration that an upload to `found` bridges: another one of the same two parties, which both have
/// signed. It may have expired. One of other parties is not there.
///
/// # Errors
/// `wrong_side`, `bridge_not_full`, `bridge_to_itself`, `not_active`.
pub(super) async fn other(
    tx: &mut Tx,
    caller: &Caller,
    found: &Collaboration,
    announced: &Announced,
) -> Result<Option<Id>, ServiceError> {
    let Some(named) = &announced.bridge else {
        return Ok(None);
    };
    if found.partner != caller.name {
        return Err(scope::wrong_side(
            "Only the partner's graph carries tokens of two collaborations.",
        ));
    }
    if announced.mode != UploadMode::Full {
        return Err(ServiceError::invalid(
            "bridge_not_full",
            "Only an upload that replaces the whole graph carries tokens of two collaborations: leave the \
             mode out.",
        ));
    }
    let id = scope::id(named)?;
    if id == found.id {
        return Err(ServiceError::invalid(
            "bridge_to_itself",
            "An upload carries the tokens of its own collaboration anyway: name the earlier one.",
        ));
    }
    let other = scope::collaboration(tx, caller, id).await?;
    if other.advertiser != found.advertiser || other.partner != found.partner {
        return Err(ServiceError::NotFound);
    }
    if other.state == state::Collaboration::Proposed {
        return Err(ServiceError::conflict(
            "not_active",
            "The other collaboration was never accepted: nothing was let out under it.",
        ));
    }
    Ok(Some(id))
}
