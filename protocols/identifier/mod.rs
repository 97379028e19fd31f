//! (being written)
use serde::{Deserialize, Serialize};
/// Profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// default
    #[serde(rename = "onboarding-1")]
    Onboarding1,
}
/// Type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdentifierType {
    /// e-mail
    Email,
}
