//! Which two files the demo plays on: the bundled ones, the ones named, or a synthetic population.

use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use tamis_protocols::identifier::IdentifierType;

use super::Demo;
use super::stage::Stage;
use crate::cli::{Failure, Wiring};
use crate::party::population;

const CRM: &[u8] = include_bytes!("../../../examples/crm.csv");
const GRAPH: &[u8] = include_bytes!("../../../examples/graph.csv");
/// The day the bundled consents are judged on, so that the demo never expires.
const BUNDLED_DAY: Date = date(2026, 11, 22);

/// Rows from which on a synthetic population fills every audience but the one that stays too small.
const ENOUGH: u64 = 10_000;

/// The two files and the day.
pub(super) struct Input {
    pub(super) crm: PathBuf,
    pub(super) graph: PathBuf,
    pub(super) as_of: Date,
    /// The audiences that pass the gate are known in advance.
    pub(super) knows_released: bool,
    /// That `platinum-inactive` is refused is known in advance.
    pub(super) knows_refused: bool,
    /// Seconds spent making the population.
    pub(super) made_in: Option<f64>,
}

impl Input {
    pub(super) fn choose(demo: &Demo, wiring: &Wiring, stage: &Stage) -> Result<Self, Failure> {
        let today = || demo.as_of.unwrap_or_else(|| wiring.clock.today());
        if let (Some(crm), Some(graph)) = (&demo.crm, &demo.graph) {
            for file in [crm, graph] {
                std::fs::File::open(file)
                    .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
            }
            return Ok(Input {
                crm: crm.clone(),
                graph: graph.clone(),
                as_of: today(),
                knows_released: false,
                knows_refused: false,
                made_in: None,
            });
        }
        if let Some(rows) = demo.rows {
            return synthetic(
                stage,
                rows,
                demo.seed,
                demo.as_of.unwrap_or(population::AS_OF),
            );
        }
        let is_bundled_day = demo.as_of.is_none_or(|day| day == BUNDLED_DAY);
        Ok(Input {
            crm: bundled(stage, "crm.csv", CRM)?,
            graph: bundled(stage, "graph.csv", GRAPH)?,
            as_of: demo.as_of.unwrap_or(BUNDLED_DAY),
            knows_released: is_bundled_day && demo.keys.contains(&IdentifierType::Email),
            knows_refused: is_bundled_day,
            made_in: None,
        })
    }
}

fn synthetic(stage: &Stage, rows: u64, seed: u64, as_of: Date) -> Result<Input, Failure> {
    let directory = stage.input();
    let start = std::time::Instant::now();
    std::fs::create_dir_all(&directory)
        .map_err(|error| Failure::usage(format!("{}: {error}", directory.display())))?;
    population::write(&directory, rows, seed)
        .map_err(|error| Failure::service(format!("the population cannot be made: {error}")))?;
    Ok(Input {
        crm: directory.join("crm.csv"),
        graph: directory.join("graph.csv"),
        as_of,
        knows_released: rows >= ENOUGH && as_of == population::AS_OF,
        knows_refused: as_of == population::AS_OF,
        made_in: Some(start.elapsed().as_secs_f64()),
    })
}

/// The example in the source tree if the demo runs there, else a copy of the one compiled in.
fn bundled(stage: &Stage, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let source = Path::new("examples").join(name);
    if std::fs::read(&source).is_ok_and(|there| there == bytes) {
        return Ok(source);
    }
    let copy = stage.input().join(name);
    std::fs::create_dir_all(stage.input())
        .and_then(|()| std::fs::write(&copy, bytes))
        .map_err(|error| Failure::usage(format!("{}: {error}", copy.display())))?;
    Ok(copy)
}
