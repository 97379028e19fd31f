//! The budget ledger, recomputed from the charges in the leaves.
//!
//! Bound: 16 bytes a charge of the last ten years; nobody's window is longer.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::violation::Problem;
use crate::release::{Account, Policy};

/// The longest window of any policy, days.
const LONGEST: u32 = 3_650;

/// A charge: when, and thousandths of ε.
type Charge = (Timestamp, u32);

/// What was charged so far.
#[derive(Default)]
pub(super) struct Ledger {
    pairs: BTreeMap<(String, String), Vec<Charge>>,
    partners: BTreeMap<String, Vec<Charge>>,
}

impl Ledger {
    /// Charges both accounts, if `amount` fits what the policy allows at that time.
    pub(super) fn charge(
        &mut self,
        (advertiser, partner): (&str, &str),
        at: Timestamp,
        amount: u32,
        policy: &Policy,
    ) -> Result<(), Problem> {
        if amount == 0 {
            return Ok(());
        }
        let pair = (advertiser.to_owned(), partner.to_owned());
        let pair = self.pairs.entry(pair).or_default();
        let all = self.partners.entry(partner.to_owned()).or_default();
        let since = before(at, policy.window_days());
        if !fits(pair, since, policy.pair_cap(), amount) {
            return Err(Problem::PairOverspent);
        }
        if !fits(all, since, policy.partner_cap(), amount) {
            return Err(Problem::PartnerOverspent);
        }
        let oldest = before(at, LONGEST);
        for account in [pair, all] {
            account.retain(|(time, _)| *time > oldest);
            account.push((at, amount));
        }
        Ok(())
    }
}

fn fits(charges: &[Charge], since: Timestamp, cap: u32, amount: u32) -> bool {
    let within = charges.iter().filter(|(time, _)| *time > since);
    let spent = within.map(|(_, amount)| u64::from(*amount)).sum();
    Account { cap, spent }.charged(amount).is_ok()
}

fn before(at: Timestamp, days: u32) -> Timestamp {
    let window = SignedDuration::from_hours(24 * i64::from(days));
    at.checked_sub(window).unwrap_or(Timestamp::MIN)
}
