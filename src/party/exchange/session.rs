//! A party at work: its home, its place in the service, and a client.

use std::path::{Path, PathBuf};

use tamis_keys::home::PartyHome;
use tamis_protocols::wire::api::{CollaborationState, CollaborationView, Listing, PartyView, Role};
use tamis_protocols::wire::terms::Terms;

use super::enrolment::in_home;
use super::error::ExchangeError;
use super::membership::Membership;
use super::paths;
use crate::party::client::Client;

/// An enrolled party with its keys and its connection.
pub struct Session {
    /// Keys and pair secrets.
    pub home: PartyHome,
    /// Where the home is.
    pub path: PathBuf,
    /// The service and the party's name there.
    pub membership: Membership,
    /// The connection.
    pub client: Client,
}

impl Session {
    /// Opens an enrolled home; connects to nobody yet.
    pub fn open(home: &Path) -> Result<Self, ExchangeError> {
        if !home.is_dir() {
            return Err(ExchangeError::NotEnrolled);
        }
        let membership = Membership::read(home)?;
        let client = Client::enrolled(home, &membership)?;
        Ok(Session {
            home: PartyHome::open(home).map_err(in_home)?,
            path: home.to_owned(),
            membership,
            client,
        })
    }

    /// Every collaboration of the party, newest first.
    pub async fn collaborations(&self) -> Result<Vec<CollaborationView>, ExchangeError> {
        let listing: Listing<CollaborationView> = self.client.get(paths::COLLABORATIONS).await?;
        Ok(listing.items)
    }

    /// The collaboration named, or the only one in `state`.
    pub async fn collaboration(
        &self,
        named: Option<&str>,
        state: CollaborationState,
    ) -> Result<CollaborationView, ExchangeError> {
        if let Some(id) = named {
            let found = self.client.get(&paths::collaboration(id)).await;
            return found.map_err(|error| {
                error.if_not_found(|| ExchangeError::Lacking {
                    what: format!("{} has no collaboration {id}", self.membership.name),
                    next: "`tamis collaboration show` lists yours.".to_owned(),
                })
            });
        }
        let (mut fitting, others): (Vec<_>, Vec<_>) = self
            .collaborations()
            .await?
            .into_iter()
            .partition(|collaboration| collaboration.state == state);
        let word = match state {
            CollaborationState::Proposed => "proposed",
            CollaborationState::Active => "active",
            CollaborationState::Expired => "expired",
        };
        match (fitting.pop(), fitting.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(ExchangeError::Choice(format!(
                "there is more than one {word} collaboration"
            ))),
            (None, _) => Err(ExchangeError::Lacking {
                what: format!("{} has no {word} collaboration", self.membership.name),
                next: self.towards(&others),
            }),
        }
    }

    /// How a party gets from the collaborations it has to the one it lacks.
    fn towards(&self, others: &[CollaborationView]) -> String {
        let in_state = |state| others.iter().find(|one| one.state == state);
        let role = self.membership.role;
        if let Some(active) = in_state(CollaborationState::Active) {
            return format!("Collaboration {} is active already.", active.id);
        }
        match (in_state(CollaborationState::Proposed), role) {
            (Some(_), Role::Partner) => {
                "Accept the proposed one first: `tamis collaboration accept`.".to_owned()
            }
            (Some(proposed), _) => format!(
                "{} must run `tamis collaboration accept` first.",
                proposed.partner.name
            ),
            (None, Role::Advertiser) => {
                "Propose one: `tamis collaboration propose --with PARTNER --to DESTINATION`."
                    .to_owned()
            }
            (None, _) => "The advertiser proposes one: ask them.".to_owned(),
        }
    }

    /// What may be known of a party.
    pub async fn party(&self, name: &str) -> Result<PartyView, ExchangeError> {
        let found = self.client.get(&paths::party(name)).await;
        found.map_err(|error| {
            error.if_not_found(|| ExchangeError::Lacking {
                what: format!("no party named {name} is enrolled"),
                next: "A party enrols under the name in its invitation: ask them, or the operator."
                    .to_owned(),
            })
        })
    }

    /// Every enrolled destination.
    pub async fn destinations(&self) -> Result<Vec<PartyView>, ExchangeError> {
        let listing: Listing<PartyView> = self.client.get(paths::DESTINATIONS).await?;
        Ok(listing.items)
    }
}

/// Parses the signed bytes of a collaboration.
pub fn terms_of(collaboration: &CollaborationView) -> Result<Terms, ExchangeError> {
    serde_json::from_str(&collaboration.terms)
        .map_err(|_| ExchangeError::Tampered("the terms of the collaboration"))
}
