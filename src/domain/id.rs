//! Identifiers of resources: 16 random bytes, written as 32 lowercase hexadecimal digits.

use std::fmt;

use tamis_keys::Entropy;

/// A resource's identifier. Random, so that it says nothing and cannot be guessed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

impl Id {
    /// A fresh one.
    pub fn random(entropy: &dyn Entropy) -> Id {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Id(bytes)
    }

    /// Reads 32 lowercase hexadecimal digits; anything else names no resource.
    pub fn parse(text: &str) -> Option<Id> {
        if text.len() != 32 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Id(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::Id;

    #[test]
    fn only_the_written_form_is_read() {
        let written = "00112233445566778899aabbccddeeff";
        assert_eq!(Id::parse(written).unwrap().to_string(), written);
        for other in [
            "",
            "0011",
            "00112233445566778899AABBCCDDEEFF",
            "../../../../../../../etc/passwd__",
            "00112233445566778899aabbccddeeff0",
        ] {
            assert!(Id::parse(other).is_none());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".{0,80}") {
            if let Some(id) = Id::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
