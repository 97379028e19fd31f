//! Taking an upload in: one thread decodes, several judge, one writes.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{Array, RecordBatch};
use jiff::civil::{Date, date};
use tamis_protocols::consent::{ConsentRule, Destinations};
use tamis_protocols::wire::batch::{BatchReader, StreamDecoder, WireHeader};

use super::super::classes::ClassMap;
use super::super::ledger::{LedgerWriter, Packer};
use super::super::sort::{Room, SortedTokens, Taken, TokenSorter};
use super::judge::{Judge, Judged, Tally};
use super::write::{Evidence, Writer};
use super::{Files, MAX_ROWS, SealError, Team, too_many_rows};

/// By what rows are judged.
pub(in crate::sets) struct Rules {
    /// What a row's consent must carry.
    pub(in crate::sets) rule: ConsentRule,
    /// The destinations of the terms, where rows are to be used.
    pub(in crate::sets) destinations: Destinations,
    /// The day on which it is judged.
    pub(in crate::sets) as_of: Date,
    /// Most rows, where the side has a limit of its own.
    pub(in crate::sets) most_rows: Option<u64>,
}

/// What is known once an upload has been read.
pub(in crate::sets) struct Ingested<'w> {
    pub(in crate::sets) tokens: SortedTokens,
    /// Rows, accepted or not.
    pub(in crate::sets) rows: u64,
    pub(in crate::sets) tally: Tally,
    pub(in crate::sets) evidence: Evidence<'w>,
}

/// A batch on its way to a judge.
struct Batch<'r> {
    /// Counted from 0.
    number: u64,
    /// Its first row in the upload.
    first: u64,
    rows: RecordBatch,
    room: Taken<'r>,
}

/// A batch on its way to the writer, with its room until it is written.
type Done<'r> = (u64, Result<(Judged, Taken<'r>), SealError>);

/// Room that a batch takes beside its content, so that small ones are not without number.
const LEAST: usize = 64 << 10;

/// Reads `decoder` to its end. Memory: `memory`, a chunk of the ledger, and one message of the upload.
pub(in crate::sets) fn read<'w, R: Read + Send>(
    files: &mut Files<'_>,
    ledger: Option<LedgerWriter<'w>>,
    mut decoder: StreamDecoder<R>,
    rules: &Rules,
    memory: usize,
    team: &Team<'_>,
) -> Result<Ingested<'w>, SealError> {
    let wire = decoder.header().clone();
    let sorter = TokenSorter::new(files.scratch(), memory, team.threads());
    let (kept, today) = (ledger.is_some(), first_second(rules.as_of));
    let mut writer = Writer::new(files, &wire, ledger)?;
    let (classes, tally) = (
        Mutex::new(ClassMap::default()),
        Mutex::new(Tally::default()),
    );
    let (spare, room) = (Mutex::new(Vec::new()), Room::new(memory / 8));
    let (batches, waiting) = mpsc::sync_channel(team.threads());
    let (done, finished) = mpsc::channel();
    let waiting = Arc::new(Mutex::new(waiting));
    let entropy = files.entropy;

    let judges: Vec<Task<'_>> = (0..team.threads())
        .map(|_| {
            let (waiting, done) = (Arc::clone(&waiting), done.clone());
            let (wire, sorter, classes, tally, spare) = (&wire, &sorter, &classes, &tally, &spare);
            let work = move || {
                let judge = Judge::new(
                    wire,
                    rules,
                    entropy,
                    classes,
                    sorter.intake(),
                    Packer::new(kept, today),
                );
                let counted = judge_all(judge, (wire, rules.most_rows), &waiting, &done, spare);
                let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                tally.add(counted);
                Ok(())
            };
            Box::new(work) as Task<'_>
        })
        .collect();
    // Once no judge is left, the decoder finds nobody to send to.
    drop(waiting);
    let decode: Task<'_> = Box::new(|| {
        decode_all(&mut decoder, &room, batches, done);
        Ok(())
    });
    let write: Task<'_> = Box::new(|| write_all(&mut writer, finished, &spare, team));
    team.run([write, decode].into_iter().chain(judges))?;

    let inner = |classes: Mutex<ClassMap>| classes.into_inner();
    let classes = inner(classes).unwrap_or_else(PoisonError::into_inner);
    let rows = writer.seen;
    let evidence = writer.finish(files, classes)?;
    Ok(Ingested {
        tokens: sorter.finish(),
        rows,
        tally: tally.into_inner().unwrap_or_else(PoisonError::into_inner),
        evidence,
    })
}

/// When a day begins in UTC, in seconds since 1970.
fn first_second(day: Date) -> i64 {
    day.duration_since(date(1970, 1, 1)).as_secs()
}

/// What one thread does.
type Task<'t> = Box<dyn FnOnce() -> Result<(), SealError> + Send + 't>;

fn decode_all<'r, R: Read>(
    decoder: &mut StreamDecoder<R>,
    room: &'r Room,
    batches: SyncSender<Batch<'r>>,
    done: Sender<Done<'r>>,
) {
    let mut first = 0;
    for number in 0.. {
        match decoder.next_batch() {
            Ok(Some(rows)) => {
                // Read, and made of it.
                let room = room.take(LEAST + 2 * bytes(&rows));
                let next = first + rows.num_rows() as u64;
                let batch = Batch {
                    number,
                    first,
                    rows,
                    room,
                };
                if batches.send(batch).is_err() {
                    return;
                }
                first = next;
            }
            Ok(None) => return,
            Err(error) => {
                // Nobody hears it if the writer has failed already.
                let _ = done.send((number, Err(error.into())));
                return;
            }
        }
    }
}

fn bytes(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    columns
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or_default())
        .sum()
}

fn judge_all<'r>(
    mut judge: Judge<'_>,
    (wire, most_rows): (&WireHeader, Option<u64>),
    waiting: &Mutex<Receiver<Batch<'r>>>,
    done: &Sender<Done<'r>>,
    spare: &Mutex<Vec<Judged>>,
) -> Tally {
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(batch) = next else {
            return judge.finish();
        };
        let used = spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut out = used.unwrap_or_default();
        let judged = judge_one(&mut judge, (wire, most_rows), &batch, &mut out);
        let judged = judged.map(|()| (out, batch.room));
        if done.send((batch.number, judged)).is_err() {
            return judge.finish();
        }
    }
}

fn judge_one(
    judge: &mut Judge<'_>,
    (wire, most_rows): (&WireHeader, Option<u64>),
    batch: &Batch<'_>,
    out: &mut Judged,
) -> Result<(), SealError> {
    let rows = BatchReader::new(&batch.rows, wire).map_err(|error| error.shifted(batch.first))?;
    let end = batch.first + rows.len() as u64;
    if let Some(most) = most_rows.filter(|most| end > *most) {
        return Err(SealError::Refused(too_many_rows(most)));
    }
    if end > MAX_ROWS {
        let text = "the upload has more rows than one set holds (2³¹); split it";
        return Err(SealError::Refused(text.to_owned()));
    }
    Ok(judge.batch(&rows, batch.first as u32, out)?)
}

/// Writes batches in their order, whatever the order in which they are done.
fn write_all(
    writer: &mut Writer<'_>,
    finished: Receiver<Done<'_>>,
    spare: &Mutex<Vec<Judged>>,
    team: &Team<'_>,
) -> Result<(), SealError> {
    let (mut early, mut next) = (BTreeMap::new(), 0);
    for (number, judged) in finished {
        early.insert(number, judged);
        while let Some(judged) = early.remove(&next) {
            team.check()?;
            let (judged, room) = judged?;
            writer.batch(&judged)?;
            team.read(writer.seen);
            drop(room);
            spare
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(judged);
            next += 1;
        }
    }
    Ok(())
}
