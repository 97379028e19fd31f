//! `tamis upload`: from a file of people to a sealed set, without an identifier leaving this machine.
//!
//! Flow: collaboration → pairing finished if the share has come → quality report → (`--dry-run` stops) →
//! tokens into a spool in the home → tus upload, resumable → sealing → the service's report. Each step that
//! was finished before an interruption is not done again.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Args;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};
use tamis_protocols::wire::api::{CollaborationView, Role, UploadMode, UploadView};

use tokio_util::task::AbortOnDropHandle;

use super::admission::{NEXT, objection};
use super::party::{BOTH_SIDES, CollaborationArg};
use super::{Exit, Failure, Screen, Wiring, bridge, jobs, prose};
use crate::party::exchange::policy::agreed;
use crate::party::exchange::resume::{Slot, Unfinished, digest_file};
use crate::party::exchange::session::terms_of;
use crate::party::exchange::{ExchangeError, Session, activation, destinations, pairing, tus};
use crate::party::{self, ColumnError, PartyError, PrepareOptions};

/// Said once while the service cannot seal, its disk being full for instance.
const RETRYING: &str = "The service could not seal the upload, for a reason of its own (no room, perhaps), and tries \
     again by itself. Every byte has arrived: you may wait, or stop and run the same command later.";

/// Check, tokenise and upload a CRM or a graph; resumes after an interruption
#[derive(Args)]
#[command(after_help = "Examples:
  tamis upload crm.csv --region AU --segments loyalty,status
  tamis upload graph.parquet --region FR --dry-run
  tamis upload changed-since-yesterday.csv --region AU --refresh
  tamis upload gone-since-yesterday.csv --region AU --remove
  tamis upload graph.csv --region AU --bridge 6f1d0c1b8a2e4f7790b3c5d2e1f00a11

Without --add, --remove or --refresh the file replaces everything that you sent before. Matches and audiences that
were asked for before keep the set they were asked on: ask again to use the new one.

Raw identifiers never leave this machine: what is sent are keyed tokens, consent and labels sealed to their destination.")]
pub(super) struct Upload {
    /// CSV or Parquet, one person per row
    file: PathBuf,
    /// Column names, when they are not the usual ones
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Region of phone numbers without a country code, e.g. AU
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Advertisers: columns that become segments
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    segments: Vec<String>,
    /// Add the rows to what you sent before; the file has the columns of a full one
    #[arg(long, conflicts_with_all = ["remove", "refresh"])]
    add: bool,
    /// Replace people by what the file says of them today: who has one of its identifiers is taken out as
    /// with --remove, and its rows are added; the file has the columns of a full one
    #[arg(long, conflicts_with = "remove")]
    refresh: bool,
    /// Take people out of what you sent before: every row (advertisers) or person (partners) that has
    /// one of these identifiers; the file needs identifier columns only
    #[arg(long, conflicts_with = "segments")]
    remove: bool,
    /// Partners: send tokens of an earlier collaboration with the same advertiser as well, once, so that
    /// what was let out under it still counts in the new one
    #[arg(long, value_name = "COLLABORATION", conflicts_with_all = ["add", "remove", "refresh"])]
    bridge: Option<String>,
    /// Stop after the quality report: nothing is sent
    #[arg(long)]
    dry_run: bool,
    /// Judge consent ages in the quality report on this day [default: today]
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    #[command(flatten)]
    at: CollaborationArg,
}

/// How long each part of an upload took in this run; a part that an earlier run had done is absent.
#[derive(Default, Serialize)]
struct Seconds {
    #[serde(skip_serializing_if = "Option::is_none")]
    prepare: Option<f64>,
    send: f64,
    seal: f64,
}

/// Seconds since `start`, to the millisecond.
fn since(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1e3).round() / 1e3
}

impl Upload {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let (session, collaboration) = self.at.open(&BOTH_SIDES).await?;
        let mut slot = Slot::of(&session.path, &collaboration.id)?;
        if !self.dry_run {
            slot.lock()?;
        }
        let source = self.source()?;
        let unfinished = slot.unfinished(&source)?.filter(|_| !self.dry_run);
        let mut seconds = Seconds::default();
        let start = Instant::now();
        let upload = match unfinished {
            Some(upload) => {
                screen.note("going on with the interrupted upload of this file");
                upload
            }
            None => {
                let prepared = self
                    .prepare(wiring, screen, &session, &collaboration, &slot, source)
                    .await?;
                let upload = match prepared {
                    ControlFlow::Continue(upload) => upload,
                    ControlFlow::Break(exit) => return Ok(exit),
                };
                seconds.prepare = Some(since(start));
                upload
            }
        };
        let quality = upload.quality.clone();
        let place = (
            collaboration.id.as_str(),
            self.mode(),
            self.bridge.as_deref(),
        );
        let view = send(screen, &session, place, &slot, upload, &mut seconds).await?;
        slot.forget();
        screen.answer(
            &json!({"quality": quality, "upload": view, "seconds": seconds}),
            || {
                format!(
                    "Sealed upload {}\n{}Next: {}",
                    view.id,
                    prose::upload_report(&view),
                    next(&session, &collaboration)
                )
            },
        )?;
        Ok(Exit::Done)
    }

    fn mode(&self) -> UploadMode {
        match (self.add, self.remove, self.refresh) {
            (true, _, _) => UploadMode::Add,
            (_, true, _) => UploadMode::Remove,
            (_, _, true) => UploadMode::Refresh,
            _ => UploadMode::Full,
        }
    }

    /// Identifies the file together with the options that shape what is made of it.
    fn source(&self) -> Result<String, Failure> {
        let unreadable = |path: &PathBuf, error| {
            Failure::usage(format!("{}: {error}", path.display()))
                .next("Check the path and that you may read it.")
        };
        let map = match &self.map {
            Some(map) => digest_file(map, &[]).map_err(|error| unreadable(map, error))?,
            None => String::new(),
        };
        let segments = self.segments.join(",");
        let region = self.region.as_deref().unwrap_or_default();
        let mode = self.mode().as_str();
        let bridge = self.bridge.as_deref().unwrap_or_default();
        digest_file(&self.file, &[&map, region, &segments, mode, bridge])
            .map_err(|error| unreadable(&self.file, error))
    }

    /// Quality report and spool; the exit code when the dry run ends here.
    async fn prepare(
        &self,
        wiring: &Wiring,
        screen: &Screen,
        session: &Session,
        collaboration: &CollaborationView,
        slot: &Slot,
        source: String,
    ) -> Result<ControlFlow<Exit, Unfinished>, Failure> {
        let terms = terms_of(collaboration)?;
        let paired = pairing::finish(session, collaboration)?;
        let keys = destinations::keys(session, &terms).await?;
        let policy = agreed(session, collaboration).await?.effective.policy;
        let earlier = match &self.bridge {
            Some(id) => Some(bridge::earlier(session, collaboration, id).await?),
            None => None,
        };
        if !self.dry_run {
            slot.forget();
        }
        let length = std::fs::metadata(&self.file).map_or(0, |data| data.len());
        let bar = screen.bytes("reading", length);
        let moved = |bytes: u64| bar.set_position(bytes);
        let pair_key = pairing::pair_key(&paired, &collaboration.id, &terms);
        let cookie_tag = session.home.cookie_tag();
        let stop = Arc::new(AtomicBool::new(false));
        let watcher = AbortOnDropHandle::new(tokio::spawn(stop_when_asked(stop.clone())?));
        let prepared = tokio::task::block_in_place(|| {
            party::prepare(&PrepareOptions {
                file: &self.file,
                map: self.map.as_deref(),
                region: self.region.as_deref(),
                segments: &self.segments,
                role: session.membership.role,
                mode: self.mode(),
                collaboration: &collaboration.id,
                terms: &terms,
                pair_key: &pair_key,
                bridge: earlier.as_ref().map(bridge::Earlier::bridge),
                cookie_tag: &cookie_tag,
                destinations: &keys,
                spool: (!self.dry_run).then(|| slot.spool()),
                today: self.as_of.unwrap_or_else(|| wiring.clock.today()),
                entropy: &*wiring.entropy,
                progress: &moved,
                stop: &stop,
            })
        })
        .map_err(|error| refused(&error, session.membership.role))?;
        drop(watcher);
        bar.finish_and_clear();
        let quality = serde_json::to_value(&prepared.quality).unwrap_or(Value::Null);
        let side = (session.membership.role, self.mode());
        let objection = objection(side, &policy, &terms, &prepared.quality);
        if self.dry_run {
            let document = json!({"quality": quality, "objection": objection});
            screen.answer(&document, || prepared.quality.to_string())?;
            let Some(objection) = objection else {
                screen.say("Dry run: nothing was sent. Next: the same command without --dry-run");
                return Ok(ControlFlow::Break(Exit::Done));
            };
            screen.say(format!("It would be refused: {objection}.\n{NEXT}"));
            return Ok(ControlFlow::Break(Exit::Refused));
        }
        screen.say(&prepared.quality);
        if let Some(objection) = objection {
            slot.forget();
            return Err(Failure::refused(objection).next(NEXT));
        }
        let unreadable = |error| Failure::usage(format!("the spool cannot be read: {error}"));
        let upload = Unfinished {
            source,
            spool: digest_file(slot.spool(), &[]).map_err(unreadable)?,
            length: std::fs::metadata(slot.spool()).map_err(unreadable)?.len(),
            rows: prepared.rows,
            quality,
            url: None,
        };
        slot.remember(&upload)?;
        Ok(ControlFlow::Continue(upload))
    }
}

/// A file that cannot be prepared; a file for the other side is a usual mistake.
fn refused(error: &PartyError, role: Role) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        PartyError::Interrupted => Failure::interrupted(),
        PartyError::Columns(ColumnError::Missing { .. }) => failure.next(match role {
            Role::Partner => {
                "You upload as partner: a graph with cookies. Rename columns, or say which is which with --map FILE (lines such as email = \"Mail address\")."
            }
            _ => {
                "You upload as advertiser: a CRM file with consent. Rename columns, or say which is which with --map FILE (lines such as email = \"Mail address\")."
            }
        }),
        PartyError::Columns(_) => failure,
        _ => failure.next("Nothing was sent; correct the file and run the same command again."),
    }
}

/// Raises `stop` when the process is asked to end: the preparation leaves no room for anything else.
fn stop_when_asked(stop: Arc<AtomicBool>) -> Result<impl Future<Output = ()>, Failure> {
    let ended = super::asked_to_end()?;
    Ok(async move {
        ended.await;
        stop.store(true, Ordering::Relaxed);
    })
}

/// What follows an upload; the other side may still have to upload.
fn next(session: &Session, collaboration: &CollaborationView) -> String {
    match session.membership.role {
        Role::Partner => format!(
            "{} runs `tamis match` when both have uploaded",
            collaboration.advertiser.name
        ),
        _ => format!(
            "tamis match, when {} has uploaded too",
            collaboration.partner.name
        ),
    }
}

/// Creates the upload unless it exists, sends what is missing, and waits for the seal.
async fn send(
    screen: &Screen,
    session: &Session,
    (collaboration, mode, bridge): (&str, UploadMode, Option<&str>),
    slot: &Slot,
    mut upload: Unfinished,
    seconds: &mut Seconds,
) -> Result<UploadView, Failure> {
    let client = &session.client;
    let start = Instant::now();
    let known = match &upload.url {
        Some(url) => tus::offset(client, url).await?.map(|at| (url.clone(), at)),
        None => None,
    };
    let (url, offset) = match known {
        Some(known) => known,
        None => {
            let url = tus::create(client, collaboration, mode, bridge, upload.length).await?;
            upload.url = Some(url.clone());
            slot.remember(&upload)?;
            (url, 0)
        }
    };
    let bar = screen.bytes("uploading", upload.length);
    let moved = |bytes: u64| bar.set_position(bytes);
    let spool = slot.spool();
    tus::send(client, &url, spool, upload.length, offset, &moved).await?;
    bar.finish_and_clear();
    seconds.send = since(start);
    let start = Instant::now();
    let bar = screen.percent("sealing");
    let told = AtomicBool::new(false);
    let read = |view: &UploadView| {
        if let Some(job) = &view.job {
            bar.set_message(jobs::words(job));
            bar.set_position((job.progress * 1000.0) as u64);
        }
        if view.retrying && !told.swap(true, Ordering::Relaxed) {
            bar.suspend(|| screen.note(RETRYING));
        }
    };
    let sealed = activation::wait_sealed(session, tus::id_of(&url), &read).await;
    bar.finish_and_clear();
    seconds.seal = since(start);
    if let Err(ExchangeError::UploadRefused(_) | ExchangeError::UploadEnded) = &sealed {
        // The same bytes would be refused again, or are no longer there.
        slot.forget();
    }
    Ok(sealed?)
}
