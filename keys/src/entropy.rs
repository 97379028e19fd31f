//! Randomness as a parameter: the system's source enters in `app`, a seeded one in tests.

use rand_core::{TryCryptoRng, TryRng};
use ring::rand::{SecureRandom, SystemRandom};

/// A source of cryptographically secure random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `out` entirely.
    fn fill(&self, out: &mut [u8]);
}

/// The operating system's source.
pub struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    /// Opens the source. Called once, where the program is wired.
    #[expect(
        clippy::new_without_default,
        reason = "randomness must be asked for by name"
    )]
    pub fn new() -> Self {
        SystemEntropy(SystemRandom::new())
    }
}

impl Entropy for SystemEntropy {
    #[expect(
        clippy::panic,
        reason = "without randomness no key may be made: nothing safe is left to do"
    )]
    fn fill(&self, out: &mut [u8]) {
        if self.0.fill(out).is_err() {
            panic!("the operating system gives no random bytes");
        }
    }
}

/// An [`Entropy`] as the random number generator that other crates ask for.
pub struct EntropyRng<'a>(pub &'a dyn Entropy);

impl TryRng for EntropyRng<'_> {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        self.0.fill(dst);
        Ok(())
    }
}

impl TryCryptoRng for EntropyRng<'_> {}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Entropy;

    /// A source that never repeats and needs no system.
    pub(crate) struct Counting(AtomicU64);

    impl Counting {
        pub(crate) fn new() -> Self {
            Counting(AtomicU64::new(0))
        }
    }

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) {
            for chunk in out.chunks_mut(32) {
                let n = self.0.fetch_add(1, Ordering::Relaxed);
                let block = ring::digest::digest(&ring::digest::SHA256, &n.to_be_bytes());
                chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
            }
        }
    }
}
