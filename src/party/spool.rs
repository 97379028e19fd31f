//! The spool: rows as an Arrow IPC stream in the party's home, ready to be uploaded.
//!
//! Cookies become labels here, after the shuffle: the row number that a label's id is made from is the
//! place in the upload, not in the file. The file appears under its name only when it is complete.
//! Memory: the batches of one [`RowSink::take`].

use std::fs::{File, OpenOptions};
use std::hint;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use tamis_keys::purpose::CookieTag;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::label::{CookieTagger, LabelContext, LabelError, LabelSealer};
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::{
    BatchBuilder, CookieCell, MAX_ROWS, Row, StreamEncoder, WireError, WireHeader,
};

use super::DestinationKey;
use super::prepared::{PreparedRow, Unpacked};
use super::shuffle::Leaving;

/// Fewer rows than this are not shared out to another thread.
const MIN_SHARE: usize = 4_096;

/// Rows that are fetched from memory together.
const AHEAD: usize = 16;

/// Why the spool cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk says no.
    #[error("the spool cannot be written: {0}")]
    Io(#[from] io::Error),
    /// A row does not fit the wire; this is a defect, the rows were checked before.
    #[error("the upload cannot be encoded: {0}")]
    Wire(#[from] WireError),
    /// A destination's key does not work.
    #[error("cookies cannot be sealed: {0}")]
    Label(#[from] LabelError),
}

/// Takes prepared rows in their final order.
pub trait RowSink {
    /// Takes the next rows.
    fn take(&mut self, rows: Leaving<'_, PreparedRow>) -> Result<(), SpoolError>;
}

/// Takes rows and forgets them: a dry run.
pub struct Discard;

impl RowSink for Discard {
    fn take(&mut self, _: Leaving<'_, PreparedRow>) -> Result<(), SpoolError> {
        Ok(())
    }
}

/// How the cookies of one destination are made unreadable to the service.
struct Sealing {
    tagger: CookieTagger,
    sealer: Option<LabelSealer>,
}

/// A spool that is being written.
pub struct Spool {
    header: WireHeader,
    sealing: Vec<Sealing>,
    writer: StreamEncoder<BufWriter<File>>,
    partial: Partial,
    path: PathBuf,
    rows: u64,
    threads: usize,
}

impl Spool {
    /// Starts a spool at `path`, next to it under another name until [`Spool::finish`]. `header` is
    /// complete but for `labels`, which are set up here: `destinations` must be sorted by name.
    pub fn create(
        path: &Path,
        mut header: WireHeader,
        destinations: &[DestinationKey],
        cookie_tag: &Secret<CookieTag>,
        threads: usize,
        entropy: &dyn Entropy,
    ) -> Result<Spool, SpoolError> {
        let mut sealing = Vec::with_capacity(destinations.len());
        for destination in destinations {
            let context = LabelContext {
                collaboration: &header.collaboration,
                destination: &destination.name,
            };
            let (sealer, enc) = match &destination.sealing_key {
                Some(key) => {
                    let (sealer, enc) = LabelSealer::new(key, &context, entropy)?;
                    (Some(sealer), Some(enc))
                }
                None => (None, None),
            };
            let tagger = CookieTagger::new(cookie_tag, &header.collaboration, &destination.name);
            header.labels.insert(destination.name.clone(), enc);
            sealing.push(Sealing { tagger, sealer });
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = Partial(PathBuf::from(partial));
        let file = private_file(&partial.0)?;
        let writer = StreamEncoder::new(BufWriter::with_capacity(1 << 20, file), &header)?;
        Ok(Spool {
            header,
            sealing,
            writer,
            partial,
            path: path.to_owned(),
            rows: 0,
            threads: threads.max(1),
        })
    }

    /// Completes the file, makes it durable and gives it its name.
    pub fn finish(self) -> Result<(), SpoolError> {
        let file = self.writer.finish()?;
        let file = file.into_inner().map_err(|error| error.into_error())?;
        file.sync_all()?;
        std::fs::rename(&self.partial.0, &self.path)?;
        Ok(())
    }

    /// Encodes rows of which the first is number `first` of the upload.
    fn encode(
        &self,
        first: u64,
        rows: Leaving<'_, PreparedRow>,
    ) -> Result<Vec<RecordBatch>, SpoolError> {
        let mut builder = BatchBuilder::new(&self.header)?;
        let mut batches = Vec::with_capacity(1);
        let mut row = Unpacked::default();
        let mut numbers = first..;
        for few in rows.shares(AHEAD) {
            // They lie anywhere in the window: asked for together, they come together.
            hint::black_box(few.iter().fold(0, |seen, row| seen ^ row.glance()));
            for (packed, number) in few.iter().zip(&mut numbers) {
                if builder.is_full() {
                    batches.push(builder.finish()?);
                }
                packed.unpack(self.sealing.len(), &mut row);
                self.push(&mut builder, number, packed.tokens, &row)?;
            }
        }
        batches.push(builder.finish()?);
        Ok(batches)
    }

    /// Appends a row, its cookies made unreadable.
    fn push(
        &self,
        builder: &mut BatchBuilder,
        number: u64,
        tokens: [Option<Token>; 3],
        row: &Unpacked<'_>,
    ) -> Result<(), SpoolError> {
        let mut sealed = Vec::with_capacity(row.cookies.len());
        for (cookie, sealing) in row.cookies.iter().zip(&self.sealing) {
            sealed.push(match (cookie, &sealing.sealer) {
                (Some(cookie), Some(sealer)) => Some(sealer.seal(number, cookie)?),
                _ => None,
            });
        }
        let cells = row.cookies.iter().zip(&self.sealing).zip(&sealed);
        let cells: Vec<Option<CookieCell<'_>>> = cells
            .map(|((cookie, sealing), sealed)| {
                cookie.map(|cookie| CookieCell {
                    tag: sealing.tagger.tag(cookie),
                    cookie: sealed.as_ref().map_or(cookie, |label| label),
                })
            })
            .collect();
        let sent = Row {
            tokens,
            consent: &row.consent,
            segments: &row.segments,
            cookies: &cells,
        };
        builder.push_bridged(&sent, row.bridged)?;
        Ok(())
    }
}

impl RowSink for Spool {
    fn take(&mut self, rows: Leaving<'_, PreparedRow>) -> Result<(), SpoolError> {
        let share = rows.len().div_ceil(self.threads).clamp(MIN_SHARE, MAX_ROWS);
        let first = self.rows;
        let this = &*self;
        let batches: Vec<Result<Vec<RecordBatch>, SpoolError>> = std::thread::scope(|scope| {
            let parts: Vec<_> = rows
                .shares(share)
                .zip((first..).step_by(share))
                .map(|(rows, first)| scope.spawn(move || this.encode(first, rows)))
                .collect();
            let join = |part: std::thread::ScopedJoinHandle<'_, _>| {
                let stopped = |_| Err(io::Error::other("an encoding thread stopped").into());
                part.join().unwrap_or_else(stopped)
            };
            parts.into_iter().map(join).collect()
        });
        for part in batches {
            for batch in part? {
                self.writer.write(&batch)?;
            }
        }
        self.rows += rows.len() as u64;
        Ok(())
    }
}

/// An incomplete file, removed when it is given up.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A new file that only its owner reads: tokens are personal data.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}
