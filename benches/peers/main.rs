//! The driver of the scripts in this folder, which compare Tamis with its peers in one run: each command
//! does one thing and prints `{"seconds", "count", "rss_mib"}`. By hand: `benches/peers/match.sh`.
//!
//! ```text
//! tokens ROWS FIRST FILE                    the tokens of rows FIRST…, 16 bytes each, unsorted
//! seal crm|graph ROWS FIRST DIR [durable]   the same tokens, sealed
//! ingest CRM-FILE GRAPH-FILE DIR            two files of tokens sealed and matched
//! match CRM-DIR GRAPH-DIR [DELTA-DIR]       everybody, and each of 16 segments; counts everybody
//! refresh GRAPH-DIR ROWS FIRST DELTA-DIR    1 % of the graph said anew, as one durable upload
//! compact GRAPH-DIR DELTA-DIR               the refreshed graph as one layer, in DELTA-DIR/compacted
//! disk ROWS FILE                            as many bytes as a crm of ROWS rows has, written, durable
//! ```
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::panic)]

mod compare;
mod sets;
mod tokens;

use std::path::Path;
use std::time::Instant;

use tamis_protocols::wire::batch::UploadKind::{Crm, Graph};

use sets::Layer;

/// Threads of either side.
const THREADS: usize = 2;

fn main() {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| -> u64 {
        text.parse()
            .unwrap_or_else(|_| panic!("not a number: {text}"))
    };
    let sides = |word: &str| if word == "crm" { Crm } else { Graph };
    let started = Instant::now();
    let (seconds, count) = match args[..] {
        ["tokens", rows, first, file] => {
            tokens::write(number(rows), number(first), Path::new(file));
            (started.elapsed(), number(rows))
        }
        ["seal", kind, rows, first, dir, ref durable @ ..] => {
            let kind = sides(kind);
            let sources = tokens::sources(number(first), number(rows), THREADS, kind == Crm);
            Layer::full(kind, number(rows), sources).seal(Path::new(dir), !durable.is_empty());
            (started.elapsed(), 0)
        }
        ["ingest", crm, graph, dir] => {
            let (left, right) = (Path::new(dir).join("crm"), Path::new(dir).join("graph"));
            for (kind, file, dir) in [(Crm, crm, &left), (Graph, graph, &right)] {
                let (rows, sources) = tokens::from_file(Path::new(file), THREADS, kind == Crm);
                Layer::full(kind, rows, sources).seal(dir, false);
            }
            let answer = compare::everybody_and_segments(&left, &right, None);
            (started.elapsed(), answer.count())
        }
        ["match", left, right, ref deltas @ ..] => {
            let deltas = deltas.first().map(Path::new);
            let answer = compare::everybody_and_segments(Path::new(left), Path::new(right), deltas);
            (started.elapsed(), answer.count())
        }
        ["refresh", graph, rows, first, dir] => {
            sets::refresh(
                Path::new(graph),
                number(rows),
                number(first),
                Path::new(dir),
            );
            (started.elapsed(), 0)
        }
        ["compact", graph, dir] => {
            sets::compacted(Path::new(graph), Path::new(dir));
            (started.elapsed(), 0)
        }
        ["disk", rows, file] => {
            sets::write_plain(number(rows), Path::new(file));
            (started.elapsed(), 0)
        }
        // As `cargo bench` calls it, without arguments.
        _ => {
            println!("see benches/peers/*.sh");
            return;
        }
    };
    let seconds = seconds.as_secs_f64();
    let rss = peak_rss_kib() / 1024;
    println!(r#"{{"seconds": {seconds:.4}, "count": {count}, "rss_mib": {rss}}}"#);
}

/// The most memory that was resident at any time.
fn peak_rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
