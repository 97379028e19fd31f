//! Planning a delivery: who is permitted today, written to a member file that the sending follows.
//!
//! A plan is bound to the day and to the count of withdrawals it was judged with. When either moves
//! before the last batch is acknowledged, the delivery is planned anew: what was sent of the old plan
//! stays on record as something the destination may hold, and the new plan takes it back where needed.

use jiff::civil::Date;
use tamis_keys::envelope;
use tamis_keys::purpose::Webhook;
use tamis_keys::{Secret, envelope::EnvelopeError};

use super::judge::{Ask, Pinned, QUESTIONS};
use super::open::{Layers, Pair};
use super::{Held, JobError};
use crate::delivery::batch::receipt_start;
use crate::delivery::webhook::Target;
use crate::domain::audience::Audience;
use crate::domain::id::Id;
use crate::domain::permitted::Permitted;
use crate::domain::state;
use crate::service::append::blocking;
use crate::service::files::{Object, remove};
use crate::service::{Service, ServiceError};
use crate::sets::members;
use crate::store::audiences;
use crate::store::decisions::Decision;
use crate::store::deliveries::Delivery;
use crate::store::emissions::{Emission, EmissionFile};
use crate::store::members::MemberFile;
use crate::store::parties::Party;
use crate::store::{Tx, snapshot, transact};

/// So many earlier decisions are looked at for persons that the gate kept.
const EARLIER: usize = 32;

/// A delivery with everything that belongs to it.
#[derive(Clone)]
pub(super) struct Order {
    pub delivery: Delivery,
    pub decision: Decision,
    pub audience: audiences::Audience,
    /// What the decision was made on, the partner's set in the form whose numbers its emission has.
    /// Planning opens these very layers, and no others.
    pub sets: Pair,
    /// Whom the gate let out.
    emission: EmissionFile,
    /// Earlier decisions that reached whom the gate kept, the newest first; none if it kept nobody.
    earlier: Vec<(Decision, Layers)>,
    pub destination: Party,
    pub plan: Option<MemberFile>,
    /// Released decisions on the same uploads: judged along, because their deliveries wait too.
    pub siblings: Vec<Ask>,
}

impl Order {
    fn ask(&self) -> Ask {
        Ask::members(&self.decision.expression, &self.decision.destination)
    }

    /// The day to judge on: never before the day of the decision, so that nobody can be in that the
    /// gate did not count.
    pub(super) fn day(&self, today: Date) -> Date {
        today.max(self.decision.as_of)
    }
}

impl Service {
    pub(super) async fn order(&self, tx: &mut Tx, id: Id) -> Result<Option<Order>, JobError> {
        let Some(delivery) = tx.delivery(id).await? else {
            return Ok(None);
        };
        let decision = tx.decision(delivery.decision).await?;
        let decision = decision.ok_or_else(|| JobError::gone("the decision"))?;
        if decision.state != state::Decision::Released {
            return Err(JobError::failed("delivery", "its decision is not released"));
        }
        let audience = tx.audience(delivery.audience).await?;
        let audience = audience.ok_or_else(|| JobError::gone("the audience"))?;
        let (emission, file) = emission(tx, &decision).await?;
        let sets = Pair {
            advertiser: Layers::read(tx, decision.advertiser_upload).await?,
            partner: Layers::of_form(tx, file.form).await?,
        };
        let earlier = match emission.kept {
            true => earlier(tx, emission.id).await?,
            false => Vec::new(),
        };
        let destination = tx.party(&delivery.destination).await?;
        let plan = match delivery.plan {
            Some(plan) => tx.member_file(plan).await?,
            None => None,
        };
        let mut siblings = Vec::new();
        for other in tx.released_decisions(audience.collaboration).await? {
            let together = other.advertiser_upload == decision.advertiser_upload
                && other.partner_upload == decision.partner_upload;
            if together && other.id != decision.id {
                siblings.push(Ask::members(&other.expression, &other.destination));
            }
        }
        Ok(Some(Order {
            delivery,
            decision,
            audience,
            sets,
            emission: file,
            earlier,
            destination: destination.ok_or_else(|| JobError::gone("the destination"))?,
            plan,
            siblings,
        }))
    }

    /// The plan to follow: the one there is, if it still holds; otherwise a new one.
    pub(super) async fn plan(&self, held: &Held, order: &Order) -> Result<MemberFile, JobError> {
        if let Some(plan) = &order.plan {
            let withdrawals = snapshot!(self.store(), "plan-check", |tx| {
                Ok::<_, JobError>(tx.withdrawal_count(order.audience.collaboration).await?)
            })?;
            let day = order.day(self.today());
            if plan.withdrawals == withdrawals && plan.judged_on == day {
                return Ok(plan.clone());
            }
        }
        loop {
            held.check()?;
            let permitted = self.permitted(held, order).await?;
            let plan = self.write_plan(order, permitted).await?;
            if self.adopt(held, order, &plan).await? {
                if let Some(old) = order.plan.as_ref().filter(|old| unsent(old)) {
                    let _ = remove(&self.files().members(old.id));
                }
                return Ok(plan);
            }
            // Somebody withdrew while it was written.
            let _ = remove(&self.files().members(plan.id));
        }
    }

    async fn permitted(&self, held: &Held, order: &Order) -> Result<Permitted<Audience>, JobError> {
        let pinned = Pinned {
            collaboration: order.audience.collaboration,
            sets: order.sets.clone(),
            not_before: order.decision.as_of,
        };
        let mut asks = vec![order.ask()];
        for sibling in &order.siblings {
            if asks.len() < QUESTIONS && !asks.contains(sibling) {
                asks.push(sibling.clone());
            }
        }
        let emitted = self.emission(order.emission.clone()).await?.emitted;
        let judged = self.judge(held, pinned.clone(), asks).await?;
        let first = judged.into_first();
        let mut persons = first.ok_or_else(|| JobError::failed("matching", "no answer"))?;
        for (decision, advertiser) in &order.earlier {
            if emitted.persons().is_within(persons.members()) {
                break;
            }
            let mut pinned = pinned.clone();
            pinned.sets.advertiser = advertiser.clone();
            let ask = Ask::members(&decision.expression, &decision.destination);
            let judged = self.judge(held, pinned, vec![ask]).await?;
            let both = persons.or(&judged);
            persons = both.ok_or_else(|| JobError::failed("judging", "overtaken"))?;
        }
        let destination = order.decision.destination.clone();
        Ok(persons.among(&emitted).of(order.audience.id, destination))
    }

    /// Writes the member file of permitted members; on disk, not yet in the database.
    async fn write_plan(
        &self,
        order: &Order,
        permitted: Permitted<Audience>,
    ) -> Result<MemberFile, JobError> {
        let id = match order.delivery.plan {
            None => order.delivery.id,
            Some(_) => self.id(),
        };
        let object = Object::Members(id);
        let (key, wrapped_key) = self.new_key(object);
        let plan = MemberFile {
            id,
            audience: order.audience.id,
            destination: order.decision.destination.clone(),
            delivery: order.delivery.id,
            state: state::MemberFile::Planned,
            wrapped_key,
            judged_on: permitted.judged_on(),
            withdrawals: permitted.withdrawals(),
            created_at: self.now(),
        };
        // The semaphore is never closed.
        let _turn = self.0.judged.writing.acquire().await.ok();
        let service = self.clone();
        let partner = order.sets.partner.clone();
        blocking(move || {
            let path = service.files().members(id);
            // Left over by a run that was killed before its commit.
            remove(&path).map_err(|error| ServiceError::internal("member file", error))?;
            let partner = service
                .open_set(&partner)
                .map_err(|error| ServiceError::internal("sealed set", error))?;
            let audience = permitted.members();
            members::write(
                &partner,
                &audience.persons,
                &audience.destination,
                permitted.judged_on(),
                &path,
                &key,
                &object.context(),
            )
            .map(|_| ())
            .map_err(|error| ServiceError::internal("member file", error))
        })
        .await?;
        Ok(plan)
    }

    /// Makes `plan` the delivery's plan, unless somebody withdrew meanwhile.
    async fn adopt(&self, held: &Held, order: &Order, plan: &MemberFile) -> Result<bool, JobError> {
        let target = self.target(&order.destination)?;
        let secret = target.secrets.first();
        let secret = secret.ok_or_else(|| JobError::gone("the webhook secret"))?;
        let start = hex::encode(receipt_start(secret, &plan.id.to_string()));
        transact!(self.store(), "plan-adopt", |tx| {
            tx.hold_job(&held.job).await?;
            let now = tx.withdrawal_count(order.audience.collaboration).await?;
            if now != plan.withdrawals {
                return Ok(false);
            }
            if let Some(old) = &order.plan {
                tx.forget_planned(old.id).await?;
            }
            tx.add_member_file(plan).await?;
            tx.set_plan(order.delivery.id, plan.id, &start).await?;
            Ok::<_, JobError>(true)
        })
    }

    /// The destination's endpoint and the secret its deliveries are signed with.
    pub(super) fn target(&self, destination: &Party) -> Result<Target, JobError> {
        let endpoint = destination.endpoint.as_ref();
        let endpoint = endpoint.ok_or_else(|| JobError::gone("the endpoint"))?;
        let object = Object::Webhook(&destination.name);
        let key = self.key(object, &endpoint.wrapped_key)?;
        let failed = |error: EnvelopeError| JobError::failed("webhook secret", error);
        let sealed = base64_bytes(&endpoint.sealed_secret)?;
        let secret = envelope::open(&key, &sealed, &object.context()).map_err(failed)?;
        let secret = Secret::<Webhook>::from_slice(&secret)
            .ok_or_else(|| JobError::failed("webhook secret", "not 32 bytes"))?;
        Ok(Target {
            url: endpoint.url.clone(),
            ca_pem: endpoint.ca_pem.clone(),
            secrets: vec![secret],
        })
    }

    /// Opens a member file.
    pub(super) fn open_members(&self, file: &MemberFile) -> Result<members::MemberFile, JobError> {
        let object = Object::Members(file.id);
        let key = self.key(object, &file.wrapped_key)?;
        let path = self.files().members(file.id);
        members::MemberFile::open(&path, &key, &object.context())
            .map_err(|error| JobError::failed("member file", error))
    }
}

/// What a released decision delivers, in the numbers in which it was decided.
async fn emission(tx: &mut Tx, decision: &Decision) -> Result<(Emission, EmissionFile), JobError> {
    let gone = || JobError::gone("the emission");
    let emission = tx.emission(decision.emission.ok_or_else(gone)?).await?;
    let emission = emission.ok_or_else(gone)?;
    let file = tx.emission_files(emission.id).await?.into_iter().next();
    let file = file.filter(|file| file.first).ok_or_else(gone)?;
    Ok((emission, file))
}

/// Released decisions that the audience of an emission had before it, at the same destination and under
/// the same keys.
async fn earlier(tx: &mut Tx, emission: Id) -> Result<Vec<(Decision, Layers)>, JobError> {
    let own = tx.decision(emission).await?;
    let own = own.ok_or_else(|| JobError::gone("the decision"))?;
    let all = tx.released_of(own.audience, &own.destination).await?;
    let mut earlier = Vec::new();
    let before = all.into_iter().skip_while(|one| one.id != own.id).skip(1);
    for decision in before.take(EARLIER) {
        let layers = Layers::read(tx, decision.advertiser_upload).await?;
        earlier.push((decision, layers));
    }
    Ok(earlier)
}

fn unsent(plan: &MemberFile) -> bool {
    plan.state == state::MemberFile::Planned
}

fn base64_bytes(text: &str) -> Result<Vec<u8>, JobError> {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    BASE64_STANDARD
        .decode(text)
        .map_err(|error| JobError::failed("webhook secret", error))
}
