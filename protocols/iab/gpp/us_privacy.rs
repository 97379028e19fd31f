//! Section 6: the US Privacy string, four characters, not encoded.
//!
//! Source: IAB Tech Lab, "US Privacy String" 1.0 (CCPA).

use serde::Serialize;

use super::Malformed;

/// What one of its characters says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// `Y`.
    Yes,
    /// `N`.
    No,
    /// `-`: the law does not apply.
    NotApplicable,
}

/// A US Privacy string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct UsPrivacy {
    /// Whether the person was told, and could opt out.
    pub notice: Answer,
    /// Whether the person opted out of sale.
    pub opted_out_of_sale: Answer,
    /// Whether the transaction is covered by the Limited Service Provider Agreement.
    pub covered: Answer,
}

impl UsPrivacy {
    /// Reads `1YNN`.
    pub fn parse(text: &str) -> Result<UsPrivacy, Malformed> {
        let answer = |character: u8| match character {
            b'Y' => Ok(Answer::Yes),
            b'N' => Ok(Answer::No),
            b'-' => Ok(Answer::NotApplicable),
            _ => Err(Malformed::Character),
        };
        match text.as_bytes() {
            [b'1', notice, sale, covered] => Ok(UsPrivacy {
                notice: answer(*notice)?,
                opted_out_of_sale: answer(*sale)?,
                covered: answer(*covered)?,
            }),
            [b'1', _, _, _, ..] => Err(Malformed::Trailing),
            [] | [b'1', ..] => Err(Malformed::Truncated),
            _ => Err(Malformed::Version),
        }
    }
}
