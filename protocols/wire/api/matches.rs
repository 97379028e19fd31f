//! Matches: what a released match says.

use serde::{Deserialize, Serialize};

use super::{MatchRate, ReleasedCount};

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting or running.
    Pending,
    /// Finished; the result is there.
    Done,
    /// Could not be finished; nothing was released.
    Failed,
}

/// A match (`POST /v1/collaborations/{id}/matches`, `GET /v1/matches/{id}`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MatchView {
    /// Resource id.
    pub id: String,
    /// The collaboration.
    pub collaboration: String,
    /// Where it stands.
    pub state: JobState,
    /// The advertiser's upload that was matched.
    pub advertiser_upload: String,
    /// Matched persons, once done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<ReleasedCount>,
    /// `matched` over the accepted rows of the advertiser's upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<MatchRate>,
    /// Index of the gate decision's leaf in the log, once done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
}
