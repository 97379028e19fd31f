//! The privacy budget: what may still be asked, and when more may be.
//!
//! Every decision is charged before anything leaves, whatever it says: also "below minimum" tells
//! something. A charge is given back when it is as old as the window. Amounts are thousandths of ε.

/// What one account has spent in the window that ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// What may be spent in a window.
    pub cap: u32,
    /// What was spent in it, or is reserved for decisions that wait.
    pub spent: u64,
}

/// A charge that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the privacy budget is exhausted")]
pub struct Exhausted;

impl Account {
    /// What is left.
    pub fn left(&self) -> u32 {
        let spent = u32::try_from(self.spent).unwrap_or(u32::MAX);
        self.cap.saturating_sub(spent)
    }

    /// The account after a charge.
    ///
    /// # Errors
    /// [`Exhausted`]: there is less left than that.
    pub fn charged(self, charge: u32) -> Result<Account, Exhausted> {
        if charge > self.left() {
            return Err(Exhausted);
        }
        Ok(Account {
            spent: self.spent + u64::from(charge),
            ..self
        })
    }

    /// Whether after this there is room for fewer than three charges of `charge`, so that its owner
    /// should be warned.
    pub fn is_low(&self, charge: u32) -> bool {
        u64::from(self.left()) < 3 * u64::from(charge)
    }

    /// Of charges in the window, oldest first, the first one after whose return `charge` fits: its
    /// position. None if it fits now, or never will.
    pub fn returns(&self, charges: &[u32], charge: u32) -> Option<usize> {
        let mut account = *self;
        if account.charged(charge).is_ok() {
            return None;
        }
        charges.iter().position(|returned| {
            account.spent = account.spent.saturating_sub(u64::from(*returned));
            account.charged(charge).is_ok()
        })
    }
}
