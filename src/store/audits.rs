//! What an auditor is shown beside the log: policies, keys and numbers of records by their leaves. None is
//! changed or removed.

use super::row::int;
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;

/// The head of an upload's consent records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchHead {
    /// The upload.
    pub upload: Id,
    /// Its records.
    pub records: u64,
    /// Merkle root over their commitments, hexadecimal.
    pub root: String,
}

impl Tx {
    /// Keeps a policy that a leaf names; that it is there already is fine.
    pub async fn keep_policy(
        &mut self,
        digest: &str,
        version: u32,
        policy: &str,
    ) -> Result<(), StoreError> {
        self.many(
            sql(
                "INSERT INTO policies (digest, version, policy) VALUES ($1, $2, $3) \
                 ON CONFLICT (digest) DO NOTHING",
            )
            .bind(digest.to_owned())
            .bind(i64::from(version))
            .bind(policy.to_owned()),
        )
        .await?;
        Ok(())
    }

    /// Version and parameters of the policy with that digest.
    pub async fn policy_of(&mut self, digest: &str) -> Result<Option<(u32, String)>, StoreError> {
        let row = self
            .optional(
                sql("SELECT version, policy FROM policies WHERE digest = $1")
                    .bind(digest.to_owned()),
            )
            .await?;
        row.map(|row| {
            let version = u32::try_from(row.count("version")?);
            let version = version.map_err(|_| row.corrupt("version"))?;
            Ok((version, row.text("policy")?))
        })
        .transpose()
    }

    /// Keeps the public keys that a party enrolled with in `leaf`.
    pub async fn keep_keys(
        &mut self,
        leaf: u64,
        party: &str,
        signing_key: &str,
        sealing_key: Option<String>,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO party_keys (leaf, party, signing_key, sealing_key) \
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(int(leaf))
            .bind(party.to_owned())
            .bind(signing_key.to_owned())
            .bind(sealing_key),
        )
        .await
    }

    /// Signing and sealing key of the enrolment in `leaf`, base64.
    pub async fn keys_of(
        &mut self,
        leaf: u64,
    ) -> Result<Option<(String, Option<String>)>, StoreError> {
        let row = self
            .optional(
                sql("SELECT signing_key, sealing_key FROM party_keys WHERE leaf = $1")
                    .bind(int(leaf)),
            )
            .await?;
        row.map(|row| Ok((row.text("signing_key")?, row.text_or_null("sealing_key")?)))
            .transpose()
    }

    /// Keeps the head of an upload that was sealed in `leaf`.
    pub async fn keep_head(&mut self, leaf: u64, new: &BatchHead) -> Result<(), StoreError> {
        self.one(
            sql("INSERT INTO heads (upload, leaf, records, root) VALUES ($1, $2, $3, $4)")
                .bind(new.upload.to_string())
                .bind(int(leaf))
                .bind(int(new.records))
                .bind(new.root.clone()),
        )
        .await
    }

    /// The head of an upload.
    pub async fn head_of(&mut self, upload: Id) -> Result<Option<BatchHead>, StoreError> {
        let row = self
            .optional(
                sql("SELECT upload, records, root FROM heads WHERE upload = $1")
                    .bind(upload.to_string()),
            )
            .await?;
        row.map(|row| {
            Ok(BatchHead {
                upload: row.id("upload")?,
                records: row.count("records")?,
                root: row.text("root")?,
            })
        })
        .transpose()
    }

    /// Heads of all uploads with a leaf before `size`, perhaps of one collaboration, in the order of their
    /// leaves.
    pub async fn heads_before(
        &mut self,
        size: u64,
        collaboration: Option<Id>,
    ) -> Result<Vec<BatchHead>, StoreError> {
        let only = collaboration.map(|id| id.to_string()).unwrap_or_default();
        let rows = self
            .all(
                sql(
                    "SELECT h.upload AS upload, h.records AS records, h.root AS root FROM heads h \
                     JOIN uploads u ON u.id = h.upload WHERE h.leaf < $1 \
                     AND ($2 = '' OR u.collaboration = $2) ORDER BY h.leaf",
                )
                .bind(int(size))
                .bind(only),
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(BatchHead {
                    upload: row.id("upload")?,
                    records: row.count("records")?,
                    root: row.text("root")?,
                })
            })
            .collect()
    }
}
