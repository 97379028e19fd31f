//! The private certificate authority: one root for the server and for every client.
//!
//! The flow: `tamis init` makes the root and the server's certificate; an enrolment sends a request
//! (PKCS#10) whose signature proves possession of the key, and gets a certificate that carries the
//! invitation's name. Subject and extensions of the request are ignored: a party cannot ask for
//! another name, for a server's usage or for an authority's. Parties are recognised by the SHA-256 of
//! their certificate, so a certificate that the database does not know is worth nothing.
//!
//! Files: `ca.pem`, `ca.key`, `server.pem`, `server.key`; keys readable by their owner only.
//! Source: RFC 5280, RFC 2986.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SerialNumber, SubjectPublicKeyInfo,
};
use sha2::{Digest, Sha256};
use tamis_keys::home::{HomeError, create_private_dir, read_private, write_private};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry as oid;
use x509_parser::prelude::FromDer;

/// Validity of the root: ten years.
const ROOT: SignedDuration = SignedDuration::from_hours(24 * 3650);
/// Validity of the server's certificate.
const SERVER: SignedDuration = SignedDuration::from_hours(24 * 397);
/// The server's certificate is made anew when less than this is left of it.
const RENEW: SignedDuration = SignedDuration::from_hours(24 * 60);
/// Certificates begin a little in the past: clocks differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Longest certificate request read, in bytes of PEM.
const MAX_REQUEST: usize = 16 * 1024;

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The request is not PEM, not PKCS#10, or its signature does not hold.
    #[error("the certificate request cannot be read, or its signature does not hold")]
    Request,
    /// The key is of a kind that is not accepted.
    #[error("the key of the certificate request must be ECDSA P-256, ECDSA P-384 or Ed25519")]
    KeyKind,
    /// A host name for the server's certificate is not one.
    #[error("a host name of the server is neither a DNS name nor an IP address")]
    HostName,
    /// A time lies outside of what certificates can say.
    #[error("a time lies outside of what certificates can say")]
    Time,
    /// The authority's directory does not hold what it should.
    #[error("the authority's files cannot be used: {0}")]
    Files(#[from] io::Error),
    /// A private file cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The library refused.
    #[error("the certificate could not be made: {0}")]
    Making(#[from] rcgen::Error),
}

/// A certificate that was issued to a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate and its issuer, PEM, leaf first.
    pub pem_chain: String,
    /// SHA-256 of the certificate's DER form, lowercase hexadecimal: how the party is recognised.
    pub sha256_hex: String,
}

/// The server's certificate chain and private key, PEM.
pub struct ServerIdentity {
    /// Leaf first.
    pub chain_pem: String,
    /// PKCS#8.
    pub key_pem: String,
}

/// The private authority. Cheap to clone.
#[derive(Clone)]
pub struct Authority(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new root in `dir`, valid for ten years from `now`. Refuses to replace one.
    pub fn create(dir: &Path, now: Timestamp) -> Result<Self, AuthorityError> {
        create_private_dir(dir)?;
        if dir.join("ca.key").try_exists()? {
            let reason = "there is an authority already";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason).into());
        }
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        // A part of the key's hash tells the roots of two operators apart.
        let name = hex::encode(&Sha256::digest(key.subject_public_key_info())[..4]);
        let name = format!("Tamis private authority {name}");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        validity(&mut params, now, after(now, ROOT)?)?;
        params.serial_number = Some(serial(&key, &params));
        let pem = params.self_signed(&key)?.pem();
        write_private(&dir.join("ca.key"), key.serialize_pem().as_bytes())?;
        std::fs::write(dir.join("ca.pem"), &pem)?;
        Self::open(dir)
    }

    /// Opens the root in `dir`.
    pub fn open(dir: &Path) -> Result<Self, AuthorityError> {
        let pem = std::fs::read_to_string(dir.join("ca.pem"))?;
        let key = read_private(&dir.join("ca.key"))?;
        let issuer = Issuer::from_ca_cert_pem(&pem, KeyPair::from_pem(text(&key)?)?)?;
        Ok(Authority(Arc::new(Inner {
            dir: dir.to_owned(),
            pem,
            issuer,
        })))
    }

    /// The root's certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.0.pem
    }

    /// Issues a client certificate in the name `name` for the key of a PKCS#10 request (PEM, at most
    /// 16 KiB). The request's signature is verified; its subject and extensions are ignored.
    pub fn issue_client(
        &self,
        csr_pem: &str,
        name: &str,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<Issued, AuthorityError> {
        let key = requested_key(csr_pem)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, after(not_before, -SKEW)?, not_after)?;
        params.serial_number = Some(serial(&key, &params));
        let certificate = params.signed_by(&key, &self.0.issuer)?;
        Ok(Issued {
            pem_chain: format!("{}{}", certificate.pem(), self.0.pem),
            sha256_hex: hex::encode(Sha256::digest(certificate.der())),
        })
    }

    /// The server's certificate for `hosts` (DNS names and IP addresses): the one on disk, or a new one
    /// if that is missing, for other hosts, or within 60 days of its end.
    pub fn server(
        &self,
        hosts: &[String],
        now: Timestamp,
    ) -> Result<ServerIdentity, AuthorityError> {
        let (pem, key) = (self.0.dir.join("server.pem"), self.0.dir.join("server.key"));
        if pem.try_exists()? && key.try_exists()? {
            let chain_pem = std::fs::read_to_string(&pem)?;
            if serves(&chain_pem, hosts, now) {
                let key_pem = text(&read_private(&key)?)?.to_owned();
                return Ok(ServerIdentity { chain_pem, key_pem });
            }
        }
        let identity = self.issue_server(hosts, now)?;
        write_private(&key, identity.key_pem.as_bytes())?;
        std::fs::write(&pem, &identity.chain_pem)?;
        Ok(identity)
    }

    fn issue_server(
        &self,
        hosts: &[String],
        now: Timestamp,
    ) -> Result<ServerIdentity, AuthorityError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params =
            CertificateParams::new(hosts.to_vec()).map_err(|_| AuthorityError::HostName)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        let name = hosts.first().ok_or(AuthorityError::HostName)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, after(now, -SKEW)?, after(now, SERVER)?)?;
        params.serial_number = Some(serial(&key, &params));
        let certificate = params.signed_by(&key, &self.0.issuer)?;
        Ok(ServerIdentity {
            chain_pem: format!("{}{}", certificate.pem(), self.0.pem),
            key_pem: key.serialize_pem(),
        })
    }
}

fn text(bytes: &[u8]) -> io::Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The public key of a request whose signature holds.
fn requested_key(csr_pem: &str) -> Result<SubjectPublicKeyInfo, AuthorityError> {
    if csr_pem.len() > MAX_REQUEST {
        return Err(AuthorityError::Request);
    }
    let (_, pem) = x509_parser::pem::parse_x509_pem(csr_pem.as_bytes())
        .map_err(|_| AuthorityError::Request)?;
    let (rest, request) =
        X509CertificationRequest::from_der(&pem.contents).map_err(|_| AuthorityError::Request)?;
    let spki = &request.certification_request_info.subject_pki;
    let curve = spki.algorithm.parameters.as_ref();
    let curve = curve.and_then(|parameters| parameters.as_oid().ok());
    let accepted = if spki.algorithm.algorithm == oid::OID_KEY_TYPE_EC_PUBLIC_KEY {
        curve.is_some_and(|curve| curve == oid::OID_EC_P256 || curve == oid::OID_NIST_EC_P384)
    } else {
        spki.algorithm.algorithm == oid::OID_SIG_ED25519
    };
    if !accepted {
        return Err(AuthorityError::KeyKind);
    }
    if !rest.is_empty() || request.verify_signature().is_err() {
        return Err(AuthorityError::Request);
    }
    SubjectPublicKeyInfo::from_der(spki.raw).map_err(|_| AuthorityError::KeyKind)
}

/// Whether a certificate on disk still serves exactly these hosts.
fn serves(chain_pem: &str, hosts: &[String], now: Timestamp) -> bool {
    let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(chain_pem.as_bytes()) else {
        return false;
    };
    let Ok(certificate) = pem.parse_x509() else {
        return false;
    };
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return false;
    };
    let mut found: Vec<String> = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            x509_parser::extensions::GeneralName::DNSName(name) => Some((*name).to_owned()),
            x509_parser::extensions::GeneralName::IPAddress(bytes) => ip(bytes),
            _ => None,
        })
        .collect();
    let mut wanted = hosts.to_vec();
    found.sort();
    wanted.sort();
    let end = certificate.validity().not_after.timestamp();
    found == wanted && after(now, RENEW).is_ok_and(|limit| end > limit.as_second())
}

fn ip(bytes: &[u8]) -> Option<String> {
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
        _ => return None,
    };
    Some(address.to_string())
}

fn after(time: Timestamp, by: SignedDuration) -> Result<Timestamp, AuthorityError> {
    time.checked_add(by).map_err(|_| AuthorityError::Time)
}

fn validity(
    params: &mut CertificateParams,
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<(), AuthorityError> {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let since = |time: Timestamp| match u64::try_from(time.as_second()) {
        // The end of the year 9999, the last one that certificates can say.
        Ok(seconds) if seconds < 253_402_300_800 => Ok(Duration::from_secs(seconds)),
        _ => Err(AuthorityError::Time),
    };
    params.not_before = epoch + since(not_before)?;
    params.not_after = epoch + since(not_after)?;
    Ok(())
}

/// A serial number of 16 bytes, different for every key, name and time.
fn serial(key: &impl PublicKeyData, params: &CertificateParams) -> SerialNumber {
    let mut hash = Sha256::new();
    hash.update(key.subject_public_key_info());
    hash.update(format!("{:?}", params.distinguished_name));
    hash.update(params.not_before.unix_timestamp().to_be_bytes());
    hash.update(params.not_after.unix_timestamp().to_be_bytes());
    let mut serial = hash.finalize()[..16].to_vec();
    // Positive and without a leading zero byte.
    serial[0] = serial[0] & 0x7f | 0x40;
    SerialNumber::from(serial)
}

#[cfg(test)]
#[path = "authority_tests.rs"]
mod tests;
