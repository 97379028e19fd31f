//! Sends requests to witnesses of the log: HTTPS, to vetted addresses, without redirects.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use tamis_protocols::transparency::SIZE_TYPE;

use super::egress::{Egress, EgressError, check_url};
use super::webhook::{Failure, Timeouts, client, failure};

/// Bytes read of an answer.
const MAX_ANSWER: usize = 16 * 1024;

/// Where a witness is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The submission prefix, `https://`; `/add-checkpoint` follows it.
    pub url: String,
    /// PEM of the only authorities trusted for it; `None`: those of the public web.
    pub ca_pem: Option<String>,
}

/// What a witness answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Signature lines, not yet judged.
    Cosigned(String),
    /// It cosigned another size last.
    Knows(u64),
    /// Any other status.
    Refused(u16),
}

/// Why there is no answer. Names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// No witness of that name is configured.
    #[error("no such witness is configured")]
    Unknown,
    /// See [`Failure`].
    #[error("{0}")]
    Failed(Failure),
}

/// Reaches witnesses by their names; one per process.
pub struct WitnessClient {
    egress: Egress,
    timeouts: Timeouts,
    places: BTreeMap<String, Place>,
}

impl WitnessClient {
    /// A client behind this guard.
    ///
    /// # Errors
    /// A place that is not an `https` address.
    pub fn new(egress: Egress, places: BTreeMap<String, Place>) -> Result<Self, EgressError> {
        for place in places.values() {
            check_url(&place.url)?;
        }
        let timeouts = Timeouts {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(5),
        };
        Ok(WitnessClient {
            egress,
            timeouts,
            places,
        })
    }

    /// Sends an `add-checkpoint` request to the witness of that name.
    ///
    /// # Errors
    /// See [`Unheard`]: the witness may have cosigned nevertheless.
    pub async fn ask(&self, name: &str, body: Bytes) -> Result<Asked, Unheard> {
        let place = self.places.get(name).ok_or(Unheard::Unknown)?;
        let url = format!("{}/add-checkpoint", place.url.trim_end_matches('/'));
        let vetted = self.egress.vet(&url).await;
        let vetted = vetted.map_err(|error| Unheard::Failed(Failure::Egress(error)))?;
        let client = client(&vetted, place.ca_pem.as_deref(), self.timeouts);
        let client = client.map_err(Unheard::Failed)?;
        let request = client.post(vetted.url).body(body).send();
        let mut answer = request
            .await
            .map_err(|error| Unheard::Failed(failure(&error)))?;
        let status = answer.status();
        let kind = answer.headers().get(CONTENT_TYPE);
        let tells_size = kind.is_some_and(|kind| kind.as_bytes() == SIZE_TYPE.as_bytes());
        let mut text = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            if text.len() + chunk.len() > MAX_ANSWER {
                return Err(Unheard::Failed(Failure::Broken));
            }
            text.extend_from_slice(&chunk);
        }
        Ok(read(status, tells_size, &text))
    }
}

fn read(status: StatusCode, tells_size: bool, body: &[u8]) -> Asked {
    let text = String::from_utf8_lossy(body);
    let size = || text.strip_suffix('\n')?.parse::<u64>().ok();
    match status {
        StatusCode::OK => Asked::Cosigned(text.into_owned()),
        StatusCode::CONFLICT if tells_size => match size() {
            Some(size) => Asked::Knows(size),
            None => Asked::Refused(status.as_u16()),
        },
        status => Asked::Refused(status.as_u16()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_conflict_that_tells_a_size_is_one() {
        let conflict = StatusCode::CONFLICT;
        assert_eq!(read(conflict, true, b"17\n"), Asked::Knows(17));
        for (tells, body) in [
            (false, &b"17\n"[..]),
            (true, b"17"),
            (true, b"x\n"),
            (true, b"-1\n"),
        ] {
            assert_eq!(read(conflict, tells, body), Asked::Refused(409));
        }
        let lines = Asked::Cosigned("line\n".to_owned());
        assert_eq!(read(StatusCode::OK, false, b"line\n"), lines);
        assert_eq!(read(StatusCode::FOUND, false, b""), Asked::Refused(302));
    }
}
