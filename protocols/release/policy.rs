//! The parameters of the gate: one type, a version, a digest, and only one way to move.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The parameters of a decision. They start at the floor and can only be tightened:
///
/// ```compile_fail,E0451
/// use tamis_protocols::release::Policy;
/// let loose = Policy { k_min: 1, ..Policy::floor() };
/// ```
/// ```compile_fail,E0616
/// let mut policy = tamis_protocols::release::Policy::floor();
/// policy.k_min = 1;
/// ```
///
/// Its written form has every parameter, and is read as a wish: what is looser than the floor is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wish")]
pub struct Policy {
    k_min: u32,
    cell_min: u32,
    noise_scale: u32,
    round_to: u32,
    pair_cap: u32,
    partner_cap: u32,
    window_days: u32,
    look_back_days: u32,
    upload_min: u32,
    tenure_days: u32,
    window_minutes: u32,
}

/// What somebody wants tighter than it is; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Wish {
    /// Fewest persons of an audience, before the margin; floor 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k_min: Option<u32>,
    /// Fewest persons of any Boolean combination of audiences; floor 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell_min: Option<u32>,
    /// Scale of the noise in persons, at most 100; floor 5. More noise charges less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise_scale: Option<u32>,
    /// Counts are rounded to multiples of this; floor 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_to: Option<u32>,
    /// Budget of one advertiser with one partner in a window, in thousandths of ε; at most 8,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair_cap: Option<u32>,
    /// Budget of one partner with all advertisers together, in thousandths of ε; at most 80,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_cap: Option<u32>,
    /// Days after which a charge is given back; floor 30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_days: Option<u32>,
    /// Days for which an audience that was replaced still counts as known; floor 90.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_back_days: Option<u32>,
    /// Fewest rows of an advertiser's set; floor 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_min: Option<u32>,
    /// Days that a partner's person must have been there before it counts; floor 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenure_days: Option<u32>,
    /// Results are told at multiples of so many minutes of the day only, at most 1,440; 0, the floor: at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_minutes: Option<u32>,
}

/// Why a policy was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A minimum was wished lower than what already holds.
    #[error("{name} may be raised, never lowered below {floor}")]
    Lower {
        /// Which parameter.
        name: &'static str,
        /// What already holds.
        floor: u32,
    },
    /// A budget was wished higher than what already holds.
    #[error("{name} may be lowered, never raised above {ceiling}")]
    Higher {
        /// Which parameter.
        name: &'static str,
        /// What already holds.
        ceiling: u32,
    },
    /// A parameter beyond what makes sense.
    #[error("{name} must be at most {most}")]
    Beyond {
        /// Which parameter.
        name: &'static str,
        /// Its largest value.
        most: u32,
    },
}

/// ln(1/2δ) for δ = 10⁻⁶, in ten-thousandths: a draw of scale b exceeds b times this with probability δ.
const LN_HALF_DELTA: u64 = 131_224;

impl TryFrom<Wish> for Policy {
    type Error = PolicyError;

    fn try_from(wish: Wish) -> Result<Policy, PolicyError> {
        Policy::floor().tightened(&wish)
    }
}

impl Policy {
    /// The version of the rules that the parameters belong to.
    pub const VERSION: u32 = 2;

    /// The loosest policy there is.
    pub const fn floor() -> Policy {
        Policy {
            k_min: 100,
            cell_min: 50,
            noise_scale: 5,
            round_to: 10,
            pair_cap: 8_000,
            partner_cap: 80_000,
            window_days: 30,
            look_back_days: 90,
            upload_min: 1_000,
            tenure_days: 0,
            window_minutes: 0,
        }
    }

    /// The same policy, tightened as wished: minima raised, budgets lowered.
    ///
    /// # Errors
    /// Anything that is wished looser than it is, or beyond its range.
    pub fn tightened(self, wish: &Wish) -> Result<Policy, PolicyError> {
        let up = |name, now: u32, wish: Option<u32>, most| match wish {
            None => Ok(now),
            Some(wish) if wish < now => Err(PolicyError::Lower { name, floor: now }),
            Some(wish) if wish > most => Err(PolicyError::Beyond { name, most }),
            Some(wish) => Ok(wish),
        };
        let down = |name, now: u32, wish: Option<u32>| match wish {
            None => Ok(now),
            Some(wish) if wish > now => Err(PolicyError::Higher { name, ceiling: now }),
            Some(wish) => Ok(wish),
        };
        const PERSONS: u32 = 1 << 31;
        const DAYS: u32 = 3_650;
        Ok(Policy {
            k_min: up("k_min", self.k_min, wish.k_min, PERSONS)?,
            cell_min: up("cell_min", self.cell_min, wish.cell_min, PERSONS)?,
            noise_scale: up("noise_scale", self.noise_scale, wish.noise_scale, 100)?,
            round_to: up("round_to", self.round_to, wish.round_to, 1 << 20)?,
            pair_cap: down("pair_cap", self.pair_cap, wish.pair_cap)?,
            partner_cap: down("partner_cap", self.partner_cap, wish.partner_cap)?,
            window_days: up("window_days", self.window_days, wish.window_days, DAYS)?,
            look_back_days: up(
                "look_back_days",
                self.look_back_days,
                wish.look_back_days,
                DAYS,
            )?,
            upload_min: up("upload_min", self.upload_min, wish.upload_min, PERSONS)?,
            tenure_days: up("tenure_days", self.tenure_days, wish.tenure_days, DAYS)?,
            window_minutes: up(
                "window_minutes",
                self.window_minutes,
                wish.window_minutes,
                1_440,
            )?,
        })
    }

    /// The tighter of both in every parameter: what holds where several have said what they want.
    #[must_use]
    pub fn and(self, other: Policy) -> Policy {
        Policy {
            k_min: self.k_min.max(other.k_min),
            cell_min: self.cell_min.max(other.cell_min),
            noise_scale: self.noise_scale.max(other.noise_scale),
            round_to: self.round_to.max(other.round_to),
            pair_cap: self.pair_cap.min(other.pair_cap),
            partner_cap: self.partner_cap.min(other.partner_cap),
            window_days: self.window_days.max(other.window_days),
            look_back_days: self.look_back_days.max(other.look_back_days),
            upload_min: self.upload_min.max(other.upload_min),
            tenure_days: self.tenure_days.max(other.tenure_days),
            window_minutes: self.window_minutes.max(other.window_minutes),
        }
    }

    /// Fewest distinct persons of an audience, before the margin.
    pub const fn k_min(&self) -> u32 {
        self.k_min
    }

    /// Fewest persons of any Boolean combination of audiences that were emitted.
    pub const fn cell_min(&self) -> u32 {
        self.cell_min
    }

    /// Scale of the discrete Laplace noise, in persons.
    pub const fn noise_scale(&self) -> u32 {
        self.noise_scale
    }

    /// Counts are rounded to multiples of this; never 0.
    pub const fn round_to(&self) -> u32 {
        self.round_to
    }

    /// What noise stays within but with probability 10⁻⁶, in persons: ⌈ln(1/2δ) · scale⌉.
    pub const fn margin(&self) -> u32 {
        (self.noise_scale as u64 * LN_HALF_DELTA).div_ceil(10_000) as u32
    }

    /// What the noisy size of a piece of a cell must reach: the cell minimum and the margin.
    pub const fn piece(&self) -> u32 {
        self.cell_min.saturating_add(self.margin())
    }

    /// What a noisy count must reach to be told: the minimum and the margin.
    pub const fn threshold(&self) -> u32 {
        self.k_min.saturating_add(self.margin())
    }

    /// Charge of a count, in thousandths of ε: one draw of noise.
    pub const fn count_charge(&self) -> u32 {
        1_000_u32.div_ceil(self.noise_scale)
    }

    /// Charge of an audience at one destination, in thousandths of ε: a threshold and a count.
    pub const fn audience_charge(&self) -> u32 {
        2 * self.count_charge()
    }

    /// Budget of one advertiser with one partner in a window, in thousandths of ε.
    pub const fn pair_cap(&self) -> u32 {
        self.pair_cap
    }

    /// Budget of one partner with all advertisers in a window, in thousandths of ε.
    pub const fn partner_cap(&self) -> u32 {
        self.partner_cap
    }

    /// Days after which a charge is given back.
    pub const fn window_days(&self) -> u32 {
        self.window_days
    }

    /// Days for which an audience that was replaced still counts as known.
    pub const fn look_back_days(&self) -> u32 {
        self.look_back_days
    }

    /// Fewest rows of an advertiser's set.
    pub const fn upload_min(&self) -> u32 {
        self.upload_min
    }

    /// Days that a partner's person must have been there before it counts.
    pub const fn tenure_days(&self) -> u32 {
        self.tenure_days
    }

    /// Results are told at multiples of so many minutes; 0: at once.
    pub const fn window_minutes(&self) -> u32 {
        self.window_minutes
    }

    /// SHA-256 of `"tamis/v1/release-policy"`, the version and every parameter in the order of the
    /// declaration, big-endian in 4 bytes each: what is signed, and what log leaves carry.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix("tamis/v1/release-policy");
        for parameter in [
            Self::VERSION,
            self.k_min,
            self.cell_min,
            self.noise_scale,
            self.round_to,
            self.pair_cap,
            self.partner_cap,
            self.window_days,
            self.look_back_days,
            self.upload_min,
            self.tenure_days,
            self.window_minutes,
        ] {
            hash.update(parameter.to_be_bytes());
        }
        hash.finalize().into()
    }
}
