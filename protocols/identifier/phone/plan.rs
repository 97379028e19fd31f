//! The numbers of one calling code, compiled from the library's own metadata: the fast way to a number
//! that is written in a usual form and is valid. It only ever accepts; whatever it does not recognise the
//! library decides. Each step names the library's function that it repeats.
//!
//! Memory: the tables of the calling codes that were met, up to about 1 MiB for each pattern, a few MiB for
//! all the codes of the world.

use std::sync::OnceLock;

use rlibphonenumber::interfaces::AsOriginal as _;
use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};

use super::automaton::{Automaton, Lengths};
use super::spelling::E164;

/// Calling codes have one to three digits.
const CODES: usize = 1_000;
/// Digits of a national number that the library takes.
const MOST_DIGITS: usize = 17;

static PLANS: [OnceLock<Known>; CODES] = [const { OnceLock::new() }; CODES];

/// What is known of a calling code.
enum Known {
    /// There is no such code.
    Nothing,
    /// Something about it is unusual: the library decides.
    Unusual,
    /// Its numbers.
    Plan(Box<Plan>),
}

/// The numbers of one calling code.
struct Plan {
    code: String,
    /// Those that share it, the main one first.
    regions: Vec<Numbers>,
}

/// The numbers of one region.
struct Numbers {
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
struct Look {
    /// It fits the general pattern, whatever its length.
    general: bool,
    /// It is a number of some kind (`get_number_type_helper`).
    valid: bool,
}

/// The number that `digits`, written after a `+`, stand for.
pub(super) fn international(digits: &[u8]) -> Option<E164> {
    // `extract_country_code`: the first code that is one; none begins with 0.
    let mut code = 0;
    if digits.first() == Some(&b'0') {
        return None;
    }
    for (place, digit) in digits.iter().take(3).enumerate() {
        code = 10 * code + usize::from(digit - b'0');
        match known(code) {
            Known::Nothing => {}
            Known::Unusual => return None,
            Known::Plan(plan) => return plan.international(digits.get(place + 1..)?),
        }
    }
    None
}

/// The number that `digits`, written without a `+`, stand for in `region`.
pub(super) fn national(digits: &[u8], region: Region) -> Option<E164> {
    let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region)?;
    match known(usize::try_from(code).ok()?) {
        Known::Plan(plan) => plan.national(digits, region),
        _ => None,
    }
}

fn known(code: usize) -> &'static Known {
    const NOTHING: &Known = &Known::Nothing;
    match PLANS.get(code) {
        Some(plan) if code > 0 => plan.get_or_init(|| compile(code)),
        _ => NOTHING,
    }
}

fn compile(code: usize) -> Known {
    let number = code as i32; // below 1,000
    let Some(regions) = PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(number) else {
        return Known::Nothing;
    };
    let regions: Option<Vec<Numbers>> = regions.map(|region| Numbers::of(number, region)).collect();
    match regions {
        Some(regions) if !regions.is_empty() => Known::Plan(Box::new(Plan {
            code: code.to_string(),
            regions,
        })),
        _ => Known::Unusual,
    }
}

impl Plan {
    /// `parse_helper` after a calling code, where no national prefix follows it.
    fn international(&self, number: &[u8]) -> Option<E164> {
        let main = self.regions.first()?;
        match main
            .prefix
            .as_ref()
            .and_then(|prefix| prefix.prefix(number))
        {
            Some(_) => None,
            None => self.valid(number),
        }
    }

    /// `parse_helper` without a calling code.
    fn national(&self, digits: &[u8], region: Region) -> Option<E164> {
        let home = self.regions.iter().find(|home| home.region == region)?;
        // `maybe_strip_international_prefix_and_normalize`: what follows begins with a calling code.
        if let Some(end) = home
            .abroad
            .as_ref()
            .and_then(|abroad| abroad.prefix(digits))
        {
            let rest = digits.get(end..)?;
            return if rest.len() > 3 {
                international(rest)
            } else {
                None
            };
        }
        // `maybe_extract_country_code`: the code may stand there without a plus.
        if let Some(rest) = digits.strip_prefix(self.code.as_bytes()) {
            if !home.look(digits).general {
                let prefix = home.prefix.as_ref().and_then(|prefix| prefix.prefix(rest));
                let taken = prefix.is_none() && home.look(rest).general;
                return if taken {
                    self.international(rest)
                } else {
                    None
                };
            }
            if digits.len() > home.lengths.first()?.longest() {
                return None;
            }
        }
        self.valid(home.without_prefix(digits)?)
    }

    /// `is_valid_number`, and the number in E.164.
    fn valid(&self, number: &[u8]) -> Option<E164> {
        if !(2..=MOST_DIGITS).contains(&number.len()) {
            return None;
        }
        let valid = match self.regions.as_slice() {
            [only] => only.look(number).valid,
            // `get_region_for_number_from_region_list`: the first region that leads or has it.
            regions => regions.iter().find_map(|region| {
                let valid = region.look(number).valid;
                (valid || region.leads(number)).then_some(valid)
            })?,
        };
        valid
            .then(|| E164::of(self.code.as_bytes(), number))
            .flatten()
    }
}

impl Numbers {
    fn of(code: i32, region: Region) -> Option<Numbers> {
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

    fn look(&self, number: &[u8]) -> Look {
        let mut look = Look {
            general: false,
            valid: false,
        };
        let mut possible = false;
        for place in self.patterns.matches(number) {
            let fits = self
                .lengths
                .get(place)
                .is_some_and(|l| l.contain(number.len()));
            match place {
                0 => (look.general, possible) = (true, fits),
                _ => look.valid |= fits,
            }
        }
        look.valid &= possible;
        look
    }

    fn leads(&self, number: &[u8]) -> bool {
        let leading = self.leading.as_ref();
        leading.is_some_and(|leading| leading.prefix(number).is_some())
    }

    /// `maybe_strip_national_prefix_and_carrier_code`, where nothing is rewritten, and the check of the
    /// length that follows it.
    fn without_prefix<'a>(&self, digits: &'a [u8]) -> Option<&'a [u8]> {
        let Some(end) = self
            .prefix
            .as_ref()
            .and_then(|prefix| prefix.prefix(digits))
        else {
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
