//! Audiences.

pub mod list;
pub mod put;
pub mod show;

use serde::Deserialize;

use crate::http::extract::{Id, Name};

/// Where an audience stands in the API.
#[derive(Deserialize)]
pub struct AudiencePath {
    /// The collaboration.
    pub id: Id,
    /// The audience's name in it.
    pub name: Name,
}
