//! (being written)
use serde::{Deserialize, Serialize};
/// What a row's consent must carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRule {}
