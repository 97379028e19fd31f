//! Emissions: the persons that the gate let out, for as long as a destination may know them.

use std::collections::HashSet;

use jiff::Timestamp;

use super::collaborations::Collaboration;
use super::row::Row;
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State};

/// Where emissions of the same persons to the same eyes come together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Of whom the destination has them.
    pub advertiser: String,
    /// Whose persons.
    pub partner: String,
    /// Who has them.
    pub destination: String,
}

impl Place {
    /// Where a collaboration's emissions to a destination come together with others.
    pub fn of(found: &Collaboration, destination: &str) -> Place {
        Place {
            advertiser: found.advertiser.clone(),
            partner: found.partner.clone(),
            destination: destination.to_owned(),
        }
    }
}

/// An emission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emission {
    /// The decision that emitted it.
    pub id: Id,
    /// Under whose keys it was decided.
    pub collaboration: Id,
    /// It has persons that only earlier decisions of its audience reached.
    pub kept: bool,
}

/// A file with the persons of an emission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmissionFile {
    /// Names it.
    pub id: Id,
    /// Whose persons.
    pub emission: Id,
    /// The partner's upload, and whether its set was one compacted layer: in whose numbers they are.
    pub form: (Id, bool),
    /// As it was decided.
    pub first: bool,
    /// Data key, wrapped.
    pub wrapped_key: String,
}

/// The columns of a file `f`, with what follows `FROM`.
macro_rules! select_file {
    ($rest:literal) => {
        concat!(
            "SELECT f.id AS id, f.emission AS emission, f.partner_upload AS partner_upload, \
             f.compacted AS compacted, f.first AS first, f.wrapped_key AS wrapped_key \
             FROM emission_files f ",
            $rest
        )
    };
}

/// Changes emissions of an audience ($2) at a destination ($3) that are current, or are not: some
/// audience's newest released ($1) decision there is at them.
macro_rules! settle {
    ($change:literal, $current:literal, $more:literal) => {
        concat!(
            "UPDATE emissions SET ",
            $change,
            " WHERE id IN (SELECT emission FROM decisions WHERE audience = $2 AND destination = $3) ",
            $current,
            " EXISTS (SELECT 1 FROM decisions d WHERE d.emission = emissions.id AND d.number = \
             (SELECT MAX(e.number) FROM decisions e WHERE e.audience = d.audience \
             AND e.destination = d.destination AND e.state = $1)) ",
            $more
        )
    };
}

impl Tx {
    /// Emissions that count at a place: those that are current, and those replaced after `since`; the
    /// oldest first.
    pub async fn emissions(
        &mut self,
        place: &Place,
        since: Timestamp,
    ) -> Result<Vec<Emission>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT e.id AS id, e.collaboration AS collaboration, e.kept AS kept FROM emissions e \
                     JOIN decisions d ON d.id = e.id WHERE e.advertiser = $1 AND e.partner = $2 \
                     AND e.destination = $3 AND (e.replaced_at IS NULL OR e.replaced_at > $4) \
                     ORDER BY d.number",
                )
                .bind(&place.advertiser)
                .bind(&place.partner)
                .bind(&place.destination)
                .bind(since.as_millisecond()),
            )
            .await?;
        rows.iter().map(read_emission).collect()
    }

    /// The emission of that decision.
    pub async fn emission(&mut self, id: Id) -> Result<Option<Emission>, StoreError> {
        let row = self
            .optional(
                sql("SELECT id, collaboration, kept FROM emissions WHERE id = $1")
                    .bind(id.to_string()),
            )
            .await?;
        row.as_ref().map(read_emission).transpose()
    }

    /// The files of an emission, as it was decided first.
    pub async fn emission_files(&mut self, emission: Id) -> Result<Vec<EmissionFile>, StoreError> {
        let rows = self
            .all(
                sql(select_file!(
                    "WHERE f.emission = $1 ORDER BY f.first DESC, f.id"
                ))
                .bind(emission.to_string()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The file of that id.
    pub async fn emission_file(&mut self, id: Id) -> Result<Option<EmissionFile>, StoreError> {
        let row = self
            .optional(sql(select_file!("WHERE f.id = $1")).bind(id.to_string()))
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Ids of every file there is, to tell orphaned files on disk.
    pub async fn emission_file_ids(&mut self) -> Result<HashSet<Id>, StoreError> {
        let rows = self.all(sql("SELECT id FROM emission_files")).await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// Adds an emission, current, with its first file.
    pub async fn add_emission(
        &mut self,
        place: &Place,
        new: &Emission,
        file: &EmissionFile,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO emissions (id, advertiser, partner, destination, collaboration, kept) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(new.id.to_string())
            .bind(&place.advertiser)
            .bind(&place.partner)
            .bind(&place.destination)
            .bind(new.collaboration.to_string())
            .bind(i64::from(new.kept)),
        )
        .await?;
        self.add_emission_file(file).await
    }

    /// Adds a file of an emission.
    pub async fn add_emission_file(&mut self, new: &EmissionFile) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO emission_files (id, emission, partner_upload, compacted, first, \
                 wrapped_key) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(new.id.to_string())
            .bind(new.emission.to_string())
            .bind(new.form.0.to_string())
            .bind(i64::from(new.form.1))
            .bind(i64::from(new.first))
            .bind(&new.wrapped_key),
        )
        .await
    }

    /// Forgets a renumbered file.
    pub async fn forget_emission_file(&mut self, id: Id) -> Result<(), StoreError> {
        self.many(
            sql("DELETE FROM emission_files WHERE id = $1 AND first = 0").bind(id.to_string()),
        )
        .await?;
        Ok(())
    }

    /// Notes what is current at a destination after a decision of an audience there was released: the
    /// emission that it is at, and no longer the one before, unless another audience still is.
    pub async fn settle_emissions(
        &mut self,
        audience: Id,
        destination: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let released = state::Decision::Released.as_str();
        self.many(
            sql(settle!("replaced_at = NULL", "AND", ""))
                .bind(released)
                .bind(audience.to_string())
                .bind(destination),
        )
        .await?;
        self.many(
            sql(settle!(
                "replaced_at = $4",
                "AND NOT",
                "AND replaced_at IS NULL"
            ))
            .bind(released)
            .bind(audience.to_string())
            .bind(destination)
            .bind(now.as_millisecond()),
        )
        .await?;
        Ok(())
    }
}

fn read_emission(row: &Row) -> Result<Emission, StoreError> {
    Ok(Emission {
        id: row.id("id")?,
        collaboration: row.id("collaboration")?,
        kept: row.count("kept")? > 0,
    })
}

fn read(row: &Row) -> Result<EmissionFile, StoreError> {
    Ok(EmissionFile {
        id: row.id("id")?,
        emission: row.id("emission")?,
        form: (row.id("partner_upload")?, row.count("compacted")? > 0),
        first: row.count("first")? > 0,
        wrapped_key: row.text("wrapped_key")?,
    })
}
