//! The one way a consent record is written as bytes: what is committed to and kept. SPEC.md, "Bytes".

use jiff::Timestamp;
use thiserror::Error;

use super::details::{ConsentEvent, ConsentState, MAX_EVENTS, MAX_RECIPIENTS, MAX_TEXT};
use super::{Basis, ConsentRecord, Purposes};

/// The bytes are not a consent record in its canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not the canonical bytes of a consent record")]
pub struct NotCanonical;

// Which fields are there, in the order in which they follow.
const GIVEN_AT: u16 = 1;
const NOTICE_VERSION: u16 = 1 << 1;
const SOURCE: u16 = 1 << 2;
const OPPOSED: u16 = 1 << 3;
const INTERESTS: u16 = 1 << 4;
const RECORD_ID: u16 = 1 << 5;
const RECIPIENTS: u16 = 1 << 6;
const NOTICE_HASH: u16 = 1 << 7;
const LANGUAGE: u16 = 1 << 8;
const JOURNEY: u16 = 1 << 9;
const JURISDICTION: u16 = 1 << 10;
const VALID_UNTIL: u16 = 1 << 11;
const HISTORY: u16 = 1 << 12;
const ALL: u16 = (1 << 13) - 1;

impl ConsentRecord {
    /// The canonical bytes of a record that [`ConsentRecord::check`] accepts; fractions of seconds are
    /// left out. 7 bytes, and what each field that is there takes; at most about 4 KiB.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(self.basis.map_or(0, Basis::code));
        bytes.extend_from_slice(&self.purposes.0.to_be_bytes());
        bytes.extend_from_slice(&self.fields().to_be_bytes());
        push_time(&mut bytes, self.given_at);
        push_text(&mut bytes, self.notice_version.as_deref());
        push_text(&mut bytes, self.source.as_deref());
        let Some(details) = self.more.as_deref() else {
            return bytes;
        };
        if details.interests != Purposes::NONE {
            bytes.extend_from_slice(&details.interests.0.to_be_bytes());
        }
        push_text(&mut bytes, details.record_id.as_deref());
        if let Some(names) = &details.recipients {
            bytes.push(short(names.len()));
            names
                .iter()
                .for_each(|name| push_text(&mut bytes, Some(name)));
        }
        bytes.extend_from_slice(details.notice_hash.as_ref().map_or(&[], |hash| &hash[..]));
        push_text(&mut bytes, details.language.as_deref());
        push_text(&mut bytes, details.journey.as_deref());
        push_text(&mut bytes, details.jurisdiction.as_deref());
        push_time(&mut bytes, details.valid_until);
        if !details.history.is_empty() {
            bytes.push(short(details.history.len()));
            for event in &details.history {
                bytes.push(event.state.code());
                push_time(&mut bytes, Some(event.at));
            }
        }
        bytes
    }

    /// The strict inverse of [`Self::to_bytes`]: what it accepts has these bytes and no others.
    ///
    /// # Errors
    /// [`NotCanonical`] for anything else. Memory: the record.
    pub fn from_bytes(bytes: &[u8]) -> Result<ConsentRecord, NotCanonical> {
        let mut rest = Rest(bytes);
        let basis = match rest.byte()? {
            0 => None,
            code => Some(Basis::from_code(code).ok_or(NotCanonical)?),
        };
        let purposes = Purposes(u32::from_be_bytes(rest.array()?));
        let fields = u16::from_be_bytes(rest.array()?);
        if fields & !ALL != 0 {
            return Err(NotCanonical);
        }
        let has = |field: u16| fields & field != 0;
        let mut record = ConsentRecord {
            basis,
            purposes,
            given_at: has(GIVEN_AT).then(|| rest.time()).transpose()?,
            notice_version: has(NOTICE_VERSION).then(|| rest.text()).transpose()?,
            source: has(SOURCE).then(|| rest.text()).transpose()?,
            opposed: has(OPPOSED),
            more: None,
        };
        if fields >= INTERESTS {
            let details = record.details_mut();
            if has(INTERESTS) {
                details.interests = Purposes(u32::from_be_bytes(rest.array()?));
            }
            details.record_id = has(RECORD_ID).then(|| rest.text()).transpose()?;
            details.recipients = has(RECIPIENTS).then(|| rest.names()).transpose()?;
            details.notice_hash = has(NOTICE_HASH).then(|| rest.array()).transpose()?;
            details.language = has(LANGUAGE).then(|| rest.text()).transpose()?;
            details.journey = has(JOURNEY).then(|| rest.text()).transpose()?;
            details.jurisdiction = has(JURISDICTION).then(|| rest.text()).transpose()?;
            details.valid_until = has(VALID_UNTIL).then(|| rest.time()).transpose()?;
            if has(HISTORY) {
                details.history = rest.events()?;
            }
        }
        // A field that says nothing is left out, not said.
        let said_nothing = record.fields() != fields;
        if said_nothing || !rest.0.is_empty() || record.check().is_err() {
            return Err(NotCanonical);
        }
        Ok(record)
    }

    /// The fields that are there.
    fn fields(&self) -> u16 {
        let mut fields = 0;
        let mut set = |there: bool, field: u16| {
            if there {
                fields |= field;
            }
        };
        set(self.given_at.is_some(), GIVEN_AT);
        set(self.notice_version.is_some(), NOTICE_VERSION);
        set(self.source.is_some(), SOURCE);
        set(self.opposed, OPPOSED);
        if let Some(details) = &self.more {
            set(details.interests != Purposes::NONE, INTERESTS);
            set(details.record_id.is_some(), RECORD_ID);
            set(details.recipients.is_some(), RECIPIENTS);
            set(details.notice_hash.is_some(), NOTICE_HASH);
            set(details.language.is_some(), LANGUAGE);
            set(details.journey.is_some(), JOURNEY);
            set(details.jurisdiction.is_some(), JURISDICTION);
            set(details.valid_until.is_some(), VALID_UNTIL);
            set(!details.history.is_empty(), HISTORY);
        }
        fields
    }
}

fn short(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

fn push_time(bytes: &mut Vec<u8>, at: Option<Timestamp>) {
    if let Some(at) = at {
        bytes.extend_from_slice(&at.as_second().to_be_bytes());
    }
}

/// Length in two bytes, then the text.
fn push_text(bytes: &mut Vec<u8>, text: Option<&str>) {
    if let Some(text) = text {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take(&mut self, length: usize) -> Result<&[u8], NotCanonical> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(NotCanonical)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], NotCanonical> {
        self.take(N)?.try_into().map_err(|_| NotCanonical)
    }

    fn byte(&mut self) -> Result<u8, NotCanonical> {
        self.array().map(|[byte]| byte)
    }

    fn time(&mut self) -> Result<Timestamp, NotCanonical> {
        let seconds = i64::from_be_bytes(self.array()?);
        Timestamp::from_second(seconds).map_err(|_| NotCanonical)
    }

    fn text(&mut self) -> Result<String, NotCanonical> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        if length > MAX_TEXT {
            return Err(NotCanonical);
        }
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| NotCanonical)?;
        Ok(text.to_owned())
    }

    fn names(&mut self) -> Result<Vec<String>, NotCanonical> {
        let count = usize::from(self.byte()?);
        if count > MAX_RECIPIENTS {
            return Err(NotCanonical);
        }
        (0..count).map(|_| self.text()).collect()
    }

    fn events(&mut self) -> Result<Vec<ConsentEvent>, NotCanonical> {
        let count = usize::from(self.byte()?);
        if count > MAX_EVENTS {
            return Err(NotCanonical);
        }
        let event = |_| {
            let state = ConsentState::from_code(self.byte()?).ok_or(NotCanonical)?;
            let at = self.time()?;
            Ok(ConsentEvent { state, at })
        };
        (0..count).map(event).collect()
    }
}
