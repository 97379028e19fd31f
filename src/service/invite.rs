//! Inviting a party: the operator's act, on the operator's machine.

use sha2::{Digest, Sha256};
use tamis_protocols::wire::api::Role;

use super::record::OPERATOR;
use super::{Service, ServiceError};
use crate::domain::name::PartyName;
use crate::store::grouped;

impl Service {
    /// A one-time token, 64 hexadecimal digits, with which a party of that name and role can enrol
    /// until the invitation's life ends. Only its hash is stored. An earlier unused invitation of the
    /// same name ends. A party that is enrolled can be invited again, in its role: enrolling again
    /// replaces its keys and ends its certificates.
    ///
    /// # Errors
    /// `invalid_name`, `name_taken`.
    pub async fn invite(&self, name: &str, role: Role) -> Result<String, ServiceError> {
        let name = PartyName::parse(name)
            .filter(|name| name.as_str() != OPERATOR)
            .ok_or_else(|| {
                ServiceError::invalid(
                    "invalid_name",
                    "A name has 2 to 32 characters: a-z first, then a-z, 0-9 and -; \
                     `operator` is taken.",
                )
            })?;
        let mut token = [0; 32];
        self.entropy().fill(&mut token);
        let token = hex::encode(token);
        let hash = token_hash(&token);
        let now = self.now();
        let expires = self.after(now, self.limits().invitation_life);
        grouped!(self.store(), "invite", |tx| {
            let known = tx.party(name.as_str()).await?;
            if known.is_some_and(|party| party.role != role) {
                return Err(ServiceError::conflict(
                    "name_taken",
                    "A party of that name is enrolled in another role: choose another name.",
                ));
            }
            tx.add_invitation(&hash, name.as_str(), role, now, expires)
                .await?;
            self.record_act(tx, now, "party-invited", name.as_str())
                .await?;
            Ok(())
        })?;
        self.wake();
        Ok(token)
    }
}

/// What is stored of a token. The token has 256 random bits, so a plain hash cannot be reversed.
pub(super) fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
