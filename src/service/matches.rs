//! Matches: how many persons the newest uploads of both sides share, as far as the gate lets it out.

use tamis_protocols::release;
use tamis_protocols::wire::api::{JobState, MatchView, ReleasedCount};

use super::scope::advertiser_only;
use super::uploads::set_size;
use super::{Caller, Service, ServiceError, scope, windows};
use crate::domain::id::Id;
use crate::domain::state;
use crate::store::jobs::JobKind;
use crate::store::matches::Match;
use crate::store::uploads::Kind;
use crate::store::{Tx, snapshot, transact};

impl Service {
    /// Starts a match on the newest sealed uploads of both sides. Asking again about the same uploads
    /// returns the same match: noise is drawn once.
    ///
    /// # Errors
    /// `wrong_side`, `not_active`, `expired`, `nothing_to_match`, `budget_exhausted`.
    pub async fn start_match(
        &self,
        caller: &Caller,
        collaboration: &str,
    ) -> Result<MatchView, ServiceError> {
        let collaboration = scope::id(collaboration)?;
        let now = self.now();
        let view = transact!(self.store(), "match-start", |tx| {
            let found = scope::collaboration(tx, caller, collaboration).await?;
            advertiser_only(caller, &found)?;
            self.must_be_in_force(&found)?;
            let (advertiser_upload, partner_upload) = newest_uploads(tx, found.id).await?;
            let known = tx
                .match_of(found.id, advertiser_upload, partner_upload)
                .await?;
            if let Some(known) = known {
                return view(tx, caller, known).await;
            }
            let new = Match {
                id: self.id(),
                collaboration: found.id,
                advertiser_upload,
                partner_upload,
                state: state::Match::Pending,
                about: None,
                leaf: None,
            };
            let policy = self.effective_policy(tx, &found).await?;
            self.afford(tx, &found, &policy, policy.count_charge())
                .await?;
            tx.add_match(&new, now).await?;
            let lane = format!("match/{}", found.id);
            let due = windows::next(now, policy.window_minutes());
            self.queue(tx, JobKind::Match, &new.id.to_string(), &lane, due)
                .await?;
            view(tx, caller, new).await
        })?;
        self.wake();
        Ok(view)
    }

    /// A match of one of the caller's collaborations.
    pub async fn match_(&self, caller: &Caller, id: &str) -> Result<MatchView, ServiceError> {
        let id = scope::id(id)?;
        snapshot!(self.store(), "match", |tx| {
            let found = tx.match_(id).await?.ok_or(ServiceError::NotFound)?;
            scope::collaboration(tx, caller, found.collaboration).await?;
            view(tx, caller, found).await
        })
    }
}

/// The newest sealed sets of both sides.
pub(super) async fn newest_uploads(
    tx: &mut Tx,
    collaboration: Id,
) -> Result<(Id, Id), ServiceError> {
    let missing = |whose: &str| {
        ServiceError::conflict(
            "nothing_to_match",
            format!("There is no sealed upload of the {whose} yet."),
        )
    };
    let advertiser = tx
        .newest_sealed(collaboration, Kind::Crm)
        .await?
        .ok_or_else(|| missing("advertiser"))?;
    let partner = tx
        .newest_sealed(collaboration, Kind::Graph)
        .await?
        .ok_or_else(|| missing("partner"))?;
    Ok((advertiser, partner))
}

async fn view(tx: &mut Tx, caller: &Caller, found: Match) -> Result<MatchView, ServiceError> {
    let (job, matched) = match found.state {
        state::Match::Pending => (JobState::Pending, None),
        state::Match::Failed => (JobState::Failed, None),
        state::Match::Done => (JobState::Done, Some(released(found.about))),
    };
    let upload = tx.upload(found.advertiser_upload).await?;
    // The rate and the released number together give the advertiser's rows away: to itself only.
    let own = upload.filter(|upload| upload.owner == caller.name);
    let accepted = own.map_or(0, |upload| set_size(&upload).accepted);
    let rate = found.about.and_then(|about| release::rate(about, accepted));
    Ok(MatchView {
        id: found.id.to_string(),
        collaboration: found.collaboration.to_string(),
        state: job,
        advertiser_upload: found.advertiser_upload.to_string(),
        matched,
        rate,
        log_index: found.leaf,
    })
}

/// What the gate said, from what is stored of it.
pub(super) fn released(about: Option<u64>) -> ReleasedCount {
    match about {
        Some(about) => ReleasedCount::Released { about },
        None => ReleasedCount::BelowMinimum,
    }
}
