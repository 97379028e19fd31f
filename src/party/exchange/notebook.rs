//! What a home remembers of its own actions in a collaboration: matches started, withdrawals sent.
//! The service lists audiences and deliveries; these two are asked for by id.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::ExchangeError;
use super::membership::{read, subdirectory, write};

/// Ids of own resources, oldest first; at most the newest 1,000 of each.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notebook {
    /// Matches.
    pub matches: Vec<String>,
    /// Withdrawals.
    pub withdrawals: Vec<String>,
}

const MOST: usize = 1_000;

impl Notebook {
    /// The notes of a collaboration; empty when there are none.
    pub fn read(home: &Path, collaboration: &str) -> Result<Self, ExchangeError> {
        let Some(bytes) = read(&place(home, collaboration)?)? else {
            return Ok(Notebook::default());
        };
        serde_json::from_slice(&bytes)
            .map_err(|_| ExchangeError::Home("a notebook is damaged".into()))
    }

    /// Adds to the notes of a collaboration.
    pub fn note(
        home: &Path,
        collaboration: &str,
        add: impl FnOnce(&mut Notebook),
    ) -> Result<(), ExchangeError> {
        let mut notes = Notebook::read(home, collaboration)?;
        add(&mut notes);
        for ids in [&mut notes.matches, &mut notes.withdrawals] {
            let surplus = ids.len().saturating_sub(MOST);
            ids.drain(..surplus);
        }
        let bytes = serde_json::to_vec_pretty(&notes)
            .map_err(|_| ExchangeError::Home("a notebook cannot be written".into()))?;
        write(&place(home, collaboration)?, &bytes)
    }
}

fn place(home: &Path, collaboration: &str) -> Result<PathBuf, ExchangeError> {
    if collaboration.is_empty() || !collaboration.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ExchangeError::Misunderstood(
            "a collaboration id that is not hexadecimal",
        ));
    }
    Ok(subdirectory(home, "notes")?.join(format!("{collaboration}.json")))
}
