//! Withdrawals, oppositions and erasures: sent in pieces, and followed to their end.

use tamis_protocols::token::Token;
use tamis_protocols::wire::api::{
    Listing, RemovalState, RequestKind, RequestState, WithdrawalRequest, WithdrawalView,
};
use tokio::time::{Duration, Instant};

use super::backoff::Polling;
use super::error::ExchangeError;
use super::notebook::Notebook;
use super::paths;
use super::session::Session;

/// Tokens per request; the service takes up to 50,000.
const TOKENS: usize = 20_000;

/// Sends a request, [`TOKENS`] at a time; each takes effect at once.
pub async fn send(
    session: &Session,
    collaboration: &str,
    kind: RequestKind,
    tokens: &[Token],
) -> Result<Vec<WithdrawalView>, ExchangeError> {
    let mut views = Vec::new();
    for some in tokens.chunks(TOKENS) {
        let tokens = some.iter().map(|token| hex::encode(token.0)).collect();
        let view: WithdrawalView = session
            .client
            .post(
                &paths::withdrawals(collaboration),
                &WithdrawalRequest { tokens, kind },
            )
            .await?;
        Notebook::note(&session.path, collaboration, |notes| {
            notes.withdrawals.push(view.id.clone());
        })?;
        views.push(view);
    }
    Ok(views)
}

/// Own requests in a collaboration, newest first, at most 1,000.
pub async fn list(
    session: &Session,
    collaboration: &str,
) -> Result<Vec<WithdrawalView>, ExchangeError> {
    let listing: Listing<WithdrawalView> = session
        .client
        .get(&paths::withdrawals(collaboration))
        .await?;
    Ok(listing.items)
}

/// One of them.
pub async fn show(session: &Session, id: &str) -> Result<WithdrawalView, ExchangeError> {
    session.client.get(&paths::withdrawal(id)).await
}

/// Looks at a request until nothing about it moves any more: it is complete or stuck, or all that is left
/// are entries that expire by themselves.
pub async fn wait(
    session: &Session,
    id: &str,
    patience: Duration,
) -> Result<WithdrawalView, ExchangeError> {
    let until = Instant::now() + patience;
    let mut polling = Polling::new();
    loop {
        let view = show(session, id).await?;
        if !moves(&view) {
            return Ok(view);
        }
        if Instant::now() >= until {
            return Err(ExchangeError::TooLong("a request"));
        }
        polling.pause().await;
    }
}

fn moves(view: &WithdrawalView) -> bool {
    let destroyed = view
        .erasure
        .as_ref()
        .is_none_or(|erasure| erasure.done_at.is_some());
    let mut left = view.destinations.values();
    let told = left.all(|one| {
        matches!(
            one.state,
            RemovalState::Acknowledged | RemovalState::Expires
        )
    });
    view.state == RequestState::Open && !(destroyed && told)
}
