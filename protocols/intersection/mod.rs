//! The private intersection, as pure functions: who of the partner's persons shares a token with
//! which of the advertiser's rows.
//!
//! Flow: both sides' tokens are sorted runs, and [`merge`] walks them once; a partner's rows
//! that share a token become one person through [`UnionFind`]; an [`Expression`] over segments
//! selects the advertiser's rows; the persons found are a [`PersonSet`], whose size is a
//! [`Cardinality`] that only the release gate can read.
//!
//! What each party learns: nothing here. The caller holds pseudonyms of both sides in memory; what
//! may leave is decided by [`crate::release`].
//!
//! See SPEC.md. The construction is server-aided set intersection (Kamara et al., "Scaling private
//! set intersection to billion-element sets", FC 2014) with rows merged into persons first.

mod cardinality;
mod expression;
mod far;
mod merge;
mod person_set;
#[cfg(test)]
mod tests;
mod union_find;

pub use cardinality::Cardinality;
pub use expression::{Expression, ExpressionError, RESERVED};
pub use merge::{Consumed, Hits, TokenColumns, merge};
pub use person_set::PersonSet;
pub use union_find::{Numbers, Parents, UnionFind};
