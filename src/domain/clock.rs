//! Time as a parameter: one idea, a real clock in `app`, a mock in tests.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// The day on which the age of consent is judged, in UTC.
    fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }
}

/// A clock that moves only when told; clones share one instant.
#[derive(Clone)]
pub struct MockClock(Arc<Mutex<Timestamp>>);

impl MockClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        MockClock(Arc::new(Mutex::new(now)))
    }

    /// Moves every clone forward.
    pub fn advance(&self, by: std::time::Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.saturating_add(by).unwrap_or(*now);
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
