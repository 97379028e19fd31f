//! Matches, audiences and deliveries: asking, and waiting for the jobs behind them.
//!
//! Everything here answers at once with a state; the helpers look again with growing pauses until the job
//! is finished. The service learns the question, the party learns released counts only.

use tamis_protocols::wire::api::{
    AgreedPolicyView, AudienceRequest, AudienceState, AudienceView, BudgetView, CollaborationView,
    CoverageView, DeliveryState, DeliveryView, JobKind, JobState, JobView, Listing, MatchView,
    Role, UploadState, UploadView, WithdrawalView,
};
use tokio::time::{Duration, Instant};

use super::backoff::Polling;
use super::error::ExchangeError;
use super::jobs;
use super::notebook::Notebook;
use super::paths;
use super::policy;
use super::session::Session;

/// Looks at an upload until it is sealed; `look` sees every view on the way.
pub async fn wait_sealed(
    session: &Session,
    upload: &str,
    look: &(dyn Fn(&UploadView) + Sync),
) -> Result<UploadView, ExchangeError> {
    let mut polling = Polling::new();
    loop {
        let view: UploadView = session.client.get(&paths::upload(upload)).await?;
        look(&view);
        match view.state {
            UploadState::Sealed => return Ok(view),
            UploadState::Refused => {
                let why = view.refusal.unwrap_or_else(|| "no reason given".to_owned());
                return Err(ExchangeError::UploadRefused(why));
            }
            UploadState::Terminated => return Err(ExchangeError::UploadEnded),
            UploadState::Receiving | UploadState::Sealing => polling.pause().await,
        }
    }
}

/// Looks before the job itself is asked after: most are done by then, in about half a second.
const FIRST_LOOKS: usize = 10;

/// Starts a match on the newest sealed sets and waits for its end; `look` sees its job on the way.
pub async fn run_match(
    session: &Session,
    collaboration: &str,
    look: &(dyn Fn(&JobView) + Sync),
) -> Result<MatchView, ExchangeError> {
    let started: MatchView = session
        .client
        .post_empty(&paths::matches(collaboration))
        .await?;
    Notebook::note(&session.path, collaboration, |notes| {
        notes.matches.push(started.id.clone());
    })?;
    let mut view = started;
    let mut polling = Polling::new();
    let mut looks = 0;
    loop {
        match view.state {
            JobState::Done => return Ok(view),
            JobState::Failed => return Err(ExchangeError::JobFailed("the match")),
            JobState::Pending => polling.pause().await,
        }
        looks += 1;
        if looks > FIRST_LOOKS
            && let Some(job) = jobs::on(session, JobKind::Match, &view.id).await
        {
            look(&job);
        }
        view = session.client.get(&paths::match_(&view.id)).await?;
    }
}

/// Names an audience, or decides it anew, and waits for the gate at every destination; `look` sees the
/// job on the way.
pub async fn decide_audience(
    session: &Session,
    collaboration: &str,
    name: &str,
    request: &AudienceRequest,
    look: &(dyn Fn(&JobView) + Sync),
) -> Result<AudienceView, ExchangeError> {
    let path = paths::audience(collaboration, name);
    let mut view: AudienceView = session.client.put(&path, request).await?;
    let mut polling = Polling::new();
    let mut looks = 0;
    while view
        .destinations
        .iter()
        .any(|there| there.state == AudienceState::Deciding)
    {
        polling.pause().await;
        looks += 1;
        if looks > FIRST_LOOKS
            && let Some(job) = jobs::on(session, JobKind::Decide, collaboration).await
        {
            look(&job);
        }
        view = session.client.get(&path).await?;
    }
    if !view.destinations.is_empty()
        && view
            .destinations
            .iter()
            .all(|there| there.state == AudienceState::Failed)
    {
        return Err(ExchangeError::JobFailed("the decision"));
    }
    Ok(view)
}

/// The audiences of a collaboration, newest first.
pub async fn audiences(
    session: &Session,
    collaboration: &str,
) -> Result<Vec<AudienceView>, ExchangeError> {
    let listing: Listing<AudienceView> =
        session.client.get(&paths::audiences(collaboration)).await?;
    Ok(listing.items)
}

/// What may still be asked, and what it costs.
pub async fn budget(session: &Session, collaboration: &str) -> Result<BudgetView, ExchangeError> {
    session.client.get(&paths::budget(collaboration)).await
}

/// Which share of the partner's persons has a live cookie where, as it was released.
pub async fn coverage(
    session: &Session,
    collaboration: &str,
) -> Result<CoverageView, ExchangeError> {
    session.client.get(&paths::coverage(collaboration)).await
}

/// The deliveries of a collaboration, newest first.
pub async fn deliveries(
    session: &Session,
    collaboration: &str,
) -> Result<Vec<DeliveryView>, ExchangeError> {
    let listing: Listing<DeliveryView> = session
        .client
        .get(&paths::deliveries(collaboration))
        .await?;
    Ok(listing.items)
}

/// Looks at the deliveries, all or one, until each is delivered or failed; `left` hears how many are not.
pub async fn wait_delivered(
    session: &Session,
    collaboration: &str,
    only: Option<&str>,
    patience: Duration,
    left: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<DeliveryView>, ExchangeError> {
    let until = Instant::now() + patience;
    let mut polling = Polling::new();
    loop {
        let items = match only {
            Some(id) => vec![session.client.get(&paths::delivery(id)).await?],
            None => deliveries(session, collaboration).await?,
        };
        let open = items.iter().filter(|delivery| is_open(delivery)).count();
        left(open, items.len());
        if open == 0 {
            return Ok(items);
        }
        if Instant::now() >= until {
            return Err(ExchangeError::TooLong("a delivery"));
        }
        polling.pause().await;
    }
}

fn is_open(delivery: &DeliveryView) -> bool {
    matches!(
        delivery.state,
        DeliveryState::Queued | DeliveryState::Sending
    )
}

/// Own uploads in a collaboration, newest first.
pub async fn uploads(
    session: &Session,
    collaboration: &str,
) -> Result<Vec<UploadView>, ExchangeError> {
    let mut uploads: Listing<UploadView> = session.client.get(paths::UPLOADS).await?;
    uploads
        .items
        .retain(|upload| upload.collaboration == collaboration);
    Ok(uploads.items)
}

/// Everything the service shows this party about a collaboration, and nothing else.
#[derive(serde::Serialize)]
pub struct Report {
    /// Whose report it is.
    pub party: String,
    /// The terms and who signed them; sealed shares are left out.
    pub collaboration: CollaborationView,
    /// Own uploads with their exact reports.
    pub uploads: Vec<UploadView>,
    /// Own matches.
    pub matches: Vec<MatchView>,
    /// The release policy that holds, and who said so.
    pub policy: AgreedPolicyView,
    /// What may still be asked, and what it costs.
    pub budget: BudgetView,
    /// How well the partner is synced with each destination.
    pub coverage: CoverageView,
    /// Audiences with released sizes.
    pub audiences: Vec<AudienceView>,
    /// Deliveries and where they stand.
    pub deliveries: Vec<DeliveryView>,
    /// Own withdrawals and how far they are.
    pub withdrawals: Vec<WithdrawalView>,
}

/// Asks the service for everything it shows this party.
pub async fn report(
    session: &Session,
    mut collaboration: CollaborationView,
) -> Result<Report, ExchangeError> {
    let id = collaboration.id.clone();
    collaboration.share_for_you = None;
    let notes = Notebook::read(&session.path, &id)?;
    let mut matches = Vec::new();
    for id in &notes.matches {
        matches.push(session.client.get(&paths::match_(id)).await?);
    }
    let mut withdrawals = Vec::new();
    for id in &notes.withdrawals {
        withdrawals.push(session.client.get(&paths::withdrawal(id)).await?);
    }
    Ok(Report {
        party: session.membership.name.clone(),
        policy: policy::agreed(session, &collaboration).await?,
        budget: budget(session, &id).await?,
        coverage: coverage(session, &id).await?,
        collaboration,
        uploads: uploads(session, &id).await?,
        matches,
        // Audiences are the advertiser's; the partner sees what was delivered of them.
        audiences: match session.membership.role {
            Role::Advertiser => audiences(session, &id).await?,
            _ => Vec::new(),
        },
        deliveries: deliveries(session, &id).await?,
        withdrawals,
    })
}
