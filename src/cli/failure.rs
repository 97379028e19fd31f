//! How a command ends: an exit code and, if it failed, a sentence and a next step.

use std::process::ExitCode;

use crate::party::exchange::ExchangeError;

/// The exit codes, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: a check failed, or a policy refused.
    Refused,
    /// 2: wrong usage or bad input.
    Usage,
    /// 3: the service cannot be reached, or failed.
    Service,
    /// 4: interrupted, can be resumed.
    Interrupted,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Refused => 1,
            Exit::Usage => 2,
            Exit::Service => 3,
            Exit::Interrupted => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened, one sentence.
    pub what: String,
    /// What to do next.
    pub next: Option<String>,
}

impl Failure {
    /// A failed check or a refusal.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::new(Exit::Refused, what)
    }

    /// Bad input or usage.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// The service, or this machine, failed.
    pub fn service(what: impl Into<String>) -> Self {
        Self::new(Exit::Service, what)
    }

    /// Somebody pressed ctrl-c.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
            .next("Run the same command again; an upload goes on where it stopped.")
    }

    fn new(exit: Exit, what: impl Into<String>) -> Self {
        Failure {
            exit,
            what: what.into(),
            next: None,
        }
    }

    /// Adds a next step.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }
}

impl From<ExchangeError> for Failure {
    fn from(error: ExchangeError) -> Self {
        let exit = match &error {
            ExchangeError::Unreachable { .. }
            | ExchangeError::NotTrusted { .. }
            | ExchangeError::Broken { .. }
            | ExchangeError::Misunderstood(_)
            | ExchangeError::JobFailed(_) => Exit::Service,
            error if error.is("budget_exhausted") => Exit::Refused,
            ExchangeError::Refused { status, .. } => match status {
                401 | 403 | 429 | 500.. => Exit::Service,
                _ => Exit::Usage,
            },
            ExchangeError::Invitation(_)
            | ExchangeError::Loosened(_)
            | ExchangeError::Home(_)
            | ExchangeError::NotEnrolled
            | ExchangeError::Choice(_)
            | ExchangeError::Lacking { .. }
            | ExchangeError::NotPaired
            | ExchangeError::UploadRefused(_)
            | ExchangeError::UploadEnded => Exit::Usage,
            ExchangeError::Tampered(_) | ExchangeError::KeyChanged(_) => Exit::Refused,
            ExchangeError::Interrupted { .. } | ExchangeError::TooLong(_) => Exit::Interrupted,
        };
        Failure {
            exit,
            what: error.to_string(),
            next: error.next_step(),
        }
    }
}
