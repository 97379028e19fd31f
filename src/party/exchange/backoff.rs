//! Waiting between attempts: 0.25 s, doubled each time up to 15 s, or as long as the service asks.

use std::time::Duration;

use super::error::ExchangeError;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);

/// A bounded series of pauses.
pub(crate) struct Backoff {
    left: u32,
    all: u32,
    pause: Duration,
}

impl Backoff {
    /// Allows `attempts` pauses in a row.
    pub(crate) fn new(attempts: u32) -> Self {
        Backoff {
            left: attempts,
            all: attempts,
            pause: FIRST,
        }
    }

    /// Something moved: start over.
    pub(crate) fn progress(&mut self) {
        self.left = self.all;
        self.pause = FIRST;
    }

    /// Waits, or gives `error` back when the attempts are used up.
    pub(crate) async fn pause(
        &mut self,
        error: ExchangeError,
        asked: Option<Duration>,
    ) -> Result<(), ExchangeError> {
        if self.left == 0 {
            return Err(error);
        }
        self.left -= 1;
        tokio::time::sleep(asked.unwrap_or(self.pause).min(LONGEST)).await;
        self.pause = (self.pause * 2).min(LONGEST);
        Ok(())
    }
}

/// Pauses between looks at a job: 50 ms at first, then longer, at most 2 s.
pub(crate) struct Polling(Duration);

impl Polling {
    pub(crate) fn new() -> Self {
        Polling(Duration::from_millis(50))
    }

    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 3 / 2).min(Duration::from_secs(2));
    }
}
