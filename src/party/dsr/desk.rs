//! The desk: verifies a request, has it on the disk, and only then acknowledges it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tamis_keys::Entropy;
use tamis_protocols::ddrf::{
    Discovery, Incoming, Jwk, Refusal, Request, ResultCode, Signer, TOKEN_MAX,
};
use tokio::sync::{Mutex, Notify};

use super::inbox::{Inbox, Taken};
use super::peers::Peers;
use super::{DsrError, fresh_id};

/// The present instant.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 202, 400, or 503 if it could not be verified or kept: then it was not taken.
    pub status: u16,
    /// A JSON document.
    pub body: String,
}

/// Where requests are taken.
pub struct Desk {
    signer: Signer,
    peers: Peers,
    inbox: Mutex<Inbox>,
    now: Now,
    entropy: Arc<dyn Entropy>,
    /// Something was taken.
    pub(super) arrived: Notify,
}

/// Why nothing can be said.
enum Trouble {
    Refused(Refusal),
    /// The requester should try again.
    Later(DsrError),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Trouble::Refused(refusal)
    }
}

const STRANGER: Refusal = Refusal::new(
    ResultCode::Signature,
    "requests of that domain are not taken here",
);

impl Desk {
    /// A desk for the requests of `peers`.
    pub fn new(
        signer: Signer,
        peers: Peers,
        inbox: Inbox,
        now: Now,
        entropy: Arc<dyn Entropy>,
    ) -> Desk {
        Desk {
            signer,
            peers,
            inbox: Mutex::new(inbox),
            now,
            entropy,
            arrived: Notify::new(),
        }
    }

    /// What is published, with the address of this desk.
    pub fn discovery(&self, endpoint: &str) -> Discovery {
        Discovery::new(endpoint.to_owned(), self.signer.jwk())
    }

    /// Seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        (self.now)().as_second()
    }

    /// The inbox, for one at a time.
    pub(super) fn inbox(&self) -> &Mutex<Inbox> {
        &self.inbox
    }

    /// Answers the body of a post.
    pub async fn answer(&self, body: &[u8]) -> Answer {
        let document: Option<Value> = serde_json::from_slice(body).ok();
        let token = document
            .as_ref()
            .and_then(|document| document.get("rqJWT")?.as_str());
        let Some(rq_jwt) = token else {
            let why = Refusal::new(ResultCode::Malformed, "send {\"rqJWT\":\"…\"}");
            return self.refuse("", why);
        };
        match self.take(rq_jwt).await {
            Ok(ac_jwt) => said(202, &ac_jwt),
            Err(Trouble::Refused(refusal)) => {
                // What is too long is not said back.
                let echoed = if rq_jwt.len() > TOKEN_MAX { "" } else { rq_jwt };
                self.refuse(echoed, refusal)
            }
            Err(Trouble::Later(error)) => {
                tracing::error!(%error, "a deletion request cannot be taken now");
                let body = json!({ "error": "the request was not taken: try again later" });
                Answer {
                    status: 503,
                    body: body.to_string(),
                }
            }
        }
    }

    async fn take(&self, rq_jwt: &str) -> Result<String, Trouble> {
        let request = self.verified(rq_jwt).await?;
        let ac_jwt = self.signed(rq_jwt, ResultCode::Accepted, None);
        let taken = {
            let inbox = self.inbox.lock().await;
            inbox.take(&request, rq_jwt, &ac_jwt, self.now())
        };
        match taken.map_err(Trouble::Later)? {
            Taken::New => {
                self.arrived.notify_one();
                Ok(ac_jwt)
            }
            Taken::Again(answer) => Ok(answer),
            Taken::Spent => {
                let why = "the id was used for another request";
                Err(Refusal::new(ResultCode::Malformed, why).into())
            }
        }
    }

    /// A request whose signatures hold under published keys. A signature that does not is looked at again
    /// under keys that are fetched anew, in case its issuer has others by now.
    async fn verified(&self, rq_jwt: &str) -> Result<Request, Trouble> {
        let mut again = false;
        loop {
            let incoming = Incoming::parse(rq_jwt)?;
            let requester = self.keys(incoming.requester(), again).await?;
            let origin = self.keys(incoming.origin(), again).await?;
            let own = self.signer.domain();
            match incoming.verify(&requester, &origin, own, self.now()) {
                Err(refusal) if refusal.code == ResultCode::Signature && !again => again = true,
                verified => return Ok(verified?),
            }
        }
    }

    async fn keys(&self, domain: &str, again: bool) -> Result<Vec<Jwk>, Trouble> {
        match self.peers.discovery(domain, again).await {
            Ok(found) => Ok(found.keys),
            Err(DsrError::Stranger) => Err(STRANGER.into()),
            Err(error) => Err(Trouble::Later(error)),
        }
    }

    fn refuse(&self, rq_jwt: &str, refusal: Refusal) -> Answer {
        let ac_jwt = self.signed(rq_jwt, refusal.code, Some(refusal.why));
        said(400, &ac_jwt)
    }

    fn signed(&self, rq_jwt: &str, code: ResultCode, why: Option<&str>) -> String {
        let id = fresh_id(&*self.entropy);
        self.signer
            .acknowledgement(&id, rq_jwt, self.now(), code, why)
    }
}

fn said(status: u16, ac_jwt: &str) -> Answer {
    let body = json!({ "acJWT": ac_jwt }).to_string();
    Answer { status, body }
}
