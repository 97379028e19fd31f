//! The endpoint's own certificate: self-signed, and enrolled as the only authority for it.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use tamis_keys::home::{self, HomeError, PartyHome};
use zeroize::Zeroizing;

const CERTIFICATE_FILE: &str = "receiver.pem";
const KEY_FILE: &str = "receiver.key";

/// Validity in days: the most that browsers and platforms take from private authorities.
const DAYS: i64 = 825;

/// Certificate and private key of an HTTPS endpoint, PEM.
///
/// No `Debug`: it holds a private key.
#[derive(Clone)]
pub struct Receiver {
    /// The certificate, leaf first.
    pub certificate_pem: String,
    /// The private key.
    pub key_pem: Zeroizing<String>,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// No host names, or one that no certificate can carry.
    #[error("a certificate needs at least one host name or IP address, and only such")]
    Hostnames,
    /// The key directory.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The key could not be made.
    #[error("the certificate cannot be made")]
    Making,
}

/// Makes a key and a self-signed certificate for `hostnames` (names or IP addresses) in the key
/// directory, valid for 825 days from the day before `now`, and returns the certificate's PEM, which
/// is what to enrol as the endpoint's authority. Replaces what was there.
///
/// # Errors
/// See [`CertificateError`].
pub fn certificate(
    home: &PartyHome,
    hostnames: &[String],
    now: Timestamp,
) -> Result<String, CertificateError> {
    let receiver = Receiver::generate(hostnames, now)?;
    home::write_private(&home.path().join(KEY_FILE), receiver.key_pem.as_bytes())?;
    let pem = receiver.certificate_pem;
    home::write_private(&home.path().join(CERTIFICATE_FILE), pem.as_bytes())?;
    Ok(pem)
}

impl Receiver {
    /// A new key and its self-signed certificate, kept nowhere.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn generate(hostnames: &[String], now: Timestamp) -> Result<Self, CertificateError> {
        let first = hostnames.first().ok_or(CertificateError::Hostnames)?;
        let mut params =
            CertificateParams::new(hostnames).map_err(|_| CertificateError::Hostnames)?;
        params.distinguished_name.push(DnType::CommonName, first);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let today = now.to_zoned(TimeZone::UTC).date();
        let midnight =
            |day: Date| date_time_ymd(day.year().into(), day.month() as u8, day.day() as u8);
        params.not_before = midnight(today.saturating_sub(1.day()));
        params.not_after = midnight(today.saturating_add(DAYS.days()));
        let key = KeyPair::generate().map_err(|_| CertificateError::Making)?;
        let certificate = params.self_signed(&key);
        let certificate = certificate.map_err(|_| CertificateError::Making)?;
        Ok(Receiver {
            certificate_pem: certificate.pem(),
            key_pem: Zeroizing::new(key.serialize_pem()),
        })
    }

    /// What [`certificate`] left in the key directory.
    ///
    /// # Errors
    /// The files are missing or are not text.
    pub(super) fn from_home(home: &PartyHome) -> Result<Self, super::SinkError> {
        let certificate = home::read_private(&home.path().join(CERTIFICATE_FILE))?;
        let key = home::read_private(&home.path().join(KEY_FILE))?;
        let key = std::str::from_utf8(&key).map_err(|_| super::SinkError::Certificate)?;
        Ok(Receiver {
            certificate_pem: String::from_utf8(certificate.to_vec())
                .map_err(|_| super::SinkError::Certificate)?,
            key_pem: Zeroizing::new(key.to_owned()),
        })
    }
}
