//! The terms of a collaboration: the document that both parties sign.

use serde::{Deserialize, Serialize};

use crate::consent::ConsentRule;
use crate::identifier::{IdentifierType, Profile};

/// What both parties agree to. Signed as the exact bytes of its JSON form, never re-serialised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Version of this document: 1.
    pub version: u32,
    /// 16 random bytes, hexadecimal: makes the collaboration's id unique.
    pub nonce: String,
    /// The advertiser's name.
    pub advertiser: String,
    /// The partner's name.
    pub partner: String,
    /// The matching protocol: `keyed`.
    pub protocol: String,
    /// The normalisation profile both sides use.
    pub profile: Profile,
    /// The identifier types that take part.
    pub identifiers: Vec<IdentifierType>,
    /// The epoch of the pair key, from 1.
    pub epoch: u32,
    /// Destinations that may receive audiences.
    pub destinations: Vec<String>,
    /// Minimum audience size in distinct persons; at least the operator's floor of 100.
    pub k_min: u32,
    /// What an advertiser's row must carry to take part.
    pub advertiser_consent: ConsentRule,
    /// What a partner's row must carry to take part.
    pub partner_consent: ConsentRule,
    /// The last day, `YYYY-MM-DD`.
    pub expires: jiff::civil::Date,
}
