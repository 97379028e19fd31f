//! Patterns of the library's metadata as dense automata over ASCII digits: one table look-up a digit.

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

/// A pattern larger than this, in bytes of its table, is left to the library.
const MAX_BYTES: usize = 1 << 20;

/// Numbers of digits, 0 to 31, as a set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Lengths(u32);

impl Lengths {
    /// As the metadata lists them: -1 stands for none at all.
    pub(super) fn of(listed: &[i32]) -> Lengths {
        let bit = |length: &i32| {
            u32::try_from(*length)
                .ok()
                .and_then(|n| 1_u32.checked_shl(n))
        };
        Lengths(listed.iter().filter_map(bit).fold(0, |set, bit| set | bit))
    }

    /// Every length.
    pub(super) const ALL: Lengths = Lengths(u32::MAX);

    pub(super) fn contain(self, length: usize) -> bool {
        length < 32 && self.0 >> length & 1 == 1
    }

    /// The greatest of them, 0 if there is none.
    pub(super) fn longest(self) -> usize {
        (u32::BITS - self.0.leading_zeros()).saturating_sub(1) as usize
    }
}

/// One or several patterns, anchored at the start.
pub(super) struct Automaton {
    table: dense::DFA<Vec<u32>>,
    start: StateID,
}

impl Automaton {
    /// Of patterns as the library keeps them, `^(?:…)$`. Nothing if one is in any way unusual.
    fn compile(patterns: &[&str], kind: MatchKind) -> Option<Automaton> {
        let bare = |pattern: &&str| {
            pattern
                .strip_prefix('^')?
                .strip_suffix('$')
                .map(str::to_owned)
        };
        let bare: Vec<String> = patterns.iter().map(bare).collect::<Option<_>>()?;
        let plain = |pattern: &String| pattern.starts_with("(?:") && pattern.ends_with(')');
        if !bare.iter().all(plain) {
            return None;
        }
        let table = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .match_kind(kind)
                    .start_kind(StartKind::Anchored)
                    .dfa_size_limit(Some(MAX_BYTES))
                    .determinize_size_limit(Some(8 * MAX_BYTES)),
            )
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(thompson::Config::new().utf8(false))
            .build_many(&bare)
            .ok()?;
        let start = Input::new("").anchored(Anchored::Yes);
        let start = table.start_state_forward(&start).ok()?;
        Some(Automaton { table, start })
    }

    /// For [`Automaton::matches`].
    pub(super) fn whole(patterns: &[&str]) -> Option<Automaton> {
        Automaton::compile(patterns, MatchKind::All)
    }

    /// For [`Automaton::prefix`]: the pattern as the library's own engine prefers its alternatives.
    pub(super) fn start(pattern: &str) -> Option<Automaton> {
        Automaton::compile(&[pattern], MatchKind::LeftmostFirst)
    }

    /// The patterns that match all of `digits`, by their places.
    pub(super) fn matches(&self, digits: &[u8]) -> impl Iterator<Item = usize> {
        let mut state = self.start;
        for digit in digits {
            state = self.table.next_state(state, *digit);
            if self.table.is_dead_state(state) {
                break;
            }
        }
        // From a dead state there is no way out.
        state = self.table.next_eoi_state(state);
        let count = match self.table.is_match_state(state) {
            true => self.table.match_len(state),
            false => 0,
        };
        (0..count).map(move |index| self.table.match_pattern(state, index).as_usize())
    }

    /// Length of the match at the start of `digits`, if there is one. A match shows one step late.
    pub(super) fn prefix(&self, digits: &[u8]) -> Option<usize> {
        let mut state = self.start;
        let mut found = None;
        for (place, digit) in digits.iter().enumerate() {
            state = self.table.next_state(state, *digit);
            if self.table.is_match_state(state) {
                found = Some(place);
            } else if self.table.is_dead_state(state) {
                return found;
            }
        }
        if self.table.is_match_state(self.table.next_eoi_state(state)) {
            found = Some(digits.len());
        }
        found
    }
}
