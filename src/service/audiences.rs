//! Audiences: named by the advertiser, decided by the gate, once per destination and question.
//!
//! The same request on the same uploads is answered with the decision that is there. The same
//! *question* (expression in normal form, destination, uploads, policy) under another name or use is a
//! new audience with the old answer: in neither case is new noise drawn, or repeating a question would
//! average the noise away. Only the advertiser's side sees audiences: expressions tell its segments.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use tamis_protocols::intersection::Expression;
use tamis_protocols::release::Policy;
use tamis_protocols::wire::api::{
    AudienceAtDestination, AudienceRequest, AudienceState, AudienceView,
};

use super::deliveries::delivery_state;
use super::matches::{newest_uploads, released};
use super::scope::advertiser_only;
use super::{Caller, Service, ServiceError, scope, terms};
use crate::domain::id::Id;
use crate::domain::name::AudienceName;
use crate::domain::state;
use crate::store::audiences::Audience;
use crate::store::collaborations::Collaboration;
use crate::store::decisions::Decision;
use crate::store::{Tx, snapshot, transact};

impl Service {
    /// Names an audience, or decides it anew on the newest uploads. Destinations of an earlier request
    /// that are not in this one stay as they are.
    ///
    /// # Errors
    /// `wrong_side`, `not_active`, `expired`, `invalid_name`, `invalid_expression`,
    /// `invalid_destinations`, `invalid_holdout`, `nothing_to_match`, `too_many_audiences`,
    /// `bridge_needed`, `budget_exhausted`.
    pub async fn put_audience(
        &self,
        caller: &Caller,
        collaboration: &str,
        name: &str,
        request: AudienceRequest,
    ) -> Result<AudienceView, ServiceError> {
        let collaboration = scope::id(collaboration)?;
        let now = self.now();
        let view = transact!(self.store(), "audience-put", |tx| {
            let found = scope::collaboration(tx, caller, collaboration).await?;
            advertiser_only(caller, &found)?;
            self.must_be_in_force(&found)?;
            let name = AudienceName::parse(name).ok_or_else(bad_name)?;
            let expression = check_request(&found, &request)?;
            let policy = self.effective_policy(tx, &found).await?;
            let uploads = newest_uploads(tx, found.id).await?;
            let audience = self.name_audience(tx, &found, name, &request).await?;
            let mut asked = false;
            for destination in &request.destinations {
                let new = self.decision(&audience, destination, &expression, uploads, &policy);
                asked |= self.ask(tx, &found, &policy, new, now).await?;
            }
            if asked {
                self.queue_decision(tx, &found, &policy, now).await?;
            }
            view(tx, audience).await
        })?;
        self.wake();
        Ok(view)
    }

    /// One of the caller's audiences.
    pub async fn audience(
        &self,
        caller: &Caller,
        collaboration: &str,
        name: &str,
    ) -> Result<AudienceView, ServiceError> {
        let collaboration = scope::id(collaboration)?;
        snapshot!(self.store(), "audience", |tx| {
            advertisers(tx, caller, collaboration).await?;
            let audience = tx.audience_named(collaboration, name).await?;
            view(tx, audience.ok_or(ServiceError::NotFound)?).await
        })
    }

    /// The caller's audiences in a collaboration, newest first, at most 1,000.
    pub async fn audiences(
        &self,
        caller: &Caller,
        collaboration: &str,
    ) -> Result<Vec<AudienceView>, ServiceError> {
        let collaboration = scope::id(collaboration)?;
        snapshot!(self.store(), "audiences", |tx| {
            advertisers(tx, caller, collaboration).await?;
            let mut views = Vec::new();
            for audience in tx.audiences(collaboration).await? {
                views.push(view(tx, audience).await?);
            }
            Ok(views)
        })
    }

    async fn name_audience(
        &self,
        tx: &mut Tx,
        collaboration: &Collaboration,
        name: AudienceName,
        request: &AudienceRequest,
    ) -> Result<Audience, ServiceError> {
        if let Some(mut known) = tx.audience_named(collaboration.id, name.as_str()).await? {
            known.expression.clone_from(&request.expression);
            known.purpose = request.purpose;
            known.holdout = request.holdout_percent.unwrap_or(0);
            tx.set_audience(&known).await?;
            return Ok(known);
        }
        if tx.audience_count(collaboration.id).await? >= self.limits().audiences {
            return Err(ServiceError::conflict(
                "too_many_audiences",
                "The collaboration has as many audiences as allowed: use one of them again.",
            ));
        }
        let new = Audience {
            id: self.id(),
            collaboration: collaboration.id,
            name: name.as_str().to_owned(),
            expression: request.expression.clone(),
            purpose: request.purpose,
            holdout: request.holdout_percent.unwrap_or(0),
        };
        tx.add_audience(&new, self.now()).await?;
        Ok(new)
    }

    fn decision(
        &self,
        audience: &Audience,
        destination: &str,
        expression: &Expression,
        (advertiser_upload, partner_upload): (Id, Id),
        policy: &Policy,
    ) -> Decision {
        let normal = expression.normal().to_string();
        let expression = expression.to_string();
        // A control group is an audience's own: the same question under another name has another one.
        let control = match audience.holdout {
            0 => String::new(),
            share => format!("{}/{share}", audience.id),
        };
        let mut question = Sha256::new_with_prefix("tamis/v1/question");
        for part in [
            audience.collaboration.to_string().as_str(),
            &advertiser_upload.to_string(),
            &partner_upload.to_string(),
            destination,
            &hex::encode(policy.digest()),
            &normal,
            &control,
        ] {
            question.update((part.len() as u64).to_be_bytes());
            question.update(part);
        }
        Decision {
            id: self.id(),
            audience: audience.id,
            destination: destination.to_owned(),
            question: hex::encode(question.finalize()),
            expression,
            purpose: audience.purpose,
            advertiser_upload,
            partner_upload,
            holdout: audience.holdout,
            as_of: self.today(),
            state: state::Decision::Deciding,
            about: None,
            control_about: None,
            emission: None,
            held: false,
            leaf: None,
        }
    }
}

/// The question, if it can be asked in this collaboration.
fn check_request(
    collaboration: &Collaboration,
    request: &AudienceRequest,
) -> Result<Expression, ServiceError> {
    let expression = Expression::parse(&request.expression).map_err(|error| {
        ServiceError::invalid(
            "invalid_expression",
            format!("Position {}: expected {}.", error.position, error.expected),
        )
    })?;
    let terms = terms::stored(&collaboration.terms)?;
    let agreed: BTreeSet<&str> = terms.destination_names().collect();
    let wanted: BTreeSet<&str> = request.destinations.iter().map(String::as_str).collect();
    let known = wanted.is_subset(&agreed);
    let share = request.holdout_percent;
    if share.is_some_and(|share| !(1..=50).contains(&share)) {
        return Err(ServiceError::invalid(
            "invalid_holdout",
            "A hold-out is 1 to 50 percent; leave it out for none.",
        ));
    }
    if wanted.is_empty() || wanted.len() != request.destinations.len() || !known {
        return Err(ServiceError::invalid(
            "invalid_destinations",
            "Name at least one destination of the terms, each once.",
        ));
    }
    Ok(expression)
}

/// The caller's collaboration, if it is its advertiser: for others it has no audiences.
async fn advertisers(tx: &mut Tx, caller: &Caller, id: Id) -> Result<(), ServiceError> {
    let found = scope::collaboration(tx, caller, id).await?;
    match found.advertiser == caller.name {
        true => Ok(()),
        false => Err(ServiceError::NotFound),
    }
}

async fn view(tx: &mut Tx, audience: Audience) -> Result<AudienceView, ServiceError> {
    let mut destinations = BTreeMap::new();
    for decision in tx.newest_decisions(audience.id).await? {
        let (state, size) = match decision.state {
            state::Decision::Deciding => (AudienceState::Deciding, None),
            state::Decision::Failed => (AudienceState::Failed, None),
            state::Decision::Released => (AudienceState::Released, Some(released(decision.about))),
            state::Decision::BelowMinimum => (AudienceState::BelowMinimum, Some(released(None))),
        };
        let decided = size.is_some();
        let newest = tx
            .newest_delivery(audience.id, &decision.destination)
            .await?;
        let at = AudienceAtDestination {
            destination: decision.destination.clone(),
            state,
            size,
            control: (decided && decision.holdout > 0).then(|| released(decision.control_about)),
            log_index: decision.leaf,
            delivery: newest.map(|delivery| delivery_state(delivery.state)),
        };
        destinations.insert(decision.destination, at);
    }
    Ok(AudienceView {
        name: audience.name,
        collaboration: audience.collaboration.to_string(),
        expression: audience.expression,
        purpose: audience.purpose,
        holdout_percent: (audience.holdout > 0).then_some(audience.holdout),
        destinations: destinations.into_values().collect(),
    })
}

fn bad_name() -> ServiceError {
    ServiceError::invalid(
        "invalid_name",
        "A name has 1 to 64 characters: a-z first, then a-z, 0-9 and -.",
    )
}
