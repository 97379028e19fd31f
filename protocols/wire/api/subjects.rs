//! Access requests: what is kept of one person on the caller's own side.

use serde::{Deserialize, Serialize};

use super::{AudienceUse, RequestKind};

/// `POST /v1/collaborations/{id}/subject`: the tokens of one person.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubjectRequest {
    /// Tokens, 32 hexadecimal digits each, 1 to 64 of them.
    pub tokens: Vec<String>,
}

/// One row that the caller sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubjectRow {
    /// The upload that it was sent in; of a set that was compacted, the newest one of that set.
    pub upload: String,
    /// Its number there, from 0.
    pub row: u64,
    /// The last day of its consent; absent for a row that takes part in nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// An advertiser's: the segments that it was sent with.
    pub segments: Vec<String>,
    /// A partner's: the destinations that it has a cookie for.
    pub cookies_at: Vec<String>,
}

/// One of the caller's own requests about the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubjectRequestView {
    /// Resource id.
    pub id: String,
    /// What was asked for.
    pub kind: RequestKind,
    /// Since when it is in effect.
    pub at: String,
}

/// An audience that one of the rows fits. Whether the person is in it, nobody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubjectAudience {
    /// Its name.
    pub name: String,
    /// Its definition, as last given.
    pub expression: String,
    /// What it is for.
    #[serde(rename = "use")]
    pub purpose: AudienceUse,
}

/// What is kept of a person on the caller's side of a collaboration. It does not depend on anything that the
/// other side sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubjectView {
    /// The collaboration.
    pub collaboration: String,
    /// Rows, of every upload that is kept, at most 1,000.
    pub rows: Vec<SubjectRow>,
    /// Own requests, newest first.
    pub requests: Vec<SubjectRequestView>,
    /// An advertiser's audiences, by name.
    pub audiences: Vec<SubjectAudience>,
}
