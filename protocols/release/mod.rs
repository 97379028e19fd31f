//! The release gate, first form: the only door through which a count may leave.
//!
//! Flow: matching yields a raw [`Cardinality`]; [`Policy::decide`] compares it with the minimum, adds
//! discrete Laplace noise, rounds, and returns a [`Decision`]. Only this module can read a
//! `Cardinality` and only it can make a [`Released`] value, so that no endpoint, log or metric can
//! carry an exact count.
//!
//! What each party learns: a noised, rounded count of at least `k_min` persons, or "below minimum"
//! and nothing else. What this form does not stop: a known crowd of `k_min − 1` plus one person tells
//! whether that person is there, and so do two audiences that differ by one person; cells, a noisy
//! threshold and a budget will close this in the same room.
//!
//! See SPEC.md. Noise: Canonne, Kamath, Steinke, "The discrete Gaussian for differential privacy"
//! (NeurIPS 2020), §5.2, algorithm 2 (discrete Laplace). Noise before rounding: `threats.md`,
//! rounding-edge probing (Venkatadri et al. 2018).

mod policy;
#[cfg(test)]
mod tests;

pub use policy::{Policy, PolicyError};

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

    /// The released number in whole percent of the caller's own rows, at most 100.
    pub fn percent_of(&self, own_rows: u64) -> Option<u8> {
        let about = u128::from(self.about()?);
        let percent = (about * 100).checked_div(u128::from(own_rows))?;
        Some(percent.min(100) as u8)
    }
}

impl Policy {
    /// Decides about one set of persons. With fewer than `k_min` of them, no noise is drawn and
    /// nothing is said. Otherwise the count gets noise, is rounded half up to a multiple of
    /// `round_to`, and is never reported below `k_min` rounded down, nor above 2⁶³.
    pub fn decide(&self, persons: &Cardinality, noise: &dyn Noise) -> Decision {
        let raw = persons.raw();
        if raw < u64::from(self.k_min()) {
            return Decision::BelowMinimum;
        }
        let step = u64::from(self.round_to());
        let noised = raw.saturating_add_signed(noise.discrete_laplace(self.noise_scale()));
        let rounded = noised.saturating_add(step / 2) / step * step;
        let least = u64::from(self.k_min()) / step * step;
        let about = rounded.max(least).min(1 << 63);
        Decision::Released(Released::new(ReleasedCount::Released { about }))
    }
}
