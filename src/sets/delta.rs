//! What a delta does to the set below it: whose its tokens are there, who leaves, who joins whom.
//!
//! Flow: a [`Lookup`] walks the sorted tokens of the delta and the runs below side by side, so that a page
//! is opened once, and only if a token may stand on it. Of a partner's addition, it tells which persons are
//! known before ([`Known`]); of a removal, everybody found is gone. A refresh does both in one walk: who is
//! found is gone ([`Leaving`]), so its own rows meet nobody who is there, and are new.

use std::sync::{Mutex, PoisonError};

use roaring::RoaringBitmap;
use tamis_protocols::wire::batch::{UploadKind, UploadMode};

use super::block::STREAM_BLOCK;
use super::changes::{ALIASES, Fate, GONE, encode_aliases, encode_gone};
use super::ingest::{self, Files, Known, MAX_ROWS, Team, write_persons, write_rows};
use super::rows::{NOBODY, PERSONS, ROWS_PER_BLOCK};
use super::run::Window;
use super::sort::SortedTokens;
use super::{Layer, SealError, SealedSet, SetError};

/// Whether there is a set that an upload can extend, if it is to; the words are for the upload's owner.
pub(super) fn extends(
    kind: UploadKind,
    mode: UploadMode,
    collaboration: &str,
    epoch: u32,
    parent: Option<&SealedSet>,
) -> Result<(), SealError> {
    let words = match parent {
        None if mode.is_delta() => "there is no sealed set to extend: send a full upload first",
        Some(_) if !mode.is_delta() => "a full upload extends no set",
        Some(set) if set.kind() != kind || set.collaboration() != collaboration => {
            "the set to extend is not of this side of the collaboration"
        }
        Some(set) if set.epoch() != epoch => {
            "the tokens of the set to extend are of another epoch: send a full upload"
        }
        _ => return Ok(()),
    };
    Err(SealError::Refused(words.to_owned()))
}

/// A layer to be made of sorted tokens.
pub(super) struct Layering<'a> {
    pub(super) kind: UploadKind,
    pub(super) mode: UploadMode,
    /// Rows of the layer.
    pub(super) rows: u32,
    /// The set that a delta extends.
    pub(super) parent: Option<&'a SealedSet>,
}

impl Layering<'_> {
    /// Writes the run and what else follows from whose the tokens are. Returns how many persons of a
    /// partner are new.
    pub(super) fn write(
        self,
        files: &mut Files<'_>,
        tokens: SortedTokens,
        memory: usize,
        team: &Team<'_>,
    ) -> Result<Option<u32>, SealError> {
        let (rows, below) = (self.rows, self.parent.map_or(0, SealedSet::rows));
        if u64::from(below) + u64::from(rows) > MAX_ROWS {
            let words = "the set would have more rows than one holds (2³¹): send a full upload";
            return Err(SealError::Refused(words.to_owned()));
        }
        let parent = self.parent.map(Parent::of);
        let leaving = parent.as_ref().filter(|_| self.mode.takes_out());
        let leaving = leaving.map(Leaving::of);
        let known = match (&leaving, &parent) {
            (Some(leaving), _) => Some(leaving as &dyn Known),
            (None, parent) => parent.as_ref().map(|parent| parent as &dyn Known),
        };
        let new = match (self.kind, self.mode.brings_rows()) {
            (UploadKind::Crm, _) => {
                write_rows(files, &tokens, self.kind, known, team)?;
                None
            }
            (UploadKind::Graph, false) => {
                write_rows(files, &tokens, self.kind, known, team)?;
                write_nobody(files, rows)?;
                Some(0)
            }
            (UploadKind::Graph, true) => {
                let persons = write_persons(files, tokens, rows, known, memory, team)?;
                if parent.is_some() && leaving.is_none() {
                    files.write(ALIASES, STREAM_BLOCK, &encode_aliases(&persons.aliases))?;
                }
                Some(persons.new)
            }
        };
        if let Some(leaving) = leaving {
            files.write(GONE, STREAM_BLOCK, &encode_gone(&leaving.gone()))?;
        }
        Ok(new)
    }
}

/// Pages of a layer that are looked at together.
const PAGES: usize = 64;

/// Looks the tokens of one thread up. Memory: per layer 64 pages, 0.4 MiB.
struct Lookup<'a> {
    layers: Vec<(&'a Layer, Window<'a>)>,
    rows: bool,
}

impl<'a> Lookup<'a> {
    fn new(set: &'a SealedSet) -> Self {
        let layers = set.layers().iter();
        Lookup {
            layers: layers
                .map(|layer| (layer, Window::new(layer.run())))
                .collect(),
            rows: set.kind() == UploadKind::Crm,
        }
    }

    /// Calls `found` with the position of a token and an owner of it, as the layer numbered it, for
    /// everybody who has one of `tokens`, which ascend.
    fn find(&mut self, tokens: &[u128], mut found: impl FnMut(usize, u32)) -> Result<(), SetError> {
        let (Some(from), Some(last)) = (tokens.first(), tokens.last()) else {
            return Ok(());
        };
        for (layer, window) in &mut self.layers {
            let first = if self.rows { layer.first_row() } else { 0 };
            let pages = layer.run().index().pages(*from, last.checked_add(1));
            let mut rest = 0;
            for start in pages.clone().step_by(PAGES) {
                let end = pages.end.min(start + PAGES);
                // Where the next page starts may be the end of this one as well.
                let next = layer.run().index().start(end);
                let part = tokens[rest..].iter();
                let part = part.take_while(|token| next.is_none_or(|next| **token <= next));
                let part = rest..rest + part.count();
                window.aim(start..end);
                if part.len() >= window.len() {
                    window.read()?;
                }
                find_in(window, &tokens[part.clone()], |i, owner| {
                    found(part.start + i, first + owner);
                })?;
                rest = part.end;
                while rest > 0 && next.is_some_and(|next| tokens[rest - 1] >= next) {
                    rest -= 1;
                }
            }
        }
        Ok(())
    }
}

fn find_in(
    window: &mut Window<'_>,
    tokens: &[u128],
    mut found: impl FnMut(usize, u32),
) -> Result<(), SetError> {
    let mut rest = 0;
    for page in 0..window.len() {
        let (start, next) = (window.start(page), window.start(page + 1));
        while tokens.get(rest).is_some_and(|token| Some(*token) < start) {
            rest += 1;
        }
        let here = tokens[rest..].iter();
        let here = here.take_while(|token| next.is_none_or(|next| **token <= next));
        let here = rest..rest + here.count();
        if here.is_empty() {
            continue;
        }
        let (view, mut at) = (window.page(page)?, 0);
        for i in here {
            at = view.tokens.lower_bound(at, tokens[i]);
            let same = (at..view.len()).take_while(|at| view.tokens.get(*at) == tokens[i]);
            same.for_each(|at| found(i, view.owner(at)));
        }
    }
    Ok(())
}

/// The set that a delta extends.
struct Parent<'a> {
    set: &'a SealedSet,
    fate: Fate<'a>,
}

impl<'a> Parent<'a> {
    fn of(set: &'a SealedSet) -> Self {
        let fate = Fate::of(set);
        Parent { set, fate }
    }
}

impl Known for Parent<'_> {
    fn next(&self) -> u32 {
        self.set.persons()
    }

    fn lookup(&self) -> ingest::Lookup<'_> {
        let (mut lookup, mut tokens) = (Lookup::new(self.set), Vec::new());
        Box::new(move |records, found| {
            tokens.clear();
            tokens.extend(records.iter().map(|record| record.token()));
            lookup.find(&tokens, |at, owner| {
                if let Some(person) = self.fate.now(owner) {
                    found(at, person);
                }
            })
        })
    }
}

/// Takes out of the set that is extended whoever has one of the tokens.
struct Leaving<'a> {
    parent: &'a Parent<'a>,
    gone: Mutex<RoaringBitmap>,
}

impl<'a> Leaving<'a> {
    fn of(parent: &'a Parent<'a>) -> Self {
        let gone = Mutex::default();
        Leaving { parent, gone }
    }

    fn gone(self) -> RoaringBitmap {
        let gone = self.gone.into_inner();
        gone.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known for Leaving<'_> {
    fn next(&self) -> u32 {
        self.parent.next()
    }

    /// Finds nobody whom a row would join: they are gone.
    fn lookup(&self) -> ingest::Lookup<'_> {
        let (mut lookup, mut own) = (self.parent.lookup(), Found::of(&self.gone));
        Box::new(move |records, _| {
            lookup(records, &mut |_, owner| {
                own.found.insert(owner);
            })
        })
    }
}

/// Whom one thread has found; told when it is done.
struct Found<'a> {
    found: RoaringBitmap,
    all: &'a Mutex<RoaringBitmap>,
}

impl<'a> Found<'a> {
    fn of(all: &'a Mutex<RoaringBitmap>) -> Self {
        let found = RoaringBitmap::new();
        Found { found, all }
    }
}

impl Drop for Found<'_> {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        *all |= std::mem::take(&mut self.found);
    }
}

/// The persons of rows that are nobody's.
fn write_nobody(files: &mut Files<'_>, rows: u32) -> Result<(), SealError> {
    let mut persons = files.create(PERSONS, 4 * ROWS_PER_BLOCK)?;
    for _ in 0..rows {
        persons.write(&NOBODY.to_le_bytes())?;
    }
    Ok(files.close(PERSONS, persons)?)
}
