//! The match rate: released numbers over the caller's own rows, and no finer than is customary.

use super::Decision;
use crate::wire::api::MatchRate;

/// Above so many percent the rate is told no more closely.
const MOST: u64 = 85;

impl Decision {
    /// The released number in whole percent of the caller's own rows; above 85 only that it is.
    pub fn rate_of(&self, own_rows: u64) -> Option<MatchRate> {
        rate(self.about()?, own_rows)
    }
}

/// A released number in whole percent of the caller's own rows; above 85 only that it is.
pub fn rate(about: u64, own_rows: u64) -> Option<MatchRate> {
    let percent = (u128::from(about) * 100).checked_div(u128::from(own_rows))?;
    Some(match u64::try_from(percent).unwrap_or(u64::MAX) {
        percent if percent > MOST => MatchRate::Above { above: MOST as u8 },
        percent => MatchRate::About {
            percent: percent as u8,
        },
    })
}
