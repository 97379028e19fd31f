//! The release gate: the only door through which a count or an audience may leave.
//!
//! Flow: matching yields raw persons; [`Policy::release`] compares them with the [`Cells`] that earlier
//! audiences have cut at the destination, drops, keeps or holds back what would make a small piece, and
//! counts what is left; [`Policy::count`] alone decides about a number. Every decision is charged to a
//! budget ([`Account`]). Only this module can read a [`Cardinality`] and only it can make a [`Released`]
//! value or an [`Emitted`] set, so that no endpoint, log or metric can carry an exact count.
//!
//! What each party learns: noised, rounded counts of at least `k_min` persons, or "below minimum" and
//! nothing else; a destination, audiences of which every Boolean combination is empty or has at least
//! `cell_min` persons. What is not stopped: see SECURITY.md, residual risks.
//!
//! See SPEC.md. Noise: Canonne, Kamath, Steinke, "The discrete Gaussian for differential privacy"
//! (NeurIPS 2020), §5.2, algorithm 2 (discrete Laplace). Noise before rounding: Venkatadri et al. 2018,
//! rounding-edge probing.

mod abnormal;
mod audience;
mod budget;
mod cells;
mod choice;
mod emitted;
mod policy;
mod rate;
#[cfg(test)]
mod tests;
mod verdict;

pub use abnormal::Abnormal;
pub use audience::{Ask, Holdout, Outcome};
pub use budget::{Account, Exhausted};
pub use cells::Cells;
pub use choice::Choice;
pub use emitted::Emitted;
pub use policy::{Policy, PolicyError, Wish};
pub use rate::rate;

use crate::intersection::Cardinality;
use crate::wire::api::ReleasedCount;

/// Where noise comes from; the exact sampler is wired in by the service, a seeded one in tests.
pub trait Noise: Send + Sync {
    /// A draw from the discrete Laplace distribution: `x` with probability proportional to
    /// `exp(−|x| / scale)`, independent of all others.
    fn discrete_laplace(&self, scale: u32) -> i64;
}

/// A value that has passed the gate. Only this module can make one:
///
/// ```compile_fail,E0423
/// use tamis_protocols::release::Released;
/// let forged = Released(1000u64);
/// ```
/// ```compile_fail,E0624
/// use tamis_protocols::release::Released;
/// let forged = Released::new(1000u64);
/// ```
/// ```compile_fail,E0277
/// use tamis_protocols::release::Released;
/// let forged: Released<u64> = 1000u64.into();
/// ```
/// ```compile_fail,E0277
/// use tamis_protocols::release::Released;
/// let forged: Released<u64> = serde_json::from_str("1000").unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released<T>(T);

impl<T> Released<T> {
    fn new(value: T) -> Self {
        Released(value)
    }

    /// The value, now for everybody it concerns.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// What the gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Enough persons; this count may leave.
    Released(Released<ReleasedCount>),
    /// Too few persons: nothing else may be said.
    BelowMinimum,
}

impl Decision {
    /// Whether the audience may be delivered.
    pub fn is_released(&self) -> bool {
        matches!(self, Decision::Released(_))
    }

    /// The decision as the API shows it.
    pub fn count(&self) -> ReleasedCount {
        match self {
            Decision::Released(count) => *count.get(),
            Decision::BelowMinimum => ReleasedCount::BelowMinimum,
        }
    }

    /// The released number, if there is one.
    pub fn about(&self) -> Option<u64> {
        match self.count() {
            ReleasedCount::Released { about } => Some(about),
            ReleasedCount::BelowMinimum => None,
        }
    }
}

impl Policy {
    /// Decides whether a number of persons may be told. It gets noise; what then reaches the minimum
    /// and its margin is rounded half up to a multiple of `round_to`, at most 2⁶³. Fewer than `k_min`
    /// persons are never told of, whatever the noise.
    pub fn count(&self, persons: &Cardinality, noise: &dyn Noise) -> Decision {
        let raw = persons.raw();
        let noised = raw.saturating_add_signed(noise.discrete_laplace(self.noise_scale()));
        if raw < u64::from(self.k_min()) || noised < u64::from(self.threshold()) {
            return Decision::BelowMinimum;
        }
        let step = u64::from(self.round_to());
        let about = (noised.saturating_add(step / 2) / step * step).min(1 << 63);
        Decision::Released(Released::new(ReleasedCount::Released { about }))
    }
}
