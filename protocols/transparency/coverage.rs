//! Which share of a partner's persons has a live cookie at a destination, as it is told and logged.

use serde::{Deserialize, Serialize};

/// The coverage of one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// The destination.
    pub destination: String,
    /// Whole percent of two released numbers, 0 to 100; absent: one of them is below the minimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
}
