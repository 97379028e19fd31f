//! The release policy that holds in a collaboration, and tightening it.
//!
//! Three may say how strict it is: the operator, by its configuration; both parties together, by the
//! terms; and either party afterwards, by a document that it signs. What holds is the tightest of all in
//! every parameter, at any moment: the operator may relax its own for new terms, but nothing that was
//! signed gets looser by that. Both parties see every document and signature, and check them themselves.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest, Sha256};
use tamis_protocols::pairing;
use tamis_protocols::release::{Policy, Wish};
use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::{AgreedPolicyView, PolicyView, TighteningRequest, TighteningView};
use tamis_protocols::wire::tightening::Tightening;

use super::propose::stored_key;
use super::{Caller, Service, ServiceError, scope, terms};
use crate::store::collaborations::Collaboration;
use crate::store::tightenings::StoredTightening;
use crate::store::{Tx, snapshot, transact};

/// Longest document in bytes.
const LONGEST: usize = 4096;

/// Tightenings of one collaboration, at most.
const MOST: usize = 200;

impl Service {
    /// The operator's policy: terms are refused that are looser.
    pub fn operator_policy(&self) -> PolicyView {
        PolicyView::of(&self.0.parts.policy)
    }

    /// What is decided by in a collaboration at this moment.
    pub(super) async fn effective_policy(
        &self,
        tx: &mut Tx,
        found: &Collaboration,
    ) -> Result<Policy, ServiceError> {
        let tightenings = tx.tightenings(found.id).await?;
        self.agreed(found, &tightenings)
    }

    fn agreed(
        &self,
        found: &Collaboration,
        tightenings: &[StoredTightening],
    ) -> Result<Policy, ServiceError> {
        let mut policy = self
            .0
            .parts
            .policy
            .and(terms::stored(&found.terms)?.release);
        for stored in tightenings {
            let document = read(&stored.document)
                .map_err(|error| ServiceError::internal("stored tightening", error))?;
            policy = policy.and(document.policy);
        }
        Ok(policy)
    }

    /// What holds in one of the caller's collaborations, and who said so.
    pub async fn agreed_policy(
        &self,
        caller: &Caller,
        collaboration: &str,
    ) -> Result<AgreedPolicyView, ServiceError> {
        let id = scope::id(collaboration)?;
        snapshot!(self.store(), "policy", |tx| {
            let found = scope::collaboration(tx, caller, id).await?;
            self.policy_view(tx, &found).await
        })
    }

    /// Takes a party's signed tightening; it holds from this moment. The newest one sent again changes
    /// nothing.
    ///
    /// # Errors
    /// `not_active`, `expired`, `invalid_policy`, `invalid_signature`, `already_tightened`,
    /// `too_many_tightenings`.
    pub async fn tighten(
        &self,
        caller: &Caller,
        collaboration: &str,
        request: TighteningRequest,
    ) -> Result<AgreedPolicyView, ServiceError> {
        let id = scope::id(collaboration)?;
        let now = self.now();
        let view = transact!(self.store(), "tighten", |tx| {
            let found = scope::collaboration(tx, caller, id).await?;
            self.must_be_in_force(&found)?;
            let document = read(&request.document)?;
            if document.collaboration != found.id.to_string() || document.party != caller.name {
                return Err(bad(
                    "The document must name this collaboration and you as its party.",
                ));
            }
            signed(tx, caller, &request).await?;
            let earlier = tx.tightenings(found.id).await?;
            let mut own = earlier.iter().filter(|known| known.party == caller.name);
            let newest = own.next_back();
            if newest.is_some_and(|newest| newest.document == request.document) {
                return self.policy_view(tx, &found).await;
            }
            next_of(newest, &document, &earlier)?;
            tightens(self.agreed(&found, &earlier)?, document.policy)?;
            let event = Event::Tightening {
                collaboration: found.id.to_string(),
                number: document.number,
                document: hex::encode(Sha256::digest(&request.document)),
            };
            let policy = Some(&document.policy);
            let leaf = self.record(tx, now, &caller.name, event, policy).await?;
            tx.add_tightening(&StoredTightening {
                collaboration: found.id,
                party: caller.name.clone(),
                number: document.number,
                document: request.document.clone(),
                signature: request.signature.clone(),
                at: now,
                leaf,
            })
            .await?;
            self.policy_view(tx, &found).await
        })?;
        self.wake();
        Ok(view)
    }

    async fn policy_view(
        &self,
        tx: &mut Tx,
        found: &Collaboration,
    ) -> Result<AgreedPolicyView, ServiceError> {
        let tightenings = tx.tightenings(found.id).await?;
        Ok(AgreedPolicyView {
            collaboration: found.id.to_string(),
            effective: PolicyView::of(&self.agreed(found, &tightenings)?),
            operator: self.operator_policy(),
            terms: PolicyView::of(&terms::stored(&found.terms)?.release),
            tightenings: tightenings.into_iter().map(view).collect(),
        })
    }
}

/// Reads the exact signed bytes.
fn read(document: &str) -> Result<Tightening, ServiceError> {
    if document.len() > LONGEST {
        return Err(bad("The document is longer than 4 KiB."));
    }
    let read: Tightening = serde_json::from_str(document).map_err(|error| {
        bad(format!(
            "The document is not a tightening with every parameter, none below the floor: see line {}, column {}.",
            error.line(),
            error.column()
        ))
    })?;
    match read.version {
        Tightening::VERSION => Ok(read),
        _ => Err(bad("The version of the document must be 1.")),
    }
}

/// Fails unless the signature is the caller's over exactly this document.
async fn signed(
    tx: &mut Tx,
    caller: &Caller,
    request: &TighteningRequest,
) -> Result<(), ServiceError> {
    let party = tx.party(&caller.name).await?;
    let party = party.ok_or(ServiceError::NotFound)?;
    let key = stored_key(&party.signing_key)?;
    let given = BASE64_STANDARD
        .decode(&request.signature)
        .unwrap_or_default();
    if pairing::verify_tightening(&key, request.document.as_bytes(), &given) {
        return Ok(());
    }
    Err(ServiceError::invalid(
        "invalid_signature",
        "The signature is not yours over exactly this document: sign the bytes as they are.",
    ))
}

/// Fails unless the document is its party's next one.
fn next_of(
    newest: Option<&StoredTightening>,
    document: &Tightening,
    all: &[StoredTightening],
) -> Result<(), ServiceError> {
    let next = newest.map_or(0, |newest| newest.number).saturating_add(1);
    if document.number != next {
        return Err(ServiceError::conflict(
            "already_tightened",
            format!("Your next tightening has number {next}: read the policy again, then sign."),
        ));
    }
    if all.len() >= MOST {
        return Err(ServiceError::conflict(
            "too_many_tightenings",
            "The policy was tightened as often as allowed: propose a new collaboration.",
        ));
    }
    Ok(())
}

/// Fails unless `policy` is tighter than `present`: in one parameter at least, and looser in none.
fn tightens(present: Policy, policy: Policy) -> Result<(), ServiceError> {
    loosened(&present, &policy).map_err(bad)?;
    if present == policy {
        return Err(bad(
            "Nothing would change: the policy holds already. Read it again.",
        ));
    }
    Ok(())
}

/// Fails if `policy` is looser than `floor` in any parameter, and names it.
pub(super) fn loosened(floor: &Policy, policy: &Policy) -> Result<(), String> {
    let parameters = serde_json::to_value(policy).and_then(serde_json::from_value::<Wish>);
    let parameters = parameters.map_err(|_| "The release policy cannot be read.".to_owned())?;
    match floor.tightened(&parameters) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "The release policy is looser than what holds: {error}."
        )),
    }
}

fn view(stored: StoredTightening) -> TighteningView {
    TighteningView {
        party: stored.party,
        number: stored.number,
        document: stored.document,
        signature: stored.signature,
        at: stored.at.to_string(),
        log_index: stored.leaf,
    }
}

fn bad(detail: impl Into<String>) -> ServiceError {
    ServiceError::invalid("invalid_policy", detail)
}
