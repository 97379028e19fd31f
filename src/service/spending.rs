//! The privacy budget as the two parties see it.
//!
//! Both see the account of the pair. The partner's own, with all advertisers, tells how active the others
//! are: the partner sees it, an advertiser only whether it would allow another question.

use std::time::Duration;

use tamis_protocols::release::Policy;
use tamis_protocols::wire::api::{AccountView, Allowed, BudgetView, Return};

use super::budget::{Ledger, window};
use super::{Caller, Service, ServiceError, scope};
use crate::store::snapshot;

/// Returns that are listed.
const LISTED: usize = 10;

impl Service {
    /// The budget of one of the caller's collaborations.
    pub async fn budget(
        &self,
        caller: &Caller,
        collaboration: &str,
    ) -> Result<BudgetView, ServiceError> {
        let id = scope::id(collaboration)?;
        snapshot!(self.store(), "budget", |tx| {
            let found = scope::collaboration(tx, caller, id).await?;
            let policy = self.effective_policy(tx, &found).await?;
            let ledgers = self.ledgers(tx, &found, &policy).await?;
            let (count, audience) = (policy.count_charge(), policy.audience_charge());
            let fits = |ledger: &Ledger, charge| ledger.account.charged(charge).is_ok();
            let both = |charge| fits(&ledgers.pair, charge) && fits(&ledgers.partner, charge);
            let own = found.partner == caller.name;
            Ok(BudgetView {
                collaboration: found.id.to_string(),
                match_charge: count,
                audience_charge: audience,
                holdout_charge: 2 * audience,
                window_days: policy.window_days(),
                allows: Allowed {
                    a_match: both(count),
                    an_audience: both(audience),
                    partner_allows: fits(&ledgers.partner, audience),
                },
                low: ledgers.pair.account.is_low(audience),
                partner: own.then(|| view(&ledgers.partner, &policy)),
                pair: view(&ledgers.pair, &policy),
            })
        })
    }
}

fn view(ledger: &Ledger, policy: &Policy) -> AccountView {
    let back: Duration = window(policy);
    let mut returns: Vec<Return> = Vec::new();
    for charge in &ledger.charges {
        let at = charge.at.checked_add(back).unwrap_or(charge.at).to_string();
        let amount = u64::from(charge.amount);
        let listed = returns.len();
        match returns.last_mut().filter(|last| last.at == at) {
            Some(last) => last.amount += amount,
            None if listed == LISTED => break,
            None => returns.push(Return { at, amount }),
        }
    }
    let fits_at = ledger.fits_at(policy.audience_charge(), policy);
    AccountView {
        cap: ledger.account.cap,
        spent: ledger.account.spent.saturating_sub(ledger.reserved),
        reserved: ledger.reserved,
        left: ledger.account.left(),
        returns,
        audience_fits_at: fits_at.map(|at| at.to_string()),
    }
}
