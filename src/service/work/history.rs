//! What a destination may know: every emission of an advertiser's audiences that counts there, in the
//! numbers of the set that is being decided on.
//!
//! ```text
//! emission ──── as decided ─────────────── numbers of the set it was decided on; deliveries use it
//!          └─── renumbered, the latest ─── numbers of the set that was decided on last
//! ```
//! Renumbering walks both sets' tokens once, for all emissions that need it, and is kept. From one
//! collaboration of the pair to the next the way leads through an upload that carries tokens of both keys.
//!
//! Memory: the bitmaps of all emissions that count; while renumbering, 4 bytes a person of the older set.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tamis_protocols::intersection::PersonSet;
use tamis_protocols::release::Cells;

use super::open::Layers;
use super::{Held, JobError};
use crate::domain::id::Id;
use crate::service::append::blocking;
use crate::service::files::{Object, remove};
use crate::service::{Service, ServiceError};
use crate::sets::{self, Emission, Renumbering};
use crate::store::emissions::{EmissionFile, Place};
use crate::store::{Tx, snapshot, transact};

/// The emissions of one place, in the numbers of one set.
pub(super) struct History {
    /// By the decision that emitted it; the order of emission.
    emissions: Vec<(Id, Emission)>,
}

impl History {
    /// The population cut by everything that was emitted.
    pub(super) fn cells(&self, population: &PersonSet) -> Cells {
        let mut cells = Cells::new(population);
        for (_, emission) in &self.emissions {
            cells.refine(emission.emitted.persons());
        }
        cells
    }

    /// What a decision emitted, if it counts.
    pub(super) fn of(&self, decision: Id) -> Option<&Emission> {
        let mut known = self.emissions.iter();
        known
            .find(|(id, _)| *id == decision)
            .map(|(_, found)| found)
    }
}

/// An emission whose persons are still told in the numbers of another set: the way to the present one.
struct Stray {
    file: EmissionFile,
    /// The set that it is told in, then, if the collaboration is another, the one that leads over.
    way: Vec<Layers>,
    stale: Option<Id>,
}

impl Service {
    /// The emissions that count at a place, in the numbers of `present`, a set of `collaboration`.
    pub(super) async fn history(
        &self,
        held: &Held,
        place: &Place,
        (collaboration, present): (Id, &Layers),
        look_back_days: u32,
    ) -> Result<History, JobError> {
        let since = self.before(self.now(), crate::service::budget::days(look_back_days));
        let form = present.form().ok_or_else(|| JobError::gone("an upload"))?;
        let (counted, ready, strays) = snapshot!(self.store(), "history", |tx| {
            let counted = tx.emissions(place, since).await?;
            let (mut ready, mut strays) = (Vec::new(), Vec::new());
            for emission in &counted {
                let files = tx.emission_files(emission.id).await?;
                match files.iter().find(|file| file.form == form) {
                    Some(file) => ready.push(file.clone()),
                    None => strays.push(stray(tx, files, collaboration).await?),
                }
            }
            Ok::<_, JobError>((counted, ready, strays))
        })?;
        let mut found = HashMap::new();
        for file in ready {
            found.insert(file.emission, self.emission(file).await?);
        }
        if !strays.is_empty() {
            found.extend(self.bring_home(held, strays, present.clone(), form).await?);
        }
        let emissions = counted.into_iter().map(|one| {
            let emission = found.remove(&one.id);
            Ok((
                one.id,
                emission.ok_or_else(|| JobError::gone("an emission"))?,
            ))
        });
        Ok(History {
            emissions: emissions.collect::<Result<_, JobError>>()?,
        })
    }

    /// Tells emissions in the numbers of the present set, and keeps that.
    async fn bring_home(
        &self,
        held: &Held,
        strays: Vec<Stray>,
        present: Layers,
        form: (Id, bool),
    ) -> Result<Vec<(Id, Emission)>, JobError> {
        let (service, running) = (self.clone(), held.clone());
        let told = blocking(move || Ok(service.renumber(&running, strays, &present, form)));
        let told = told.await??;
        let written = transact!(self.store(), "history-renumbered", |tx| {
            tx.hold_job(&held.job).await?;
            for (file, stale, _) in &told {
                if let Some(stale) = stale {
                    tx.forget_emission_file(*stale).await?;
                }
                tx.add_emission_file(file).await?;
            }
            Ok::<_, JobError>(())
        });
        if let Err(error) = written {
            for (file, ..) in &told {
                // What is left over after a failure here is removed at the next start.
                let _ = remove(&self.files().emission(file.id));
            }
            return Err(error);
        }
        for stale in told.iter().filter_map(|(_, stale, _)| *stale) {
            let _ = remove(&self.files().emission(stale));
        }
        let told = told.into_iter();
        Ok(told
            .map(|(file, _, found)| (file.emission, found))
            .collect())
    }

    fn renumber(
        &self,
        held: &Held,
        strays: Vec<Stray>,
        present: &Layers,
        form: (Id, bool),
    ) -> Result<Vec<(EmissionFile, Option<Id>, Emission)>, JobError> {
        let mut ways: HashMap<_, Renumbering> = HashMap::new();
        let mut told = Vec::with_capacity(strays.len());
        for Stray {
            file,
            mut way,
            stale,
        } in strays
        {
            let mut emission = self.read_emission_file(&file)?;
            way.push(present.clone());
            for pair in way.windows(2) {
                let numbers = match ways.entry((pair[0].form(), pair[1].form())) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(self.numbers(held, &pair[0], &pair[1])?),
                };
                emission.emitted = numbers.apply(&emission.emitted);
                emission.chosen = numbers.apply(&emission.chosen);
            }
            let file = self.write_emission_file(file.emission, form, false, &emission)?;
            told.push((file, stale, emission));
        }
        Ok(told)
    }

    /// The numbers of one set's persons in another.
    fn numbers(&self, held: &Held, old: &Layers, new: &Layers) -> Result<Renumbering, JobError> {
        let (old, new) = (self.open_set(old)?, self.open_set(new)?);
        let numbers = Renumbering::between(&old, &new, held.cancel.flag())
            .map_err(|error| JobError::failed("renumbering", error))?;
        numbers.ok_or(JobError::Cancelled)
    }

    /// Whoever of the present set was there in one of at least so many days ago; nobody if there is none.
    pub(super) async fn tenured(
        &self,
        held: &Held,
        collaboration: Id,
        present: &Layers,
        days: u32,
    ) -> Result<PersonSet, JobError> {
        let until = self.before(self.now(), crate::service::budget::days(days));
        let old = snapshot!(self.store(), "tenure", |tx| {
            Ok::<_, JobError>(match tx.sealed_before(collaboration, until).await? {
                Some(upload) => Some(Layers::read(tx, upload).await?),
                None => None,
            })
        })?;
        let Some(old) = old else {
            return Ok(PersonSet::new());
        };
        let (service, running, present) = (self.clone(), held.clone(), present.clone());
        let numbers = blocking(move || Ok(service.numbers(&running, &old, &present)));
        Ok(numbers.await??.image())
    }

    /// Reads a file of an emission, on a thread of its own.
    pub(super) async fn emission(&self, file: EmissionFile) -> Result<Emission, JobError> {
        let service = self.clone();
        blocking(move || Ok(service.read_emission_file(&file))).await?
    }

    fn read_emission_file(&self, file: &EmissionFile) -> Result<Emission, JobError> {
        let object = Object::Emission(file.id);
        let key = self.key(object, &file.wrapped_key)?;
        sets::read_emission(&self.files().emission(file.id), &key, &object.context())
            .map_err(|error| JobError::failed("emission", error))
    }

    /// Writes an emission; on disk, not yet in the database.
    pub(super) fn write_emission_file(
        &self,
        emission: Id,
        form: (Id, bool),
        first: bool,
        persons: &Emission,
    ) -> Result<EmissionFile, JobError> {
        let id = self.id();
        let object = Object::Emission(id);
        let (key, wrapped_key) = self.new_key(object);
        let path = self.files().emission(id);
        sets::write_emission(&path, &key, &object.context(), persons)
            .map_err(|error| JobError::failed("emission", error))?;
        Ok(EmissionFile {
            id,
            emission,
            form,
            first,
            wrapped_key,
        })
    }

    /// The collaboration of the pair whose emissions at a place cannot be told in `collaboration`, because
    /// no upload there carries tokens of both; none: there is no such.
    pub(in crate::service) async fn unbridged(
        &self,
        tx: &mut Tx,
        place: &Place,
        collaboration: Id,
        look_back_days: u32,
    ) -> Result<Option<Id>, ServiceError> {
        let since = self.before(self.now(), crate::service::budget::days(look_back_days));
        for emission in tx.emissions(place, since).await? {
            let files = tx.emission_files(emission.id).await?;
            let told_in = match files.last() {
                Some(file) => tx.upload(file.form.0).await?,
                None => None,
            };
            let other = told_in.map_or(emission.collaboration, |upload| upload.collaboration);
            if other != collaboration && tx.bridge(collaboration, other).await?.is_none() {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }
}

/// The way of an emission, which is told in the numbers of `files`, to a set of `collaboration`.
async fn stray(
    tx: &mut Tx,
    files: Vec<EmissionFile>,
    collaboration: Id,
) -> Result<Stray, JobError> {
    let latest = files.last().cloned();
    let file = latest.ok_or_else(|| JobError::gone("an emission"))?;
    let told_in = tx.upload(file.form.0).await?;
    let told_in = told_in.ok_or_else(|| JobError::gone("an upload"))?;
    let mut way = vec![Layers::of_form(tx, file.form).await?];
    if told_in.collaboration != collaboration {
        let bridge = tx.bridge(collaboration, told_in.collaboration).await?;
        let bridge = bridge.ok_or_else(|| JobError::gone("the upload with tokens of both keys"))?;
        way.push(Layers::read(tx, bridge).await?);
    }
    let stale = (!file.first).then_some(file.id);
    Ok(Stray { file, way, stale })
}
