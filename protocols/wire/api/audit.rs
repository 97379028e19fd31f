//! What an auditor is shown beside the log, and samples of consent records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Documents behind leaves (`GET /v1/audit/documents/{from}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentsView {
    /// In the order of the leaves.
    pub documents: Vec<LeafDocument>,
    /// Where to go on; absent behind the newest leaf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A document behind a leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeafDocument {
    /// The leaf's number.
    pub leaf: u64,
    /// The document as a pack has it: one line of JSON ([`crate::audit::Document`]).
    pub line: String,
}

/// `POST /v1/audit/samples`: draws records of the newest checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SampleRequest {
    /// Records wanted, 1 to 10,000.
    pub n: u32,
    /// Text of the auditor's own choice that the draw depends on, at most 64 bytes.
    #[serde(default)]
    pub nonce: String,
    /// Only uploads of this collaboration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collaboration: Option<String>,
}

/// A sample: to its auditor all of it, to a party what concerns its own uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SampleView {
    /// Its id.
    pub id: String,
    /// Who asked for it.
    pub auditor: String,
    /// When.
    pub at: String,
    /// Leaves of the checkpoint that it was drawn from.
    pub size: u64,
    /// Records drawn.
    pub drawn: u64,
    /// Of them not substantiated yet.
    pub open: u64,
    /// Of a party: its records that are to be substantiated. Only when a single sample is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<DrawnRecord>,
    /// Of the auditor: the sample and its substantiations, line by line as a pack has them
    /// ([`crate::audit::SampleLine`]). Only when a single sample is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

/// A drawn record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DrawnRecord {
    /// Its upload.
    pub upload: String,
    /// Its row there, from 0.
    pub row: u64,
}

/// `POST /v1/audit/samples/{id}`: a party substantiates records of its own that were drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubstantiationRequest {
    /// The exact bytes of the [`crate::audit::Substantiation`] that are signed.
    pub document: String,
    /// Ed25519 signature over the document, base64.
    pub signature: String,
}

/// What the consent records of all sealed uploads say (`GET /v1/audit/report`), the newest upload first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsentReportView {
    /// Uploads whose records are kept.
    pub uploads: Vec<UploadConsent>,
}

/// What the consent records of one upload say. Small cells are withheld, and so many more that none can be
/// worked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadConsent {
    /// Its collaboration.
    pub collaboration: String,
    /// The upload.
    pub upload: String,
    /// Whose it is.
    pub party: String,
    /// `crm` or `graph`.
    pub kind: String,
    /// Index of its leaf in the log.
    pub log_index: u64,
    /// By field: `basis`, `purpose`, `source`, `notice_version`, `jurisdiction`, `age_months`, `dropped`.
    pub fields: BTreeMap<String, Cells>,
}

/// Records by the value of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cells {
    /// Records by value; `(other)` for values that are not told apart, `(none)` for records that do not say.
    pub told: BTreeMap<String, u64>,
    /// Values whose number is withheld.
    pub withheld: u64,
}
