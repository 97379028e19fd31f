//! The documents behind the leaves, page by page, in the order of the leaves.

use tamis_protocols::audit::Document;
use tamis_protocols::transparency::{Event, Leaf, key_fingerprint};
use tamis_protocols::wire::api::{DocumentsView, LeafDocument};

use super::auditor;
use crate::domain::id::Id;
use crate::service::propose::stored_key;
use crate::service::{Caller, Service, ServiceError};
use crate::store::{Tx, snapshot};

/// Leaves of a page.
const PAGE: u32 = 256;

impl Service {
    /// The documents of the leaves from `from` on. A policy comes with every leaf that names it.
    pub async fn audit_documents(
        &self,
        caller: &Caller,
        from: u64,
    ) -> Result<DocumentsView, ServiceError> {
        auditor(caller)?;
        snapshot!(self.store(), "audit-documents", |tx| {
            let leaves = tx.leaves(from, PAGE).await?;
            let next = (leaves.len() as u64 == u64::from(PAGE)).then(|| from + u64::from(PAGE));
            let mut documents = Vec::new();
            for (leaf, bytes) in (from..).zip(leaves) {
                let parsed = Leaf::parse(bytes.as_bytes())
                    .map_err(|error| ServiceError::internal("stored leaf", error))?;
                // What is not kept from before this was kept is left out: a verifier says so.
                if let Some(document) = behind(tx, leaf, &parsed).await? {
                    let line = document.line();
                    documents.push(LeafDocument { leaf, line });
                }
            }
            Ok(DocumentsView { documents, next })
        })
    }
}

async fn behind(tx: &mut Tx, index: u64, leaf: &Leaf) -> Result<Option<Document>, ServiceError> {
    match &leaf.event {
        Event::Enrolment {
            party, signing_key, ..
        } => {
            let kept = match tx.keys_of(index).await? {
                Some(kept) => Some(kept),
                // From before keys were kept: those that the party has now, if they are the same.
                None => {
                    let party = tx.party(party).await?;
                    party.map(|party| (party.signing_key, party.sealing_key))
                }
            };
            let same =
                |key: &str| stored_key(key).is_ok_and(|key| key_fingerprint(&key) == *signing_key);
            let kept = kept.filter(|(signing, _)| same(signing));
            Ok(kept.map(|(signing_key, sealing_key)| Document::Keys {
                signing_key,
                sealing_key,
            }))
        }
        Event::Proposal { collaboration } => {
            let found = tx.collaboration(id(collaboration)?).await?;
            Ok(found.map(|found| Document::Terms {
                terms: found.terms,
                signature: found.advertiser_signature,
            }))
        }
        Event::Acceptance { collaboration } => {
            let found = tx.collaboration(id(collaboration)?).await?;
            let signature = found.and_then(|found| found.partner_signature);
            Ok(signature.map(|signature| Document::Acceptance { signature }))
        }
        Event::Tightening { collaboration, .. } => {
            let all = tx.tightenings(id(collaboration)?).await?;
            let found = all.into_iter().find(|one| one.leaf == index);
            Ok(found.map(|found| Document::Tightening {
                document: found.document,
                signature: found.signature,
            }))
        }
        Event::Upload { upload, .. } => {
            let head = tx.head_of(id(upload)?).await?;
            Ok(head.map(|head| Document::Upload {
                rows: head.records,
                root: head.root,
            }))
        }
        _ => match &leaf.policy {
            None => Ok(None),
            Some(digest) => tx
                .policy_of(digest)
                .await?
                .map(|(version, policy)| {
                    let policy = serde_json::from_str(&policy)
                        .map_err(|error| ServiceError::internal("stored policy", error))?;
                    Ok(Document::Policy { version, policy })
                })
                .transpose(),
        },
    }
}

fn id(text: &str) -> Result<Id, ServiceError> {
    Id::parse(text).ok_or_else(|| ServiceError::internal("stored leaf", "an id that is none"))
}
