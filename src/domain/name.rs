//! Names of parties and audiences: short, lowercase, safe in a path and in a log line.

use std::fmt;

/// A party's name: `[a-z][a-z0-9-]{1,31}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyName(String);

impl PartyName {
    /// Reads a name; none if it is not one.
    pub fn parse(text: &str) -> Option<PartyName> {
        (text.len() >= 2 && is_name(text, 32)).then(|| PartyName(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PartyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An audience's name: `[a-z][a-z0-9-]{0,63}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AudienceName(String);

impl AudienceName {
    /// Reads a name; none if it is not one.
    pub fn parse(text: &str) -> Option<AudienceName> {
        is_name(text, 64).then(|| AudienceName(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AudienceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_name(text: &str, longest: usize) -> bool {
    text.len() <= longest
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::{AudienceName, PartyName};

    #[test]
    fn a_name_cannot_leave_its_directory_or_its_line() {
        assert!(PartyName::parse("dsp-a").is_some());
        assert!(AudienceName::parse("a").is_some());
        for bad in ["", "A", "-a", "9a", "a b", "a/b", "a\n", "ab.", "é"] {
            assert!(PartyName::parse(bad).is_none());
            assert!(AudienceName::parse(bad).is_none());
        }
        assert!(PartyName::parse("a").is_none());
        assert!(PartyName::parse(&"a".repeat(33)).is_none());
        assert!(AudienceName::parse(&"a".repeat(65)).is_none());
    }
}
