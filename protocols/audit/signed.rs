//! Who is who, and who signed what: enrolments, terms and tightenings with their documents.

use sha2::{Digest, Sha256};

use super::document::{Document, base64};
use super::leaves::{Agreed, Leaves};
use super::report::{Books, Enrolled};
use super::violation::Problem;
use crate::pairing;
use crate::release::Policy;
use crate::transparency::{Event, Leaf, key_fingerprint};
use crate::wire::terms::Terms;
use crate::wire::tightening::Tightening;

impl Leaves<'_> {
    /// The key that a party enrolled with last.
    fn key(&self, party: &str) -> Option<[u8; 32]> {
        self.parties.get(party)?.signing_keys.last().copied()
    }

    pub(super) fn enrol(&mut self, leaf: &Leaf, document: Option<Document>) -> Result<(), Problem> {
        let Event::Enrolment {
            party,
            role,
            signing_key,
            sealing_key,
        } = &leaf.event
        else {
            return Ok(());
        };
        let key = match document {
            None => None,
            Some(Document::Keys {
                signing_key: signing,
                sealing_key: sealing,
            }) => {
                let known = base64(&signing).ok_or(Problem::NotTheDocument)?;
                let sealing = sealing.map(|key| base64(&key).map(|key| key_fingerprint(&key)));
                let same = key_fingerprint(&known) == *signing_key
                    && sealing.as_ref().map(Option::as_ref) == sealing_key.as_ref().map(Some);
                Some(same.then_some(known).ok_or(Problem::NotTheDocument)?)
            }
            Some(_) => return Err(Problem::NoDocument),
        };
        let new = !self.parties.contains_key(party);
        let known = self.parties.entry(party.clone()).or_default();
        known.signing_keys.extend(key);
        known.sealing_key.clone_from(sealing_key);
        if new {
            self.enrolled.push(Enrolled {
                name: party.clone(),
                role: role.clone(),
                since: leaf.time.clone(),
            });
        }
        Ok(())
    }

    pub(super) fn propose(
        &mut self,
        leaf: &Leaf,
        id: &str,
        document: Option<Document>,
    ) -> Result<(), Problem> {
        let mut agreed = Agreed {
            books: Books {
                collaboration: id.to_owned(),
                advertiser: leaf.actor.clone(),
                ..Books::default()
            },
            terms: None,
            floor: Policy::floor(),
        };
        match document {
            None => {}
            Some(Document::Terms { terms, signature }) => {
                if pairing::collaboration_id(terms.as_bytes()) != id {
                    return Err(Problem::NotTheDocument);
                }
                self.signed(&leaf.actor, &terms, &signature)?;
                let read: Terms =
                    serde_json::from_str(&terms).map_err(|_| Problem::NotWhatWasSigned)?;
                if read.advertiser != leaf.actor || read.version != Terms::VERSION {
                    return Err(Problem::NotWhatWasSigned);
                }
                for destination in &read.destinations {
                    let party = self.parties.get(&destination.name);
                    let same =
                        party.is_some_and(|party| party.sealing_key == destination.sealing_key);
                    same.then_some(()).ok_or(Problem::DestinationKey)?;
                }
                agreed.floor = read.release;
                agreed.books.destinations = read.destination_names().map(str::to_owned).collect();
                agreed.books.expires = Some(read.expires.to_string());
                agreed.terms = Some((terms, read));
            }
            Some(_) => return Err(Problem::NoDocument),
        }
        self.order.push(id.to_owned());
        self.agreed.insert(id.to_owned(), agreed);
        Ok(())
    }

    pub(super) fn accept(
        &mut self,
        leaf: &Leaf,
        id: &str,
        document: Option<Document>,
    ) -> Result<(), Problem> {
        match document {
            None => {}
            Some(Document::Acceptance { signature }) => {
                let terms = self.agreed.get(id).and_then(|agreed| agreed.terms.as_ref());
                let (text, read) = terms.ok_or(Problem::NoDocument)?;
                if read.partner != leaf.actor {
                    return Err(Problem::NotWhatWasSigned);
                }
                self.signed(&leaf.actor, text, &signature)?;
            }
            Some(_) => return Err(Problem::NoDocument),
        }
        self.books(id, |books| books.partner = Some(leaf.actor.clone()));
        Ok(())
    }

    /// Whether the terms carry this party's signature.
    fn signed(&self, party: &str, terms: &str, signature: &str) -> Result<(), Problem> {
        let key = self.key(party).ok_or(Problem::Signature)?;
        let signature: [u8; 64] = base64(signature).ok_or(Problem::Signature)?;
        let holds = pairing::verify_terms(&key, terms.as_bytes(), &signature);
        holds.then_some(()).ok_or(Problem::Signature)
    }

    pub(super) fn tighten(
        &mut self,
        leaf: &Leaf,
        document: Option<Document>,
    ) -> Result<(), Problem> {
        let Event::Tightening {
            collaboration,
            number,
            document: wanted,
        } = &leaf.event
        else {
            return Ok(());
        };
        self.books(collaboration, |books| books.tightenings += 1);
        let (text, signature) = match document {
            None => return Ok(()),
            Some(Document::Tightening {
                document,
                signature,
            }) => (document, signature),
            Some(_) => return Err(Problem::NoDocument),
        };
        if hex::encode(Sha256::digest(&text)) != *wanted {
            return Err(Problem::NotTheDocument);
        }
        let key = self.key(&leaf.actor).ok_or(Problem::Signature)?;
        let signature: [u8; 64] = base64(&signature).ok_or(Problem::Signature)?;
        if !pairing::verify_tightening(&key, text.as_bytes(), &signature) {
            return Err(Problem::Signature);
        }
        let read: Tightening =
            serde_json::from_str(&text).map_err(|_| Problem::NotWhatWasSigned)?;
        let policy = hex::encode(read.policy.digest());
        let same = read.version == Tightening::VERSION
            && read.collaboration == *collaboration
            && read.party == leaf.actor
            && read.number == *number
            && leaf.policy.as_ref() == Some(&policy);
        if !same {
            return Err(Problem::NotWhatWasSigned);
        }
        let agreed = self.agreed.get_mut(collaboration);
        let agreed = agreed.ok_or(Problem::NoDocument)?;
        let tighter = agreed.floor.and(read.policy);
        if tighter != read.policy || tighter == agreed.floor {
            return Err(Problem::Looser);
        }
        agreed.floor = tighter;
        self.policies.insert(policy, read.policy);
        Ok(())
    }
}
