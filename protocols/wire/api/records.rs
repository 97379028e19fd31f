//! Consent records: an owner's own, with the proof that they stood in an upload.

use serde::{Deserialize, Serialize};

use crate::consent::RecordProof;

/// `GET /v1/uploads/{id}/consent/{row}`: one record, proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordProofView {
    /// Leads from the record to the batch head.
    pub proof: RecordProof,
    /// Index of the upload's leaf in the log, which has the batch head.
    pub log_index: u64,
    /// Leads from the batch head to the log; absent while the leaf is not published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged: Option<LoggedView>,
}

/// A leaf, proven to be in the log of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LoggedView {
    /// Its index.
    pub index: u64,
    /// The leaf: one canonical JSON line.
    pub leaf: String,
    /// RFC 6962 inclusion path from the leaf up, 64 hexadecimal digits each.
    pub path: Vec<String>,
    /// The signed checkpoint that the path leads to.
    pub checkpoint: String,
}

/// `POST /v1/collaborations/{id}/consent`: whose records are asked for.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RecordsRequest {
    /// Tokens, 32 hexadecimal digits each, 1 to 1,000 of them.
    pub tokens: Vec<String>,
}

/// The caller's own records of rows with one of these tokens.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordsView {
    /// Newest uploads first; each row once.
    pub items: Vec<RecordView>,
    /// The leaves that they lead to, each once; without those that are not published yet.
    pub logged: Vec<LoggedView>,
    /// Whether there are more than one answer holds: ask for fewer tokens at a time.
    pub more: bool,
}

/// One of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordView {
    /// The token by which it was found, hexadecimal.
    pub token: String,
    /// Leads from the record to the batch head.
    pub proof: RecordProof,
    /// Index of the upload's leaf in the log.
    pub log_index: u64,
}
