//! Enrolment: keys are made here, the one-time token is exchanged for a client certificate.
//!
//! The service learns the party's public keys and, of a destination, its endpoint. Private keys stay.

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde::{Deserialize, Serialize};
use tamis_keys::Entropy;
use tamis_keys::home::PartyHome;
use tamis_keys::sealing;
use tamis_keys::signing::SigningKey;
use tamis_protocols::wire::api::{Endpoint, EnrolmentReply, EnrolmentRequest, Role};

use super::error::ExchangeError;
use super::membership::{
    self, CERTIFICATE, CERTIFICATE_KEY, CERTIFICATE_KEY_ASKED, Membership, WEBHOOK_SECRET,
};
use super::paths;
use crate::party::client::Client;

/// The operator's invitation, a JSON file handed over out of band.
#[derive(Clone, Serialize, Deserialize)]
pub struct Invitation {
    /// The service's `https://` address.
    pub url: String,
    /// The operator's authority, PEM.
    pub ca_pem: String,
    /// The party's name.
    pub name: String,
    /// What the party will be.
    pub role: Role,
    /// Good for one enrolment.
    pub token: String,
    /// The log's verifier key.
    pub log_key: String,
}

impl Invitation {
    /// Reads an invitation file.
    pub fn read(path: &Path) -> Result<Self, ExchangeError> {
        let lacking = |why: String, next: &str| ExchangeError::Lacking {
            what: format!("{}: {why}", path.display()),
            next: next.to_owned(),
        };
        let bytes = std::fs::read(path)
            .map_err(|error| lacking(error.to_string(), "Check the path of the invitation."))?;
        serde_json::from_slice(&bytes).map_err(|_| {
            lacking(
                "this is not an invitation".to_owned(),
                "Give the file that the operator made with `tamis invite … --out FILE`.",
            )
        })
    }
}

/// Makes or opens the home at `home`, enrols with the service and keeps what it answered. A home that is
/// already enrolled gets a new certificate and keeps its keys. `open_cookies` (destinations): publish no
/// sealing key, so that the operator holds the cookies under its own encryption.
pub async fn enrol(
    home: &Path,
    invitation: &Invitation,
    endpoint: Option<Endpoint>,
    open_cookies: bool,
    entropy: &dyn Entropy,
) -> Result<EnrolmentReply, ExchangeError> {
    let party = open_or_create(home, entropy)?;
    let signing = SigningKey::from_secret(&party.signing());
    let sealing_key = if open_cookies {
        None
    } else {
        let secret = party.sealing();
        Some(BASE64_STANDARD.encode(sealing::public(&secret)))
    };
    let (csr_pem, key_pem) = certificate_request(&invitation.name)?;
    let client = Client::anonymous(&invitation.url, &invitation.ca_pem)?;
    // The key is on disk before the certificate exists: an answer that arrives is never useless. It takes
    // the place of the present one only then: an invitation that is refused leaves the home as it was.
    let asked = home.join(CERTIFICATE_KEY_ASKED);
    membership::write(&asked, key_pem.as_bytes())?;
    let reply: EnrolmentReply = client
        .post(
            paths::ENROLMENTS,
            &EnrolmentRequest {
                token: invitation.token.clone(),
                csr_pem,
                signing_key: BASE64_STANDARD.encode(signing.public()),
                sealing_key,
                endpoint,
            },
        )
        .await
        .inspect_err(|error| {
            if matches!(error, ExchangeError::Refused { .. }) {
                let _ = std::fs::remove_file(&asked);
            }
        })?;
    if reply.party.name != invitation.name || reply.log_key != invitation.log_key {
        return Err(ExchangeError::Tampered("the answer to the enrolment"));
    }
    std::fs::rename(&asked, home.join(CERTIFICATE_KEY)).map_err(in_home)?;
    membership::write(&home.join(CERTIFICATE), reply.certificate_pem.as_bytes())?;
    if let Some(secret) = &reply.webhook_secret {
        membership::write(&home.join(WEBHOOK_SECRET), secret.as_bytes())?;
    }
    Membership {
        url: invitation.url.clone(),
        ca_pem: invitation.ca_pem.clone(),
        name: reply.party.name.clone(),
        role: reply.party.role,
        log_key: invitation.log_key.clone(),
    }
    .write(home)?;
    Ok(reply)
}

/// The home at `home`, with its keys; made if it is not there.
pub fn open_or_create(home: &Path, entropy: &dyn Entropy) -> Result<PartyHome, ExchangeError> {
    if PartyHome::exists(home) {
        PartyHome::open(home).map_err(in_home)
    } else {
        PartyHome::create(home, entropy).map_err(in_home)
    }
}

/// A P-256 key and a request for a certificate in `name`, both PEM.
fn certificate_request(name: &str) -> Result<(String, String), ExchangeError> {
    let failed = |_| ExchangeError::Home("no certificate request could be made".into());
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let csr = params.serialize_request(&key).map_err(failed)?;
    Ok((csr.pem().map_err(failed)?, key.serialize_pem()))
}

pub(crate) fn in_home(error: impl std::fmt::Display) -> ExchangeError {
    ExchangeError::Home(error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::party::testing::Seeded;

    #[tokio::test]
    async fn an_enrolment_that_fails_leaves_an_enrolled_home_as_it_was() {
        // The mistake: the same invitation once more, from an enrolled home.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("shop");
        open_or_create(&home, &Seeded::new(1)).unwrap();
        membership::write(&home.join(CERTIFICATE_KEY), b"the key in use").unwrap();
        let authority = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let invitation = Invitation {
            // Nothing listens there.
            url: "https://127.0.0.1:9".into(),
            ca_pem: authority.cert.pem(),
            name: "shop".into(),
            role: Role::Advertiser,
            token: "used".into(),
            log_key: "key".into(),
        };
        let outcome = enrol(&home, &invitation, None, false, &Seeded::new(2)).await;
        assert!(matches!(outcome, Err(ExchangeError::Unreachable { .. })));
        let key = membership::read(&home.join(CERTIFICATE_KEY)).unwrap();
        assert_eq!(key.unwrap(), b"the key in use");
    }
}
