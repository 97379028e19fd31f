//! The release policy of a collaboration: proposed, checked, tightened.
//!
//! What the service says is not taken on trust: every tightening is verified with its party's key, and
//! what holds is worked out here again from the signed documents. A service that shows a looser policy
//! than was signed, or withholds what it shows elsewhere, does not get past this.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_keys::signing::SigningKey;
use tamis_protocols::pairing;
use tamis_protocols::release::{Policy, Wish};
use tamis_protocols::wire::api::{
    AgreedPolicyView, CollaborationView, PartyView, PolicyView, TighteningRequest, TighteningView,
};
use tamis_protocols::wire::tightening::Tightening;

use super::error::ExchangeError;
use super::paths;
use super::session::{Session, terms_of};

/// The operator's policy: the floor of all terms.
pub async fn operators(session: &Session) -> Result<Policy, ExchangeError> {
    let shown: PolicyView = session.client.get(paths::POLICY).await?;
    read(&shown)
}

/// What holds in a collaboration, checked.
pub async fn agreed(
    session: &Session,
    collaboration: &CollaborationView,
) -> Result<AgreedPolicyView, ExchangeError> {
    let path = paths::agreed_policy(&collaboration.id);
    let shown: AgreedPolicyView = session.client.get(&path).await?;
    check(collaboration, &shown)?;
    Ok(shown)
}

/// Signs a policy that is tighter than what holds, as wished, and sends it; what holds then.
///
/// # Errors
/// [`ExchangeError::Loosened`] if the wish is looser than what holds; nothing is sent.
pub async fn tighten(
    session: &Session,
    collaboration: &CollaborationView,
    wish: &Wish,
) -> Result<AgreedPolicyView, ExchangeError> {
    let present = agreed(session, collaboration).await?;
    let policy = (present.effective.policy.tightened(wish))
        .map_err(|error| ExchangeError::Loosened(error.to_string()))?;
    if policy == present.effective.policy {
        return Ok(present);
    }
    let own = &session.membership.name;
    let mine = present.tightenings.iter().filter(|one| one.party == *own);
    let document = Tightening {
        version: Tightening::VERSION,
        collaboration: collaboration.id.clone(),
        party: own.clone(),
        number: mine.count() as u32 + 1,
        policy,
    };
    let document = serde_json::to_string(&document)
        .map_err(|_| ExchangeError::Misunderstood("a policy that cannot be written"))?;
    let key = SigningKey::from_secret(&session.home.signing());
    let signature = BASE64_STANDARD.encode(pairing::sign_tightening(&key, document.as_bytes()));
    let request = TighteningRequest {
        document,
        signature,
    };
    let path = paths::agreed_policy(&collaboration.id);
    let shown: AgreedPolicyView = session.client.put(&path, &request).await?;
    check(collaboration, &shown)?;
    match shown.effective.policy.and(policy) == shown.effective.policy {
        true => Ok(shown),
        false => Err(ExchangeError::Tampered("the policy after it was tightened")),
    }
}

/// A policy and its digest, which must be of each other.
fn read(shown: &PolicyView) -> Result<Policy, ExchangeError> {
    match *shown == PolicyView::of(&shown.policy) {
        true => Ok(shown.policy),
        false => Err(ExchangeError::Tampered("a release policy")),
    }
}

/// Whether what is shown follows from what was signed.
fn check(collaboration: &CollaborationView, shown: &AgreedPolicyView) -> Result<(), ExchangeError> {
    let tampered = || ExchangeError::Tampered("the release policy of the collaboration");
    let terms = terms_of(collaboration)?;
    if shown.collaboration != collaboration.id || read(&shown.terms)? != terms.release {
        return Err(tampered());
    }
    let mut policy = read(&shown.operator)?.and(terms.release);
    for party in [&collaboration.advertiser, &collaboration.partner] {
        let own = shown.tightenings.iter();
        for (one, number) in own.filter(|one| one.party == party.name).zip(1..) {
            let document = signed(one, party).ok_or_else(tampered)?;
            let named = document.collaboration == collaboration.id && document.party == party.name;
            if !named || document.number != number || one.number != number {
                return Err(tampered());
            }
            policy = policy.and(document.policy);
        }
    }
    let sides = [&collaboration.advertiser.name, &collaboration.partner.name];
    let others = (shown.tightenings.iter()).any(|one| !sides.contains(&&one.party));
    match !others && read(&shown.effective)? == policy {
        true => Ok(()),
        false => Err(tampered()),
    }
}

/// The document, if its party signed it.
fn signed(shown: &TighteningView, party: &PartyView) -> Option<Tightening> {
    let key = BASE64_STANDARD.decode(&party.signing_key).ok()?;
    let signature = BASE64_STANDARD.decode(&shown.signature).ok()?;
    let document = shown.document.as_bytes();
    if !pairing::verify_tightening(&key.try_into().ok()?, document, &signature) {
        return None;
    }
    serde_json::from_slice(document).ok()
}
