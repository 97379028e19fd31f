//! An audience at one destination: the persons it consists of, and nothing that names them.

use std::sync::Arc;

use tamis_protocols::intersection::PersonSet;

use super::id::Id;

/// The members of one audience at one destination, by person row of one partner upload.
pub struct Audience {
    /// The audience.
    pub id: Id,
    /// The destination's name.
    pub destination: String,
    /// The person rows. Without the partner's upload they mean nothing.
    pub persons: Arc<PersonSet>,
}
