//! What a party home remembers of its service: where it is, whom it trusts there, and its own certificate.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tamis_keys::home::{create_private_dir, read_private, write_private};
use tamis_protocols::wire::api::Role;

use super::error::ExchangeError;

/// File names inside a party home; the directory belongs to `tamis_keys::home`.
const SERVICE: &str = "service.json";
/// The client certificate and its issuer, PEM, leaf first.
pub const CERTIFICATE: &str = "client-certificate.pem";
/// The client certificate's private key, PKCS#8 PEM.
pub const CERTIFICATE_KEY: &str = "client-key.pem";
/// The key of a certificate that was asked for and has not come yet.
pub const CERTIFICATE_KEY_ASKED: &str = "client-key.asked.pem";
/// Destinations only: the Standard Webhooks secret.
pub const WEBHOOK_SECRET: &str = "webhook-secret";

/// The enrolment, as kept in the home.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// The service's `https://` address.
    pub url: String,
    /// The only authority this party accepts for the service, PEM.
    pub ca_pem: String,
    /// The party's own name.
    pub name: String,
    /// What the party is.
    pub role: Role,
    /// The log's verifier key as the invitation gave it: later answers cannot change it.
    pub log_key: String,
}

impl Membership {
    /// Reads the enrolment of a home.
    pub fn read(home: &Path) -> Result<Self, ExchangeError> {
        let Some(bytes) = read(&home.join(SERVICE))? else {
            return Err(ExchangeError::NotEnrolled);
        };
        serde_json::from_slice(&bytes)
            .map_err(|_| ExchangeError::Home(format!("{SERVICE} is damaged")))
    }

    /// Writes the enrolment; last of the enrolment's files, so that its presence means the rest is there.
    pub fn write(&self, home: &Path) -> Result<(), ExchangeError> {
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|_| ExchangeError::Home(format!("{SERVICE} cannot be written")))?;
        write(&home.join(SERVICE), &bytes)
    }

    /// The certificate chain and its key, both PEM.
    pub fn credential(&self, home: &Path) -> Result<(Vec<u8>, Vec<u8>), ExchangeError> {
        let part = |name: &str| {
            read(&home.join(name))?.ok_or_else(|| ExchangeError::Home(format!("{name} is missing")))
        };
        Ok((part(CERTIFICATE)?, part(CERTIFICATE_KEY)?))
    }
}

/// The bytes of a file of the home, `None` when it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, ExchangeError> {
    if !path.exists() {
        return Ok(None);
    }
    read_private(path)
        .map(|bytes| Some(bytes.to_vec()))
        .map_err(|error| ExchangeError::Home(error.to_string()))
}

/// Writes a file of the home atomically, for its owner alone.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), ExchangeError> {
    write_private(path, bytes).map_err(|error| ExchangeError::Home(error.to_string()))
}

/// A directory inside the home, made on first use, for its owner alone.
pub(crate) fn subdirectory(home: &Path, name: &str) -> Result<PathBuf, ExchangeError> {
    let path = home.join(name);
    create_private_dir(&path).map_err(|error| ExchangeError::Home(error.to_string()))?;
    Ok(path)
}
