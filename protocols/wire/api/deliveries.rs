//! Deliveries: how far a destination is.

use serde::{Deserialize, Serialize};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waiting for its turn, or for its next attempt.
    Queued,
    /// Batches are on their way.
    Sending,
    /// The destination acknowledged every batch.
    Delivered,
    /// Attempts are used up; the operator must look.
    Failed,
}

/// Why a delivery was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryReason {
    /// The gate released the audience.
    Release,
    /// Somebody withdrew.
    Withdrawal,
    /// Somebody's consent aged out.
    Expiry,
}

/// What a delivery waits for that neither party can do anything about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// Witnesses that vouch for a log with the gate's decision in it.
    Witnesses,
}

/// A delivery, without sizes: those are said once, by the gate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryView {
    /// Resource id.
    pub id: String,
    /// The audience's name.
    pub audience: String,
    /// The destination's name.
    pub destination: String,
    /// Why it was made.
    pub reason: DeliveryReason,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was queued.
    pub created_at: String,
    /// When the last batch was acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<String>,
    /// When the next attempt is due, while queued after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<String>,
    /// Why it has not begun, if not for its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<WaitingFor>,
    /// Index of the receipt's leaf, once delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
}
