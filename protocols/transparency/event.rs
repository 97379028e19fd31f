//! What a leaf can say happened, and which values its fields may have.

use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::field::{is_hex, is_name, require};
use super::leaf::LeafError;

/// What happened. Ids are 32 lowercase hexadecimal digits, digests 64, names those of parties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A party got a client certificate.
    Enrolment {
        /// Its name.
        party: String,
        /// `advertiser`, `partner`, `destination` or `auditor`.
        role: String,
        /// [`key_fingerprint`] of its Ed25519 key.
        signing_key: String,
        /// [`key_fingerprint`] of its X25519 key, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sealing_key: Option<String>,
    },
    /// An advertiser proposed signed terms.
    Proposal {
        /// Id, which is a digest of the terms.
        collaboration: String,
    },
    /// The partner signed the same terms.
    Acceptance {
        /// Id.
        collaboration: String,
    },
    /// A party tightened the release policy of a collaboration, for good.
    Tightening {
        /// Id.
        collaboration: String,
        /// 1, 2, 3 … of this party there.
        number: u32,
        /// SHA-256 of the signed document.
        document: String,
    },
    /// An upload became a sealed set.
    Upload {
        /// Id.
        collaboration: String,
        /// Id.
        upload: String,
        /// `crm` or `graph`.
        kind: String,
        /// Batch head of its consent records: binds their number and the Merkle root over their commitments.
        consent_root: String,
        /// `add`, `remove` or `refresh`; absent if the upload replaced everything before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<String>,
        /// Id of the upload whose set it changed, exactly if there is a mode.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<String>,
        /// Id of the other collaboration whose tokens its rows carry as well; only of a full graph.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bridge: Option<String>,
    },
    /// The gate told which share of a partner's persons has a cookie where.
    Coverage {
        /// Id.
        collaboration: String,
        /// Id of the partner's upload whose set was counted.
        upload: String,
        /// By destination, in the order of their names.
        destinations: Vec<Coverage>,
    },
    /// The gate decided whether a number of matches may be told.
    MatchDecision {
        /// Id.
        collaboration: String,
        /// Id.
        match_id: String,
        /// Whether anything is told.
        released: bool,
        /// The noised, rounded count, if released.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<u64>,
        /// What it cost of the privacy budget, thousandths of ε.
        charge: u32,
    },
    /// The gate decided whether an audience may go to a destination.
    GateDecision {
        /// Id.
        collaboration: String,
        /// Id.
        audience: String,
        /// Name.
        destination: String,
        /// Id.
        decision_id: String,
        /// Whether it may.
        released: bool,
        /// The noised, rounded size, if released.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<u64>,
        /// The same of the control group, if there is one and it is released.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        control: Option<u64>,
        /// What it cost of the privacy budget, thousandths of ε; 0: an earlier answer to the question.
        charge: u32,
    },
    /// A destination acknowledged the last batch of a delivery.
    Delivery {
        /// The decision that allowed it.
        decision_id: String,
        /// Id.
        delivery: String,
        /// Id.
        audience: String,
        /// Name.
        destination: String,
        /// Digest of what was delivered.
        digest: String,
    },
    /// People withdrew, opposed, or asked to be erased.
    Withdrawal {
        /// Id.
        collaboration: String,
        /// Id.
        withdrawal: String,
        /// Commitment to the withdrawn tokens.
        commitment: String,
        /// `opposition` or `erasure`; absent if people withdrew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
    },
    /// What an erasure asked to destroy is destroyed.
    Erasure {
        /// Id.
        collaboration: String,
        /// Id of the request.
        withdrawal: String,
        /// What was destroyed, if there was any: `records` (consent records and their salts), `rows` (rows
        /// of sealed sets, with tokens and cookies); ascending, each once.
        destroyed: Vec<String>,
    },
    /// The operator did something by hand.
    Admin {
        /// What, a word such as `party-invited` or `quarantine-cleared`.
        action: String,
        /// The name or id that it was done to.
        subject: String,
    },
}

impl Event {
    pub(super) fn check(&self) -> Result<(), LeafError> {
        match self {
            Event::Enrolment {
                party,
                role,
                signing_key,
                sealing_key,
            } => {
                let roles = ["advertiser", "partner", "destination", "auditor"];
                require("party", is_name(party))?;
                require("role", roles.contains(&role.as_str()))?;
                require("signing_key", is_hex(signing_key, 64))?;
                let sealing = sealing_key.as_ref();
                require("sealing_key", sealing.is_none_or(|key| is_hex(key, 64)))
            }
            Event::Proposal { collaboration } | Event::Acceptance { collaboration } => {
                require("collaboration", is_hex(collaboration, 32))
            }
            Event::Tightening {
                collaboration,
                number,
                document,
            } => {
                require("collaboration", is_hex(collaboration, 32))?;
                require("number", *number > 0)?;
                require("document", is_hex(document, 64))
            }
            Event::Coverage {
                collaboration,
                upload,
                destinations,
            } => {
                require("collaboration", is_hex(collaboration, 32))?;
                require("upload", is_hex(upload, 32))?;
                let names = destinations.iter().map(|one| one.destination.as_str());
                let known = names.clone().all(is_name);
                let ordered = names.is_sorted_by(|one, next| one < next);
                let shares = destinations.iter().filter_map(|one| one.percent);
                let whole = shares.max().is_none_or(|most| most <= 100);
                require("destinations", known && ordered && whole)
            }
            Event::Upload {
                collaboration,
                upload,
                kind,
                consent_root,
                mode,
                parent,
                bridge,
            } => {
                require("collaboration", is_hex(collaboration, 32))?;
                require("upload", is_hex(upload, 32))?;
                require("kind", kind == "crm" || kind == "graph")?;
                require("consent_root", is_hex(consent_root, 64))?;
                let word = mode.as_deref();
                require(
                    "mode",
                    matches!(word, None | Some("add" | "remove" | "refresh")),
                )?;
                let id = parent.as_deref().is_none_or(|id| is_hex(id, 32));
                require("parent", id && parent.is_some() == mode.is_some())?;
                let full_graph = kind == "graph" && mode.is_none();
                let other = |id: &str| full_graph && is_hex(id, 32) && id != collaboration;
                require("bridge", bridge.as_deref().is_none_or(other))
            }
            Event::MatchDecision {
                collaboration,
                match_id,
                released,
                about,
                charge: _,
            } => {
                require("collaboration", is_hex(collaboration, 32))?;
                require("match_id", is_hex(match_id, 32))?;
                require("about", *released == about.is_some())
            }
            Event::GateDecision {
                collaboration,
                audience,
                destination,
                decision_id,
                released,
                about,
                control,
                charge: _,
            } => {
                require("collaboration", is_hex(collaboration, 32))?;
                require("audience", is_hex(audience, 32))?;
                require("destination", is_name(destination))?;
                require("decision_id", is_hex(decision_id, 32))?;
                require("control", *released || control.is_none())?;
                require("about", *released == about.is_some())
            }
            Event::Delivery {
                decision_id,
                delivery,
                audience,
                destination,
                digest,
            } => {
                require("decision_id", is_hex(decision_id, 32))?;
                require("delivery", is_hex(delivery, 32))?;
                require("audience", is_hex(audience, 32))?;
                require("destination", is_name(destination))?;
                require("digest", is_hex(digest, 64))
            }
            Event::Withdrawal {
                collaboration,
                withdrawal,
                commitment,
                kind,
            } => {
                require("collaboration", is_hex(collaboration, 32))?;
                require("withdrawal", is_hex(withdrawal, 32))?;
                require("commitment", is_hex(commitment, 64))?;
                let word = kind.as_deref();
                require(
                    "kind",
                    matches!(word, None | Some("opposition" | "erasure")),
                )
            }
            Event::Erasure {
                collaboration,
                withdrawal,
                destroyed,
            } => {
                require("collaboration", is_hex(collaboration, 32))?;
                require("withdrawal", is_hex(withdrawal, 32))?;
                let known = |what: &String| what == "records" || what == "rows";
                let ordered = destroyed.is_sorted_by(|one, next| one < next);
                let good = !destroyed.is_empty() && ordered && destroyed.iter().all(known);
                require("destroyed", good)
            }
            Event::Admin { action, subject } => {
                require("action", is_name(action))?;
                require("subject", is_name(subject) || is_hex(subject, 32))
            }
        }
    }
}
