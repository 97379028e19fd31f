//! The order of events: what must have happened before what. A log that breaks one of these was not
//! written by a service that keeps its promises, whoever signed it.
//!
//! Bound: memory grows with the parties, collaborations, uploads, decisions and deliveries of the log,
//! about 200 bytes each; not with rows or members, which are not in it.

use std::collections::{BTreeMap, BTreeSet};

use super::event::Event;
use super::leaf::Leaf;

/// The name the operator acts under.
const OPERATOR: &str = "operator";

/// A broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// A party is called `operator`, or is enrolled by a third party.
    #[error(
        "an enrolment is made by the operator or the party itself, and none is called `operator`"
    )]
    Enrolment,
    /// A party enrolled again with another role.
    #[error("a party keeps the role of its first enrolment")]
    RoleChanged,
    /// The actor is not allowed to do this, or never enrolled.
    #[error("the actor is enrolled, and in the role that this takes")]
    Actor,
    /// An id was used before.
    #[error("an id is used once")]
    Repeated,
    /// No such proposal before, or already accepted.
    #[error("an acceptance follows its proposal, once")]
    Acceptance,
    /// The collaboration was not accepted before.
    #[error("nothing happens in a collaboration before both signed it")]
    NotAccepted,
    /// What was added or removed does not extend the newest upload of its side.
    #[error("an added or removed upload extends the newest one of its side")]
    Parent,
    /// What an upload bridges is no collaboration of the same two parties, or not accepted before.
    #[error("an upload bridges another accepted collaboration of the same two parties")]
    Bridge,
    /// Both sides' uploads were not there before.
    #[error("a decision follows uploads of both sides")]
    NoUploads,
    /// A tightening that is not the next one of its party.
    #[error("a party's tightenings are counted from 1, without gaps")]
    Tightening,
    /// Coverage of what is no graph of that collaboration.
    #[error("coverage is told of a graph that was sealed before")]
    NoGraph,
    /// A gate decision or a tightening without the digest of its policy.
    #[error("a decision or a tightening names its policy")]
    NoPolicy,
    /// The destination is not an enrolled destination.
    #[error("a destination is enrolled as one")]
    Destination,
    /// No released decision for that audience and destination before.
    #[error("a delivery follows a decision that released that audience to that destination")]
    NotReleased,
    /// An act of the operator under another name.
    #[error("what the operator does by hand is recorded under the operator's name")]
    Operator,
    /// An erasure that its actor did not ask for before, in that collaboration.
    #[error("an erasure follows its own request, once, by who asked")]
    NotAsked,
}

struct Collaboration {
    advertiser: String,
    partner: Option<String>,
    /// The newest upload of each side.
    crm: Option<String>,
    graph: Option<String>,
    /// The newest tightening of each side.
    tightened: [u32; 2],
}

struct Decision {
    audience: String,
    destination: String,
    released: bool,
}

/// What the leaves so far have said.
#[derive(Default)]
pub(super) struct History {
    roles: BTreeMap<String, String>,
    collaborations: BTreeMap<String, Collaboration>,
    decisions: BTreeMap<String, Decision>,
    /// Erasures that were asked for: where, and by whom.
    erasures: BTreeMap<String, (String, String)>,
    used: BTreeSet<(&'static str, String)>,
}

impl History {
    /// Takes the next leaf, or says which rule it breaks.
    pub(super) fn take(&mut self, leaf: &Leaf) -> Result<(), Rule> {
        let actor = leaf.actor.as_str();
        match &leaf.event {
            Event::Enrolment { party, role, .. } => self.enrolment(actor, party, role),
            Event::Proposal { collaboration } => {
                self.role(actor, "advertiser")?;
                self.once("collaboration", collaboration)?;
                let proposed = Collaboration {
                    advertiser: actor.to_owned(),
                    partner: None,
                    crm: None,
                    graph: None,
                    tightened: [0; 2],
                };
                self.collaborations.insert(collaboration.clone(), proposed);
                Ok(())
            }
            Event::Acceptance { collaboration } => {
                self.role(actor, "partner")?;
                match self.collaborations.get_mut(collaboration) {
                    Some(found) if found.partner.is_none() => {
                        found.partner = Some(actor.to_owned());
                        Ok(())
                    }
                    _ => Err(Rule::Acceptance),
                }
            }
            Event::Tightening {
                collaboration,
                number,
                ..
            } => self.tightening(actor, leaf, collaboration, *number),
            Event::Coverage {
                collaboration,
                upload,
                destinations,
            } => {
                let (found, partner) = self.accepted(collaboration)?;
                by(actor, partner)?;
                if found.graph.as_ref() != Some(upload) {
                    return Err(Rule::NoGraph);
                }
                for one in destinations {
                    self.destination(&one.destination)?;
                }
                self.once("coverage", upload)?;
                names_policy(leaf)
            }
            Event::Upload {
                collaboration,
                upload,
                kind,
                parent,
                bridge,
                ..
            } => {
                if let Some(other) = bridge {
                    self.same_parties(collaboration, other)?;
                }
                self.upload(actor, collaboration, upload, kind == "crm", parent)
            }
            Event::MatchDecision {
                collaboration,
                match_id,
                ..
            } => {
                self.decidable(actor, leaf, collaboration)?;
                self.once("match", match_id)
            }
            Event::GateDecision {
                collaboration,
                audience,
                destination,
                decision_id,
                released,
                ..
            } => {
                self.decidable(actor, leaf, collaboration)?;
                self.destination(destination)?;
                self.once("decision", decision_id)?;
                let decision = Decision {
                    audience: audience.clone(),
                    destination: destination.clone(),
                    released: *released,
                };
                self.decisions.insert(decision_id.clone(), decision);
                Ok(())
            }
            Event::Delivery {
                decision_id,
                delivery,
                audience,
                destination,
                ..
            } => {
                by(actor, destination)?;
                let decision = self.decisions.get(decision_id);
                decision
                    .filter(|d| d.released && d.audience == *audience)
                    .filter(|d| d.destination == *destination)
                    .ok_or(Rule::NotReleased)?;
                self.once("delivery", delivery)
            }
            Event::Withdrawal {
                collaboration,
                withdrawal,
                kind,
                ..
            } => {
                let (found, partner) = self.accepted(collaboration)?;
                if actor != found.advertiser && actor != partner {
                    return Err(Rule::Actor);
                }
                self.once("withdrawal", withdrawal)?;
                if kind.as_deref() == Some("erasure") {
                    let asked = (collaboration.clone(), actor.to_owned());
                    self.erasures.insert(withdrawal.clone(), asked);
                }
                Ok(())
            }
            Event::Admin { .. } => (actor == OPERATOR).then_some(()).ok_or(Rule::Operator),
            Event::Erasure {
                collaboration,
                withdrawal,
                ..
            } => match self.erasures.remove(withdrawal) {
                Some((there, who)) if there == *collaboration && who == actor => Ok(()),
                _ => Err(Rule::NotAsked),
            },
        }
    }

    fn enrolment(&mut self, actor: &str, party: &str, role: &str) -> Result<(), Rule> {
        if party == OPERATOR || (actor != OPERATOR && actor != party) {
            return Err(Rule::Enrolment);
        }
        let known = self.roles.entry(party.to_owned());
        if known.or_insert_with(|| role.to_owned()) != role {
            return Err(Rule::RoleChanged);
        }
        Ok(())
    }

    fn upload(
        &mut self,
        actor: &str,
        id: &str,
        upload: &str,
        crm: bool,
        parent: &Option<String>,
    ) -> Result<(), Rule> {
        let (found, partner) = self.accepted(id)?;
        by(actor, if crm { &found.advertiser } else { partner })?;
        self.once("upload", upload)?;
        let found = self.collaborations.get_mut(id).ok_or(Rule::NotAccepted)?;
        let newest = match crm {
            true => &mut found.crm,
            false => &mut found.graph,
        };
        if parent.is_some() && parent != newest {
            return Err(Rule::Parent);
        }
        *newest = Some(upload.to_owned());
        Ok(())
    }

    fn same_parties(&self, id: &str, other: &str) -> Result<(), Rule> {
        let (found, partner) = self.accepted(id)?;
        let (other, its_partner) = self.accepted(other).map_err(|_| Rule::Bridge)?;
        let same = found.advertiser == other.advertiser && partner == its_partner;
        same.then_some(()).ok_or(Rule::Bridge)
    }

    fn decidable(&self, actor: &str, leaf: &Leaf, id: &str) -> Result<(), Rule> {
        let (found, _) = self.accepted(id)?;
        by(actor, &found.advertiser)?;
        if found.crm.is_none() || found.graph.is_none() {
            return Err(Rule::NoUploads);
        }
        names_policy(leaf)
    }

    /// The party itself: the operator cannot sign for it.
    fn tightening(&mut self, actor: &str, leaf: &Leaf, id: &str, number: u32) -> Result<(), Rule> {
        let (found, partner) = self.accepted(id)?;
        let side = match actor {
            actor if actor == found.advertiser => 0,
            actor if actor == partner => 1,
            _ => return Err(Rule::Actor),
        };
        let found = self.collaborations.get_mut(id).ok_or(Rule::NotAccepted)?;
        if found.tightened[side].checked_add(1) != Some(number) {
            return Err(Rule::Tightening);
        }
        found.tightened[side] = number;
        names_policy(leaf)
    }

    fn accepted(&self, id: &str) -> Result<(&Collaboration, &str), Rule> {
        let found = self.collaborations.get(id).ok_or(Rule::NotAccepted)?;
        let partner = found.partner.as_deref().ok_or(Rule::NotAccepted)?;
        Ok((found, partner))
    }

    fn role(&self, actor: &str, role: &str) -> Result<(), Rule> {
        let holds = self.roles.get(actor).is_some_and(|known| known == role);
        holds.then_some(()).ok_or(Rule::Actor)
    }

    fn destination(&self, name: &str) -> Result<(), Rule> {
        self.role(name, "destination")
            .map_err(|_| Rule::Destination)
    }

    fn once(&mut self, kind: &'static str, id: &str) -> Result<(), Rule> {
        let new = self.used.insert((kind, id.to_owned()));
        new.then_some(()).ok_or(Rule::Repeated)
    }
}

fn names_policy(leaf: &Leaf) -> Result<(), Rule> {
    leaf.policy.as_ref().map(|_| ()).ok_or(Rule::NoPolicy)
}

/// The party itself, or the operator on its behalf.
fn by(actor: &str, party: &str) -> Result<(), Rule> {
    let allowed = actor == party || actor == OPERATOR;
    allowed.then_some(()).ok_or(Rule::Actor)
}
