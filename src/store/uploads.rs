//! Uploads: from the first byte to the sealed set.

use std::collections::HashSet;

use jiff::Timestamp;
use tamis_protocols::wire::api::UploadMode;

use super::layers::SetSize;
use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State, Step};

/// What an upload brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An advertiser's rows.
    Crm,
    /// A partner's identity graph.
    Graph,
}

impl Kind {
    /// The word in the database and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Crm => "crm",
            Kind::Graph => "graph",
        }
    }
}

/// An upload.
#[derive(Clone)]
pub struct Upload {
    /// Resource id.
    pub id: Id,
    /// What it belongs to.
    pub collaboration: Id,
    /// Who sends it.
    pub owner: String,
    /// What it brings.
    pub kind: Kind,
    /// What its rows do to the set of its side.
    pub mode: UploadMode,
    /// The other collaboration whose tokens its rows carry as well.
    pub bridges: Option<Id>,
    /// Where it stands.
    pub state: state::Upload,
    /// Declared bytes.
    pub length: u64,
    /// Bytes at the last completed append.
    pub received: u64,
    /// Where an append began whose checksum was never verified.
    pub unverified_from: Option<u64>,
    /// Its data key, wrapped.
    pub wrapped_key: String,
    /// Rows read so far while sealing.
    pub rows_read: u64,
    /// `UploadReport` as JSON, once sealed.
    pub report: Option<String>,
    /// Why it was refused.
    pub refusal: Option<String>,
    /// The upload whose set it changed, once sealed.
    pub parent: Option<Id>,
    /// The whole set; none if it is not sealed, or was before there were deltas.
    pub set_size: Option<SetSize>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends if still incomplete.
    pub expires_at: Timestamp,
}

/// The columns of an upload, as it is read below, with what follows `FROM`.
macro_rules! select_upload {
    ($rest:literal) => {
        concat!(
            "SELECT id, collaboration, owner, kind, mode, bridges, state, length, received, \
             unverified_from, wrapped_key, rows_read, report, refusal, parent, set_rows, \
             set_accepted, set_persons, created_at, expires_at FROM uploads ",
            $rest
        )
    };
}

impl Tx {
    /// The upload of that id, whoever asks: callers scope it.
    pub async fn upload(&mut self, id: Id) -> Result<Option<Upload>, StoreError> {
        let row = self
            .optional(sql(select_upload!("WHERE id = $1")).bind(id.to_string()))
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Those of an owner, newest first, at most 1,000.
    pub async fn uploads(&mut self, owner: &str) -> Result<Vec<Upload>, StoreError> {
        let rows = self
            .all(
                sql(select_upload!(
                    "WHERE owner = $1 ORDER BY created_at DESC, id LIMIT 1000"
                ))
                .bind(owner),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The newest sealed set of a kind in a collaboration.
    pub async fn newest_sealed(
        &mut self,
        collaboration: Id,
        kind: Kind,
    ) -> Result<Option<Id>, StoreError> {
        let row = self
            .optional(
                sql(
                    "SELECT id FROM uploads WHERE collaboration = $1 AND kind = $2 \
                     AND state = $3 ORDER BY sealed_order DESC LIMIT 1",
                )
                .bind(collaboration.to_string())
                .bind(kind.as_str())
                .bind(state::Upload::Sealed.as_str()),
            )
            .await?;
        row.map(|row| row.id("id")).transpose()
    }

    /// How many of an owner's uploads are incomplete.
    pub async fn open_uploads(&mut self, owner: &str) -> Result<u64, StoreError> {
        let row = self
            .optional(
                sql("SELECT COUNT(*) AS n FROM uploads WHERE owner = $1 AND state = $2")
                    .bind(owner)
                    .bind(state::Upload::Receiving.as_str()),
            )
            .await?;
        row.map_or(Ok(0), |row| row.count("n"))
    }

    /// Incomplete uploads past their last moment, at most 100.
    pub async fn expired_uploads(&mut self, now: Timestamp) -> Result<Vec<Id>, StoreError> {
        let rows = self
            .all(
                sql("SELECT id FROM uploads WHERE state = $1 AND expires_at <= $2 LIMIT 100")
                    .bind(state::Upload::Receiving.as_str())
                    .bind(now.as_millisecond()),
            )
            .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// Ids of every upload in one of two states, to tell orphaned files on disk.
    pub async fn upload_ids(
        &mut self,
        states: [state::Upload; 2],
    ) -> Result<HashSet<Id>, StoreError> {
        let rows = self
            .all(
                sql("SELECT id FROM uploads WHERE state IN ($1, $2)")
                    .bind(states[0].as_str())
                    .bind(states[1].as_str()),
            )
            .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// Adds one, receiving.
    pub async fn add_upload(&mut self, new: &Upload) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO uploads (id, collaboration, owner, kind, mode, bridges, state, \
                 length, received, wrapped_key, rows_read, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, 0, $10, $11)",
            )
            .bind(new.id.to_string())
            .bind(new.collaboration.to_string())
            .bind(&new.owner)
            .bind(new.kind.as_str())
            .bind(new.mode.as_str())
            .bind(new.bridges.map(|other| other.to_string()))
            .bind(new.state.as_str())
            .bind(int(new.length))
            .bind(&new.wrapped_key)
            .bind(new.created_at.as_millisecond())
            .bind(new.expires_at.as_millisecond()),
        )
        .await
    }

    /// Records a completed append: `received` bytes are there and verified.
    pub async fn set_received(&mut self, id: Id, received: u64) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE uploads SET received = $1, unverified_from = NULL \
                 WHERE id = $2 AND state = $3")
            .bind(int(received))
            .bind(id.to_string())
            .bind(state::Upload::Receiving.as_str()),
        )
        .await
    }

    /// Records that bytes from `mark` on are unverified until the next completed append.
    pub async fn set_unverified(&mut self, id: Id, mark: u64) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE uploads SET unverified_from = $1 WHERE id = $2 AND state = $3")
                .bind(int(mark))
                .bind(id.to_string())
                .bind(state::Upload::Receiving.as_str()),
        )
        .await
    }

    /// Moves an upload along an arrow.
    pub async fn step_upload(
        &mut self,
        id: Id,
        step: Step<state::Upload>,
    ) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE uploads SET state = $1 WHERE id = $2 AND state = $3")
                .bind(step.to().as_str())
                .bind(id.to_string())
                .bind(step.from().as_str()),
        )
        .await
    }

    /// Shows how far sealing is.
    pub async fn set_rows_read(&mut self, id: Id, rows: u64) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE uploads SET rows_read = $1 WHERE id = $2")
                .bind(int(rows))
                .bind(id.to_string()),
        )
        .await
    }

    /// Records the sealed set, or the refusal, and moves the upload along.
    pub async fn finish_upload(
        &mut self,
        id: Id,
        step: Step<state::Upload>,
        rows: u64,
        report: Option<String>,
        refusal: Option<String>,
    ) -> Result<(), StoreError> {
        let order = self.count("order").await?;
        self.one(
            sql(
                "UPDATE uploads SET state = $1, rows_read = $2, report = $3, refusal = $4, \
                 sealed_order = $5 WHERE id = $6 AND state = $7",
            )
            .bind(step.to().as_str())
            .bind(int(rows))
            .bind(report)
            .bind(refusal)
            .bind(order)
            .bind(id.to_string())
            .bind(step.from().as_str()),
        )
        .await
    }
}

fn read(row: &Row) -> Result<Upload, StoreError> {
    let kind = match row.text("kind")?.as_str() {
        "crm" => Kind::Crm,
        "graph" => Kind::Graph,
        _ => return Err(row.corrupt("kind")),
    };
    Ok(Upload {
        id: row.id("id")?,
        collaboration: row.id("collaboration")?,
        owner: row.text("owner")?,
        kind,
        mode: UploadMode::parse(&row.text("mode")?).ok_or(row.corrupt("mode"))?,
        bridges: row.id_or_null("bridges")?,
        state: row.state("state")?,
        length: row.count("length")?,
        received: row.count("received")?,
        unverified_from: row.count_or_null("unverified_from")?,
        wrapped_key: row.text("wrapped_key")?,
        rows_read: row.count("rows_read")?,
        report: row.text_or_null("report")?,
        refusal: row.text_or_null("refusal")?,
        parent: row.id_or_null("parent")?,
        set_size: match row.count_or_null("set_rows")? {
            None => None,
            Some(rows) => Some(SetSize {
                rows,
                accepted: row.count("set_accepted")?,
                persons: row.count("set_persons")?,
            }),
        },
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
    })
}
