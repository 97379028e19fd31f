//! Audiences: named by the advertiser, decided by the gate for each destination.

use serde::{Deserialize, Serialize};

use super::{DeliveryState, ReleasedCount};

/// What the destination shall do with an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AudienceUse {
    /// Show to the members.
    Target,
    /// Do not show to the members.
    Exclude,
}

/// `PUT /v1/collaborations/{id}/audiences/{name}`: name an audience, or decide it anew on the newest uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AudienceRequest {
    /// Segments combined, e.g. `loyalty in (silver, gold) and not status = inactive`; `all` is everyone.
    pub expression: String,
    /// Destinations of the collaboration; one gate decision each.
    pub destinations: Vec<String>,
    /// What the destinations shall do with it.
    #[serde(rename = "use")]
    pub purpose: AudienceUse,
    /// Share of the members that is kept back for comparison and never delivered, 1 to 50 percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout_percent: Option<u8>,
}

/// Where an audience stands at one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AudienceState {
    /// The gate has not decided yet.
    Deciding,
    /// Released: deliveries bring the destination to its state.
    Released,
    /// Refused: fewer persons than the minimum.
    BelowMinimum,
    /// The decision could not be taken; nothing was released.
    Failed,
}

/// An audience (`GET /v1/collaborations/{id}/audiences/{name}`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudienceView {
    /// Name, `[a-z][a-z0-9-]{0,63}`.
    pub name: String,
    /// The collaboration.
    pub collaboration: String,
    /// The expression as given.
    pub expression: String,
    /// What the destinations shall do with it.
    #[serde(rename = "use")]
    pub purpose: AudienceUse,
    /// Share of the members that is kept back for comparison, if any is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout_percent: Option<u8>,
    /// One entry per destination.
    pub destinations: Vec<AudienceAtDestination>,
}

/// An audience at one destination.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudienceAtDestination {
    /// The destination's name.
    pub destination: String,
    /// Where it stands.
    pub state: AudienceState,
    /// Distinct persons with a live cookie there, once decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<ReleasedCount>,
    /// Distinct persons kept back for comparison, once decided, if any are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ReleasedCount>,
    /// Index of the gate decision's leaf, once decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
    /// The newest delivery, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryState>,
}
