//! The destinations of the terms, as consent records name them.

use super::details::{MAX_RECIPIENTS, is_recipient};

/// The destinations of the terms in their order, at most 32, each with the names by which a record may
/// call it: its own, and its number on the IAB's vendor list (`gvl:28`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations(Vec<(String, Option<String>)>);

impl Destinations {
    /// From names and vendor numbers.
    pub fn new<'a>(named: impl IntoIterator<Item = (&'a str, Option<u16>)>) -> Self {
        let one = |(name, vendor): (&str, Option<u16>)| {
            debug_assert!(is_recipient(name));
            (
                name.to_owned(),
                vendor.map(|number| format!("gvl:{number}")),
            )
        };
        Destinations(named.into_iter().take(MAX_RECIPIENTS).map(one).collect())
    }

    /// The names, in the order of the bits of [`Self::among`].
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Which of them are among the recipients of a record: bit `n` is the `n`-th.
    pub fn among(&self, recipients: &[String]) -> u32 {
        let is_there = |name: &String| recipients.binary_search(name).is_ok();
        let named = |(name, vendor): &(String, Option<String>)| {
            is_there(name) || vendor.as_ref().is_some_and(is_there)
        };
        (self.0.iter().enumerate())
            .filter(|(_, destination)| named(destination))
            .fold(0, |mask, (place, _)| mask | 1 << place)
    }
}
