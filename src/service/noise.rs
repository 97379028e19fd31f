//! The noise of the release gate: OpenDP's exact discrete Laplace sampler.
//!
//! The sampler works on integers and rationals alone (Canonne, Kamath, Steinke 2020, algorithm 2), so
//! that no floating-point artefact tells values apart. Its random bytes: without its `use-openssl`
//! feature, opendp 0.16 draws from `rand` 0.7's thread generator, a ChaCha20 stream seeded from the
//! operating system and reseeded from it every 64 KiB. OpenDP calls that path "non-secure" because it
//! is buffered in the process rather than drawn from OpenSSL's private generator; as a stream cipher
//! keyed by the operating system it is unpredictable to every party. It is the one ambient source of
//! randomness in the service and nothing but noise comes from it.

use opendp::traits::samplers::sample_discrete_laplace;
use tamis_protocols::release::Noise;

/// The real [`Noise`].
pub struct ExactNoise;

impl Noise for ExactNoise {
    #[expect(
        clippy::panic,
        reason = "without noise no count may leave: nothing safe is left to do"
    )]
    fn discrete_laplace(&self, scale: u32) -> i64 {
        match sample_discrete_laplace(scale.into()) {
            // Beyond 2⁶³ is as improbable as guessing a key; saturating keeps the sign.
            Ok(draw) => {
                let negative = draw < 0.into();
                i64::try_from(draw).unwrap_or(if negative { i64::MIN } else { i64::MAX })
            }
            Err(_) => panic!("the noise sampler has no random bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_symmetric_and_as_wide_as_the_scale_says() {
        let draws: Vec<i64> = (0..20_000)
            .map(|_| ExactNoise.discrete_laplace(5))
            .collect();
        let count = draws.len() as f64;
        let mean = draws.iter().sum::<i64>() as f64 / count;
        let variance = draws.iter().map(|x| (x * x) as f64).sum::<f64>() / count;
        // The variance is 2p/(1−p)² with p = exp(−1/5): 49.8. Bounds are six standard errors wide.
        assert!(mean.abs() < 0.3, "{mean}");
        assert!((45.0..55.0).contains(&variance), "{variance}");
    }

    #[test]
    fn zero_is_as_frequent_as_the_distribution_says() {
        let zeros = (0..20_000)
            .filter(|_| ExactNoise.discrete_laplace(5) == 0)
            .count();
        // P(0) = (1−p)/(1+p) = 0.0997.
        assert!((1_740..2_250).contains(&zeros), "{zeros}");
    }
}
