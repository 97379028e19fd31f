//! Whether enough witnesses vouch for the log that a decision of the gate is in.
//!
//! Judged anew every time, from the cosigned checkpoint that the database keeps and the keys of the
//! configuration: a line that does not hold, or of a witness that is trusted no longer, does not count.

use tamis_protocols::transparency::open_cosigned;

use super::{Service, ServiceError};
use crate::store::Tx;
use crate::store::decisions::Decision;

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

    /// The decision by which people are taken back: the newest that was released, or, while nobody vouches for
    /// it, the newest before it that is vouched for: what a destination has, it has of that one.
    pub(super) async fn vouched_or_newest(
        &self,
        tx: &mut Tx,
        newest: Decision,
    ) -> Result<Decision, ServiceError> {
        let vouched = self.vouched_leaves(tx).await?;
        let is = |one: &Decision| one.leaf.is_some_and(|leaf| leaf < vouched);
        if vouched == u64::MAX || is(&newest) {
            return Ok(newest);
        }
        let all = tx.released_of(newest.audience, &newest.destination).await?;
        let before = all.into_iter().find(|one| !one.held && is(one));
        Ok(before.unwrap_or(newest))
    }
}
