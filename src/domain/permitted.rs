//! [`Permitted`]: proof that consent and suppression were judged, today.
//!
//! Delivery accepts nothing else. A value can only be made by [`Permitted::judge`], which hands the
//! suppressed tokens and the day to the evaluation and keeps what comes out; there is no way to wrap
//! members that were evaluated earlier, or without them.
//!
//! ```compile_fail,E0451
//! use tamis::domain::permitted::Permitted;
//! let forged = Permitted { members: 7, judged_on: jiff::civil::date(2026, 11, 22), withdrawals: 0 };
//! ```
//!
//! ```compile_fail,E0308
//! use tamis::domain::permitted::Permitted;
//! fn copied(one: &Permitted<u32>) -> Permitted<u32> { one.clone() }
//! ```

use std::sync::Arc;

use jiff::civil::Date;
use tamis_protocols::intersection::PersonSet;
use tamis_protocols::release::Emitted;
use tamis_protocols::token::Token;

use super::audience::Audience;
use super::id::Id;

/// Everything withdrawn in a collaboration so far.
pub struct Suppression {
    tokens: Vec<Token>,
    withdrawals: u64,
}

impl Suppression {
    /// From the tokens of the first `withdrawals` withdrawals of a collaboration, in any order.
    pub fn new(mut tokens: Vec<Token>, withdrawals: u64) -> Suppression {
        tokens.sort_unstable();
        tokens.dedup();
        Suppression {
            tokens,
            withdrawals,
        }
    }

    /// Sorted, each once.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// How many withdrawals are in it; a later one makes the judgement stale.
    pub fn withdrawals(&self) -> u64 {
        self.withdrawals
    }
}

/// What an evaluation must honour.
pub struct Judgement<'a> {
    /// Whoever holds one of these tokens is out.
    pub suppressed: &'a [Token],
    /// Whoever's consent ended before this day is out.
    pub as_of: Date,
    /// Whether the agreement of the parties is in force; if not, everyone is out.
    pub in_force: bool,
}

/// Members whose consent and suppression were judged.
pub struct Permitted<A> {
    members: A,
    judged_on: Date,
    withdrawals: u64,
}

impl<A> Permitted<A> {
    /// Judges: runs `evaluate` with the suppression and the day, and vouches for what it returns.
    pub fn judge<E>(
        suppression: &Suppression,
        as_of: Date,
        in_force: bool,
        evaluate: impl FnOnce(Judgement<'_>) -> Result<A, E>,
    ) -> Result<Permitted<A>, E> {
        let members = evaluate(Judgement {
            suppressed: suppression.tokens(),
            as_of,
            in_force,
        })?;
        Ok(Permitted {
            members,
            judged_on: as_of,
            withdrawals: suppression.withdrawals(),
        })
    }

    /// The members.
    pub fn members(&self) -> &A {
        &self.members
    }

    /// The day they were judged on.
    pub fn judged_on(&self) -> Date {
        self.judged_on
    }

    /// How many withdrawals of the collaboration were honoured.
    pub fn withdrawals(&self) -> u64 {
        self.withdrawals
    }
}

impl<A> Permitted<Vec<A>> {
    /// The first of several that were judged together.
    pub fn into_first(self) -> Option<Permitted<A>> {
        Some(Permitted {
            members: self.members.into_iter().next()?,
            judged_on: self.judged_on,
            withdrawals: self.withdrawals,
        })
    }
}

impl Permitted<Arc<PersonSet>> {
    /// Those of either, if both were judged alike.
    pub fn or(self, other: &Permitted<Vec<Arc<PersonSet>>>) -> Option<Self> {
        if self.judged_on != other.judged_on || self.withdrawals != other.withdrawals {
            return None;
        }
        let mut members = PersonSet::clone(&self.members);
        for more in &other.members {
            members.union_with(PersonSet::clone(more));
        }
        Some(Permitted {
            members: Arc::new(members),
            ..self
        })
    }

    /// Those of whom the gate let out: whoever is permitted, and was decided to be a member.
    pub fn among(self, emitted: &Emitted) -> Self {
        Permitted {
            members: Arc::new(self.members.within(emitted.persons())),
            ..self
        }
    }

    /// Says of which audience and destination these are the persons.
    pub fn of(self, audience: Id, destination: String) -> Permitted<Audience> {
        Permitted {
            members: Audience {
                id: audience,
                destination,
                persons: self.members,
            },
            judged_on: self.judged_on,
            withdrawals: self.withdrawals,
        }
    }
}
