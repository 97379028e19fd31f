//! Jobs: what the service still has to do for this party, and ending it.
//!
//! The party sees its own jobs only, and of a match no more than whole percent.

use tamis_protocols::wire::api::{JobKind, JobView, Listing};

use super::error::ExchangeError;
use super::paths;
use super::session::Session;

/// Own jobs that wait or run, newest first.
pub async fn all(session: &Session) -> Result<Vec<JobView>, ExchangeError> {
    let listing: Listing<JobView> = session.client.get(paths::JOBS).await?;
    Ok(listing.items)
}

/// The own job of a kind on a subject; none if there is none, or if nothing can be learnt of it: how far
/// a job is never stands in the way of waiting for it.
pub async fn on(session: &Session, kind: JobKind, subject: &str) -> Option<JobView> {
    let all = all(session).await.ok()?;
    let mut these = all.into_iter().rev();
    these.find(|job| job.kind == kind && job.subject == subject)
}

/// Cancels a job for good: none if it is gone, the job if it has yet to stop.
pub async fn cancel(session: &Session, id: &str) -> Result<Option<JobView>, ExchangeError> {
    session.client.delete(&paths::job(id)).await
}
