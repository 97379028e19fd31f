//! Why a request is not taken, in the numbers of the framework.

use serde::{Deserialize, Serialize};

/// `raResultCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub enum ResultCode {
    /// Taken.
    Accepted,
    /// A required field is missing.
    Malformed,
    /// A signature does not hold.
    Signature,
    /// What should be a token is none.
    NotAToken,
    /// Identifiers of that type are not taken.
    Type,
    /// The identifier is not in a format that is taken.
    Format,
    /// Too old, or of the future.
    Timestamp,
}

impl ResultCode {
    /// All of them, in the order of their numbers, from 0.
    pub const ALL: [ResultCode; 7] = [
        ResultCode::Accepted,
        ResultCode::Malformed,
        ResultCode::Signature,
        ResultCode::NotAToken,
        ResultCode::Type,
        ResultCode::Format,
        ResultCode::Timestamp,
    ];

    /// 0 to 6.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl From<ResultCode> for u64 {
    fn from(code: ResultCode) -> u64 {
        u64::from(code.number())
    }
}

impl TryFrom<u64> for ResultCode {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        let place = usize::try_from(number).ok();
        let code = place.and_then(|place| ResultCode::ALL.get(place));
        code.copied().ok_or("no result code of the framework")
    }
}

/// A request that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// What the requester is told.
    pub code: ResultCode,
    /// The same in words; quotes nothing of the request.
    pub why: &'static str,
}

impl Refusal {
    /// A refusal.
    pub const fn new(code: ResultCode, why: &'static str) -> Self {
        Refusal { code, why }
    }
}
