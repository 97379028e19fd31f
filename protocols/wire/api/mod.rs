//! The JSON documents of the HTTP API, shared by the service and by its clients.
//!
//! Every count in here about the *other* side of a collaboration is a [`ReleasedCount`]: noised,
//! rounded, or withheld. Counts about a party's own rows are exact, and are shown to that party only.
//! Times are RFC 3339 in UTC, dates are `YYYY-MM-DD`, binary values are standard base64 with padding,
//! identifiers of resources are 32 lowercase hexadecimal digits.

mod audiences;
mod audit;
mod budget;
mod collaborations;
mod coverage;
mod deliveries;
mod jobs;
mod matches;
mod parties;
mod policy;
mod records;
mod subjects;
mod uploads;
mod withdrawals;

use serde::{Deserialize, Serialize};

pub use super::mode::UploadMode;
pub use audiences::{
    AudienceAtDestination, AudienceRequest, AudienceState, AudienceUse, AudienceView,
};
pub use audit::{
    Cells, ConsentReportView, DocumentsView, DrawnRecord, LeafDocument, SampleRequest, SampleView,
    SubstantiationRequest, UploadConsent,
};
pub use budget::{AccountView, Allowed, BudgetView, Return};
pub use collaborations::{
    AcceptanceRequest, CollaborationState, CollaborationView, ProposalRequest,
};
pub use coverage::{Coverage, CoverageView};
pub use deliveries::{DeliveryReason, DeliveryState, DeliveryView, WaitingFor};
pub use jobs::{JobKind, JobStage, JobView};
pub use matches::{JobState, MatchView};
pub use parties::{Endpoint, EnrolmentReply, EnrolmentRequest, PartyView, Role};
pub use policy::{AgreedPolicyView, PolicyView, TighteningRequest, TighteningView};
pub use records::{LoggedView, RecordProofView, RecordView, RecordsRequest, RecordsView};
pub use subjects::{SubjectAudience, SubjectRequest, SubjectRequestView, SubjectRow, SubjectView};
pub use uploads::{UploadReport, UploadState, UploadView};
pub use withdrawals::{
    ErasureView, RemovalState, RemovalView, RequestKind, RequestState, WithdrawalRequest,
    WithdrawalView,
};

/// A count that has passed the release gate: noised, rounded, or withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ReleasedCount {
    /// Noised, then rounded.
    Released {
        /// The rounded value.
        about: u64,
    },
    /// Fewer than the minimum: nothing else is said.
    BelowMinimum,
}

/// Released numbers over the caller's own rows, in whole percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged, deny_unknown_fields)]
pub enum MatchRate {
    /// So many, rounded down.
    About {
        /// 0 to 85.
        percent: u8,
    },
    /// More than is told.
    Above {
        /// 85.
        above: u8,
    },
}

/// An RFC 9457 problem document.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:tamis:problem:` and a stable code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same sentence for every occurrence of the code.
    pub title: String,
    /// HTTP status code.
    pub status: u16,
    /// What happened this time and what to do next; never an identifier, token, cookie or exact count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Listing<T> {
    /// The items, newest first, at most 1,000.
    pub items: Vec<T>,
}
