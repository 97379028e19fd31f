//! When to try a batch again: exponential, with jitter, capped; a pure function of the attempt.

use std::time::Duration;

use tamis_keys::Entropy;

/// How long to keep trying. Attempts are counted per batch: an acknowledged batch starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Wait after the first failure, before jitter.
    pub first: Duration,
    /// Longest wait before jitter.
    pub cap: Duration,
    /// Longest wait that a destination may ask for with `Retry-After`.
    pub asked_cap: Duration,
    /// Attempts in all; after the last failure the delivery fails and the operator must look.
    pub attempts: u32,
}

impl Default for Backoff {
    /// 1 s, doubling to 1 h, 36 attempts: about a day.
    fn default() -> Self {
        Backoff {
            first: Duration::from_secs(1),
            cap: Duration::from_secs(3600),
            asked_cap: Duration::from_secs(6 * 3600),
            attempts: 36,
        }
    }
}

impl Backoff {
    /// The wait after `failed` failures in a row (from 1), or `None` when attempts are used up.
    ///
    /// Half of the wait is fixed and half is drawn evenly, so that many deliveries held up by one
    /// outage do not come back at once. `asked` is the destination's `Retry-After`: never less is
    /// waited, up to `asked_cap`.
    pub fn wait(
        &self,
        failed: u32,
        asked: Option<Duration>,
        entropy: &dyn Entropy,
    ) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        let doublings = failed.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(1 << doublings).min(self.cap);
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        // 53 bits fill a double's mantissa: evenly from 0 (included) to 1 (excluded).
        let share = (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64;
        let jittered = full / 2 + (full / 2).mul_f64(share);
        Some(jittered.max(asked.unwrap_or_default().min(self.asked_cap)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Every byte the same.
    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    #[test]
    fn the_wait_doubles_until_the_cap() {
        let backoff = Backoff::default();
        let low = |failed| backoff.wait(failed, None, &Constant(0)).unwrap();
        assert_eq!(low(1), Duration::from_millis(500));
        assert_eq!(low(2), Duration::from_secs(1));
        assert_eq!(low(12), Duration::from_secs(1024));
        assert_eq!(low(13), Duration::from_secs(1800));
        assert_eq!(low(35), Duration::from_secs(1800));
    }

    #[test]
    fn jitter_never_doubles_the_wait() {
        let backoff = Backoff::default();
        for failed in 1..backoff.attempts {
            let low = backoff.wait(failed, None, &Constant(0)).unwrap();
            let high = backoff.wait(failed, None, &Constant(255)).unwrap();
            assert!(low < high && high <= low * 2);
        }
    }

    #[test]
    fn attempts_are_used_up() {
        let backoff = Backoff::default();
        assert!(backoff.wait(35, None, &Constant(0)).is_some());
        assert!(backoff.wait(36, None, &Constant(0)).is_none());
        assert!(backoff.wait(u32::MAX, None, &Constant(0)).is_none());
    }

    #[test]
    fn a_destination_is_heard_but_cannot_park_a_delivery_for_ever() {
        let backoff = Backoff::default();
        let asked = |seconds| {
            let asked = Some(Duration::from_secs(seconds));
            backoff.wait(1, asked, &Constant(0)).unwrap()
        };
        assert_eq!(asked(0), Duration::from_millis(500));
        assert_eq!(asked(120), Duration::from_secs(120));
        assert_eq!(asked(u64::MAX), backoff.asked_cap);
    }
}
