//! Who plays: six personas, each with a colour and a home of its own.

use std::path::{Path, PathBuf};

use console::{Style, StyledObject};
use tamis_protocols::wire::api::Role;

/// A persona.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Persona {
    Operator,
    Maison,
    Graphe,
    DspA,
    DmpB,
    Auditor,
}

/// Everybody who enrols, in this order.
pub(super) const PARTIES: [Persona; 5] = [
    Persona::Maison,
    Persona::Graphe,
    Persona::DspA,
    Persona::DmpB,
    Persona::Auditor,
];

/// The two that receive cookies.
pub(super) const DESTINATIONS: [Persona; 2] = [Persona::DspA, Persona::DmpB];

impl Persona {
    pub(super) fn name(self) -> &'static str {
        match self {
            Persona::Operator => "operator",
            Persona::Maison => "maison",
            Persona::Graphe => "graphe",
            Persona::DspA => "dsp-a",
            Persona::DmpB => "dmp-b",
            Persona::Auditor => "auditor",
        }
    }

    /// The role asked for at the invitation; the operator invites itself to nothing.
    pub(super) fn role(self) -> Option<Role> {
        match self {
            Persona::Operator => None,
            Persona::Maison => Some(Role::Advertiser),
            Persona::Graphe => Some(Role::Partner),
            Persona::DspA | Persona::DmpB => Some(Role::Destination),
            Persona::Auditor => Some(Role::Auditor),
        }
    }

    /// Who this is, for the opening lines.
    pub(super) fn introduction(self) -> &'static str {
        match self {
            Persona::Operator => "runs the service; must learn nobody's name",
            Persona::Maison => "an advertiser with a CRM file",
            Persona::Graphe => "a data partner that knows cookies",
            Persona::DspA => "a destination with a key: its cookies travel sealed",
            Persona::DmpB => "a destination without a key",
            Persona::Auditor => "trusts nobody, reads the log",
        }
    }

    pub(super) fn paint<D>(self, words: D) -> StyledObject<D> {
        let style = Style::new().bold();
        match self {
            Persona::Operator => style.white(),
            Persona::Maison => style.magenta(),
            Persona::Graphe => style.blue(),
            Persona::DspA => style.yellow(),
            Persona::DmpB => style.green(),
            Persona::Auditor => style.cyan(),
        }
        .apply_to(words)
    }

    pub(super) fn home(self, homes: &Path) -> PathBuf {
        homes.join(self.name())
    }
}
