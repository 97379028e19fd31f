//! Accepting: the partner signs the same bytes; the collaboration becomes active.

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::{AcceptanceRequest, CollaborationView};

use super::propose::{share, signature};
use super::{Caller, Service, ServiceError, scope, terms};
use crate::domain::state::{self, Step};
use crate::store::transact;

impl Service {
    /// Makes a proposed collaboration active.
    ///
    /// # Errors
    /// `wrong_side`, `already_accepted`, `expired`, `residency`, `invalid_signature`, `invalid_share`.
    pub async fn accept(
        &self,
        caller: &Caller,
        collaboration: &str,
        request: AcceptanceRequest,
    ) -> Result<CollaborationView, ServiceError> {
        let id = scope::id(collaboration)?;
        let now = self.now();
        let today = self.today();
        transact!(self.store(), "accept", |tx| {
            let found = scope::collaboration(tx, caller, id).await?;
            if found.partner != caller.name {
                return Err(scope::wrong_side("Only the partner's side accepts."));
            }
            if found.state == state::Collaboration::Active {
                return Err(ServiceError::conflict(
                    "already_accepted",
                    "Both parties have signed.",
                ));
            }
            if found.expires < today {
                return Err(ServiceError::conflict(
                    "expired",
                    "The collaboration has expired: the advertiser has to propose a new one.",
                ));
            }
            self.may_keep(&terms::stored(&found.terms)?)?;
            share(&request.sealed_share)?;
            signature(tx, &caller.name, &found.terms, &request.signature).await?;
            let step = Step::new(found.state, state::Collaboration::Active)
                .map_err(|error| ServiceError::internal("accept", error))?;
            tx.accept_collaboration(id, step, &request.signature, &request.sealed_share, now)
                .await?;
            let event = Event::Acceptance {
                collaboration: id.to_string(),
            };
            self.record(tx, now, &caller.name, event, None).await?;
            Ok(())
        })?;
        self.wake();
        self.collaboration(caller, collaboration).await
    }
}
