//! Persons who passed the gate.

use std::io;

use crate::intersection::PersonSet;

/// Persons of one decision that may be delivered, or are chosen for control. Only a decision makes a new
/// one:
///
/// ```compile_fail,E0423
/// use tamis_protocols::{intersection::PersonSet, release::Emitted};
/// let forged = Emitted(PersonSet::new());
/// ```
/// ```compile_fail,E0624
/// use tamis_protocols::{intersection::PersonSet, release::Emitted};
/// let forged = Emitted::new(PersonSet::new());
/// ```
/// It can be kept, as bytes that belong in an encrypted file, and told in the numbers of a later set.
#[derive(Clone)]
pub struct Emitted(PersonSet);

impl Emitted {
    pub(super) fn new(persons: PersonSet) -> Self {
        Emitted(persons)
    }

    /// The persons.
    pub fn persons(&self) -> &PersonSet {
        &self.0
    }

    /// Nobody: before the first decision.
    pub fn nobody() -> Self {
        Emitted(PersonSet::new())
    }

    /// The persons under their numbers in another set; one may become none or several there.
    #[must_use]
    pub fn renumbered(&self, number: impl FnMut(u32, &mut dyn FnMut(u32))) -> Self {
        Emitted(self.0.renumbered(number))
    }

    /// What is kept of it: a roaring bitmap in its portable format.
    pub fn to_stored(&self) -> Vec<u8> {
        self.0.to_stored()
    }

    /// What [`Emitted::to_stored`] wrote.
    ///
    /// # Errors
    /// The bytes are not such a bitmap, or go on behind it.
    pub fn from_stored(bytes: &[u8]) -> io::Result<Self> {
        PersonSet::from_stored(bytes).map(Emitted)
    }
}
