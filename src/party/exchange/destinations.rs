//! The destinations of a collaboration and their keys: looked up once, for the terms, and compared with
//! the signed terms ever after.
//!
//! Keys come from the service. What keeps it honest is the fingerprint in the terms: a service that
//! later shows a key of its own, or none so that cookies travel in the open, is refused before a cookie
//! is read. That the key in the terms is the destination's own, people compare by phone: `tamis enrol`
//! prints the fingerprint at the destination, `tamis collaboration show` at both parties.

use tamis_protocols::wire::api::PartyView;
use tamis_protocols::wire::terms::{Destination, Terms};

use super::error::ExchangeError;
use super::pairing::sealing_key;
use super::session::Session;
use crate::party::DestinationKey;

/// The destinations of that name with the keys that the service shows now, for terms to be signed.
pub async fn look_up(
    session: &Session,
    names: &[String],
) -> Result<Vec<Destination>, ExchangeError> {
    let enrolled = session.destinations().await?;
    let mut found: Vec<Destination> = Vec::new();
    for name in names {
        if found.iter().any(|known| known.name == *name) {
            continue;
        }
        let party = enrolled.iter().find(|party| party.name == *name);
        let party = party.ok_or_else(|| unknown(name, &enrolled))?;
        found.push(Destination::new(name, shown_key(party)?.as_ref()));
    }
    Ok(found)
}

fn unknown(name: &str, enrolled: &[PartyView]) -> ExchangeError {
    let names: Vec<&str> = enrolled.iter().map(|party| party.name.as_str()).collect();
    ExchangeError::Lacking {
        what: format!("no destination named {name} is enrolled"),
        next: match names.as_slice() {
            [] => "No destination is enrolled yet: ask the operator.".to_owned(),
            names => format!("Enrolled destinations: {}.", names.join(", ")),
        },
    }
}

/// The keys to seal cookies to: those of the terms, or none at all.
///
/// # Errors
/// [`ExchangeError::KeyChanged`] if the service shows another key for a destination than was signed.
pub async fn keys(session: &Session, terms: &Terms) -> Result<Vec<DestinationKey>, ExchangeError> {
    let mut keys = Vec::new();
    for destination in &terms.destinations {
        let shown = session.party(&destination.name).await?;
        keys.push(agreed(destination, &shown)?);
    }
    Ok(keys)
}

/// The key of a destination, if what the service shows is what was signed.
fn agreed(signed: &Destination, shown: &PartyView) -> Result<DestinationKey, ExchangeError> {
    let sealing_key = shown_key(shown)?;
    if shown.name != signed.name || !signed.means(sealing_key.as_ref()) {
        return Err(ExchangeError::KeyChanged(signed.name.clone()));
    }
    Ok(DestinationKey {
        name: signed.name.clone(),
        sealing_key,
    })
}

fn shown_key(party: &PartyView) -> Result<Option<[u8; 32]>, ExchangeError> {
    match party.sealing_key {
        Some(_) => sealing_key(party).map(Some),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use tamis_protocols::wire::api::Role;

    use super::*;

    fn shown(name: &str, key: Option<[u8; 32]>) -> PartyView {
        PartyView {
            name: name.to_owned(),
            role: Role::Destination,
            signing_key: BASE64_STANDARD.encode([1; 32]),
            sealing_key: key.map(|key| BASE64_STANDARD.encode(key)),
        }
    }

    #[test]
    fn cookies_are_sealed_to_the_key_of_the_signed_terms() {
        let signed = Destination::new("dsp-a", Some(&[7; 32]));
        let key = agreed(&signed, &shown("dsp-a", Some([7; 32]))).unwrap();
        assert_eq!(key.sealing_key, Some([7; 32]));
        let open = Destination::new("dmp-b", None);
        let key = agreed(&open, &shown("dmp-b", None)).unwrap();
        assert_eq!(key.sealing_key, None);
    }

    #[test]
    fn a_service_that_shows_a_key_of_its_own_or_none_gets_no_cookie() {
        let signed = Destination::new("dsp-a", Some(&[7; 32]));
        let lies = [
            shown("dsp-a", Some([8; 32])),
            shown("dsp-a", None),
            shown("dmp-b", Some([7; 32])),
        ];
        for lie in lies {
            let refused = agreed(&signed, &lie).err().unwrap();
            assert!(matches!(refused, ExchangeError::KeyChanged(name) if name == "dsp-a"));
        }
        let open = Destination::new("dmp-b", None);
        assert!(agreed(&open, &shown("dmp-b", Some([8; 32]))).is_err());
    }
}
