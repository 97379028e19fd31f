//! Uploads: how far one is, and what was made of its rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{JobView, UploadMode};

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Bytes are missing.
    Receiving,
    /// All bytes are there; sealing waits or runs.
    Sealing,
    /// A sealed set: ready to match.
    Sealed,
    /// The content was refused; see `refusal`.
    Refused,
    /// Ended by its owner, or not completed in time.
    Terminated,
}

/// An upload, as its owner sees it (`GET /v1/uploads/{id}`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadView {
    /// Resource id.
    pub id: String,
    /// The collaboration it belongs to.
    pub collaboration: String,
    /// What its rows do to the set of this side.
    #[serde(default)]
    pub mode: UploadMode,
    /// The other collaboration whose tokens its rows carry as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge: Option<String>,
    /// Where it stands.
    pub state: UploadState,
    /// Declared length in bytes.
    pub length: u64,
    /// Bytes stored so far.
    pub offset: u64,
    /// When it was created.
    pub created_at: String,
    /// Rows read so far while sealing.
    pub rows_read: u64,
    /// Sealing failed for a reason of the service's own and is tried again; nothing need be sent anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retrying: bool,
    /// The job that seals it, while it waits or runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobView>,
    /// The upload whose set it extends, once sealed; absent for a full one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What was made of the rows, once sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<UploadReport>,
    /// Why it was refused, in words for its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// What sealing made of an upload: exact, and for its owner only. It counts the rows of this upload alone,
/// not those of the set that a delta extends; of a removal or a refresh, what was given, never whom it found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadReport {
    /// Rows in the upload.
    pub rows: u64,
    /// Rows that take part in matching; of a removal, rows with a token.
    pub accepted: u64,
    /// Rows left out, by reason (`DropReason` words).
    pub dropped: BTreeMap<String, u64>,
    /// Partner only: persons after merging rows that share an identifier; of rows that were added, those
    /// that the set did not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<u64>,
    /// Advertiser only: accepted rows per segment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<String, u64>,
    /// Batch head of the upload's consent records as the log has it, hexadecimal.
    pub consent_root: String,
}
