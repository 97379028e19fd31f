//! A log with its documents, made step by step as a service would.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tamis_keys::Secret;
use tamis_keys::signing::SigningKey;

use crate::audit::{Document, SampleLine};
use crate::consent::{ConsentRule, batch_head};
use crate::identifier::{IdentifierType, Profile};
use crate::pairing;
use crate::release::{Policy, Wish};
use crate::transparency::{Event, Leaf, LogKey, key_fingerprint};
use crate::wire::terms::{Destination, Terms};
use crate::wire::tightening::Tightening;

pub const ORIGIN: &str = "tamis.example/log";

/// A log that is being written.
pub struct Story {
    pub key: LogKey,
    pub leaves: Vec<Leaf>,
    /// By leaf.
    pub documents: Vec<Vec<Document>>,
    pub kept: Vec<String>,
    pub samples: Vec<SampleLine>,
    minute: i64,
    policies: Vec<String>,
}

/// 32 hexadecimal digits.
pub fn id(n: u32) -> String {
    format!("{n:032x}")
}

/// A party's keys, made of its name.
pub fn signing(party: &str) -> SigningKey {
    let mut seed = [7; 32];
    seed[..party.len()].copy_from_slice(party.as_bytes());
    SigningKey::from_secret(&Secret::from_bytes(seed))
}

fn sealing(party: &str) -> [u8; 32] {
    let mut key = [9; 32];
    key[..party.len()].copy_from_slice(party.as_bytes());
    key
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Terms of two parties with both destinations.
pub fn terms(nonce: u32, release: Policy) -> Terms {
    Terms {
        version: Terms::VERSION,
        nonce: id(nonce),
        advertiser: "acme".into(),
        partner: "mapper".into(),
        protocol: "keyed".into(),
        profile: Profile::Onboarding1,
        identifiers: vec![IdentifierType::Email],
        epoch: 1,
        destinations: vec![
            Destination::new("dmp-b", None),
            Destination::new("dsp-a", Some(&sealing("dsp-a"))),
        ],
        release,
        crm_rows: None,
        residency: None,
        advertiser_consent: ConsentRule::advertiser(),
        partner_consent: ConsentRule::partner(),
        expires: "2027-11-22".parse().unwrap(),
    }
}

/// The floor with less budget of the pair.
pub fn capped(pair_cap: u32) -> Policy {
    let wish = Wish {
        pair_cap: Some(pair_cap),
        ..Wish::default()
    };
    Policy::floor().tightened(&wish).unwrap()
}

impl Story {
    pub fn new() -> Self {
        Story {
            key: LogKey::new(Secret::from_bytes([0x71; 32]), ORIGIN).unwrap(),
            leaves: Vec::new(),
            documents: Vec::new(),
            kept: Vec::new(),
            samples: Vec::new(),
            minute: 0,
            policies: Vec::new(),
        }
    }

    /// Everybody is enrolled, and both signed; the collaboration's id.
    pub fn opened(release: Policy) -> (Self, String) {
        let mut story = Story::new();
        for (party, role) in [
            ("acme", "advertiser"),
            ("mapper", "partner"),
            ("dsp-a", "destination"),
            ("dmp-b", "destination"),
            ("eye", "auditor"),
        ] {
            story.enrol(party, role);
        }
        let id = story.agree(&terms(1, release));
        story.upload(&id, 2, "crm", 1_200);
        story.upload(&id, 3, "graph", 50_000);
        (story, id)
    }

    /// One collaboration from beginning to end.
    pub fn whole() -> Self {
        let (mut story, id) = Story::opened(Policy::floor());
        story.kept.push(story.checkpoint());
        story.matched(&id, 10, Policy::floor());
        let tighter = story.tighten(&id, "mapper", 1, capped(6_000));
        story.decide(&id, 11, "dsp-a", Some(320), 400, tighter);
        story.deliver(11, "dsp-a");
        story.decide(&id, 12, "dmp-b", None, 400, tighter);
        story.decide(&id, 13, "dsp-a", Some(320), 0, tighter);
        story.deliver(13, "dsp-a");
        story.request("acme", &id, 90, None);
        story
    }

    /// People of a party withdraw, oppose, or are to be erased.
    pub fn request(&mut self, party: &str, collaboration: &str, n: u32, kind: Option<&str>) {
        let event = Event::Withdrawal {
            collaboration: collaboration.into(),
            withdrawal: id(n),
            commitment: "ab".repeat(32),
            kind: kind.map(str::to_owned),
        };
        self.push(party, event, None);
    }

    /// Minutes pass.
    pub fn wait(&mut self, minutes: i64) {
        self.minute += minutes;
    }

    pub fn push(&mut self, actor: &str, event: Event, policy: Option<&Policy>) {
        let start: jiff::Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        let time = start + jiff::SignedDuration::from_mins(self.minute);
        self.minute += 1;
        let digest = policy.map(|policy| hex::encode(policy.digest()));
        let mut documents = Vec::new();
        if let (Some(digest), Some(policy)) = (&digest, policy)
            && !self.policies.contains(digest)
        {
            self.policies.push(digest.clone());
            if !matches!(event, Event::Tightening { .. }) {
                documents.push(Document::Policy {
                    version: Policy::VERSION,
                    policy: *policy,
                });
            }
        }
        self.leaves
            .push(Leaf::new(time.to_string(), actor, event, digest));
        self.documents.push(documents);
    }

    /// A document behind the newest leaf.
    pub fn behind(&mut self, document: Document) {
        self.documents.last_mut().unwrap().push(document);
    }

    pub fn enrol(&mut self, party: &str, role: &str) {
        let sealing = (party != "dmp-b" && role != "auditor").then(|| sealing(party));
        let event = Event::Enrolment {
            party: party.into(),
            role: role.into(),
            signing_key: key_fingerprint(&signing(party).public()),
            sealing_key: sealing.as_ref().map(key_fingerprint),
        };
        self.push("operator", event, None);
        self.behind(Document::Keys {
            signing_key: base64(&signing(party).public()),
            sealing_key: sealing.map(|key| base64(&key)),
        });
    }

    pub fn agree(&mut self, terms: &Terms) -> String {
        let text = serde_json::to_string(terms).unwrap();
        let collaboration = pairing::collaboration_id(text.as_bytes());
        let sign = |party: &str| base64(&pairing::sign_terms(&signing(party), text.as_bytes()));
        let event = Event::Proposal {
            collaboration: collaboration.clone(),
        };
        self.push(&terms.advertiser, event, None);
        self.behind(Document::Terms {
            signature: sign(&terms.advertiser),
            terms: text.clone(),
        });
        let event = Event::Acceptance {
            collaboration: collaboration.clone(),
        };
        self.push(&terms.partner, event, None);
        self.behind(Document::Acceptance {
            signature: sign(&terms.partner),
        });
        collaboration
    }

    pub fn upload(&mut self, collaboration: &str, n: u32, kind: &str, rows: u64) {
        self.upload_of(collaboration, n, kind, (rows, [n as u8; 32]));
    }

    pub fn upload_of(&mut self, collaboration: &str, n: u32, kind: &str, of: (u64, [u8; 32])) {
        let (rows, root) = of;
        let event = Event::Upload {
            collaboration: collaboration.into(),
            upload: id(n),
            kind: kind.into(),
            consent_root: hex::encode(batch_head(rows, &root)),
            mode: None,
            parent: None,
            bridge: None,
        };
        let actor = if kind == "crm" { "acme" } else { "mapper" };
        self.push(actor, event, None);
        self.behind(Document::Upload {
            rows,
            root: hex::encode(root),
        });
    }

    pub fn tighten(&mut self, id: &str, party: &str, number: u32, policy: Policy) -> Policy {
        let document = Tightening {
            version: Tightening::VERSION,
            collaboration: id.into(),
            party: party.into(),
            number,
            policy,
        };
        let document = serde_json::to_string(&document).unwrap();
        let event = Event::Tightening {
            collaboration: id.into(),
            number,
            document: hex::encode(Sha256::digest(&document)),
        };
        self.push(party, event, Some(&policy));
        let signature = pairing::sign_tightening(&signing(party), document.as_bytes());
        self.behind(Document::Tightening {
            document,
            signature: base64(&signature),
        });
        policy
    }

    pub fn matched(&mut self, collaboration: &str, n: u32, policy: Policy) {
        let event = Event::MatchDecision {
            collaboration: collaboration.into(),
            match_id: id(n),
            released: true,
            about: Some(1240),
            charge: policy.count_charge(),
        };
        self.push("operator", event, Some(&policy));
    }

    pub fn decide(
        &mut self,
        collaboration: &str,
        n: u32,
        destination: &str,
        about: Option<u64>,
        charge: u32,
        policy: Policy,
    ) {
        let event = Event::GateDecision {
            collaboration: collaboration.into(),
            audience: id(1000 + n),
            destination: destination.into(),
            decision_id: id(n),
            released: about.is_some(),
            about,
            control: None,
            charge,
        };
        self.push("operator", event, Some(&policy));
    }

    /// Of the decision with that number.
    pub fn deliver(&mut self, n: u32, destination: &str) {
        let event = Event::Delivery {
            decision_id: id(n),
            delivery: id(2000 + n),
            audience: id(1000 + n),
            destination: destination.into(),
            digest: "cd".repeat(32),
        };
        self.push(destination, event, None);
    }

    /// The signed checkpoint of the log as it is.
    pub fn checkpoint(&self) -> String {
        let store = super::bare(self);
        String::from_utf8(store.files["checkpoint"].clone()).unwrap()
    }
}
