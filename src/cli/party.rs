//! The arguments that every command of a party shares.

use std::path::PathBuf;

use clap::Args;
use tamis_protocols::wire::api::{CollaborationState, CollaborationView};

use super::Failure;
use crate::party::exchange::Session;

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
    /// The party and the active collaboration meant.
    pub(super) async fn open(&self) -> Result<(Session, CollaborationView), Failure> {
        let session = self.home.session()?;
        let view = session
            .collaboration(self.collaboration.as_deref(), CollaborationState::Active)
            .await?;
        Ok((session, view))
    }
}
