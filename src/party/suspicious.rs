//! Digests that a party brought and that cannot be what it thinks: digests of digests, digests of words
//! that stand for nothing, digests that contradict the identifier beside them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tamis_protocols::identifier::IdentifierDigest;

/// Words that exports write into cells that are empty.
const PLACEHOLDERS: [&str; 18] = [
    "null",
    "NULL",
    "none",
    "None",
    "nil",
    "n/a",
    "N/A",
    "na",
    "nan",
    "NaN",
    "undefined",
    "unknown",
    "-",
    "0",
    " ",
    "@",
    "empty",
    "test@test.com",
];

/// What is odd about a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// It is the digest of the right digest.
    DoubleHash,
    /// It is not the digest of the identifier in the same row.
    Contradiction,
}

/// Digests that stand for nothing: of the placeholders, and of every spelling of the digest of nothing.
pub struct Placeholders(Vec<[u8; 32]>);

impl Placeholders {
    /// Computes the list.
    pub fn new() -> Placeholders {
        let words = PLACEHOLDERS.iter().map(|word| sha256(word.as_bytes()));
        let nothing = sha256(b"");
        let mut digests: Vec<[u8; 32]> = words.chain(digests_of(&nothing)).collect();
        digests.sort_unstable();
        Placeholders(digests)
    }

    /// Whether the digest stands for nothing: it would match every other such cell.
    pub fn contain(&self, digest: &IdentifierDigest) -> bool {
        self.0.binary_search(digest.as_bytes()).is_ok()
    }
}

/// Compares a digest that was brought with the one made from the identifier in the same row.
pub fn compare(made: &IdentifierDigest, brought: &IdentifierDigest) -> Option<Oddity> {
    if made == brought {
        None
    } else if digests_of(made.as_bytes()).contains(brought.as_bytes()) {
        Some(Oddity::DoubleHash)
    } else {
        Some(Oddity::Contradiction)
    }
}

/// The digests of a digest, in the spellings that get hashed by mistake.
fn digests_of(digest: &[u8; 32]) -> [[u8; 32]; 4] {
    [
        sha256(hex::encode(digest).as_bytes()),
        sha256(hex::encode_upper(digest).as_bytes()),
        sha256(STANDARD.encode(digest).as_bytes()),
        sha256(digest),
    ]
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use tamis_protocols::identifier::{IdentifierType, prehashed};

    fn brought(bytes: [u8; 32]) -> IdentifierDigest {
        prehashed(IdentifierType::Email, &hex::encode(bytes)).unwrap()
    }

    #[test]
    fn a_digest_of_a_digest_is_seen_in_every_spelling() {
        let made = IdentifierDigest::of("anna@example.com");
        assert_eq!(compare(&made, &made), None);
        for twice in digests_of(made.as_bytes()) {
            assert_eq!(compare(&made, &brought(twice)), Some(Oddity::DoubleHash));
        }
        let other = IdentifierDigest::of("Anna@example.com");
        assert_eq!(compare(&made, &other), Some(Oddity::Contradiction));
    }

    #[test]
    fn digests_that_stand_for_nothing_are_known() {
        let known = Placeholders::new();
        assert!(known.contain(&IdentifierDigest::of("null")));
        let nothing_twice = sha256(hex::encode(sha256(b"")).as_bytes());
        assert!(known.contain(&brought(nothing_twice)));
        assert!(!known.contain(&IdentifierDigest::of("anna@example.com")));
    }
}
