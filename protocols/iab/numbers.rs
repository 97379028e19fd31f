//! Sets of numbers in a document: as lists, rising.

use serde::Serializer;

use crate::consent::Purposes;

/// Purposes, as numbers from 1.
pub(super) fn purposes<S: Serializer>(set: &Purposes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq((1..=Purposes::HIGHEST).filter(|number| set.contains(*number)))
}

/// A publisher's own purposes, as numbers from 1.
pub(super) fn custom<S: Serializer>(set: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq((1..=64_u32).filter(|number| set >> (number - 1) & 1 == 1))
}
