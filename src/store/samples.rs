//! Samples of consent records that auditors drew, and how parties substantiated them.

use jiff::Timestamp;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;

/// A sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its id.
    pub id: Id,
    /// Who asked.
    pub auditor: String,
    /// The signed checkpoint that it was drawn from.
    pub checkpoint: String,
    /// The auditor's.
    pub nonce: String,
    /// Records asked for.
    pub wanted: u32,
    /// Whose uploads only.
    pub collaboration: Option<Id>,
    /// When.
    pub at: Timestamp,
}

/// A drawn record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawnRecord {
    /// Its upload.
    pub upload: Id,
    /// Its row there.
    pub record: u64,
    /// Whether it was substantiated.
    pub answered: bool,
}

impl Tx {
    /// Adds a sample.
    pub async fn add_sample(&mut self, new: &Sample) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO samples (id, auditor, checkpoint, nonce, wanted, collaboration, at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(new.id.to_string())
            .bind(new.auditor.clone())
            .bind(new.checkpoint.clone())
            .bind(new.nonce.clone())
            .bind(i64::from(new.wanted))
            .bind(new.collaboration.map(|id| id.to_string()))
            .bind(new.at.as_millisecond()),
        )
        .await
    }

    /// Adds a record that a sample drew.
    pub async fn add_drawn(
        &mut self,
        sample: Id,
        upload: Id,
        record: u64,
    ) -> Result<(), StoreError> {
        self.one(
            sql("INSERT INTO drawn (sample, upload, record, answered) VALUES ($1, $2, $3, 0)")
                .bind(sample.to_string())
                .bind(upload.to_string())
                .bind(int(record)),
        )
        .await
    }

    /// The sample, whoever asks: callers scope it.
    pub async fn sample(&mut self, id: Id) -> Result<Option<Sample>, StoreError> {
        let text = "SELECT id, auditor, checkpoint, nonce, wanted, collaboration, at FROM samples \
                    WHERE id = $1";
        let row = self.optional(sql(text).bind(id.to_string())).await?;
        row.as_ref().map(read).transpose()
    }

    /// Samples of an auditor, the newest first, at most 1,000.
    pub async fn samples_of_auditor(&mut self, auditor: &str) -> Result<Vec<Sample>, StoreError> {
        let text = "SELECT id, auditor, checkpoint, nonce, wanted, collaboration, at FROM samples \
                    WHERE auditor = $1 ORDER BY at DESC, id LIMIT 1000";
        let rows = self.all(sql(text).bind(auditor.to_owned())).await?;
        rows.iter().map(read).collect()
    }

    /// Samples that drew a record of a party's uploads, the newest first, at most 1,000.
    pub async fn samples_of_party(&mut self, party: &str) -> Result<Vec<Sample>, StoreError> {
        let text = "SELECT id, auditor, checkpoint, nonce, wanted, collaboration, at FROM samples \
                    WHERE id IN (SELECT d.sample FROM drawn d JOIN uploads u ON u.id = d.upload \
                    WHERE u.owner = $1) ORDER BY at DESC, id LIMIT 1000";
        let rows = self.all(sql(text).bind(party.to_owned())).await?;
        rows.iter().map(read).collect()
    }

    /// What a sample drew, of one party's uploads or of all.
    pub async fn drawn(
        &mut self,
        sample: Id,
        party: Option<&str>,
    ) -> Result<Vec<DrawnRecord>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT d.upload AS upload, d.record AS record, d.answered AS answered \
                     FROM drawn d JOIN uploads u ON u.id = d.upload WHERE d.sample = $1 \
                     AND ($2 = '' OR u.owner = $2) ORDER BY d.upload, d.record",
                )
                .bind(sample.to_string())
                .bind(party.unwrap_or_default().to_owned()),
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(DrawnRecord {
                    upload: row.id("upload")?,
                    record: row.count("record")?,
                    answered: row.count("answered")? > 0,
                })
            })
            .collect()
    }

    /// Marks a drawn record as substantiated; fails if it was not drawn, or is already.
    pub async fn answer_drawn(
        &mut self,
        sample: Id,
        upload: Id,
        record: u64,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "UPDATE drawn SET answered = 1 WHERE sample = $1 AND upload = $2 \
                 AND record = $3 AND answered = 0",
            )
            .bind(sample.to_string())
            .bind(upload.to_string())
            .bind(int(record)),
        )
        .await
    }

    /// Adds a substantiation behind those that are there.
    pub async fn add_substantiation(
        &mut self,
        sample: Id,
        party: &str,
        (document, signature): (&str, &str),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let known = sql("SELECT COUNT(*) AS known FROM substantiations WHERE sample = $1");
        let known = self.optional(known.bind(sample.to_string())).await?;
        let number = known.map_or(Ok(0), |row| row.count("known"))?;
        self.one(
            sql(
                "INSERT INTO substantiations (sample, number, party, document, signature, at) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(sample.to_string())
            .bind(int(number))
            .bind(party.to_owned())
            .bind(document.to_owned())
            .bind(signature.to_owned())
            .bind(at.as_millisecond()),
        )
        .await
    }

    /// Documents and signatures of a sample's substantiations, in their order.
    pub async fn substantiations(
        &mut self,
        sample: Id,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT document, signature FROM substantiations WHERE sample = $1 \
                     ORDER BY number",
                )
                .bind(sample.to_string()),
            )
            .await?;
        rows.iter()
            .map(|row| Ok((row.text("document")?, row.text("signature")?)))
            .collect()
    }
}

fn read(row: &Row) -> Result<Sample, StoreError> {
    Ok(Sample {
        id: row.id("id")?,
        auditor: row.text("auditor")?,
        checkpoint: row.text("checkpoint")?,
        nonce: row.text("nonce")?,
        wanted: u32::try_from(row.count("wanted")?).map_err(|_| row.corrupt("wanted"))?,
        collaboration: row.id_or_null("collaboration")?,
        at: row.time("at")?,
    })
}
