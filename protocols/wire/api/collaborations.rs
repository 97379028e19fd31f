//! Collaborations: proposed by one party, accepted by the other.

use serde::{Deserialize, Serialize};

use super::PartyView;

/// `POST /v1/collaborations`: the advertiser proposes signed terms.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProposalRequest {
    /// The exact bytes of the [`crate::wire::terms::Terms`] document that are signed.
    pub terms: String,
    /// Ed25519 signature over the terms, base64.
    pub signature: String,
    /// The proposer's pair share, sealed to the other party, base64.
    pub sealed_share: String,
}

/// `POST /v1/collaborations/{id}/acceptance`: the partner signs the same bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptanceRequest {
    /// Ed25519 signature over the same terms, base64.
    pub signature: String,
    /// The acceptor's pair share, sealed to the proposer, base64.
    pub sealed_share: String,
}

/// Where a collaboration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CollaborationState {
    /// Signed by the proposer only.
    Proposed,
    /// Signed by both.
    Active,
    /// Past its last day: nothing new is accepted.
    Expired,
}

/// A collaboration as one of its two parties sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CollaborationView {
    /// The first 16 bytes of SHA-256 of the terms, hexadecimal.
    pub id: String,
    /// Where it stands.
    pub state: CollaborationState,
    /// The exact signed bytes.
    pub terms: String,
    /// The proposer.
    pub advertiser: PartyView,
    /// The other side.
    pub partner: PartyView,
    /// The proposer's signature.
    pub advertiser_signature: String,
    /// The acceptor's signature, once accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_signature: Option<String>,
    /// The share that the other party sealed to the caller, once there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_for_you: Option<String>,
}
