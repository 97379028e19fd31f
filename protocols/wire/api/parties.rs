//! Parties: how one enrols, and what the others may know of it.

use serde::{Deserialize, Serialize};

/// What a party is in the service; fixed at invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Brings CRM rows and segments.
    Advertiser,
    /// Brings an identity graph: keyed identifiers to cookies.
    Partner,
    /// A DMP or DSP that receives audiences.
    Destination,
    /// Reads the log, and nothing else.
    Auditor,
}

impl Role {
    /// The word used in the API, on the command line and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Advertiser => "advertiser",
            Role::Partner => "partner",
            Role::Destination => "destination",
            Role::Auditor => "auditor",
        }
    }

    /// The inverse of [`Role::as_str`].
    pub fn parse(word: &str) -> Option<Role> {
        [
            Role::Advertiser,
            Role::Partner,
            Role::Destination,
            Role::Auditor,
        ]
        .into_iter()
        .find(|role| role.as_str() == word)
    }
}

/// `POST /v1/enrolments`: exchange a one-time invitation token for a client certificate.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EnrolmentRequest {
    /// The one-time token of the invitation.
    pub token: String,
    /// PKCS#10 request, PEM; its subject is ignored, the invitation names the party.
    pub csr_pem: String,
    /// Ed25519 public key, 32 bytes, base64: signs terms and acceptances.
    pub signing_key: String,
    /// X25519 public key, 32 bytes, base64: receives pair shares, and for destinations labels.
    /// A destination may leave it out; its cookies are then held by the operator under envelope encryption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
    /// Destinations only: where deliveries go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

/// Where a destination receives deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// An `https://` address; no redirects are followed.
    pub url: String,
    /// PEM of the only authority trusted for this endpoint; absent: the public web's authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// Days after which this destination drops a member that it was not told again, 1 to 3,650; absent:
    /// it keeps members until it is told to remove them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_ttl_days: Option<u32>,
}

/// The answer to an enrolment.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolmentReply {
    /// The enrolled party.
    pub party: PartyView,
    /// The client certificate and its issuer, PEM, leaf first.
    pub certificate_pem: String,
    /// The log's verifier key (signed-note `vkey` line).
    pub log_key: String,
    /// Destinations only: the Standard Webhooks secret, `whsec_` and base64; shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<String>,
}

/// What enrolled parties may know of each other: a name, a role and public keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartyView {
    /// Unique name, `[a-z][a-z0-9-]{1,31}`.
    pub name: String,
    /// What the party is.
    pub role: Role,
    /// Ed25519 public key, base64.
    pub signing_key: String,
    /// X25519 public key, base64; absent for a destination that takes open cookies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
}
