//! One run of many: a merge of what is sorted already.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tamis_protocols::wire::batch::UploadKind;

use super::super::ingest::{Files, Team};
use super::super::run::{Record, RunWriter, Window};
use super::super::{Layer, SealError, SealedSet, SetError};
use super::Task;

/// Bytes of pages that are looked at together, of all layers.
const MEMORY: usize = 64 << 20;
/// Records handed on at once: 64 whole pages.
const STRETCH: usize = 1 << 14;
/// Stretches that wait to be written, at most.
const WAITING: usize = 4;

/// The run being made.
pub(super) struct RunMerge<'a> {
    set: &'a SealedSet,
    writer: RunWriter,
}

impl<'a> RunMerge<'a> {
    pub(super) fn create(set: &'a SealedSet, files: &mut Files<'_>) -> Result<Self, SetError> {
        let writer = files.create_run(set.kind())?;
        Ok(RunMerge { set, writer })
    }

    /// Merges the runs, in the order of tokens and then of layers. `rename` is given every record and its
    /// layer, and says what it is now, if anything; in a partner's run, records of one token become one.
    pub(super) fn merge(
        &self,
        team: &Team<'_>,
        rename: impl FnMut(usize, Record) -> Result<Option<Record>, SetError> + Send,
    ) -> Result<(), SealError> {
        let (sender, receiver) = sync_channel(WAITING);
        let out = Out {
            sender,
            records: Vec::with_capacity(STRETCH),
            single: self.set.kind() == UploadKind::Graph,
        };
        let merge: Task<'_> = Box::new(|| walk(self.set, team, out, rename));
        let write: Task<'_> = Box::new(|| self.write(receiver));
        team.run([merge, write].into_iter())
    }

    /// Writes what the other thread merges.
    fn write(&self, stretches: Receiver<Vec<Record>>) -> Result<(), SealError> {
        let mut buffer = Vec::new();
        for stretch in stretches {
            self.writer.put(&stretch, &mut buffer)?;
        }
        Ok(())
    }

    /// Makes the run durable and writes its index.
    pub(super) fn finish(self, files: &mut Files<'_>) -> Result<(), SealError> {
        Ok(files.close_run(self.writer)?)
    }
}

fn walk(
    set: &SealedSet,
    team: &Team<'_>,
    mut out: Out,
    mut rename: impl FnMut(usize, Record) -> Result<Option<Record>, SetError>,
) -> Result<(), SealError> {
    let layers = set.layers();
    let share = MEMORY / layers.len() / layers[0].run().page_bytes();
    let cursors = layers
        .iter()
        .map(|layer| Cursor::new(layer, share.clamp(1, 256)));
    let mut cursors: Vec<Cursor<'_>> = cursors.collect();
    let mut heads = BinaryHeap::with_capacity(layers.len());
    for (at, cursor) in cursors.iter_mut().enumerate() {
        heads.extend(cursor.head(team)?.map(|token| Reverse((token, at))));
    }
    while let Some(Reverse((_, at))) = heads.pop() {
        // The layer goes on until another one has the next token.
        let next = heads.peek().map(|Reverse(next)| *next);
        let cursor = &mut cursors[at];
        while let Some(token) = cursor.head(team)? {
            if next.is_some_and(|next| next < (token, at)) {
                heads.push(Reverse((token, at)));
                break;
            }
            cursor.take(
                next.map(|(token, other)| (token, other > at)),
                |record| match rename(at, record)? {
                    Some(record) => out.push(record, set),
                    None => Ok(()),
                },
            )?;
        }
    }
    out.end()
}

/// Gathers records into stretches.
struct Out {
    sender: SyncSender<Vec<Record>>,
    records: Vec<Record>,
    /// Each token once.
    single: bool,
}

impl Out {
    fn push(&mut self, record: Record, set: &SealedSet) -> Result<(), SealError> {
        if let Some(last) = self.records.last_mut()
            && self.single
            && last.token() == record.token()
        {
            if last.owner() != record.owner() {
                let problem = "has a token of two persons";
                return Err(SetError::format(set.top().directory(), problem).into());
            }
            *last = last.owned(last.owner(), last.day().max(record.day()));
            return Ok(());
        }
        // The last record stays here until the next token is known.
        if self.records.len() > STRETCH {
            let rest = self.records.split_off(STRETCH);
            self.send(rest)?;
        }
        self.records.push(record);
        Ok(())
    }

    fn end(mut self) -> Result<(), SealError> {
        self.send(Vec::new())
    }

    fn send(&mut self, rest: Vec<Record>) -> Result<(), SealError> {
        let full = std::mem::replace(&mut self.records, Vec::with_capacity(STRETCH + 1));
        self.records.extend(rest);
        // Nobody reads on if writing failed; the writer says why.
        self.sender.send(full).map_err(|_| SealError::Cancelled)
    }
}

/// A walk over one layer's run.
struct Cursor<'a> {
    layer: &'a Layer,
    window: Window<'a>,
    /// Pages of the run that the window is on, the page of these, and the record of it.
    pages: Range<usize>,
    page: usize,
    at: usize,
    ahead: usize,
}

impl<'a> Cursor<'a> {
    fn new(layer: &'a Layer, ahead: usize) -> Self {
        Cursor {
            layer,
            window: Window::new(layer.run()),
            pages: 0..0,
            page: 0,
            at: 0,
            ahead,
        }
    }

    /// The next token.
    fn head(&mut self, team: &Team<'_>) -> Result<Option<u128>, SealError> {
        loop {
            if self.page == self.pages.len() {
                let (from, run) = (self.pages.end, self.layer.run());
                let to = run.index().len().min(from + self.ahead);
                if from == to {
                    return Ok(None);
                }
                self.window.aim(from..to);
                self.window.read()?;
                team.check()?;
                team.step((to - from) * run.page_bytes());
                (self.pages, self.page, self.at) = (from..to, 0, 0);
            }
            let view = self.window.page(self.page)?;
            if self.at < view.len() {
                return Ok(Some(view.tokens.get(self.at)));
            }
            (self.page, self.at) = (self.page + 1, 0);
        }
    }

    /// Takes records of the present page that come before a token, or up to and with it.
    fn take(
        &mut self,
        limit: Option<(u128, bool)>,
        mut record: impl FnMut(Record) -> Result<(), SealError>,
    ) -> Result<(), SealError> {
        let view = self.window.page(self.page)?;
        while self.at < view.len() {
            let (token, at) = (view.tokens.get(self.at), self.at);
            if limit.is_some_and(|(end, with)| token > end || token == end && !with) {
                break;
            }
            let token = token.to_be_bytes();
            record(Record::new(
                token,
                view.owner(at),
                view.day(at),
                view.class(at),
            ))?;
            self.at += 1;
        }
        Ok(())
    }
}
