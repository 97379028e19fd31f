//! A party's key directory: its own three keys, the secrets of its collaborations, and named files
//! (certificate, service address) that belong with them.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::files::{create_private_dir, read_private, write_private};
use super::marker::Marker;
use super::{HomeError, make, named, read_optional, required, store_once};
use crate::purpose::{CookieTag, DeletionRequests, PairSecret, PairShare, Sealing, Signing};
use crate::{Entropy, Secret};

const MARKER: Marker = Marker {
    file: "party-home",
    kind: "party",
    command: "tamis enrol",
};
const SIGNING: &str = "signing.key";
const SEALING: &str = "sealing.key";
const COOKIE_TAG: &str = "cookie-tag.key";
const DELETION_REQUESTS: &str = "deletion-requests.key";
const PAIRS: &str = "pairs";

/// An open party directory.
pub struct PartyHome {
    path: PathBuf,
    signing: Secret<Signing>,
    sealing: Secret<Sealing>,
    cookie_tag: Secret<CookieTag>,
}

impl PartyHome {
    /// Makes the directory and the party's keys; takes up an interrupted creation, refuses a finished one.
    pub fn create(path: &Path, entropy: &dyn Entropy) -> Result<Self, HomeError> {
        MARKER.begin(path)?;
        create_private_dir(&path.join(PAIRS))?;
        make::<Signing>(&path.join(SIGNING), entropy)?;
        make::<Sealing>(&path.join(SEALING), entropy)?;
        make::<CookieTag>(&path.join(COOKIE_TAG), entropy)?;
        MARKER.finish(path)?;
        Self::open(path)
    }

    /// Opens a finished directory and reads the party's own keys.
    pub fn open(path: &Path) -> Result<Self, HomeError> {
        MARKER.require(path)?;
        Ok(PartyHome {
            path: path.to_owned(),
            signing: required(&path.join(SIGNING))?,
            sealing: required(&path.join(SEALING))?,
            cookie_tag: required(&path.join(COOKIE_TAG))?,
        })
    }

    /// Whether a finished directory is there.
    pub fn exists(path: &Path) -> bool {
        read_private(&path.join(MARKER.file)).is_ok()
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The Ed25519 seed that signs terms.
    pub fn signing(&self) -> Secret<Signing> {
        self.signing.duplicate()
    }

    /// The X25519 key that opens pair shares and labels.
    pub fn sealing(&self) -> Secret<Sealing> {
        self.sealing.duplicate()
    }

    /// The key of this party's cookie pseudonyms.
    pub fn cookie_tag(&self) -> Secret<CookieTag> {
        self.cookie_tag.duplicate()
    }

    /// The Ed25519 seed that signs deletion requests and answers to others'; made on first use.
    pub fn deletion_requests(
        &self,
        entropy: &dyn Entropy,
    ) -> Result<Secret<DeletionRequests>, HomeError> {
        let path = self.path.join(DELETION_REQUESTS);
        make::<DeletionRequests>(&path, entropy)?;
        required(&path)
    }

    /// Reads a named file; `None` if there is none.
    pub fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, HomeError> {
        read_optional(&named(&self.path, name)?)
    }

    /// Writes a named file, mode 0600 like all others here.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
        write_private(&named(&self.path, name)?, bytes)
    }

    /// Keeps this party's own share of a collaboration; never overwrites another one.
    pub fn store_share(
        &self,
        collaboration: &str,
        share: &Secret<PairShare>,
    ) -> Result<(), HomeError> {
        store_once(&self.pair_file(collaboration, "share")?, share)
    }

    /// This party's own share of a collaboration, if it made one.
    pub fn share(&self, collaboration: &str) -> Result<Option<Secret<PairShare>>, HomeError> {
        super::load(&self.pair_file(collaboration, "share")?)
    }

    /// Keeps the agreed pair secret of a collaboration; never overwrites another one.
    pub fn store_pair_secret(
        &self,
        collaboration: &str,
        secret: &Secret<PairSecret>,
    ) -> Result<(), HomeError> {
        store_once(&self.pair_file(collaboration, "secret")?, secret)
    }

    /// The agreed pair secret of a collaboration, if there is one.
    pub fn pair_secret(
        &self,
        collaboration: &str,
    ) -> Result<Option<Secret<PairSecret>>, HomeError> {
        super::load(&self.pair_file(collaboration, "secret")?)
    }

    fn pair_file(&self, collaboration: &str, kind: &str) -> Result<PathBuf, HomeError> {
        named(&self.path.join(PAIRS), &format!("{collaboration}.{kind}"))
    }
}
