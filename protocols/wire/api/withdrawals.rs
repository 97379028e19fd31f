//! Withdrawals, oppositions and erasures: requests about people, by their tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a request asks for. Whatever the kind, its people take part in nothing from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// Consent is taken back (GDPR Art. 7(3)).
    #[default]
    Withdrawal,
    /// Objection to a processing that rests on legitimate interest (Art. 21).
    Opposition,
    /// What is kept of the people is destroyed as well (Art. 17).
    Erasure,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [RequestKind; 3] = [
        RequestKind::Withdrawal,
        RequestKind::Opposition,
        RequestKind::Erasure,
    ];

    /// The word used in the API, on the command line, in the log and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            RequestKind::Withdrawal => "withdrawal",
            RequestKind::Opposition => "opposition",
            RequestKind::Erasure => "erasure",
        }
    }

    /// The inverse of [`RequestKind::as_str`].
    pub fn parse(word: &str) -> Option<RequestKind> {
        RequestKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }

    fn is_withdrawal(&self) -> bool {
        *self == RequestKind::Withdrawal
    }
}

/// `POST /v1/collaborations/{id}/withdrawals`: tokens of people who withdrew, opposed, or want to be
/// erased.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WithdrawalRequest {
    /// Tokens, 32 hexadecimal digits each, 1 to 50,000 of them.
    pub tokens: Vec<String>,
    /// What is asked for; absent: a withdrawal.
    #[serde(default, skip_serializing_if = "RequestKind::is_withdrawal")]
    pub kind: RequestKind,
}

/// How far the removal of a request's people is at one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RemovalState {
    /// The destination acknowledged that they are gone.
    Acknowledged,
    /// It is being told.
    Sent,
    /// Waits for its turn, or for its next attempt.
    Queued,
    /// It could not be told; its entries end by themselves, at the latest on `expires_by`.
    Expires,
    /// It could not be told, and did not say that its entries end: the operator must look.
    Failed,
}

/// One destination of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RemovalView {
    /// How far it is, of all audiences there the one that is farthest from done.
    pub state: RemovalState,
    /// The day, in UTC, by which whatever it was told of these people has ended by itself, as it declared
    /// at its enrolment; absent once acknowledged, and for one that declared nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_by: Option<String>,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// In effect; some destination does not know yet, or something is still to be destroyed.
    Open,
    /// Every destination acknowledged it or let its entries end, and what was to be destroyed is.
    Complete,
    /// A destination could not be told for good: the operator must look.
    Stuck,
}

/// What became of the destruction that an erasure asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErasureView {
    /// When it was done; absent: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<String>,
    /// Index of its own leaf in the log, once done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
}

/// A request as its sender sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WithdrawalView {
    /// Resource id.
    pub id: String,
    /// The collaboration.
    pub collaboration: String,
    /// What was asked for.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// Tokens received.
    pub tokens: u64,
    /// When it took effect.
    pub at: String,
    /// Index of its leaf in the log.
    pub log_index: u64,
    /// How far every destination is that was ever sent an audience of the collaboration.
    pub destinations: BTreeMap<String, RemovalView>,
    /// Erasures: what became of the destruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<ErasureView>,
}
