//! Where data must stay, and whether this service's storage is there.

use std::collections::BTreeSet;
use std::fmt;

/// Where a service keeps everything that it stores, database and files: the tags of those places, such as
/// `eu`. Without tags it promises no place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Residency(BTreeSet<String>);

impl Residency {
    /// Of tags that are [well formed](is_tag).
    pub fn new(tags: impl IntoIterator<Item = String>) -> Residency {
        Residency(tags.into_iter().collect())
    }

    /// Whether data that must stay at `wanted` may be kept here; what need not stay anywhere may be.
    pub fn honours(&self, wanted: Option<&str>) -> bool {
        wanted.is_none_or(|tag| self.0.contains(tag))
    }
}

impl fmt::Display for Residency {
    /// `eu, fr`, or `no place in particular`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags: Vec<&str> = self.0.iter().map(String::as_str).collect();
        match tags.is_empty() {
            true => f.write_str("no place in particular"),
            false => f.write_str(&tags.join(", ")),
        }
    }
}

/// `[a-z][a-z0-9-]{1,15}`: a country, a union, a region of a provider.
pub fn is_tag(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (2..=16).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(rest)
}

#[cfg(test)]
mod tests {
    use super::{Residency, is_tag};

    #[test]
    fn only_a_place_that_is_named_is_honoured() {
        let here = Residency::new(["eu", "fr"].map(str::to_owned));
        assert!(here.honours(None) && here.honours(Some("eu")) && here.honours(Some("fr")));
        assert!(!here.honours(Some("us")) && !here.honours(Some("")) && !here.honours(Some("e")));
        assert!(!Residency::default().honours(Some("eu")));
        assert_eq!(here.to_string(), "eu, fr");
    }

    #[test]
    fn a_tag_is_a_short_word() {
        for good in ["eu", "eu-west-3", "fr"] {
            assert!(is_tag(good), "{good}");
        }
        for bad in [
            "",
            "e",
            "EU",
            "3eu",
            "eu west",
            "eu_west",
            "a-very-long-place-x",
        ] {
            assert!(!is_tag(bad), "{bad}");
        }
    }
}
