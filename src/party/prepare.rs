//! From a file of people to a spool of tokens, and the quality report on the way.
//!
//! Flow: one thread takes the file apart ([`super::reading`]), workers find cells, normalise, judge and
//! tokenise ([`super::row`]), this thread counts repetitions and shuffles ([`super::collector`]) and hands
//! rows to the spool, which seals and encodes on several threads. Memory, whatever the size of the file:
//! five pieces a worker and two more ([`super::pipeline`]), each of at most 4,096 rows and about 2 MiB, or
//! their rows; the shuffle window; 32 MiB of hashes per identifier column. Raw identifiers live in a piece
//! and nowhere else.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use jiff::civil::Date;
use tamis_keys::purpose::{CookieTag, PairKey};
use tamis_keys::{Entropy, Secret};
use tamis_protocols::consent::ConsentRule;
use tamis_protocols::identifier::Normaliser;
use tamis_protocols::token::Tokeniser;
use tamis_protocols::wire::api::Role as PartyRole;
use tamis_protocols::wire::batch::{UploadKind, UploadMode, WireHeader};
use tamis_protocols::wire::terms::Terms;

use super::bridging::{Bridge, Bridging};
use super::collector::{Collector, Done, Watch};
use super::columns::{ColumnMap, Consent, Layout, Role, Wanted};
use super::consent_cells::ConsentCells;
use super::consent_strings::StringCells;
use super::judge::Judge;
use super::pipeline::in_turn;
use super::quality::{Facts, HashKey, Quality};
use super::reading::Source;
use super::row::{IdentifierCells, RowReader};
use super::segments::Labels;
use super::spool::{Discard, RowSink, Spool};
use super::{DestinationKey, PartyError};

/// Workers, at most.
const MAX_THREADS: usize = 8;

/// What is prepared, and for whom.
pub struct PrepareOptions<'a> {
    /// CSV or Parquet.
    pub file: &'a Path,
    /// The map of columns with unusual names.
    pub map: Option<&'a Path>,
    /// Default region of phone numbers.
    pub region: Option<&'a str>,
    /// Segment columns; empty: the usual ones.
    pub segments: &'a [String],
    /// Advertiser or partner.
    pub role: PartyRole,
    /// What the rows do to the set of this side. Of a removal only identifiers are read.
    pub mode: UploadMode,
    /// The collaboration's id.
    pub collaboration: &'a str,
    /// Its terms.
    pub terms: &'a Terms,
    /// Its pair key of the terms' epoch.
    pub pair_key: &'a Secret<PairKey>,
    /// Another collaboration of the same two parties whose tokens a full graph carries as well.
    pub bridge: Option<Bridge<'a>>,
    /// The partner's key for pseudonyms of cookies.
    pub cookie_tag: &'a Secret<CookieTag>,
    /// Its destinations with their keys, any order.
    pub destinations: &'a [DestinationKey],
    /// Where the spool goes; `None` is a dry run.
    pub spool: Option<&'a Path>,
    /// The day on which consent is judged for the report.
    pub today: Date,
    /// Randomness: shuffle, labels, hash key.
    pub entropy: &'a dyn Entropy,
    /// Told the bytes of the file that were read.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// Becomes true when somebody wants the preparation to stop.
    pub stop: &'a AtomicBool,
}

/// What came of it.
#[derive(Debug)]
pub struct Prepared {
    /// The quality report.
    pub quality: Quality,
    /// Rows in the spool; 0 in a dry run.
    pub rows: u64,
}

/// Reads, checks and tokenises a file.
///
/// # Errors
/// Any [`PartyError`]; there is no spool then.
pub fn prepare(options: &PrepareOptions<'_>) -> Result<Prepared, PartyError> {
    let (kind, rule) = match options.role {
        PartyRole::Advertiser => (UploadKind::Crm, &options.terms.advertiser_consent),
        PartyRole::Partner => (UploadKind::Graph, &options.terms.partner_consent),
        PartyRole::Destination | PartyRole::Auditor => return Err(PartyError::WrongRole),
    };
    let rows = options.mode.brings_rows();
    let crm = kind == UploadKind::Crm;
    let mut destinations = if crm || !rows {
        Vec::new()
    } else {
        options.destinations.to_vec()
    };
    destinations.sort_by(|a, b| a.name.cmp(&b.name));
    let names: Vec<String> = destinations.iter().map(|one| one.name.clone()).collect();
    let mut identifiers = options.terms.identifiers.clone();
    identifiers.sort_unstable();
    identifiers.dedup();

    let source = Source::open(options.file)?;
    let wanted = Wanted {
        identifiers: &identifiers,
        consent: match kind {
            _ if !rows => Consent::NotRead,
            UploadKind::Crm => Consent::WithBasis,
            UploadKind::Graph => Consent::WithoutBasis,
        },
        destinations: &names,
        segments: (crm && rows).then_some(options.segments),
    };
    let layout = Layout::find(&source.columns, &ColumnMap::read(options.map)?, &wanted)?;
    let labels = Labels::collect(&source, &layout, threads())?;
    let rule = rows.then_some(rule);
    let strings = || StringCells::of(&layout, rule, options.terms, options.today);
    let header = WireHeader {
        consent: ConsentCells::of(&layout, strings()).fields(),
        kind,
        collaboration: options.collaboration.to_owned(),
        epoch: options.terms.epoch,
        mode: options.mode,
        bridge: (options.bridge.as_ref()).map(|bridge| bridge.collaboration.to_owned()),
        identifiers: identifiers.clone(),
        segments: labels.names.clone(),
        labels: Default::default(),
    };
    let plan = Plan {
        options,
        rule,
        source: &source,
        layout: &layout,
        labels: &labels,
        destinations: &names,
        threads: threads(),
    };
    let Some(path) = options.spool else {
        let quality = plan.run(kind, None, &mut Discard)?;
        return Ok(Prepared { quality, rows: 0 });
    };
    let tokeniser = Tokeniser::new(options.pair_key);
    let mut spool = Spool::create(
        path,
        header,
        &destinations,
        options.cookie_tag,
        plan.threads,
        options.entropy,
    )?;
    let quality = plan.run(kind, Some(&tokeniser), &mut spool)?;
    if quality.usable == 0 {
        return Err(PartyError::NothingUsable { rows: quality.rows });
    }
    spool.finish()?;
    let rows = quality.rows;
    Ok(Prepared { quality, rows })
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, |count| count.get().min(MAX_THREADS))
}

struct Plan<'a> {
    options: &'a PrepareOptions<'a>,
    /// None for a removal.
    rule: Option<&'a ConsentRule>,
    source: &'a Source,
    layout: &'a Layout,
    labels: &'a Labels,
    destinations: &'a [String],
    threads: usize,
}

impl Plan<'_> {
    fn strings(&self) -> StringCells<'_> {
        let (terms, today) = (self.options.terms, self.options.today);
        StringCells::of(self.layout, self.rule, terms, today)
    }

    fn run(
        &self,
        kind: UploadKind,
        tokeniser: Option<&Tokeniser>,
        sink: &mut dyn RowSink,
    ) -> Result<Quality, PartyError> {
        let normaliser = Normaliser::new(self.options.terms.profile, self.options.region)?;
        let hash_key = HashKey::new(self.options.entropy);
        let bridging = match (&self.options.bridge, tokeniser) {
            (Some(bridge), Some(_)) => Some(Bridging::new(
                bridge,
                self.options.terms,
                self.layout,
                self.options.region,
            )?),
            _ => None,
        };
        let cookie = |place| self.layout.position(Role::Cookie(place));
        let recipients = self.options.terms.recipients();
        let reader = RowReader {
            identifiers: IdentifierCells::of(self.layout, normaliser, hash_key, tokeniser),
            bridging,
            consent: ConsentCells::of(self.layout, self.strings()),
            judge: self
                .rule
                .map(|rule| Judge::new(rule, recipients.clone(), self.options.today)),
            bits: (self.destinations.iter())
                .map(|name| recipients.names().position(|known| known == name))
                .map(|place| place.map_or(0, |place| 1 << place))
                .collect(),
            recipients,
            takes_out: self.options.mode.takes_out(),
            labels: self.labels,
            cookies: (0..self.destinations.len()).map(cookie).collect(),
        };
        let watch = Watch {
            progress: self.options.progress,
            stop: self.options.stop,
        };
        let mut collector = Collector::new(reader.tally(), self.options.entropy);
        in_turn(
            self.source.pieces(&self.layout.chosen)?,
            self.threads,
            |piece| Done::of(&reader, piece),
            |done| collector.take(done, &watch, sink),
        )?;
        let found = collector.finish(sink)?;
        if found.tally.rows == 0 {
            return Err(match found.ragged {
                0 => PartyError::NoRows,
                ragged => PartyError::AllRagged { ragged },
            });
        }
        let facts = Facts {
            file: self.source.name(),
            kind: kind.as_str(),
            as_of: self.options.today,
            ragged: found.ragged,
            ragged_lines: found.ragged_lines,
            destinations: self.destinations.to_vec(),
            labels: self.labels.names.clone(),
            columns: self.layout.found.clone(),
            ignored_columns: self.layout.ignored.clone(),
            notes: [
                self.layout.notes.clone(),
                self.labels.notes(),
                self.strings().note().into_iter().collect(),
            ]
            .concat(),
        };
        let present = reader.identifiers.columns().into_iter();
        let present: Vec<_> = present
            .map(|column| (column, found.repeated[column as usize]))
            .collect();
        Ok(Quality::new(facts, &found.tally, &present))
    }
}
