//! What an audit found to hold.

use std::collections::BTreeMap;

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
    /// Samples, in the order in which they were drawn.
    pub samples: Vec<Drawn>,
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

/// A sample, all of whose records were substantiated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Drawn {
    /// Its id.
    pub sample: String,
    /// Leaves of the checkpoint that it was drawn from.
    pub size: u64,
    /// Records drawn.
    pub drawn: u64,
    /// Of them permitted by the rule of their side on the day of upload.
    pub permitted: u64,
    /// Of them not, by the first reason: such a row takes part in nothing.
    pub left_out: BTreeMap<String, u64>,
    /// Of them erased since: that they were there is proven, what they said is gone.
    pub erased: u64,
}
