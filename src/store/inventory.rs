//! What there ought to be a file for: every id of a table, page by page, for the checker.

use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;

/// Things with a file of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Uploads: a spool or a sealed set.
    Uploads,
    /// Withdrawals: a list of tokens.
    Withdrawals,
    /// Member files.
    MemberFiles,
    /// Files of emissions.
    Emissions,
}

impl Tx {
    /// The next ids after `after` in their order, at most 1,000; none at the end.
    pub async fn inventory(
        &mut self,
        table: Table,
        after: Option<Id>,
    ) -> Result<Vec<Id>, StoreError> {
        let statement = match table {
            Table::Uploads => "SELECT id FROM uploads WHERE id > $1 ORDER BY id LIMIT 1000",
            Table::Withdrawals => "SELECT id FROM withdrawals WHERE id > $1 ORDER BY id LIMIT 1000",
            Table::MemberFiles => {
                "SELECT id FROM member_files WHERE id > $1 ORDER BY id LIMIT 1000"
            }
            Table::Emissions => {
                "SELECT id FROM emission_files WHERE id > $1 ORDER BY id LIMIT 1000"
            }
        };
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let rows = self.all(sql(statement).bind(after)).await?;
        rows.iter().map(|row| row.id("id")).collect()
    }
}
