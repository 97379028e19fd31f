//! The privacy budget: what is left of it, and when more is.

use serde::{Deserialize, Serialize};

/// The budget of a collaboration (`GET /v1/collaborations/{id}/budget`). Amounts are thousandths of ε.
///
/// Every question is charged when it is decided, also one that is answered "below minimum"; the same
/// question again costs nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BudgetView {
    /// The collaboration.
    pub collaboration: String,
    /// What a match costs: it is a count, and counts cost too.
    pub match_charge: u32,
    /// What an audience costs at each destination.
    pub audience_charge: u32,
    /// What an audience with a hold-out costs at each destination.
    pub holdout_charge: u32,
    /// Days after which a charge comes back.
    pub window_days: u32,
    /// Of the advertiser with the partner, in all of their collaborations.
    pub pair: AccountView,
    /// Of the partner with all advertisers; only the partner itself sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<AccountView>,
    /// What may be asked now, by both accounts.
    pub allows: Allowed,
    /// Whether fewer than three more audiences, each at one destination, fit the pair's account.
    pub low: bool,
}

/// An account, in thousandths of ε.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountView {
    /// What may be spent in a window.
    pub cap: u32,
    /// What was spent in the window that ends now.
    pub spent: u64,
    /// What is reserved for questions that wait.
    pub reserved: u64,
    /// What is left.
    pub left: u32,
    /// What comes back when, the next ten.
    pub returns: Vec<Return>,
    /// When an audience at one destination fits; absent: now, or not before what waits is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience_fits_at: Option<String>,
}

/// Charges of one moment that come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Return {
    /// When.
    pub at: String,
    /// How much, in thousandths of ε.
    pub amount: u64,
}

/// What both accounts allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Allowed {
    /// Another match.
    pub a_match: bool,
    /// Another audience at one destination.
    pub an_audience: bool,
    /// Whether the partner's account with all advertisers would allow an audience: if not, it is not the
    /// pair that has spent it.
    pub partner_allows: bool,
}
