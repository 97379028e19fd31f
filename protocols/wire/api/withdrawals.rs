//! Withdrawals: the tokens of people who withdrew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DeliveryState;

/// `POST /v1/collaborations/{id}/withdrawals`: tokens of people who withdrew.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WithdrawalRequest {
    /// Tokens, 32 hexadecimal digits each, 1 to 50,000 of them.
    pub tokens: Vec<String>,
}

/// A withdrawal as its sender sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WithdrawalView {
    /// Resource id.
    pub id: String,
    /// The collaboration.
    pub collaboration: String,
    /// Tokens received.
    pub tokens: u64,
    /// When it took effect.
    pub at: String,
    /// Index of its leaf in the log.
    pub log_index: u64,
    /// How far every destination is: `queued`, `sending`, `delivered` or `failed`.
    pub destinations: BTreeMap<String, DeliveryState>,
}
