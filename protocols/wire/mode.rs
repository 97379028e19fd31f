//! The mode of an upload: what its rows do to the set of its side.

use serde::{Deserialize, Serialize};

/// What an upload does. Without a word it is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum UploadMode {
    /// Its rows are the set: they replace everything before.
    #[default]
    Full,
    /// Its rows join the newest set.
    Add,
    /// Every advertiser's row and every partner's person that carries one of its tokens leaves the set.
    Remove,
    /// What carries one of its tokens leaves the set, as with a removal, and then its rows join what is left.
    Refresh,
}

impl UploadMode {
    /// All there are.
    pub const ALL: [UploadMode; 4] = [
        UploadMode::Full,
        UploadMode::Add,
        UploadMode::Remove,
        UploadMode::Refresh,
    ];

    /// The word on the wire, in the database and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            UploadMode::Full => "full",
            UploadMode::Add => "add",
            UploadMode::Remove => "remove",
            UploadMode::Refresh => "refresh",
        }
    }

    /// The inverse of [`UploadMode::as_str`].
    pub fn parse(word: &str) -> Option<UploadMode> {
        UploadMode::ALL
            .into_iter()
            .find(|mode| mode.as_str() == word)
    }

    /// Whether it changes a set that is there, instead of making one.
    pub fn is_delta(self) -> bool {
        self != UploadMode::Full
    }

    /// Whether its rows become part of the set, with consent, segments and cookies; a removal brings tokens
    /// and nothing else.
    pub fn brings_rows(self) -> bool {
        self != UploadMode::Remove
    }

    /// Whether what carries one of its tokens leaves the set: also a token of a row that is not let in.
    pub fn takes_out(self) -> bool {
        matches!(self, UploadMode::Remove | UploadMode::Refresh)
    }
}
