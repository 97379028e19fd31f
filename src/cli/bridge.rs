//! The earlier collaboration of a `tamis upload --bridge`: its terms and its pair key, from the home.

use tamis_keys::Secret;
use tamis_keys::purpose::PairKey;
use tamis_protocols::wire::api::{CollaborationState, CollaborationView, Role};
use tamis_protocols::wire::terms::Terms;

use super::Failure;
use crate::party::Bridge;
use crate::party::exchange::session::terms_of;
use crate::party::exchange::{ExchangeError, Session, pairing};

/// What the tokens of the earlier collaboration are made with.
pub(super) struct Earlier {
    id: String,
    terms: Terms,
    pair_key: Secret<PairKey>,
}

impl Earlier {
    /// As the preparation takes it.
    pub(super) fn bridge(&self) -> Bridge<'_> {
        Bridge {
            collaboration: &self.id,
            terms: &self.terms,
            pair_key: &self.pair_key,
        }
    }
}

/// The collaboration `id` that an upload to `present` bridges: another one with the same advertiser, paired
/// in this home. It may have expired.
pub(super) async fn earlier(
    session: &Session,
    present: &CollaborationView,
    id: &str,
) -> Result<Earlier, Failure> {
    if session.membership.role != Role::Partner {
        return Err(
            Failure::usage("--bridge is for the partner's graph").next(format!(
                "Leave it out; {} runs the command with it.",
                present.partner.name
            )),
        );
    }
    if id == present.id {
        let what = "--bridge names the collaboration that the upload belongs to";
        return Err(Failure::usage(what).next(
            "Name the earlier one with --bridge and the new one with --collaboration; \
             `tamis collaboration show` lists both.",
        ));
    }
    let found = session
        .collaboration(Some(id), CollaborationState::Active)
        .await?;
    if found.advertiser.name != present.advertiser.name {
        let what = format!(
            "collaboration {id} is with {}, the upload is for {}",
            found.advertiser.name, present.advertiser.name
        );
        return Err(Failure::usage(what).next(format!(
            "Name an earlier collaboration with {}: `tamis collaboration show` lists yours.",
            present.advertiser.name
        )));
    }
    let terms = terms_of(&found)?;
    let paired = pairing::finish(session, &found).map_err(|error| not_paired(id, error))?;
    let pair_key = pairing::pair_key(&paired, &found.id, &terms);
    Ok(Earlier {
        id: found.id,
        terms,
        pair_key,
    })
}

fn not_paired(id: &str, error: ExchangeError) -> Failure {
    match error {
        ExchangeError::NotPaired => {
            Failure::usage(format!("collaboration {id} was never agreed: nothing was let out under it"))
                .next("Leave --bridge out.")
        }
        ExchangeError::Home(_) => Failure::from(error).next(
            "Its tokens need the key that it was agreed with: run the command with the home that accepted it \
             (--home DIR).",
        ),
        error => error.into(),
    }
}
