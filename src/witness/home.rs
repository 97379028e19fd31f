//! A witness's directory: its key, its certificate, its settings, and what it saw of each log.

use std::fs::{File, TryLockError};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tamis_keys::Entropy;
use tamis_keys::home::WitnessHome;
use tamis_protocols::transparency::{Witness, WitnessKey};
use zeroize::Zeroizing;

use super::WitnessError;
use super::memory::Memory;
use crate::delivery::sink::Receiver;

const SETTINGS: &str = "witness.toml";
const CERTIFICATE: &str = "witness.pem";
const CERTIFICATE_KEY: &str = "witness-tls.key";

/// What the witness's operator decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name in its cosignatures; never changed.
    pub name: String,
    /// Verifier keys of the logs it knows.
    #[serde(default)]
    pub logs: Vec<String>,
}

/// An open witness directory.
pub struct Directory {
    home: WitnessHome,
    settings: Settings,
}

impl Directory {
    /// Makes a directory: a new key, and a self-signed certificate for `hostnames`.
    ///
    /// # Errors
    /// See [`WitnessError`].
    pub fn create(
        path: &Path,
        name: &str,
        hostnames: &[String],
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, WitnessError> {
        let settings = Settings {
            name: name.to_owned(),
            logs: Vec::new(),
        };
        // A name that no key can have is refused before anything is made.
        WitnessKey::new(tamis_keys::Secret::from_bytes([0; 32]), name)?;
        let receiver = Receiver::generate(hostnames, now).map_err(|_| WitnessError::Certificate)?;
        let text = text(&settings)?;
        let files: [(&str, &[u8]); 3] = [
            (SETTINGS, text.as_bytes()),
            (CERTIFICATE, receiver.certificate_pem.as_bytes()),
            (CERTIFICATE_KEY, receiver.key_pem.as_bytes()),
        ];
        let home = WitnessHome::create(path, entropy, &files)?;
        Ok(Directory { home, settings })
    }

    /// Opens a directory.
    ///
    /// # Errors
    /// See [`WitnessError`].
    pub fn open(path: &Path) -> Result<Self, WitnessError> {
        let home = WitnessHome::open(path)?;
        let found = home.read(SETTINGS)?.unwrap_or_default();
        let found = std::str::from_utf8(&found)
            .map_err(|error| WitnessError::Settings(error.to_string()))?;
        let settings: Settings = toml::from_str(found)
            .map_err(|error| WitnessError::Settings(error.message().into()))?;
        Ok(Directory { home, settings })
    }

    /// Starts to look after a log, from nothing; does nothing if it does so already.
    ///
    /// # Errors
    /// Not a log's verifier key, or the directory cannot be written.
    pub fn trust(&mut self, vkey: &str) -> Result<(), WitnessError> {
        Witness::new([vkey])?;
        let origin = origin(vkey);
        // First what is remembered: a log that is known always has a memory.
        Memory::begin(&self.home, origin)?;
        if !self.settings.logs.iter().any(|known| known == vkey) {
            self.settings.logs.push(vkey.to_owned());
        }
        Ok(self
            .home
            .write(SETTINGS, text(&self.settings)?.as_bytes())?)
    }

    /// The key of its cosignatures.
    ///
    /// # Errors
    /// The name in the settings is not one.
    pub fn key(&self) -> Result<WitnessKey, WitnessError> {
        Ok(WitnessKey::new(self.home.signing(), &self.settings.name)?)
    }

    /// The logs it knows.
    pub fn logs(&self) -> &[String] {
        &self.settings.logs
    }

    /// PEM of the certificate, to be given to those who ask.
    ///
    /// # Errors
    /// It is not there.
    pub fn certificate(&self) -> Result<String, WitnessError> {
        Ok(self.receiver()?.certificate_pem)
    }

    pub(super) fn receiver(&self) -> Result<Receiver, WitnessError> {
        let text = |name| {
            let bytes = self.home.read(name)?.ok_or(WitnessError::Certificate)?;
            let text = std::str::from_utf8(&bytes).map_err(|_| WitnessError::Certificate)?;
            Ok::<_, WitnessError>(Zeroizing::new(text.to_owned()))
        };
        Ok(Receiver {
            certificate_pem: text(CERTIFICATE)?.to_string(),
            key_pem: text(CERTIFICATE_KEY)?,
        })
    }

    pub(super) fn watched(&self) -> Result<Witness, WitnessError> {
        Ok(Witness::new(self.settings.logs.iter().map(String::as_str))?)
    }

    /// What was seen of every log that it knows.
    pub(super) fn memories(&self) -> Result<Vec<Memory>, WitnessError> {
        let mut origins: Vec<&str> = self.settings.logs.iter().map(|vkey| origin(vkey)).collect();
        origins.sort_unstable();
        origins.dedup();
        let memories = origins
            .into_iter()
            .map(|name| Memory::open(&self.home, name));
        memories.collect()
    }

    /// The right to answer from this directory, for as long as it lives.
    pub(super) fn lock(&self) -> Result<File, WitnessError> {
        let path = self.home.path().join("lock");
        let mut options = File::options();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(WitnessError::Busy),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

/// The name in a verifier key.
fn origin(vkey: &str) -> &str {
    vkey.split('+').next().unwrap_or_default()
}

fn text(settings: &Settings) -> Result<String, WitnessError> {
    let plain = toml::to_string_pretty(settings)
        .map_err(|error| WitnessError::Settings(error.to_string()))?;
    Ok(format!(
        "# A witness of transparency logs. Never change the name; add logs with `tamis witness trust`.\n{plain}"
    ))
}
