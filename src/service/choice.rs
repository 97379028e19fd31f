//! The key by which the gate chooses, of each advertiser and partner: made when it is first needed, kept
//! sealed in the database.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_keys::Secret;
use tamis_keys::envelope;
use tamis_keys::purpose::Choice;

use super::files::Object;
use super::{Service, ServiceError};
use crate::store::choices::ChoiceKey;
use crate::store::transact;

impl Service {
    /// The key of a pair of parties.
    pub(super) async fn choice_key(
        &self,
        advertiser: &str,
        partner: &str,
    ) -> Result<Secret<Choice>, ServiceError> {
        let object = Object::Choice(advertiser, partner);
        let context = object.context();
        let stored = transact!(self.store(), "choice-key", |tx| {
            if let Some(known) = tx.choice_key(advertiser, partner).await? {
                return Ok::<_, ServiceError>(known);
            }
            let secret = Secret::<Choice>::generate(self.entropy());
            let (key, wrapped_key) = self.new_key(object);
            let sealed = envelope::seal(&key, secret.expose(), &context, self.entropy());
            let new = ChoiceKey {
                sealed_key: BASE64_STANDARD.encode(sealed),
                wrapped_key,
            };
            tx.add_choice_key(advertiser, partner, &new).await?;
            Ok(new)
        })?;
        let failed = |error: &dyn std::fmt::Display| ServiceError::internal("choice key", error);
        let key = self.key(object, &stored.wrapped_key)?;
        let sealed = BASE64_STANDARD.decode(&stored.sealed_key);
        let sealed = sealed.map_err(|error| failed(&error))?;
        let secret = envelope::open(&key, &sealed, &context).map_err(|error| failed(&error))?;
        Secret::from_slice(&secret).ok_or_else(|| failed(&"not 32 bytes"))
    }
}
