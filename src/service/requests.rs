//! Requests as their sender follows them: withdrawals, oppositions and erasures, to the end at every
//! destination.
//!
//! What a sender sees: its own requests, and states. Never how many of the tokens the other side knew, nor
//! whether a destination held any of them: every destination that was sent an audience of the collaboration
//! is told, whoever was in it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tamis_protocols::wire::api::{
    ErasureView, RemovalState, RemovalView, RequestKind, RequestState, WithdrawalView,
};

use super::{Caller, Service, ServiceError, scope};
use crate::domain::state;
use crate::store::deliveries::Removal;
use crate::store::snapshot;
use crate::store::withdrawals::Withdrawal;

impl Service {
    /// One of the caller's requests: only its sender sees it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for what somebody else sent, and for what is not there.
    pub async fn withdrawal(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<WithdrawalView, ServiceError> {
        let id = scope::id(id)?;
        let today = self.today();
        snapshot!(self.store(), "withdrawal", |tx| {
            let found = tx
                .withdrawal(id)
                .await?
                .filter(|found| found.sender == caller.name)
                .ok_or(ServiceError::NotFound)?;
            let removals = tx.removals(id).await?;
            Ok(view(&found, &removals, today))
        })
    }

    /// The caller's requests in a collaboration, newest first, at most 1,000.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] unless it is a collaboration of the caller's.
    pub async fn withdrawals(
        &self,
        caller: &Caller,
        collaboration: &str,
    ) -> Result<Vec<WithdrawalView>, ServiceError> {
        let collaboration = scope::id(collaboration)?;
        let today = self.today();
        snapshot!(self.store(), "withdrawals", |tx| {
            scope::collaboration(tx, caller, collaboration).await?;
            let mut views = Vec::new();
            for found in tx.withdrawals_of(collaboration, &caller.name).await? {
                let removals = tx.removals(found.id).await?;
                views.push(view(&found, &removals, today));
            }
            Ok(views)
        })
    }
}

fn view(found: &Withdrawal, removals: &[Removal], today: Date) -> WithdrawalView {
    let mut destinations: BTreeMap<String, RemovalView> = BTreeMap::new();
    let mut ended = true;
    let mut stuck = false;
    for removal in removals {
        let (one, until) = at(removal, found.at);
        ended &= one.state == RemovalState::Acknowledged || until.is_some_and(|day| day < today);
        stuck |= one.state == RemovalState::Failed;
        destinations
            .entry(removal.destination.clone())
            .and_modify(|worst| {
                let expires_by = worst.expires_by.clone().max(one.expires_by.clone());
                worst.state = worst.state.max(one.state);
                worst.expires_by = expires_by;
            })
            .or_insert(one);
    }
    let erasure = (found.kind == RequestKind::Erasure).then(|| ErasureView {
        done_at: found.erased.map(|(at, _)| at.to_string()),
        log_index: found.erased.map(|(_, leaf)| leaf),
    });
    let destroyed = found.kind != RequestKind::Erasure || found.erased.is_some();
    let state = match (stuck, ended && destroyed) {
        (true, _) => RequestState::Stuck,
        (false, true) => RequestState::Complete,
        (false, false) => RequestState::Open,
    };
    WithdrawalView {
        id: found.id.to_string(),
        collaboration: found.collaboration.to_string(),
        kind: found.kind,
        state,
        tokens: found.tokens,
        at: found.at.to_string(),
        log_index: found.leaf,
        destinations,
        erasure,
    }
}

/// How far one removal is, and the last day on which the destination may still hold what it was told.
fn at(removal: &Removal, withdrawn: Timestamp) -> (RemovalView, Option<Date>) {
    let until = removal
        .member_ttl_days
        .filter(|_| !removal.acknowledged)
        .and_then(|days| expires_by(last_told(removal, withdrawn), days));
    let state = match removal.state {
        _ if removal.acknowledged => RemovalState::Acknowledged,
        state::Delivery::Queued => RemovalState::Queued,
        state::Delivery::Sending | state::Delivery::Delivered => RemovalState::Sent,
        state::Delivery::Failed if until.is_some() => RemovalState::Expires,
        state::Delivery::Failed => RemovalState::Failed,
    };
    let expires_by = until.map(|day| day.to_string());
    (RemovalView { state, expires_by }, until)
}

/// The last moment at which the destination can have been told that somebody is in the audience. After the
/// withdrawal took effect nobody of it is added any more; before it, the last delivery that was
/// acknowledged bounds it, unless some of another one may have arrived.
fn last_told(removal: &Removal, withdrawn: Timestamp) -> Timestamp {
    match removal.told_at {
        Some(told) if !removal.partly => told.min(withdrawn),
        _ => withdrawn,
    }
}

/// The UTC day within which `days` days after `told` have passed; a day more, for what was on its way.
fn expires_by(told: Timestamp, days: u64) -> Option<Date> {
    let hours = i64::try_from(days).ok()?.checked_mul(24)?;
    let end = told.checked_add(SignedDuration::from_hours(hours)).ok()?;
    TimeZone::UTC.to_datetime(end).date().tomorrow().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn removal(state: state::Delivery) -> Removal {
        Removal {
            destination: "dsp-a".to_owned(),
            member_ttl_days: Some(30),
            acknowledged: false,
            state,
            told_at: Some("2026-11-01T10:00:00Z".parse().unwrap()),
            partly: false,
        }
    }

    fn withdrawn() -> Timestamp {
        "2026-11-22T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_entry_expires_its_days_after_it_was_last_told() {
        let (view, until) = at(&removal(state::Delivery::Failed), withdrawn());
        assert_eq!(view.state, RemovalState::Expires);
        assert_eq!(view.expires_by.unwrap(), "2026-12-02");
        assert_eq!(until.unwrap().to_string(), "2026-12-02");
    }

    #[test]
    fn what_may_have_arrived_in_part_counts_from_the_withdrawal() {
        let mut partly = removal(state::Delivery::Failed);
        partly.partly = true;
        let (view, _) = at(&partly, withdrawn());
        assert_eq!(view.expires_by.unwrap(), "2026-12-23");
        let mut never = removal(state::Delivery::Queued);
        never.told_at = None;
        let (view, _) = at(&never, withdrawn());
        assert_eq!(view.state, RemovalState::Queued);
        assert_eq!(view.expires_by.unwrap(), "2026-12-23");
    }

    #[test]
    fn a_destination_that_declared_nothing_has_failed_and_somebody_must_look() {
        let mut silent = removal(state::Delivery::Failed);
        silent.member_ttl_days = None;
        assert_eq!(at(&silent, withdrawn()).0.state, RemovalState::Failed);
        silent.acknowledged = true;
        let (view, until) = at(&silent, withdrawn());
        assert_eq!((view.state, until), (RemovalState::Acknowledged, None));
    }

    #[test]
    fn a_request_is_complete_when_every_destination_acknowledged_or_let_its_entries_end() {
        let found = Withdrawal {
            id: crate::domain::id::Id::parse(&"0a".repeat(16)).unwrap(),
            collaboration: crate::domain::id::Id::parse(&"0b".repeat(16)).unwrap(),
            sender: "shop".to_owned(),
            number: 1,
            tokens: 1,
            wrapped_key: String::new(),
            salt: String::new(),
            at: withdrawn(),
            leaf: 0,
            kind: RequestKind::Withdrawal,
            erased: None,
        };
        let mut there = removal(state::Delivery::Delivered);
        there.acknowledged = true;
        let gone = [there, removal(state::Delivery::Failed)];
        let on = |day: &str| view(&found, &gone, day.parse().unwrap());
        assert_eq!(on("2026-12-02").state, RequestState::Open);
        assert_eq!(on("2026-12-03").state, RequestState::Complete);
        let worst = on("2026-12-03").destinations;
        assert_eq!(worst["dsp-a"].state, RemovalState::Expires);
        let asked = Withdrawal {
            kind: RequestKind::Erasure,
            ..found
        };
        let open = view(&asked, &gone, "2026-12-03".parse().unwrap());
        assert_eq!(open.state, RequestState::Open, "not destroyed yet");
        assert!(open.erasure.unwrap().done_at.is_none());
    }
}
