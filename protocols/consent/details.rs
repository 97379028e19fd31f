//! What a record may say beyond basis, purposes and time, in the terms of ISO/IEC TS 27560.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Purposes;

/// Longest notice version, source and journey, in bytes of UTF-8.
pub const MAX_TEXT: usize = 256;
/// Most recipients a record names.
pub const MAX_RECIPIENTS: usize = 32;
/// Most events a record remembers.
pub const MAX_EVENTS: usize = 32;

/// A field outside its range: the name of the field, never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the consent record's {0} is not in its range")]
pub struct BadRecord(pub &'static str);

/// What became of a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ConsentState {
    /// It was given.
    Given = 1,
    /// It was asked for again, and given.
    Refreshed = 2,
    /// It holds for less than before.
    Narrowed = 3,
    /// It was taken back (GDPR Art. 7(3)).
    Withdrawn = 4,
    /// The person opposed (Art. 21).
    Opposed = 5,
    /// Its time was over.
    Expired = 6,
}

impl ConsentState {
    /// All states, in the order of their numbers.
    pub const ALL: [ConsentState; 6] = [
        ConsentState::Given,
        ConsentState::Refreshed,
        ConsentState::Narrowed,
        ConsentState::Withdrawn,
        ConsentState::Opposed,
        ConsentState::Expired,
    ];

    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            ConsentState::Given => "given",
            ConsentState::Refreshed => "refreshed",
            ConsentState::Narrowed => "narrowed",
            ConsentState::Withdrawn => "withdrawn",
            ConsentState::Opposed => "opposed",
            ConsentState::Expired => "expired",
        }
    }

    /// The inverse of [`ConsentState::as_str`], in any case.
    pub fn parse(word: &str) -> Option<ConsentState> {
        (Self::ALL.into_iter()).find(|state| state.as_str().eq_ignore_ascii_case(word))
    }

    /// The number in canonical bytes and on the wire, 1 to 6.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The inverse of [`ConsentState::code`].
    pub fn from_code(code: u8) -> Option<ConsentState> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether what was given still holds, as far as this event goes.
    pub fn holds(self) -> bool {
        matches!(
            self,
            ConsentState::Given | ConsentState::Refreshed | ConsentState::Narrowed
        )
    }
}

/// One event in the life of a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentEvent {
    /// What became of it.
    pub state: ConsentState,
    /// When; whole seconds count.
    pub at: Timestamp,
}

/// The less usual fields of a [`ConsentRecord`](super::ConsentRecord).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// TCF purposes on legitimate interest, beside those on the basis.
    pub interests: Purposes,
    /// The owner's number of the record: 1 to 64 visible ASCII characters.
    pub record_id: Option<String>,
    /// Who may use it: at most [`MAX_RECIPIENTS`] names, ascending and distinct (`dsp-a`, `gvl:28`).
    /// `None` is everyone the terms name; an empty list is nobody.
    pub recipients: Option<Vec<String>>,
    /// SHA-256 of the exact text of the notice.
    pub notice_hash: Option<[u8; 32]>,
    /// Language of the notice, BCP 47.
    pub language: Option<String>,
    /// The steps on which it was asked for, at most [`MAX_TEXT`] bytes.
    pub journey: Option<String>,
    /// ISO 3166-1 alpha-2, or a subdivision of ISO 3166-2.
    pub jurisdiction: Option<String>,
    /// The last second at which it holds.
    pub valid_until: Option<Timestamp>,
    /// What became of it, the oldest first, at most [`MAX_EVENTS`].
    pub history: Vec<ConsentEvent>,
}

impl Default for Details {
    fn default() -> Self {
        Details::NONE
    }
}

impl Details {
    /// Nothing is known.
    pub const NONE: Details = Details {
        interests: Purposes::NONE,
        record_id: None,
        recipients: None,
        notice_hash: None,
        language: None,
        journey: None,
        jurisdiction: None,
        valid_until: None,
        history: Vec::new(),
    };

    /// Whether every field is in its range.
    pub(crate) fn check(&self) -> Result<(), BadRecord> {
        let bad = |text: &Option<String>, good: fn(&str) -> bool| {
            text.as_deref().is_some_and(|text| !good(text))
        };
        let recipients = self.recipients.as_deref().unwrap_or_default();
        let wrong = [
            (!self.interests.exist(), "interests"),
            (bad(&self.record_id, is_record_id), "record_id"),
            (!are_recipients(recipients), "recipients"),
            (bad(&self.language, is_language), "language"),
            (bad(&self.journey, |text| text.len() <= MAX_TEXT), "journey"),
            (bad(&self.jurisdiction, is_jurisdiction), "jurisdiction"),
            (!is_history(&self.history), "history"),
        ];
        match wrong.into_iter().find(|(wrong, _)| *wrong) {
            Some((_, field)) => Err(BadRecord(field)),
            None => Ok(()),
        }
    }
}

/// 1 to 64 visible ASCII characters.
pub fn is_record_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `[a-z0-9:.-]{1,64}`.
pub fn is_recipient(text: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b':' | b'.' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// At most [`MAX_RECIPIENTS`] names, ascending and distinct.
pub fn are_recipients(names: &[String]) -> bool {
    names.len() <= MAX_RECIPIENTS
        && names.iter().all(|name| is_recipient(name))
        && names.is_sorted_by(|a, b| a < b)
}

/// The shape of a BCP 47 tag, at most 35 bytes: letters, then parts of letters and digits.
pub fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    text.len() <= 35
        && (1..=8).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// `[A-Z]{2}(-[A-Z0-9]{1,3})?`: the shape of ISO 3166-1 alpha-2 and ISO 3166-2.
pub fn is_jurisdiction(text: &str) -> bool {
    let (country, part) = match text.split_once('-') {
        Some((country, part)) => (country, Some(part)),
        None => (text, None),
    };
    let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && part.is_none_or(|part| (1..=3).contains(&part.len()) && part.bytes().all(upper))
}

/// At most [`MAX_EVENTS`], none before the one before it.
pub fn is_history(events: &[ConsentEvent]) -> bool {
    events.len() <= MAX_EVENTS && events.is_sorted_by_key(|event| event.at.as_second())
}
