//! Sync coverage: how much of the partner's pool each destination knows.

use serde::{Deserialize, Serialize};

pub use crate::transparency::Coverage;

/// Which share of the partner's persons has a live cookie where (`GET /v1/collaborations/{id}/coverage`).
///
/// It is about the partner's set alone: it says nothing of the advertiser's rows or of who matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CoverageView {
    /// The collaboration.
    pub collaboration: String,
    /// When it was released; absent while the partner has not uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The destinations of the terms, in the order of their names.
    pub destinations: Vec<Coverage>,
    /// Index of the release's leaf in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
}
