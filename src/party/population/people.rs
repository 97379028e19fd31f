//! One invented person, the same whenever asked, and the ways a person is written in files.

use std::fmt::Write as _;

use super::names::{DOMAINS, GIVEN, PLACES, STREETS, SUBURBS, SURNAMES};

/// A fast, repeatable sequence (SplitMix64, Steele et al. 2014). For invented data only.
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of one thing: a table and a number in it.
    pub(super) fn of(seed: u64, table: u64, number: u64) -> Dice {
        let mut dice = Dice(seed ^ table.wrapping_mul(0xa076_1d64_78bd_642f));
        dice.0 = dice.next() ^ number;
        dice.next();
        dice
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `range - 1`.
    pub(super) fn below(&mut self, range: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(range)) >> 64) as u64
    }

    /// True in `percent` of 100.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// Numbers of mobile phones: 0400 000000 to 0439 999999, all of them valid.
const PHONES: u64 = 40_000_000;

/// A person.
pub(super) struct Person {
    number: u64,
    given: &'static str,
    surname: &'static str,
    domain: &'static str,
    phone: u64,
    street_number: u64,
    street: &'static str,
    place: &'static str,
    suburb: (&'static str, u32, &'static str),
    birth: (u64, u64, u64),
}

impl Person {
    pub(super) fn new(seed: u64, number: u64) -> Person {
        let mut dice = Dice::of(seed, 1, number);
        let mut share = dice.below(100);
        let domain = DOMAINS.iter().find(|(_, percent)| {
            let here = share < *percent;
            share = share.saturating_sub(*percent);
            here
        });
        Person {
            number,
            given: dice.pick(&GIVEN),
            surname: dice.pick(&SURNAMES),
            domain: domain.map_or("free.fr", |(name, _)| name),
            // Coprime to PHONES: distinct numbers have distinct phones.
            phone: (number % PHONES) * 17_320_507 % PHONES,
            street_number: 1 + dice.below(140),
            street: dice.pick(&STREETS),
            place: dice.pick(&PLACES),
            suburb: dice.pick(&SUBURBS),
            birth: (
                1930 + dice.below(77),
                1 + dice.below(12),
                1 + dice.below(28),
            ),
        }
    }

    /// The e-mail address as somebody typed it.
    pub(super) fn write_email(&self, dice: &mut Dice, out: &mut String) {
        let start = out.len();
        let gmail = matches!(self.domain, "gmail.com" | "googlemail.com");
        let dot = if gmail && dice.chance(50) { "" } else { "." };
        let tag = if gmail && dice.chance(20) {
            "+news"
        } else {
            ""
        };
        let space = if dice.chance(8) { "  " } else { "" };
        let _ = write!(
            out,
            "{space}{}{dot}{}{}{tag}@{}{}",
            self.given,
            self.surname,
            self.number,
            self.domain,
            if space.is_empty() { "" } else { " " }
        );
        if dice.chance(15) {
            let upper = out[start..].to_uppercase();
            out.truncate(start);
            out.push_str(&upper);
        }
    }

    /// The phone number as somebody typed it.
    pub(super) fn write_phone(&self, dice: &mut Dice, out: &mut String) {
        let (head, tail) = (self.phone / 1_000_000, self.phone % 1_000_000);
        let (high, low) = (tail / 1_000, tail % 1_000);
        let _ = match dice.below(5) {
            0 => write!(out, "04{head:02} {high:03} {low:03}"),
            1 => write!(out, "+61 4{head:02} {tail:06}"),
            2 => write!(out, "+614{head:02}{tail:06}"),
            3 => write!(out, "(04{head:02}) {high:03}-{low:03}"),
            _ => write!(out, "04{head:02}{tail:06}"),
        };
    }

    /// Name, address and date of birth, the nine columns after the phone, with a gap here and there.
    pub(super) fn write_address(&self, dice: &mut Dice, out: &mut String) {
        let (suburb, postcode, state) = self.suburb;
        let (year, month, day) = self.birth;
        let given = if dice.chance(2) { "" } else { self.given };
        let surname = if dice.chance(1) { "" } else { self.surname };
        let _ = write!(
            out,
            "{given},{surname},{},{},{},{suburb},{postcode:04},{state},{year}{month:02}{day:02}",
            self.street_number, self.street, self.place
        );
    }
}
