//! Proposing: the advertiser signs terms and leaves a sealed pair share for the partner.
//!
//! The service verifies the signature and relays the share; it can open neither side's.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_protocols::pairing;
use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::{CollaborationView, ProposalRequest, Role};
use tamis_protocols::wire::terms::Terms;

use super::{Caller, Service, ServiceError, terms};
use crate::domain::id::Id;
use crate::domain::state;
use crate::store::collaborations::Collaboration;
use crate::store::{Tx, transact};

/// Longest sealed share in bytes of base64.
const SHARE_MAX: usize = 4096;

impl Service {
    /// Adds a proposed collaboration. The same proposal again is answered with what is there.
    ///
    /// # Errors
    /// `wrong_side`, `invalid_terms`, `residency`, `invalid_signature`, `invalid_share`.
    pub async fn propose(
        &self,
        caller: &Caller,
        request: ProposalRequest,
    ) -> Result<CollaborationView, ServiceError> {
        if caller.role != Role::Advertiser {
            return Err(super::scope::wrong_side(
                "Only an advertiser proposes a collaboration.",
            ));
        }
        let agreed = terms::read(&request.terms)?;
        if agreed.advertiser != caller.name {
            return Err(bad("The advertiser of the terms must be you."));
        }
        terms::check(&agreed, &self.0.parts.policy, self.today())?;
        self.may_keep(&agreed)?;
        share(&request.sealed_share)?;
        let id = Id::parse(&pairing::collaboration_id(request.terms.as_bytes()))
            .ok_or_else(|| ServiceError::internal("collaboration id", "not 32 digits"))?;
        let now = self.now();
        let new = Collaboration {
            id,
            state: state::Collaboration::Proposed,
            advertiser: agreed.advertiser.clone(),
            partner: agreed.partner.clone(),
            terms: request.terms,
            expires: agreed.expires,
            advertiser_signature: request.signature,
            partner_signature: None,
            share_for_partner: request.sealed_share,
            share_for_advertiser: None,
            withdrawals: 0,
        };
        transact!(self.store(), "propose", |tx| {
            signature(tx, &caller.name, &new.terms, &new.advertiser_signature).await?;
            parties_exist(tx, &agreed).await?;
            if tx.collaboration(id).await?.is_none() {
                tx.add_collaboration(&new, now).await?;
                let event = Event::Proposal {
                    collaboration: id.to_string(),
                };
                self.record(tx, now, &caller.name, event, None).await?;
            }
            Ok::<_, ServiceError>(())
        })?;
        self.wake();
        self.collaboration(caller, &id.to_string()).await
    }
}

/// Fails unless `signature` (base64) is that party's over exactly these terms.
pub(super) async fn signature(
    tx: &mut Tx,
    party: &str,
    terms: &str,
    signature: &str,
) -> Result<(), ServiceError> {
    let party = tx.party(party).await?.ok_or(ServiceError::NotFound)?;
    let key = stored_key(&party.signing_key)?;
    let given = BASE64_STANDARD.decode(signature).unwrap_or_default();
    if pairing::verify_terms(&key, terms.as_bytes(), &given) {
        return Ok(());
    }
    Err(ServiceError::invalid(
        "invalid_signature",
        "The signature is not yours over exactly these terms: sign the bytes as they are.",
    ))
}

/// Fails unless `sealed` can be a sealed share.
pub(super) fn share(sealed: &str) -> Result<(), ServiceError> {
    let bytes = BASE64_STANDARD.decode(sealed).unwrap_or_default();
    if bytes.is_empty() || sealed.len() > SHARE_MAX {
        return Err(ServiceError::invalid(
            "invalid_share",
            "The sealed share must be base64 of at most 4096 characters.",
        ));
    }
    Ok(())
}

async fn parties_exist(tx: &mut Tx, terms: &Terms) -> Result<(), ServiceError> {
    if !is_enrolled(tx, &terms.partner, Role::Partner).await? {
        return Err(bad("The partner of the terms is not an enrolled partner."));
    }
    for destination in &terms.destinations {
        let party = tx.party(&destination.name).await?;
        let Some(party) = party.filter(|party| party.role == Role::Destination) else {
            return Err(bad(
                "A destination of the terms is not an enrolled destination.",
            ));
        };
        let key = party.sealing_key.as_deref().map(stored_key).transpose()?;
        if !destination.means(key.as_ref()) {
            return Err(bad(
                "A destination of the terms has another sealing key: look it up again.",
            ));
        }
    }
    Ok(())
}

/// A public key that was checked when its party enrolled.
pub(super) fn stored_key(base64: &str) -> Result<[u8; 32], ServiceError> {
    let bytes = BASE64_STANDARD.decode(base64).unwrap_or_default();
    let key = bytes.try_into();
    key.map_err(|_| ServiceError::internal("stored key", "not 32 bytes"))
}

fn bad(detail: &str) -> ServiceError {
    ServiceError::invalid("invalid_terms", detail)
}

async fn is_enrolled(tx: &mut Tx, name: &str, role: Role) -> Result<bool, ServiceError> {
    let party = tx.party(name).await?;
    Ok(party.is_some_and(|party| party.role == role))
}
