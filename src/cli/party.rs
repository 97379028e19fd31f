//! The arguments that every command of a party shares.

use std::path::PathBuf;

use clap::Args;
use tamis_protocols::wire::api::{CollaborationState, CollaborationView, Role, UploadState};

use super::Failure;
use crate::party::exchange::{ExchangeError, Session, activation};

/// Who has a collaboration.
pub(super) const BOTH_SIDES: [Role; 2] = [Role::Advertiser, Role::Partner];

/// Which home a party command works from.
#[derive(Args, Clone, Debug)]
pub(super) struct HomeArg {
    /// The party's key directory [default: ~/.tamis]
    #[arg(long, env = "TAMIS_HOME", hide_env_values = true, value_name = "DIR")]
    home: Option<PathBuf>,
}

impl HomeArg {
    /// The directory; it need not exist yet.
    pub(super) fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(home) = &self.home {
            return Ok(home.clone());
        }
        std::env::var_os("HOME")
            .filter(|home| !home.is_empty())
            .map(|home| PathBuf::from(home).join(".tamis"))
            .ok_or_else(|| {
                Failure::usage("there is no home directory").next("Name one with --home DIR.")
            })
    }

    /// The enrolled party of this home, which must have one of these roles.
    pub(super) fn session_as(&self, roles: &[Role]) -> Result<Session, Failure> {
        let session = self.session()?;
        let own = session.membership.role;
        if roles.contains(&own) {
            return Ok(session);
        }
        let whom: Vec<&str> = roles.iter().map(|role| plural(*role)).collect();
        Err(Failure::usage(format!(
            "{} is enrolled as {}; this command is for {}",
            session.membership.name,
            own.as_str(),
            whom.join(" and ")
        ))
        .next(format!(
            "The home is {}; name another with --home DIR.",
            session.path.display()
        )))
    }

    /// The enrolled party of this home.
    pub(super) fn session(&self) -> Result<Session, Failure> {
        let path = self.path()?;
        Session::open(&path).map_err(|error| {
            let failure = Failure::from(error);
            Failure {
                what: format!("{} ({})", failure.what, path.display()),
                ..failure
            }
        })
    }
}

/// Which collaboration a command is about.
#[derive(Args, Clone, Debug)]
pub(super) struct CollaborationArg {
    /// The collaboration's id; may be left out if exactly one is active
    #[arg(long, value_name = "ID")]
    collaboration: Option<String>,
    #[command(flatten)]
    home: HomeArg,
}

impl CollaborationArg {
    /// The party, which must have one of these roles, and the active collaboration meant.
    pub(super) async fn open(
        &self,
        roles: &[Role],
    ) -> Result<(Session, CollaborationView), Failure> {
        let session = self.home.session_as(roles)?;
        let view = session
            .collaboration(self.collaboration.as_deref(), CollaborationState::Active)
            .await?;
        Ok((session, view))
    }
}

fn plural(role: Role) -> &'static str {
    match role {
        Role::Advertiser => "advertisers",
        Role::Partner => "partners",
        Role::Destination => "destinations",
        Role::Auditor => "auditors",
    }
}

/// Says who still has to upload, when that is why the service refused; other errors stay as they are.
/// The advertiser knows of its own uploads, and of the partner's only that a match is not possible.
pub(super) async fn explain_nothing_to_match(
    session: &Session,
    collaboration: &CollaborationView,
    error: ExchangeError,
) -> Failure {
    if !error.is("nothing_to_match") {
        return error.into();
    }
    let partner = &collaboration.partner.name;
    let Ok(own) = activation::uploads(session, &collaboration.id).await else {
        return error.into();
    };
    let has = |state| own.iter().any(|upload| upload.state == state);
    if has(UploadState::Sealed) {
        Failure::usage(format!(
            "{partner} has not uploaded yet; your upload is sealed"
        ))
        .next(format!(
            "Ask {partner} to run `tamis upload FILE`, then run this command again."
        ))
    } else if has(UploadState::Sealing) {
        Failure::usage("your upload is still being sealed")
            .next("Run this command again in a moment.")
    } else {
        Failure::usage("you have not uploaded to this collaboration yet").next(format!(
            "Run `tamis upload FILE`; {partner} must upload as well."
        ))
    }
}
