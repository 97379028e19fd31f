//! The leaves with the documents behind them: who signed what, by which policy was decided, what was charged.
//!
//! A leaf comes here once it fits everything before it. Its documents are the next ones of their file: so none
//! can be missing, doubled, in another place or left over.
//!
//! Bound: memory grows with the parties, collaborations, policies, uploads and decisions of the log, under 1 KiB
//! each and 16 KiB a collaboration.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::document::{Document, digest};
use super::ledger::Ledger;
use super::lines::Lines;
use super::report::{Books, Enrolled};
use super::summary::Timeline;
use super::violation::{Problem, Violation};
use crate::consent::batch_head;
use crate::release::Policy;
use crate::transparency::{Event, Leaf};
use crate::wire::terms::Terms;

/// A party as it enrolled last.
#[derive(Default)]
pub(super) struct Party {
    /// Its signing keys, the newest last; none without documents.
    pub signing_keys: Vec<[u8; 32]>,
    /// Fingerprint of its sealing key.
    pub sealing_key: Option<String>,
}

/// A collaboration as far as the leaves have come.
pub(super) struct Agreed {
    pub books: Books,
    /// The exact bytes and what they say; none without documents.
    pub terms: Option<(String, Terms)>,
    /// The loosest that the gate may be: terms and tightenings.
    pub floor: Policy,
}

/// An upload, for those who draw records of it.
pub(super) struct Sealed {
    /// Number of its leaf.
    pub index: u64,
    pub collaboration: String,
    pub upload: String,
    /// Whether it is the advertiser's.
    pub crm: bool,
    /// Its records; none without documents.
    pub rows: Option<u64>,
    /// What the leaf binds its records with.
    pub head: [u8; 32],
    /// When it was sealed.
    pub at: Timestamp,
}

/// What the leaves so far have said, and their documents.
pub(super) struct Leaves<'a> {
    documents: Option<Lines<'a>>,
    pub parties: BTreeMap<String, Party>,
    pub policies: BTreeMap<String, Policy>,
    ledger: Ledger,
    answers: BTreeSet<(String, String, Option<u64>, Option<u64>)>,
    pub order: Vec<String>,
    pub agreed: BTreeMap<String, Agreed>,
    decided: BTreeMap<String, String>,
    pub enrolled: Vec<Enrolled>,
    pub uploads: Vec<Sealed>,
    /// Who asked for an erasure, and where.
    pub erasing: BTreeSet<(String, String)>,
    pub timeline: Timeline,
    pub charges: u64,
}

impl<'a> Leaves<'a> {
    /// Begins; without documents only the leaves themselves are looked at.
    pub(super) fn new(documents: Option<Lines<'a>>) -> Self {
        Leaves {
            documents,
            parties: BTreeMap::new(),
            policies: BTreeMap::new(),
            ledger: Ledger::default(),
            answers: BTreeSet::new(),
            order: Vec::new(),
            agreed: BTreeMap::new(),
            decided: BTreeMap::new(),
            enrolled: Vec::new(),
            uploads: Vec::new(),
            erasing: BTreeSet::new(),
            timeline: Timeline::default(),
            charges: 0,
        }
    }

    /// Takes the next leaf, which breaks no rule of the log.
    pub(super) fn take(&mut self, index: u64, leaf: &Leaf) -> Result<(), Violation> {
        self.timeline.add(leaf);
        let mut document = || match &mut self.documents {
            None => Ok(None),
            Some(lines) => match lines.next::<Document>()? {
                Some(found) => Ok(Some(found)),
                None => Err(at(index)(Problem::NoDocument)),
            },
        };
        match &leaf.event {
            Event::Enrolment { .. } => {
                let document = document()?;
                self.enrol(leaf, document).map_err(at(index))
            }
            Event::Proposal { collaboration } => {
                let document = document()?;
                self.propose(leaf, collaboration, document)
                    .map_err(at(index))
            }
            Event::Acceptance { collaboration } => {
                let document = document()?;
                self.accept(leaf, collaboration, document)
                    .map_err(at(index))
            }
            Event::Tightening { .. } => {
                let document = document()?;
                self.tighten(leaf, document).map_err(at(index))
            }
            Event::Upload { .. } => {
                let document = document()?;
                self.upload(index, leaf, document).map_err(at(index))
            }
            Event::Coverage { collaboration, .. } => {
                self.policy(index, leaf, collaboration).map(drop)
            }
            Event::MatchDecision {
                collaboration,
                released,
                charge,
                ..
            } => {
                let policy = self.policy(index, leaf, collaboration)?;
                let costs = policy.map(|policy| [policy.count_charge(); 2]);
                self.charge(leaf, collaboration, (*charge, *released), policy, costs)
                    .map_err(at(index))
            }
            Event::GateDecision { collaboration, .. } => {
                let policy = self.policy(index, leaf, collaboration)?;
                self.decide(leaf, policy).map_err(at(index))
            }
            Event::Delivery { decision_id, .. } => {
                if let Some(found) = self.decided.get(decision_id)
                    && let Some(agreed) = self.agreed.get_mut(found)
                {
                    agreed.books.deliveries += 1;
                }
                Ok(())
            }
            Event::Withdrawal {
                collaboration,
                kind,
                ..
            } => {
                if kind.as_deref() == Some("erasure") {
                    let asked = (collaboration.clone(), leaf.actor.clone());
                    self.erasing.insert(asked);
                }
                self.books(collaboration, |books| books.withdrawals += 1);
                Ok(())
            }
            // What happens by hand, or once it was asked for, has no document.
            Event::Admin { .. } | Event::Erasure { .. } => Ok(()),
        }
    }

    /// Ends: no document may be left.
    pub(super) fn end(&mut self) -> Result<(), Violation> {
        let Some(lines) = &mut self.documents else {
            return Ok(());
        };
        match lines.next::<Document>()? {
            None => Ok(()),
            Some(_) => Err(lines.here(Problem::TooMany)),
        }
    }

    /// The books of every collaboration, in the order of their proposals.
    pub(super) fn all_books(&self) -> Vec<Books> {
        let found = self.order.iter().filter_map(|id| self.agreed.get(id));
        found.map(|agreed| agreed.books.clone()).collect()
    }

    fn upload(
        &mut self,
        index: u64,
        leaf: &Leaf,
        document: Option<Document>,
    ) -> Result<(), Problem> {
        let Event::Upload {
            collaboration,
            upload,
            kind,
            consent_root,
            ..
        } = &leaf.event
        else {
            return Ok(());
        };
        let head = digest(consent_root).ok_or(Problem::NotTheDocument)?;
        let rows = match document {
            None => None,
            Some(Document::Upload { rows, root }) => {
                let root = digest(&root).ok_or(Problem::NotTheDocument)?;
                let same = batch_head(rows, &root) == head;
                Some(same.then_some(rows).ok_or(Problem::NotTheDocument)?)
            }
            Some(_) => return Err(Problem::NoDocument),
        };
        self.books(collaboration, |books| books.uploads += 1);
        self.uploads.push(Sealed {
            index,
            collaboration: collaboration.clone(),
            upload: upload.clone(),
            crm: kind == "crm",
            rows,
            head,
            at: time(leaf),
        });
        Ok(())
    }

    /// The policy that a leaf names, which is at least as tight as what was signed; none without documents.
    fn policy(&mut self, index: u64, leaf: &Leaf, id: &str) -> Result<Option<Policy>, Violation> {
        let Some(named) = &leaf.policy else {
            return Err(at(index)(Problem::NoDocument));
        };
        let Some(lines) = &mut self.documents else {
            return Ok(None);
        };
        let policy = match self.policies.get(named) {
            Some(known) => *known,
            None => match lines.next::<Document>()? {
                Some(Document::Policy { version, policy }) => {
                    if version != Policy::VERSION {
                        return Err(at(index)(Problem::PolicyVersion));
                    }
                    if hex::encode(policy.digest()) != *named {
                        return Err(at(index)(Problem::NotTheDocument));
                    }
                    self.policies.insert(named.clone(), policy);
                    policy
                }
                _ => return Err(at(index)(Problem::NoDocument)),
            },
        };
        let floor = self.agreed.get(id).map(|agreed| agreed.floor);
        match floor.is_some_and(|floor| floor.and(policy) == policy) {
            true => Ok(Some(policy)),
            false => Err(at(index)(Problem::Looser)),
        }
    }

    fn decide(&mut self, leaf: &Leaf, policy: Option<Policy>) -> Result<(), Problem> {
        let Event::GateDecision {
            collaboration,
            destination,
            decision_id,
            released,
            about,
            control,
            charge,
            ..
        } = &leaf.event
        else {
            return Ok(());
        };
        let terms = self
            .agreed
            .get(collaboration)
            .and_then(|agreed| agreed.terms.as_ref());
        if terms.is_some_and(|(_, terms)| terms.destination_names().all(|one| one != destination)) {
            return Err(Problem::NotInTerms);
        }
        let answer = (collaboration.clone(), destination.clone(), *about, *control);
        let costs = match charge {
            // An earlier answer to the same question.
            0 if !self.answers.contains(&answer) => return Err(Problem::NoEarlierAnswer),
            0 => None,
            _ => policy.map(|policy| [policy.audience_charge(), 2 * policy.audience_charge()]),
        };
        self.charge(leaf, collaboration, (*charge, *released), policy, costs)?;
        self.answers.insert(answer);
        self.decided
            .insert(decision_id.clone(), collaboration.clone());
        Ok(())
    }

    /// Charges a decision, which must cost one of `costs`. Without its policy the loosest one holds.
    fn charge(
        &mut self,
        leaf: &Leaf,
        id: &str,
        (charge, released): (u32, bool),
        policy: Option<Policy>,
        costs: Option<[u32; 2]>,
    ) -> Result<(), Problem> {
        if costs.is_some_and(|costs| !costs.contains(&charge)) {
            return Err(Problem::Charge);
        }
        let agreed = self.agreed.get_mut(id).ok_or(Problem::NoDocument)?;
        agreed.books.decisions += 1;
        agreed.books.released += u64::from(released);
        agreed.books.charged += u64::from(charge);
        self.charges += u64::from(charge > 0);
        let partner = agreed.books.partner.clone().unwrap_or_default();
        let pair = (agreed.books.advertiser.as_str(), partner.as_str());
        let policy = policy.unwrap_or_else(Policy::floor);
        self.ledger.charge(pair, time(leaf), charge, &policy)
    }

    pub(super) fn books(&mut self, id: &str, change: impl FnOnce(&mut Books)) {
        if let Some(agreed) = self.agreed.get_mut(id) {
            change(&mut agreed.books);
        }
    }
}

/// A leaf's time; parsed leaves have one.
fn time(leaf: &Leaf) -> Timestamp {
    leaf.time.parse().unwrap_or(Timestamp::MIN)
}

fn at(index: u64) -> impl Fn(Problem) -> Violation {
    move |problem| Violation::Leaf { index, problem }
}
