//! The parameters of the gate: one type, a version, a digest, and only one way to move.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The parameters of a decision. They start at the floor and can only be tightened:
///
/// ```compile_fail,E0451
/// use tamis_protocols::release::Policy;
/// let loose = Policy { k_min: 1, noise_scale: 0, round_to: 1 };
/// ```
/// ```compile_fail,E0616
/// let mut policy = tamis_protocols::release::Policy::floor();
/// policy.k_min = 1;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    k_min: u32,
    noise_scale: u32,
    round_to: u32,
}

/// Why a policy was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The wish was below what already holds.
    #[error("the minimum audience size may be raised, never lowered below {floor}")]
    Looser {
        /// What already holds.
        floor: u32,
    },
}

impl Policy {
    /// The version of the rules that the parameters belong to.
    pub const VERSION: u32 = 1;

    /// The loosest policy there is: 100 persons, noise of scale 5, rounded to 10.
    pub const fn floor() -> Policy {
        Policy {
            k_min: 100,
            noise_scale: 5,
            round_to: 10,
        }
    }

    /// The same policy with a minimum audience size of `k_min` persons.
    ///
    /// # Errors
    /// `k_min` is below the present one.
    pub const fn tightened(self, k_min: u32) -> Result<Policy, PolicyError> {
        if k_min < self.k_min {
            return Err(PolicyError::Looser { floor: self.k_min });
        }
        Ok(Policy { k_min, ..self })
    }

    /// Fewest distinct persons of an audience.
    pub const fn k_min(&self) -> u32 {
        self.k_min
    }

    /// Scale of the discrete Laplace noise, in persons.
    pub const fn noise_scale(&self) -> u32 {
        self.noise_scale
    }

    /// Counts are rounded to multiples of this; never 0.
    pub const fn round_to(&self) -> u32 {
        self.round_to
    }

    /// SHA-256 of `"tamis/v1/release-policy"` and, big-endian in 4 bytes each, version, minimum,
    /// noise scale and rounding: what log leaves carry.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix("tamis/v1/release-policy");
        for parameter in [Self::VERSION, self.k_min, self.noise_scale, self.round_to] {
            hash.update(parameter.to_be_bytes());
        }
        hash.finalize().into()
    }
}
