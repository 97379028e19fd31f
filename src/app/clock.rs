//! The real time.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::clock::Clock;

/// The machine's clock; the day on which consent is judged may be another one, for replays.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock {
    as_of: Option<Date>,
}

impl SystemClock {
    /// Consent is judged on `as_of`, or today.
    pub fn as_of(as_of: Option<Date>) -> Self {
        SystemClock { as_of }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where time enters")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn today(&self) -> Date {
        self.as_of
            .unwrap_or_else(|| self.now().to_zoned(TimeZone::UTC).date())
    }
}
