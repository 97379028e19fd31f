//! What a delta does to the set below it: whose its tokens are there, who leaves, who joins whom.
//!
//! Flow: a [`Lookup`] walks the sorted tokens of the delta and the runs below side by side, so that a page
//! is opened once, and only if a token may stand on it. Of a partner's addition, it tells which persons are
//! known before ([`Known`]); of a removal, everybody found is gone.

use std::sync::{Mutex, PoisonError};

use roaring::RoaringBitmap;
use tamis_protocols::wire::batch::{UploadKind, UploadMode};

use super::block::STREAM_BLOCK;
use super::changes::{ALIASES, Fate, GONE, encode_aliases, encode_gone};
use super::ingest::{self, Files, Known, MAX_ROWS, Team, write_persons, write_rows};
use super::rows::{NOBODY, PERSONS, ROWS_PER_BLOCK};
use super::run::Window;
use super::sort::{SortedTokens, Workspace};
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
        match (self.kind, &parent) {
            (kind, Some(parent)) if !self.mode.brings_rows() => {
                write_removal(files, &tokens, rows, parent, team)?;
                Ok((kind == UploadKind::Graph).then_some(0))
            }
            (UploadKind::Crm, _) => {
                write_rows(files, &tokens, team)?;
                Ok(None)
            }
            (UploadKind::Graph, parent) => {
                let known = parent.as_ref().map(|parent| parent as &dyn Known);
                let persons = write_persons(files, tokens, rows, known, memory, team)?;
                if parent.is_some() {
                    files.write(ALIASES, STREAM_BLOCK, &encode_aliases(&persons.aliases))?;
                }
                Ok(Some(persons.new))
            }
        }
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
            let pages = layer.run().pages(*from, last.checked_add(1));
            let mut rest = 0;
            for start in pages.clone().step_by(PAGES) {
                let end = pages.end.min(start + PAGES);
                // The first token of the next page may stand at the end of this one as well.
                let next = layer.run().firsts().get(end);
                let part = tokens[rest..].iter();
                let part = part.take_while(|token| next.is_none_or(|next| *token <= next));
                let part = rest..rest + part.count();
                window.aim(start..end);
                if part.len() >= window.len() {
                    window.read()?;
                }
                find_in(window, &tokens[part.clone()], |i, owner| {
                    found(part.start + i, first + owner);
                })?;
                rest = part.end;
                while rest > 0 && next.is_some_and(|next| tokens[rest - 1] >= *next) {
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
    let (firsts, mut rest) = (window.firsts(), 0);
    for page in 0..firsts.len() {
        while tokens.get(rest).is_some_and(|token| *token < firsts[page]) {
            rest += 1;
        }
        let next = firsts.get(page + 1);
        let here = tokens[rest..].iter();
        let here = here.take_while(|token| next.is_none_or(|next| *token <= next));
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

/// The files of a removal: who has one of the tokens is gone, and the layer itself has nobody.
fn write_removal(
    files: &mut Files<'_>,
    tokens: &SortedTokens,
    rows: u32,
    parent: &Parent<'_>,
    team: &Team<'_>,
) -> Result<(), SealError> {
    let (parts, kind) = (tokens.parts(), parent.set.kind());
    let gone = Mutex::new(RoaringBitmap::new());
    team.expect(tokens.records());
    team.share(|| {
        let (mut work, mut own) = (Workspace::default(), RoaringBitmap::new());
        let mut lookup = parent.lookup();
        while let Some((part, _room)) = parts.next() {
            tokens.take(part, &mut work, |slice| {
                team.check()?;
                team.step(slice.records.len());
                lookup(slice.records, &mut |_, owner| {
                    own.insert(owner);
                })
                .map_err(SealError::from)
            })?;
        }
        *gone.lock().unwrap_or_else(PoisonError::into_inner) |= own;
        Ok(())
    })?;
    let gone = gone.into_inner().unwrap_or_else(PoisonError::into_inner);
    files.write(GONE, STREAM_BLOCK, &encode_gone(&gone))?;
    if kind == UploadKind::Graph {
        let mut persons = files.create(PERSONS, 4 * ROWS_PER_BLOCK)?;
        for _ in 0..rows {
            persons.write(&NOBODY.to_le_bytes())?;
        }
        files.close(PERSONS, persons)?;
    }
    let run = files.create_run(kind)?;
    Ok(files.close_run(run)?)
}
