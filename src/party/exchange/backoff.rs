//! Waiting between attempts: 0.25 s, doubled each time up to 15 s, or as long as the service asks. A service
//! that has not answered at all yet may just be starting: it gets about three seconds.

use std::time::Duration;

use tokio::time::Instant;

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

    /// For a service that has not answered yet: 0.1 s, doubled; [`Starting`] bounds the sum.
    fn short() -> Self {
        Backoff {
            left: u32::MAX,
            all: u32::MAX,
            pause: Duration::from_millis(100),
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

/// Longest time that a service may take until it first accepts a connection.
const START: Duration = Duration::from_secs(3);

/// Pauses until a service that may be starting accepts its first connection.
pub(crate) struct Starting {
    since: Instant,
    backoff: Backoff,
}

impl Starting {
    pub(crate) fn now() -> Self {
        Starting {
            since: Instant::now(),
            backoff: Backoff::short(),
        }
    }

    /// Waits, or gives `error` back after about three seconds.
    pub(crate) async fn pause(&mut self, error: ExchangeError) -> Result<(), ExchangeError> {
        if self.since.elapsed() >= START {
            return Err(error);
        }
        self.backoff.pause(error, None).await
    }
}

/// Pauses between looks at a job: 15 ms at first, each a quarter longer, at most 1 s. So a job is noticed
/// at most a quarter of its own time after its end.
pub(crate) struct Polling(Duration);

impl Polling {
    pub(crate) fn new() -> Self {
        Polling(Duration::from_millis(15))
    }

    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 5 / 4).min(Duration::from_secs(1));
    }
}
