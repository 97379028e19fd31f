//! A set of TCF purposes in one word.

use core::fmt;

use thiserror::Error;

/// The cell is not a list of purpose numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("purposes are numbers from 1 to 24 separated by spaces, such as 1 3 4")]
pub struct BadPurposes;

/// A set of TCF purposes: bit `n - 1` is purpose `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Purposes(pub u32);

impl Purposes {
    /// The highest purpose number of the TCF's 24-bit field.
    pub const HIGHEST: u8 = 24;

    /// The empty set.
    pub const NONE: Purposes = Purposes(0);

    /// Reads `1 3 4`; commas, semicolons and bars separate as well. An empty cell is the empty set.
    pub fn parse(cell: &str) -> Result<Purposes, BadPurposes> {
        let separator = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|');
        let mut set = Purposes::NONE;
        for word in cell.split(separator).filter(|word| !word.is_empty()) {
            let plain = word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_digit());
            let number = plain.then(|| word.parse::<u8>().ok()).flatten();
            match number {
                Some(number @ 1..=Purposes::HIGHEST) => set = set.with(number),
                _ => return Err(BadPurposes),
            }
        }
        Ok(set)
    }

    /// The set with purpose `number` (1 to 32; others change nothing).
    pub fn with(self, number: u8) -> Purposes {
        let bit = u32::from(number).checked_sub(1);
        let bit = bit.and_then(|place| 1_u32.checked_shl(place));
        Purposes(self.0 | bit.unwrap_or(0))
    }

    /// Whether purpose `number` is in the set; no number outside 1 to 32 ever is.
    pub fn contains(self, number: u8) -> bool {
        let alone = Purposes::NONE.with(number);
        alone != Purposes::NONE && self.0 & alone.0 != 0
    }

    /// The members of either set.
    pub fn and(self, other: Purposes) -> Purposes {
        Purposes(self.0 | other.0)
    }

    /// Whether every member is one of the TCF's 24.
    pub fn exist(self) -> bool {
        self.0 >> Purposes::HIGHEST == 0
    }

    /// Whether all of `numbers` are in the set.
    pub fn contains_all(self, numbers: &[u8]) -> bool {
        numbers.iter().all(|number| self.contains(*number))
    }
}

impl fmt::Display for Purposes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for number in (1..=32).filter(|number| self.contains(*number)) {
            if !first {
                f.write_str(" ")?;
            }
            first = false;
            write!(f, "{number}")?;
        }
        Ok(())
    }
}
