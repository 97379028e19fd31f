//! The release policy: what the operator demands, what terms and parties added, what holds.

use serde::{Deserialize, Serialize};

use crate::release::Policy;
#[cfg(feature = "openapi")]
use crate::release::Wish;

/// A policy with what follows from it (`GET /v1/policy`: the operator's, the floor of all terms).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyView {
    /// Version of the gate's rules.
    pub version: u32,
    /// Every parameter.
    #[cfg_attr(feature = "openapi", schema(value_type = Wish))]
    pub policy: Policy,
    /// SHA-256 of version and parameters, 64 hexadecimal digits: what the log's leaves carry.
    pub digest: String,
    /// Persons that every minimum is exceeded by, so that noise does not undo it.
    pub margin: u32,
    /// What a match costs of the budget, in thousandths of ε.
    pub match_charge: u32,
    /// What an audience costs of the budget at each destination, in thousandths of ε.
    pub audience_charge: u32,
}

impl PolicyView {
    /// A policy as the API shows it.
    pub fn of(policy: &Policy) -> PolicyView {
        PolicyView {
            version: Policy::VERSION,
            policy: *policy,
            digest: hex::encode(policy.digest()),
            margin: policy.margin(),
            match_charge: policy.count_charge(),
            audience_charge: policy.audience_charge(),
        }
    }
}

/// `PUT /v1/collaborations/{id}/policy`: a party tightens the policy of a collaboration for good.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TighteningRequest {
    /// The exact bytes of the [`crate::wire::tightening::Tightening`] document that are signed.
    pub document: String,
    /// Ed25519 signature over the document, base64.
    pub signature: String,
}

/// A tightening as both parties see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TighteningView {
    /// Who signed it.
    pub party: String,
    /// Its number among this party's.
    pub number: u32,
    /// The exact signed bytes.
    pub document: String,
    /// The party's signature, base64.
    pub signature: String,
    /// When it took effect.
    pub at: String,
    /// Index of its leaf in the log.
    pub log_index: u64,
}

/// What is decided by in a collaboration (`GET /v1/collaborations/{id}/policy`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgreedPolicyView {
    /// The collaboration.
    pub collaboration: String,
    /// What holds: in every parameter the tightest of all below.
    pub effective: PolicyView,
    /// The operator's at present.
    pub operator: PolicyView,
    /// The one in the terms that both signed.
    pub terms: PolicyView,
    /// What the parties tightened since, the oldest first.
    pub tightenings: Vec<TighteningView>,
}
