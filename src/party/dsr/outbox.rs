//! Sending: a request per identifier and peer, whose answer is verified and kept as evidence.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tamis_keys::Entropy;
use tamis_keys::home::{create_private_dir, write_private};
use tamis_protocols::ddrf::{Format, Kind, ResultCode, Signer, Subject, check_acknowledgement};

use super::desk::Now;
use super::peers::Peers;
use super::{DsrError, fresh_id};

/// What was sent and answered, a file each: both tokens, which prove the transaction to either side.
pub struct Outbox {
    dir: PathBuf,
}

/// One answered request.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// Its id.
    pub id: String,
    /// To whom.
    pub recipient: String,
    /// What it was about; never the identifier.
    pub kind: &'static str,
    /// Whether it was taken, or why not.
    pub code: ResultCode,
    /// The same in the recipient's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

#[derive(Serialize)]
struct Kept<'a> {
    recipient: &'a str,
    at: i64,
    code: ResultCode,
    #[serde(rename = "rqJWT")]
    rq_jwt: &'a str,
    #[serde(rename = "acJWT")]
    ac_jwt: &'a str,
}

impl Outbox {
    /// Opens or makes the outbox of a home.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(home: &Path) -> Result<Outbox, DsrError> {
        let dir = home.join("dsr-sent");
        create_private_dir(&dir)?;
        Ok(Outbox { dir })
    }

    /// Where it is.
    pub fn place(&self) -> &Path {
        &self.dir
    }
}

/// Sends requests.
pub struct Sending {
    /// Who asks.
    pub signer: Signer,
    /// Whom.
    pub peers: Peers,
    /// The present instant.
    pub now: Now,
    /// For ids.
    pub entropy: Arc<dyn Entropy>,
}

impl Sending {
    /// Looks at every recipient before anything is sent.
    ///
    /// # Errors
    /// One cannot be reached, or takes nothing that is sent.
    pub async fn look(&self, recipients: &[String]) -> Result<(), DsrError> {
        for recipient in recipients {
            let found = self.peers.discovery(recipient, false).await?;
            let taken = [Kind::Email, Kind::Phone].map(|kind| found.takes(kind, Format::Sha256));
            if taken == [false; 2] {
                return Err(DsrError::NotTaken(recipient.clone()));
            }
        }
        Ok(())
    }

    /// Asks every recipient that takes such identifiers to delete what it has of somebody; what the origin
    /// says is the same for all.
    ///
    /// # Errors
    /// A recipient cannot be reached, or its answer does not verify; what was answered before is kept.
    pub async fn send(
        &self,
        outbox: &Outbox,
        recipients: &[String],
        (kind, subject): &(Kind, Subject),
    ) -> Result<Vec<Sent>, DsrError> {
        let seconds = (self.now)().as_second();
        let identity = self
            .signer
            .identity(&fresh_id(&*self.entropy), subject, seconds);
        let mut sent = Vec::new();
        for recipient in recipients {
            let found = self.peers.discovery(recipient, false).await?;
            if !found.takes(*kind, Format::Sha256) {
                continue;
            }
            let id = fresh_id(&*self.entropy);
            let now = (self.now)().as_second();
            let rq_jwt = self.signer.request(&id, &identity, subject, now, recipient);
            let ac_jwt = self.peers.ask(recipient, &rq_jwt).await?;
            let now = (self.now)().as_second();
            let checked = check_acknowledgement(&ac_jwt, &rq_jwt, recipient, &found.keys, now);
            let checked = checked.map_err(|_| DsrError::Misunderstood(recipient.clone()))?;
            let kept = Kept {
                recipient,
                at: now,
                code: checked.code,
                rq_jwt: &rq_jwt,
                ac_jwt: &ac_jwt,
            };
            let path = outbox.dir.join(format!("{id}.json"));
            let bytes = serde_json::to_vec(&kept).map_err(|error| DsrError::file(&path, error))?;
            write_private(&path, &bytes)?;
            sent.push(Sent {
                id,
                recipient: recipient.clone(),
                kind: kind.as_str(),
                code: checked.code,
                why: checked.why,
            });
        }
        Ok(sent)
    }
}
