//! The order of a lane, where it has to change.

use super::Job;
use crate::domain::id::Id;
use crate::store::transaction::sql;
use crate::store::{StoreError, Tx};

impl Tx {
    /// What waits in the lane of a job behind it, in order: row ids and subjects, at most 1,000.
    pub async fn jobs_behind(&mut self, job: &Job) -> Result<Vec<(Id, String)>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT j.id AS id, j.subject AS subject FROM jobs j, jobs own \
                     WHERE own.id = $1 AND j.lane = own.lane AND j.number > own.number \
                     AND j.lease IS NULL ORDER BY j.number LIMIT 1000",
                )
                .bind(job.id.to_string()),
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.id("id")?, row.text("subject")?)))
            .collect()
    }

    /// Puts a waiting job directly before another one, which is the first of their lane.
    pub async fn put_job_ahead(&mut self, id: Id, first: &Job) -> Result<(), StoreError> {
        self.one(
            sql(
                "UPDATE jobs SET number = (SELECT f.number - 1 FROM jobs f WHERE f.id = $1) \
                 WHERE id = $2 AND lease IS NULL",
            )
            .bind(first.id.to_string())
            .bind(id.to_string()),
        )
        .await
    }
}
