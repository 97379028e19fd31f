//! Who is who: what enrolled parties may know of each other.

use tamis_protocols::wire::api::{PartyView, Role};

use super::{Caller, Service, ServiceError};
use crate::store::parties::Party;
use crate::store::snapshot;

impl Service {
    /// Whom a client certificate names: SHA-256 of its DER, 64 hexadecimal digits. None if it is
    /// unknown or past its last moment.
    pub async fn identify(&self, cert_sha256_hex: &str) -> Result<Option<Caller>, ServiceError> {
        let now = self.now();
        let owner = snapshot!(self.store(), "identify", |tx| {
            Ok::<_, ServiceError>(tx.certificate_owner(cert_sha256_hex, now).await?)
        })?;
        Ok(owner.map(|(name, role)| Caller { name, role }))
    }

    /// The caller itself.
    pub async fn me(&self, caller: &Caller) -> Result<PartyView, ServiceError> {
        self.party(caller, &caller.name).await
    }

    /// An enrolled party, by name. Every enrolled party may ask.
    pub async fn party(&self, _caller: &Caller, name: &str) -> Result<PartyView, ServiceError> {
        snapshot!(self.store(), "party", |tx| {
            let party = tx.party(name).await?.ok_or(ServiceError::NotFound)?;
            Ok(view(&party))
        })
    }

    /// Every destination, by name, at most 1,000.
    pub async fn destinations(&self, _caller: &Caller) -> Result<Vec<PartyView>, ServiceError> {
        snapshot!(self.store(), "destinations", |tx| {
            let parties = tx.parties(Role::Destination).await?;
            Ok(parties.iter().map(view).collect())
        })
    }
}

pub(super) fn view(party: &Party) -> PartyView {
    PartyView {
        name: party.name.clone(),
        role: party.role,
        signing_key: party.signing_key.clone(),
        sealing_key: party.sealing_key.clone(),
    }
}
