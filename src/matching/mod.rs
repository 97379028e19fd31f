//! Matching: who of the partner's persons is reached by a question about the advertiser's segments.
//!
//! Flow: an [`Engine`] takes a [`MatchPlan`] (two sealed sets, the suppressed tokens, a day, questions)
//! and gives one [`PersonSet`] per question, as specified in `protocols/intersection/SPEC.md`. Pairs of
//! an advertiser's row and a partner's person exist only here, one at a time, in memory; what comes out
//! is persons of the partner alone.
//!
//! The unit of work is a [`TokenRange`]: ranges are independent and their answers are united bit by bit.
//! [`LocalEngine`] gives ranges to threads; an engine on a cluster can give them to nodes.
//!
//! How it is fast: what a question asks of a row was decided once per class of rows, and stands beside the
//! token; persons are numbered in the order of their tokens. So one walk over both runs touches all memory
//! in order, and what it costs is reading and opening the pages.
//!
//! What each party learns: nothing from a match. Counts leave only through `protocols::release`.

mod answers;
mod bits;
mod found;
mod local;
mod questions;
#[cfg(test)]
mod tests;
mod threads;
mod walk;

use std::sync::atomic::AtomicBool;

use jiff::civil::Date;
use tamis_protocols::intersection::{Expression, PersonSet};
use tamis_protocols::token::Token;

use crate::sets::{SealedSet, SetError};

pub use local::LocalEngine;

/// What is asked of two sets.
pub struct MatchPlan<'a> {
    /// The advertiser's set.
    pub advertiser: &'a SealedSet,
    /// The partner's set, of the same collaboration and epoch.
    pub partner: &'a SealedSet,
    /// Tokens of people who withdrew, ascending.
    pub suppressed: &'a [Token],
    /// The day on which consent is judged again.
    pub as_of: Date,
    /// What is asked; up to 64 questions share one walk over the tokens.
    pub questions: Vec<Question>,
    /// Told what share of the work is done, from 0 to 1, by any thread.
    pub progress: &'a (dyn Fn(f64) + Sync),
}

/// A range of the token space, tokens read as big-endian numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRange {
    /// The first token.
    pub from: u128,
    /// The first one behind it; `None`: to the end.
    pub to: Option<u128>,
}

/// Who satisfies an expression and, if a destination is named, can be reached there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which of the advertiser's rows.
    pub expression: Expression,
    /// Where a cookie is needed; a destination without cookies in the set reaches nobody.
    pub destination: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum MatchError {
    /// The plan contradicts itself.
    #[error("the sets cannot be matched: {0}")]
    Plan(&'static str),
    /// The job was told to end.
    #[error("cancelled")]
    Cancelled,
    /// A thread ended in an unforeseen way.
    #[error("a matching thread failed")]
    Thread,
    /// A set cannot be read.
    #[error(transparent)]
    Set(#[from] SetError),
}

/// Something that can match: here, or one day elsewhere.
pub trait Engine: Send + Sync {
    /// Answers every question of the plan, in order. `cancel` ends the work soon.
    ///
    /// # Errors
    /// [`MatchError`]; never a partial answer.
    fn evaluate(
        &self,
        plan: &MatchPlan<'_>,
        cancel: &AtomicBool,
    ) -> Result<Vec<PersonSet>, MatchError>;
}
