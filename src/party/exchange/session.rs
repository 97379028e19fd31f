//! A party at work: its home, its place in the service, and a client.

use std::path::{Path, PathBuf};

use tamis_keys::home::PartyHome;
use tamis_protocols::wire::api::{CollaborationState, CollaborationView, Listing, PartyView};
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
            return self.client.get(&paths::collaboration(id)).await;
        }
        let mut fitting: Vec<_> = self
            .collaborations()
            .await?
            .into_iter()
            .filter(|collaboration| collaboration.state == state)
            .collect();
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
            (None, _) => Err(ExchangeError::Choice(format!(
                "there is no {word} collaboration"
            ))),
        }
    }

    /// What may be known of a party.
    pub async fn party(&self, name: &str) -> Result<PartyView, ExchangeError> {
        self.client.get(&paths::party(name)).await
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
