//! Whether enough witnesses vouch for the log that a decision of the gate is in.
//!
//! Judged anew every time, from the cosigned checkpoint that the database keeps and the keys of the
//! configuration: a line that does not hold, or of a witness that is trusted no longer, does not count.

use tamis_protocols::transparency::open_cosigned;

use super::{Service, ServiceError};
use crate::store::Tx;

impl Service {
    /// How many leaves, from the first on, enough witnesses vouch for; all there can be if none is required.
    pub(super) async fn vouched_leaves(&self, tx: &mut Tx) -> Result<u64, ServiceError> {
        let rule = &self.limits().witnesses;
        if rule.require == 0 {
            return Ok(u64::MAX);
        }
        let head = tx.log_head().await?;
        let opened = head
            .cosigned
            .and_then(|note| open_cosigned(note.as_bytes(), &self.log_key(), &rule.peers));
        let enough = opened.filter(|opened| opened.by.len() >= rule.require);
        Ok(enough.map_or(0, |opened| opened.head.size))
    }
}
