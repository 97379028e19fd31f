//! What can go wrong between a party and the service, each with a sentence and a next step.

use std::time::Duration;

use thiserror::Error;

/// A failed exchange.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// No connection came about: nothing was sent.
    #[error("cannot reach the service at {url}")]
    Unreachable {
        /// The address that was tried.
        url: String,
    },
    /// TLS failed: one side did not accept the other's certificate.
    #[error("the service at {url} and this home do not accept each other's certificates")]
    NotTrusted {
        /// The address that was tried.
        url: String,
    },
    /// The connection broke after something was sent.
    #[error("the connection to {url} broke")]
    Broken {
        /// The address that was tried.
        url: String,
    },
    /// The service answered with a problem.
    #[error("{said}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The stable code of the problem, may be empty.
        code: String,
        /// The service's own words.
        said: String,
        /// How long it asked to wait.
        after: Option<Duration>,
    },
    /// The answer is not what the API describes.
    #[error("the service gave {0}")]
    Misunderstood(&'static str),
    /// The invitation cannot be used.
    #[error("the invitation cannot be used: {0}")]
    Invitation(&'static str),
    /// The party home cannot be read or written.
    #[error("the party home: {0}")]
    Home(String),
    /// This home is not enrolled.
    #[error("this home is not enrolled with a service")]
    NotEnrolled,
    /// The collaboration named is not among the party's.
    #[error("{0}")]
    Choice(String),
    /// Something named is not there.
    #[error("{what}")]
    Lacking {
        /// What is not there.
        what: String,
        /// What helps.
        next: String,
    },
    /// The other side has not signed yet.
    #[error("the other side has not accepted the collaboration yet")]
    NotPaired,
    /// A signature, key or share does not check out: somebody in between changed something.
    #[error("{0} does not check out")]
    Tampered(&'static str),
    /// A release policy was wished looser than what holds.
    #[error("the release policy cannot be loosened: {0}")]
    Loosened(String),
    /// The service shows another key for a destination than both parties signed.
    #[error("the service shows another sealing key for {0} than the signed terms name")]
    KeyChanged(String),
    /// The upload stopped with bytes missing; it can be resumed.
    #[error("the upload stopped at {offset} of {length} bytes: {why}")]
    Interrupted {
        /// Bytes the service has.
        offset: u64,
        /// Bytes in all.
        length: u64,
        /// What stood in the way: the service's words, or the connection's.
        why: String,
    },
    /// The service refused the content of an upload.
    #[error("the upload was refused: {0}")]
    UploadRefused(String),
    /// The upload was ended by its owner, or not completed in time.
    #[error("the upload was cancelled, or not completed in time")]
    UploadEnded,
    /// A job ended without a result; nothing was released.
    #[error("{0} could not be finished; nothing was released")]
    JobFailed(&'static str),
    /// It took longer than the caller wanted to wait.
    #[error("{0} is still on its way")]
    TooLong(&'static str),
}

impl ExchangeError {
    /// Sorts a transport failure by what it means to the person waiting.
    pub(crate) fn from_transport(url: &str, error: &reqwest::Error) -> Self {
        let url = url.to_owned();
        if about_certificates(error) {
            ExchangeError::NotTrusted { url }
        } else if error.is_connect() {
            ExchangeError::Unreachable { url }
        } else {
            ExchangeError::Broken { url }
        }
    }

    /// Whether the same question may succeed a moment later.
    pub fn may_pass(&self) -> bool {
        match self {
            ExchangeError::Unreachable { .. } | ExchangeError::Broken { .. } => true,
            ExchangeError::Refused { status, .. } => matches!(status, 429 | 500 | 502..=504),
            _ => false,
        }
    }

    /// Says better what a "no such resource" (404) is about; any other error stays.
    #[must_use]
    pub fn if_not_found(self, better: impl FnOnce() -> ExchangeError) -> ExchangeError {
        match self {
            ExchangeError::Refused { status: 404, .. } => better(),
            other => other,
        }
    }

    /// Whether the service answered with this problem.
    pub fn is(&self, problem: &str) -> bool {
        matches!(self, ExchangeError::Refused { code, .. } if code == problem)
    }

    /// How long the service asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            ExchangeError::Refused { after, .. } => *after,
            _ => None,
        }
    }

    /// What the person can do next.
    pub fn next_step(&self) -> Option<String> {
        let step = match self {
            ExchangeError::Unreachable { .. } => {
                "Does `tamis serve` run there, and is the address right? Then run the same command again."
            }
            ExchangeError::NotTrusted { .. } => {
                "If the client certificate has expired, or the operator was set up anew, ask the operator for a new invitation and enrol again."
            }
            ExchangeError::Broken { .. } => "Run the same command again.",
            ExchangeError::Refused { status, code, .. } => return refused(*status, code),
            ExchangeError::Misunderstood(_) => {
                "Are this program and the service of the same version? `tamis --version` says this side's."
            }
            ExchangeError::Invitation(_) => {
                "Ask the operator for a new one: `tamis invite NAME --role ROLE`."
            }
            ExchangeError::Home(_) => {
                "Check --home; files in it belong to you alone (directories 0700, files 0600)."
            }
            ExchangeError::NotEnrolled => {
                "Name your home with --home DIR (or TAMIS_HOME); or enrol first: `tamis enrol --invitation FILE`."
            }
            ExchangeError::Choice(_) => {
                "`tamis collaboration show` lists yours; name one with --collaboration ID."
            }
            ExchangeError::Lacking { next, .. } => return Some(next.clone()),
            ExchangeError::NotPaired => {
                "Ask the partner to run `tamis collaboration accept`, then try again."
            }
            ExchangeError::Tampered(_) => {
                "Stop here and call the other party: what the service relayed is not what they signed."
            }
            ExchangeError::Loosened(_) => {
                "Minima can be raised and budgets lowered: `tamis collaboration show` says what holds."
            }
            ExchangeError::KeyChanged(_) => {
                "Nothing was sent. Call the destination: if it enrolled with a new key, propose a new collaboration; if not, somebody is in between: tell the other party."
            }
            ExchangeError::Interrupted { .. } => {
                "Run the same command again: it goes on where it stopped."
            }
            ExchangeError::UploadRefused(_) => {
                "Correct the file and upload it again; `--dry-run` shows what is in it without sending."
            }
            ExchangeError::UploadEnded => "Run the same command again to send it anew.",
            ExchangeError::JobFailed(_) => {
                "Try again; if it fails again, the operator's log says why."
            }
            ExchangeError::TooLong(_) => "Ask again later; nothing is lost.",
        };
        Some(step.to_owned())
    }
}

fn refused(status: u16, code: &str) -> Option<String> {
    let step = match (status, code) {
        (_, "below_minimum" | "invalid_invitation") => return None,
        (401 | 403, _) => "Enrol again with a new invitation from the operator.",
        (404, _) => {
            "It does not exist, or it is not yours to see. Check the name, and --home and --collaboration."
        }
        (_, "budget_exhausted") => {
            "`tamis budget` says what comes back when. What was asked before on the same uploads costs nothing."
        }
        (_, "bridge_needed") => {
            "Ask the partner to run that once with this collaboration, `tamis upload GRAPH --collaboration ID --bridge EARLIER`; then run the same command again."
        }
        (409, _) => "Look at where things stand: `tamis collaboration show`.",
        (413, _) => {
            "The operator's limit is smaller than what was sent; split it or ask the operator."
        }
        (429, _) => "Wait a little and run the same command again.",
        (500..=599, _) => {
            "Run the same command again in a moment; if it persists, tell the operator."
        }
        _ => return None,
    };
    Some(step.to_owned())
}

/// Looks for a certificate error in the chain of causes; TLS alerts arrive as I/O errors.
fn about_certificates(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        let tls = current.downcast_ref::<rustls::Error>().or_else(|| {
            current
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref)
                .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        });
        if matches!(
            tls,
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_))
        ) {
            return true;
        }
        cause = current.source();
    }
    false
}
