//! The privacy budget: of an advertiser with a partner, and of the partner with all advertisers.
//!
//! Asking reserves, deciding charges: what waits counts as spent when something new is asked, and the
//! charge is written in the transaction of decision and leaf. So no number of requests at the same time
//! overspends. What has its answer already costs nothing.
//!
//! What each party learns: how much is left to the pair. The partner's own account tells how active its
//! other advertisers are: an advertiser only hears that it is exhausted.

use std::time::Duration;

use jiff::Timestamp;
use tamis_protocols::release::{Account, Exhausted, Policy};

use super::{Service, ServiceError};
use crate::domain::id::Id;
use crate::store::Tx;
use crate::store::charges::{Charge, Spent, Waiting};
use crate::store::collaborations::Collaboration;

/// One account, as it stands.
pub(super) struct Ledger {
    /// What may be spent, and was or is reserved.
    pub account: Account,
    /// Of what is spent: reserved for what waits.
    pub reserved: u64,
    /// Charges in the window, oldest first.
    pub charges: Vec<Spent>,
}

/// The accounts that a decision is charged to.
pub(super) struct Ledgers {
    /// Of the advertiser with the partner.
    pub pair: Ledger,
    /// Of the partner with everybody.
    pub partner: Ledger,
}

impl Ledger {
    fn new(cap: u32, charges: Vec<Spent>, waiting: Waiting, policy: &Policy) -> Ledger {
        let audience = u64::from(policy.audience_charge());
        let reserved = waiting.matches * u64::from(policy.count_charge())
            + waiting.audiences * audience
            + waiting.holdouts * 2 * audience;
        let spent: u64 = charges.iter().map(|one| u64::from(one.amount)).sum();
        Ledger {
            account: Account {
                cap,
                spent: spent + reserved,
            },
            reserved,
            charges,
        }
    }

    /// When `charge` will fit; none if it does now, or never will, or waits for what is undecided.
    pub(super) fn fits_at(&self, charge: u32, policy: &Policy) -> Option<Timestamp> {
        let amounts: Vec<u32> = self.charges.iter().map(|one| one.amount).collect();
        let last = self.account.returns(&amounts, charge)?;
        self.charges[last].at.checked_add(window(policy)).ok()
    }
}

impl Service {
    /// Both accounts of a collaboration, with what waits as spent.
    pub(super) async fn ledgers(
        &self,
        tx: &mut Tx,
        found: &Collaboration,
        policy: &Policy,
    ) -> Result<Ledgers, ServiceError> {
        let since = self.before(self.now(), window(policy));
        let (advertiser, partner) = (found.advertiser.as_str(), found.partner.as_str());
        let charges = tx.charges(Some(advertiser), partner, since).await?;
        let waiting = tx.waiting(Some(advertiser), partner).await?;
        let pair = Ledger::new(policy.pair_cap(), charges, waiting, policy);
        let charges = tx.charges(None, partner, since).await?;
        let waiting = tx.waiting(None, partner).await?;
        let partner = Ledger::new(policy.partner_cap(), charges, waiting, policy);
        Ok(Ledgers { pair, partner })
    }

    /// Fails unless `charge` fits beside everything that is spent and waits.
    ///
    /// # Errors
    /// `budget_exhausted`, with the time at which it will fit.
    pub(super) async fn afford(
        &self,
        tx: &mut Tx,
        found: &Collaboration,
        policy: &Policy,
        charge: u32,
    ) -> Result<(), ServiceError> {
        let ledgers = self.ledgers(tx, found, policy).await?;
        for (ledger, whose) in [
            (&ledgers.pair, "of this advertiser with this partner"),
            (&ledgers.partner, "of this partner with all advertisers"),
        ] {
            if ledger.account.charged(charge).is_err() {
                let when = match ledger.fits_at(charge, policy) {
                    Some(when) => format!("The next is possible at {when}."),
                    None => "Wait for what is being decided, or for the end of the window.".into(),
                };
                return Err(ServiceError::conflict(
                    "budget_exhausted",
                    format!("The privacy budget {whose} is used up. {when}"),
                ));
            }
        }
        Ok(())
    }

    /// Charges a decision or a match, in its transaction.
    ///
    /// # Errors
    /// [`Exhausted`] inside, if it does not fit any more: then nothing may be said.
    pub(super) async fn charge(
        &self,
        tx: &mut Tx,
        found: &Collaboration,
        policy: &Policy,
        (subject, amount): (Id, u32),
        now: Timestamp,
    ) -> Result<Result<(), Exhausted>, ServiceError> {
        let since = self.before(now, window(policy));
        let (advertiser, partner) = (found.advertiser.as_str(), found.partner.as_str());
        for (advertiser, cap) in [
            (Some(advertiser), policy.pair_cap()),
            (None, policy.partner_cap()),
        ] {
            let charges = tx.charges(advertiser, partner, since).await?;
            let spent = charges.iter().map(|one| u64::from(one.amount)).sum();
            if let Err(exhausted) = (Account { cap, spent }).charged(amount) {
                return Ok(Err(exhausted));
            }
        }
        let charge = Charge {
            subject,
            collaboration: found.id,
            advertiser: found.advertiser.clone(),
            partner: found.partner.clone(),
            amount,
            at: now,
        };
        tx.add_charge(&charge).await?;
        Ok(Ok(()))
    }
}

/// How long a charge lasts.
pub(super) fn window(policy: &Policy) -> Duration {
    days(policy.window_days())
}

/// So many times 24 hours.
pub(super) fn days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 3600)
}
