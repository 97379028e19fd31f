//! Collaborations as one of their two parties sees them.

use tamis_protocols::wire::api::{CollaborationState, CollaborationView};

use super::parties::view;
use super::{Caller, Service, ServiceError, scope};
use crate::domain::state;
use crate::store::collaborations::Collaboration;
use crate::store::{Tx, snapshot};

impl Service {
    /// One of the caller's collaborations.
    pub async fn collaboration(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<CollaborationView, ServiceError> {
        let id = scope::id(id)?;
        snapshot!(self.store(), "collaboration", |tx| {
            let found = scope::collaboration(tx, caller, id).await?;
            self.collaboration_view(tx, caller, found).await
        })
    }

    /// The caller's collaborations, newest first, at most 1,000.
    pub async fn collaborations(
        &self,
        caller: &Caller,
    ) -> Result<Vec<CollaborationView>, ServiceError> {
        snapshot!(self.store(), "collaborations", |tx| {
            let mut views = Vec::new();
            for found in tx.collaborations(&caller.name).await? {
                views.push(self.collaboration_view(tx, caller, found).await?);
            }
            Ok(views)
        })
    }

    async fn collaboration_view(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        found: Collaboration,
    ) -> Result<CollaborationView, ServiceError> {
        let gone = || ServiceError::internal("collaboration", "a party is missing");
        let advertiser = tx.party(&found.advertiser).await?.ok_or_else(gone)?;
        let partner = tx.party(&found.partner).await?.ok_or_else(gone)?;
        let state = if found.expires < self.today() {
            CollaborationState::Expired
        } else {
            match found.state {
                state::Collaboration::Proposed => CollaborationState::Proposed,
                state::Collaboration::Active => CollaborationState::Active,
            }
        };
        let share_for_you = if caller.name == found.advertiser {
            found.share_for_advertiser
        } else {
            Some(found.share_for_partner)
        };
        Ok(CollaborationView {
            id: found.id.to_string(),
            state,
            terms: found.terms,
            advertiser: view(&advertiser),
            partner: view(&partner),
            advertiser_signature: found.advertiser_signature,
            partner_signature: found.partner_signature,
            share_for_you,
        })
    }
}
