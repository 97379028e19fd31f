//! Signing a collaboration and agreeing its pair secret through a service that only relays.
//!
//! Flow: the advertiser signs the terms and seals a random share to the partner; the partner checks the
//! signature, signs the same bytes and seals its own share back; each side opens the other's share and
//! both derive the same pair secret. The service sees signatures and ciphertexts. A service that swapped a
//! public key is caught when the two compare the fingerprint out of band (protocols/pairing/SPEC.md).

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_keys::purpose::{PairKey, PairSecret, PairShare};
use tamis_keys::signing::SigningKey;
use tamis_keys::{Entropy, Epoch, Secret, sealing};
use tamis_protocols::pairing::{self, Transcript};
use tamis_protocols::token;
use tamis_protocols::wire::api::{
    AcceptanceRequest, CollaborationView, PartyView, ProposalRequest, Role,
};
use tamis_protocols::wire::terms::Terms;

use super::destinations;
use super::enrolment::in_home;
use super::error::ExchangeError;
use super::paths;
use super::session::{Session, terms_of};

/// A collaboration whose pair secret this home holds.
pub struct Paired {
    /// The secret of the two parties.
    pub secret: Secret<PairSecret>,
    /// What both parties compare out of band.
    pub fingerprint: String,
}

/// Signs `terms` and proposes them to their partner.
pub async fn propose(
    session: &Session,
    terms: &Terms,
    entropy: &dyn Entropy,
) -> Result<CollaborationView, ExchangeError> {
    let partner = session.party(&terms.partner).await?;
    if partner.role != Role::Partner {
        return Err(ExchangeError::Lacking {
            what: format!(
                "{} is enrolled as {}, not as partner",
                terms.partner,
                partner.role.as_str()
            ),
            next: "Name a data partner with --with.".to_owned(),
        });
    }
    let text = serde_json::to_string(terms)
        .map_err(|_| ExchangeError::Misunderstood("terms that cannot be written"))?;
    let id = pairing::collaboration_id(text.as_bytes());
    let sealed_share = share_for(session, &id, &partner, entropy)?;
    let signature = sign(session, &text)?;
    session
        .client
        .post(
            paths::COLLABORATIONS,
            &ProposalRequest {
                terms: text,
                signature,
                sealed_share,
            },
        )
        .await
}

/// Checks the advertiser's signature, signs the same bytes, and finishes the pairing.
pub async fn accept(
    session: &Session,
    collaboration: &CollaborationView,
    entropy: &dyn Entropy,
) -> Result<(CollaborationView, Paired), ExchangeError> {
    let terms = check_proposal(session, collaboration)?;
    destinations::keys(session, &terms).await?;
    let sealed_share = share_for(
        session,
        &collaboration.id,
        &collaboration.advertiser,
        entropy,
    )?;
    let signature = sign(session, &collaboration.terms)?;
    let active: CollaborationView = session
        .client
        .post(
            &paths::acceptance(&collaboration.id),
            &AcceptanceRequest {
                signature,
                sealed_share,
            },
        )
        .await?;
    if active.terms != collaboration.terms {
        return Err(ExchangeError::Tampered("the answer to the acceptance"));
    }
    let paired = finish(session, &active)?;
    Ok((active, paired))
}

/// The pair secret: from the home, or, the first time, from the other side's share.
/// [`ExchangeError::NotPaired`] while that share has not arrived.
pub fn finish(
    session: &Session,
    collaboration: &CollaborationView,
) -> Result<Paired, ExchangeError> {
    check_signatures(session, collaboration)?;
    let transcript = transcript(session, collaboration)?;
    if let Some(secret) = session
        .home
        .pair_secret(&collaboration.id)
        .map_err(in_home)?
    {
        let fingerprint = pairing::fingerprint(&secret, &transcript);
        return Ok(Paired {
            secret,
            fingerprint,
        });
    }
    let sealed = collaboration
        .share_for_you
        .as_deref()
        .ok_or(ExchangeError::NotPaired)?;
    let sealed = BASE64_STANDARD
        .decode(sealed)
        .map_err(|_| ExchangeError::Tampered("the other side's share"))?;
    let own = session
        .home
        .share(&collaboration.id)
        .map_err(in_home)?
        .ok_or_else(|| {
            ExchangeError::Home("it holds no share of this collaboration: signed elsewhere?".into())
        })?;
    let (from, to) = other_and_own(session, collaboration);
    let other = pairing::open_share(
        &session.home.sealing(),
        &collaboration.id,
        &from.name,
        &to.name,
        &sealed,
    )
    .map_err(|_| ExchangeError::Tampered("the other side's share"))?;
    let secret = match session.membership.role {
        Role::Advertiser => pairing::pair_secret(&own, &other, &transcript),
        _ => pairing::pair_secret(&other, &own, &transcript),
    };
    session
        .home
        .store_pair_secret(&collaboration.id, &secret)
        .map_err(in_home)?;
    let fingerprint = pairing::fingerprint(&secret, &transcript);
    Ok(Paired {
        secret,
        fingerprint,
    })
}

/// Signature and id of a proposal, and that it is addressed to this party.
pub fn check_proposal(
    session: &Session,
    collaboration: &CollaborationView,
) -> Result<Terms, ExchangeError> {
    let terms = terms_of(collaboration)?;
    let named = pairing::collaboration_id(collaboration.terms.as_bytes());
    if named != collaboration.id
        || terms.advertiser != collaboration.advertiser.name
        || terms.partner != collaboration.partner.name
    {
        return Err(ExchangeError::Tampered("the terms of the collaboration"));
    }
    let own = match session.membership.role {
        Role::Advertiser => &terms.advertiser,
        _ => &terms.partner,
    };
    if *own != session.membership.name {
        return Err(ExchangeError::Choice(
            "this collaboration is between other parties".to_owned(),
        ));
    }
    check_signature(
        &collaboration.advertiser,
        &collaboration.terms,
        Some(&collaboration.advertiser_signature),
    )?;
    Ok(terms)
}

fn check_signatures(
    session: &Session,
    collaboration: &CollaborationView,
) -> Result<(), ExchangeError> {
    check_proposal(session, collaboration)?;
    if collaboration.partner_signature.is_none() {
        return Err(ExchangeError::NotPaired);
    }
    check_signature(
        &collaboration.partner,
        &collaboration.terms,
        collaboration.partner_signature.as_ref(),
    )
}

fn check_signature(
    by: &PartyView,
    terms: &str,
    signature: Option<&String>,
) -> Result<(), ExchangeError> {
    let tampered = || ExchangeError::Tampered("a signature under the terms");
    let signature = signature.ok_or_else(tampered)?;
    let signature: [u8; 64] = bytes(signature).ok_or_else(tampered)?;
    let public: [u8; 32] = bytes(&by.signing_key).ok_or_else(tampered)?;
    if pairing::verify_terms(&public, terms.as_bytes(), &signature) {
        Ok(())
    } else {
        Err(tampered())
    }
}

/// A fresh share, kept in the home before it is sealed to `to`. A share made earlier is used again, so
/// that a proposal repeated after a lost answer stays the same secret.
fn share_for(
    session: &Session,
    collaboration: &str,
    to: &PartyView,
    entropy: &dyn Entropy,
) -> Result<String, ExchangeError> {
    let share = match session.home.share(collaboration).map_err(in_home)? {
        Some(share) => share,
        None => {
            let share = Secret::<PairShare>::generate(entropy);
            session
                .home
                .store_share(collaboration, &share)
                .map_err(in_home)?;
            share
        }
    };
    let sealed = pairing::seal_share(
        &share,
        collaboration,
        &session.membership.name,
        &to.name,
        &sealing_key(to)?,
        entropy,
    )
    .map_err(|_| ExchangeError::Tampered("the other side's sealing key"))?;
    Ok(BASE64_STANDARD.encode(sealed))
}

fn sign(session: &Session, terms: &str) -> Result<String, ExchangeError> {
    let key = SigningKey::from_secret(&session.home.signing());
    Ok(BASE64_STANDARD.encode(pairing::sign_terms(&key, terms.as_bytes())))
}

/// Own keys come from the home, not from the service's answer.
fn transcript(
    session: &Session,
    collaboration: &CollaborationView,
) -> Result<Transcript, ExchangeError> {
    let (other, _) = other_and_own(session, collaboration);
    let own_signing = SigningKey::from_secret(&session.home.signing()).public();
    let own_sealing = sealing::public(&session.home.sealing());
    let other_signing =
        bytes(&other.signing_key).ok_or(ExchangeError::Tampered("the other side's key"))?;
    let other_sealing = sealing_key(other)?;
    let own_first = session.membership.role == Role::Advertiser;
    let pick = |own, other| {
        if own_first {
            (own, other)
        } else {
            (other, own)
        }
    };
    let (advertiser_signing, partner_signing) = pick(own_signing, other_signing);
    let (advertiser_sealing, partner_sealing) = pick(own_sealing, other_sealing);
    Ok(Transcript {
        collaboration: collaboration.id.clone(),
        advertiser_signing,
        partner_signing,
        advertiser_sealing,
        partner_sealing,
    })
}

fn other_and_own<'a>(
    session: &Session,
    collaboration: &'a CollaborationView,
) -> (&'a PartyView, &'a PartyView) {
    match session.membership.role {
        Role::Advertiser => (&collaboration.partner, &collaboration.advertiser),
        _ => (&collaboration.advertiser, &collaboration.partner),
    }
}

/// The X25519 key of a party, 32 bytes.
pub fn sealing_key(party: &PartyView) -> Result<[u8; 32], ExchangeError> {
    party
        .sealing_key
        .as_deref()
        .and_then(bytes)
        .ok_or(ExchangeError::Tampered("the other side's sealing key"))
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64_STANDARD.decode(text).ok()?.try_into().ok()
}

/// The key that makes tokens in the collaboration's epoch.
pub fn pair_key(paired: &Paired, collaboration: &str, terms: &Terms) -> Secret<PairKey> {
    token::pair_key(&paired.secret, collaboration, Epoch(terms.epoch))
}
