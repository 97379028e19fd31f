//! Reads the fields of one segment, bit by bit, most significant first.

use core::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{Ids, Malformed};
use crate::consent::Purposes;

/// Two letters from A to Z: a language or a country.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Letters(pub [u8; 2]);

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0;
        write!(f, "{}{}", char::from(first), char::from(second))
    }
}

impl fmt::Debug for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Letters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The bits of one segment. Six a character: a length that no bytes would have is fine, as GPP pads to six.
#[derive(Clone)]
pub(super) struct Bits {
    sextets: Vec<u8>,
    at: usize,
}

impl Bits {
    /// The bits of base64url characters without padding characters.
    pub(super) fn decode(text: &str) -> Result<Bits, Malformed> {
        let sextets = text.bytes().map(sextet).collect::<Option<Vec<u8>>>();
        let sextets = sextets.ok_or(Malformed::Character)?;
        Ok(Bits { sextets, at: 0 })
    }

    /// How many bits are unread.
    pub(super) fn left(&self) -> usize {
        self.sextets.len() * 6 - self.at
    }

    /// A number of `count` bits, at most 36.
    pub(super) fn number(&mut self, count: usize) -> Result<u64, Malformed> {
        if self.left() < count {
            return Err(Malformed::Truncated);
        }
        let mut number = 0;
        for at in self.at..self.at + count {
            let sextet = self.sextets.get(at / 6).copied().unwrap_or_default();
            number = number << 1 | u64::from(sextet >> (5 - at % 6) & 1);
        }
        self.at += count;
        Ok(number)
    }

    /// One bit.
    pub(super) fn flag(&mut self) -> Result<bool, Malformed> {
        Ok(self.number(1)? == 1)
    }

    /// A number of at most 8 bits.
    pub(super) fn small(&mut self, count: usize) -> Result<u8, Malformed> {
        Ok(self.number(count.min(8))? as u8)
    }

    /// A number of at most 16 bits.
    pub(super) fn medium(&mut self, count: usize) -> Result<u16, Malformed> {
        Ok(self.number(count.min(16))? as u16)
    }

    /// Tenths of seconds since 1970, in 36 bits.
    pub(super) fn time(&mut self) -> Result<Timestamp, Malformed> {
        let tenths = self.number(36)? as i64;
        Timestamp::from_millisecond(tenths * 100).map_err(|_| Malformed::Value)
    }

    /// Two letters of six bits, A = 0.
    pub(super) fn letters(&mut self) -> Result<Letters, Malformed> {
        let (first, second) = (self.small(6)?, self.small(6)?);
        if first > 25 || second > 25 {
            return Err(Malformed::Letters);
        }
        Ok(Letters([b'A' + first, b'A' + second]))
    }

    /// A set of at most 32 numbers: the first bit is number 1.
    pub(super) fn set(&mut self, count: usize) -> Result<Purposes, Malformed> {
        let bits = self.number(count.min(32))? as u32;
        Ok(Purposes(bits.reverse_bits() >> (32 - count.clamp(1, 32))))
    }

    /// As [`Bits::set`], of at most 63 numbers.
    pub(super) fn large_set(&mut self, count: usize) -> Result<u64, Malformed> {
        let mut set = 0;
        for place in 0..count.min(63) {
            set |= self.number(1)? << place;
        }
        Ok(set)
    }

    /// As many ids as there are bits: the first bit is id 1.
    pub(super) fn bit_field(&mut self, count: u16) -> Result<Ids, Malformed> {
        if self.left() < usize::from(count) {
            return Err(Malformed::Truncated);
        }
        let mut ids = Vec::new();
        for id in 1..=count {
            if self.flag()? {
                ids.push((id, id));
            }
        }
        Ok(Ids::from_ranges(ids))
    }

    /// GPP "Range (Int)": 12 bits of how many, then single ids or first and last ones. In any order.
    pub(super) fn ranges(&mut self, highest: u16) -> Result<Ids, Malformed> {
        let entries = self.number(12)?;
        let mut ranges = Vec::new();
        for _ in 0..entries {
            let group = self.flag()?;
            let first = self.medium(16)?;
            let last = if group { self.medium(16)? } else { first };
            if first == 0 || last < first || last > highest {
                return Err(Malformed::Ids);
            }
            ranges.push((first, last));
        }
        Ok(Ids::from_ranges(ranges))
    }

    /// The vendors of TCF, GPP "OptimizedIntRange": the highest id, then a bit field or ranges.
    pub(super) fn vendors(&mut self) -> Result<Ids, Malformed> {
        let highest = self.medium(16)?;
        if self.flag()? {
            self.ranges(highest)
        } else {
            self.bit_field(highest)
        }
    }

    /// GPP "Range (Fibonacci)": as [`Bits::ranges`], each number the distance from the one before. Sorted.
    pub(super) fn fibonacci_ranges(&mut self) -> Result<Vec<(u16, u16)>, Malformed> {
        let entries = self.number(12)?;
        let mut ranges = Vec::new();
        let mut last = 0_u16;
        for _ in 0..entries {
            let group = self.flag()?;
            let first = last.checked_add(self.fibonacci()?).ok_or(Malformed::Ids)?;
            last = first;
            if group {
                last = last.checked_add(self.fibonacci()?).ok_or(Malformed::Ids)?;
            }
            ranges.push((first, last));
        }
        Ok(ranges)
    }

    /// A Fibonacci number code: 1 to 65,535. Always ends on two ones; no number has two codes.
    fn fibonacci(&mut self) -> Result<u16, Malformed> {
        let (mut weight, mut next) = (1_u32, 2_u32);
        let (mut sum, mut before) = (0_u32, false);
        loop {
            let bit = self.flag()?;
            if bit && before {
                return u16::try_from(sum).map_err(|_| Malformed::Ids);
            }
            if bit {
                sum += weight;
            }
            if sum > u32::from(u16::MAX) || weight > u32::from(u16::MAX) {
                return Err(Malformed::Ids);
            }
            before = bit;
            (weight, next) = (next, weight + next);
        }
    }

    /// Nothing but zeros may be left: encoders fill up to six, eight or 24 bits, some further.
    pub(super) fn end(mut self) -> Result<(), Malformed> {
        while self.left() > 0 {
            if self.number(self.left().min(32))? != 0 {
                return Err(Malformed::Trailing);
            }
        }
        Ok(())
    }
}

fn sextet(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}
