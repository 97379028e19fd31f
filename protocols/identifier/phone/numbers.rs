//! The numbers of one region, compiled from the library's own metadata. Each step names the library's
//! function that it repeats.

use rlibphonenumber::interfaces::AsOriginal as _;
use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};

use super::automaton::{Automaton, Lengths};

/// The numbers of one region.
pub(super) struct Numbers {
    region: Region,
    /// First digits that tell this region from others of its code.
    leading: Option<Automaton>,
    /// The general pattern, at place 0, and those of the kinds of numbers.
    patterns: Automaton,
    /// For each pattern the lengths of its numbers.
    lengths: Vec<Lengths>,
    local_lengths: Lengths,
    /// What is dialled before a calling code.
    abroad: Option<Automaton>,
    /// What is dialled before a national number.
    prefix: Option<Automaton>,
    /// Whether the prefix may be replaced instead of removed.
    rewrites: bool,
}

/// What the patterns of a region say of a national number.
pub(super) struct Look {
    /// It fits the general pattern, whatever its length.
    pub(super) general: bool,
    /// It is a number of some kind (`get_number_type_helper`).
    pub(super) valid: bool,
}

impl Numbers {
    /// Of a region with this calling code; nothing if something about it is unusual.
    pub(super) fn of(code: i32, region: Region) -> Option<Numbers> {
        let library = PHONE_NUMBER_UTIL.as_original();
        let metadata = library.get_metadata_for_region_or_calling_code(code, region)?;
        if metadata.original.country_code() != code {
            return None;
        }
        // Their type has no name outside the library.
        macro_rules! kind {
            ($kind:ident) => {
                (
                    metadata.$kind.original.possible_length.as_slice(),
                    metadata
                        .$kind
                        .national_number_pattern()
                        .pattern_base
                        .as_deref(),
                )
            };
        }
        macro_rules! start {
            ($pattern:ident) => {
                match metadata.$pattern().pattern_base.as_deref() {
                    None => None,
                    Some(pattern) => Some(Automaton::start(pattern)?),
                }
            };
        }
        let (lengths, general) = kind!(general_desc);
        if lengths.is_empty() || lengths.contains(&-1) {
            return None;
        }
        let mut kinds = vec![(Lengths::of(lengths), general?)];
        let mut add = |(lengths, pattern): (&[i32], Option<&'static str>)| {
            let lengths = match lengths {
                [] => Lengths::ALL,
                listed => Lengths::of(listed),
            };
            kinds.extend(pattern.map(|pattern| (lengths, pattern)));
        };
        add(kind!(premium_rate));
        add(kind!(toll_free));
        add(kind!(shared_cost));
        add(kind!(voip));
        add(kind!(personal_number));
        add(kind!(pager));
        add(kind!(uan));
        add(kind!(voicemail));
        add(kind!(fixed_line));
        // `get_number_type_helper`: a mobile number of equal pattern is found as a fixed line.
        if !metadata.original.same_mobile_and_fixed_line_pattern() {
            add(kind!(mobile));
        }
        let (lengths, patterns): (Vec<Lengths>, Vec<&str>) = kinds.into_iter().unzip();
        let local = &metadata.general_desc.original.possible_length_local_only;
        Some(Numbers {
            region,
            leading: start!(leading_digits),
            patterns: Automaton::whole(&patterns)?,
            lengths,
            local_lengths: Lengths::of(local),
            abroad: start!(international_prefix),
            prefix: start!(national_prefix_for_parsing),
            rewrites: !metadata
                .original
                .national_prefix_transform_rule()
                .is_empty(),
        })
    }

    /// The region.
    pub(super) fn region(&self) -> Region {
        self.region
    }

    /// What the patterns say.
    pub(super) fn look(&self, number: &[u8]) -> Look {
        let mut look = Look {
            general: false,
            valid: false,
        };
        let mut possible = false;
        for place in self.patterns.matches(number) {
            let lengths = self.lengths.get(place);
            let fits = lengths.is_some_and(|lengths| lengths.contain(number.len()));
            match place {
                0 => (look.general, possible) = (true, fits),
                _ => look.valid |= fits,
            }
        }
        look.valid &= possible;
        look
    }

    /// Whether the first digits are this region's.
    pub(super) fn leads(&self, number: &[u8]) -> bool {
        let leading = self.leading.as_ref();
        leading.is_some_and(|leading| leading.prefix(number).is_some())
    }

    /// How many digits are dialled before a calling code, if the number begins with them.
    pub(super) fn abroad(&self, digits: &[u8]) -> Option<usize> {
        self.abroad.as_ref()?.prefix(digits)
    }

    /// How many digits are dialled before a national number, if the number begins with them.
    pub(super) fn prefix(&self, digits: &[u8]) -> Option<usize> {
        self.prefix.as_ref()?.prefix(digits)
    }

    /// Digits of the longest number.
    pub(super) fn longest(&self) -> usize {
        self.lengths.first().map_or(0, |lengths| lengths.longest())
    }

    /// `maybe_strip_national_prefix_and_carrier_code`, where nothing is rewritten, and the check of the
    /// length that follows it.
    pub(super) fn without_prefix<'a>(&self, digits: &'a [u8]) -> Option<&'a [u8]> {
        let Some(end) = self.prefix(digits) else {
            return Some(digits);
        };
        if self.rewrites {
            return None;
        }
        let rest = digits.get(end..)?;
        if !self.look(rest).general && self.look(digits).general {
            return Some(digits);
        }
        let possible = self.lengths.first()?.contain(rest.len());
        (possible && !self.local_lengths.contain(rest.len())).then_some(rest)
    }
}
