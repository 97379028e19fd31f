//! From the inbox to the service: tokens of the identifier, as an erasure in every collaboration.
//!
//! A kill between the service's answer and the note of it sends an erasure twice, which changes nothing.

use std::time::Duration;

use tamis_protocols::identifier::Normaliser;
use tamis_protocols::token::{Token, Tokeniser};
use tamis_protocols::wire::api::{CollaborationState, CollaborationView, RequestKind};

use super::inbox::Entry;
use super::{Desk, DsrError};
use crate::party::exchange::session::terms_of;
use crate::party::exchange::{ExchangeError, Session, pairing, requests};
use crate::party::person::token_of;

/// Pauses between two looks at the inbox, after a failure, and at most.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// What is needed no more is forgotten so often.
const HOUSEKEEPING: Duration = Duration::from_secs(3600);

/// Sends on what the desk takes, until it is dropped. What cannot be sent is tried again; `said` hears of
/// failures, in words that quote nothing.
pub async fn forward(
    desk: &Desk,
    session: &Session,
    region: Option<&str>,
    said: &(dyn Fn(&str) + Sync),
) {
    let mut pause = FIRST;
    loop {
        let arrived = desk.arrived.notified();
        let wait = match send_on(desk, session, region).await {
            Ok(()) => {
                pause = FIRST;
                HOUSEKEEPING
            }
            Err(why) => {
                said(&why);
                pause = (2 * pause).min(LONGEST);
                pause
            }
        };
        tokio::select! {
            () = arrived => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Sends on everything that waits, and forgets what is needed no more.
pub(super) async fn send_on(
    desk: &Desk,
    session: &Session,
    region: Option<&str>,
) -> Result<(), String> {
    let words = |error: DsrError| error.to_string();
    let waiting = desk.inbox().lock().await.waiting().map_err(words)?;
    if !waiting.is_empty() {
        let all = session.collaborations().await;
        let all = all.map_err(|error| error.to_string())?;
        for (path, mut entry) in waiting {
            for collaboration in &all {
                if entry.sent.contains_key(&collaboration.id) {
                    continue;
                }
                let sent = one(session, collaboration, &entry, region).await;
                if let Some(ids) = sent.map_err(|error| error.to_string())? {
                    entry.sent.insert(collaboration.id.clone(), ids);
                    desk.inbox()
                        .lock()
                        .await
                        .put(&path, &entry)
                        .map_err(words)?;
                }
            }
            entry.subject = None;
            desk.inbox()
                .lock()
                .await
                .put(&path, &entry)
                .map_err(words)?;
        }
    }
    desk.inbox().lock().await.forget(desk.now()).map_err(words)
}

/// The erasures sent in one collaboration; none if there is nothing in it to erase yet.
async fn one(
    session: &Session,
    collaboration: &CollaborationView,
    entry: &Entry,
    region: Option<&str>,
) -> Result<Option<Vec<String>>, ExchangeError> {
    let Some(subject) = &entry.subject else {
        return Ok(None);
    };
    if collaboration.state == CollaborationState::Proposed {
        return Ok(None);
    }
    let terms = terms_of(collaboration)?;
    let paired = pairing::finish(session, collaboration)?;
    let key = pairing::pair_key(&paired, &collaboration.id, &terms);
    let normaliser =
        Normaliser::new(terms.profile, region).map_err(|_| ExchangeError::Lacking {
            what: "the region is not known".to_owned(),
            next: "Name it by two letters, e.g. --region FR.".to_owned(),
        })?;
    let token = token_of(subject, &normaliser, &Tokeniser::new(&key));
    let token = token.filter(|(kind, _)| terms.identifiers.contains(kind));
    let tokens: Vec<Token> = token.into_iter().map(|(_, token)| token).collect();
    let views = requests::send(session, &collaboration.id, RequestKind::Erasure, &tokens).await?;
    Ok(Some(views.into_iter().map(|view| view.id).collect()))
}
