//! What an audit found to hold.

use serde::Serialize;

use crate::transparency::Summary;

/// What holds, and what could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log.
    pub log: Summary,
    /// Whether the documents behind the leaves were there.
    pub documents: bool,
    /// What was checked, in words.
    pub checked: Vec<String>,
    /// What could not be checked, in words, and why.
    pub not_checked: Vec<String>,
    /// Parties, in the order in which they enrolled first.
    pub parties: Vec<Enrolled>,
    /// Collaborations, in the order in which they were proposed.
    pub collaborations: Vec<Books>,
    /// The text of `SUMMARY.md`.
    #[serde(skip)]
    pub summary: String,
}

/// A party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Enrolled {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
    /// When it enrolled first, RFC 3339.
    pub since: String,
}

/// What happened in one collaboration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Books {
    /// Its id.
    pub collaboration: String,
    /// Who proposed it.
    pub advertiser: String,
    /// Who accepted it, if anybody did.
    pub partner: Option<String>,
    /// Who may receive audiences, by the terms; empty without documents.
    pub destinations: Vec<String>,
    /// The last day, by the terms, `YYYY-MM-DD`.
    pub expires: Option<String>,
    /// Sealed uploads.
    pub uploads: u64,
    /// Times that a party tightened the policy.
    pub tightenings: u64,
    /// Decisions of the gate: matches, and audiences at a destination.
    pub decisions: u64,
    /// Of them released.
    pub released: u64,
    /// Acknowledged deliveries.
    pub deliveries: u64,
    /// Withdrawals.
    pub withdrawals: u64,
    /// What was charged in all, thousandths of ε.
    pub charged: u64,
}
