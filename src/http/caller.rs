//! Who calls: the client certificate of the connection, looked up anew for every request.
//!
//! The handshake proves possession of the key and that our authority signed the certificate; here its
//! SHA-256 becomes a party. Revocation in the database is therefore effective with the next request,
//! also on connections that are already open.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tamis_protocols::wire::api::Role;

use super::Api;
use super::problem::Problem;
use crate::service::Caller;

/// The certificate that a connection's peer proved to hold.
#[derive(Debug)]
pub struct PeerCertificate {
    /// SHA-256 of its DER form, lowercase hexadecimal.
    pub sha256_hex: String,
    /// Its last valid instant: connections can outlive certificates.
    pub not_after: Timestamp,
}

impl PeerCertificate {
    /// Reads the leaf of a chain that the handshake has already verified; `None` if it cannot be read.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        let not_after = certificate.validity().not_after.timestamp();
        Some(PeerCertificate {
            sha256_hex: hex::encode(Sha256::digest(der)),
            not_after: Timestamp::from_second(not_after).ok()?,
        })
    }
}

/// The connection's certificate as the server puts it into each request; absent without one.
#[derive(Clone)]
pub struct Peer(pub Arc<PeerCertificate>);

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Some(Peer(certificate)) = parts.extensions.get::<Peer>() else {
            return Err(Problem::certificate_required());
        };
        if api.clock.now() > certificate.not_after {
            return Err(Problem::certificate_required());
        }
        api.service
            .identify(&certificate.sha256_hex)
            .await?
            .ok_or_else(Problem::certificate_required)
    }
}

/// A caller whose role is to read the log. For others the log's tiles do not exist.
pub struct Auditor;

impl FromRequestParts<Api> for Auditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, api).await?;
        match caller.role {
            Role::Auditor => Ok(Auditor),
            _ => Err(Problem::not_found()),
        }
    }
}
