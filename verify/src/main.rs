//! `tamis-verify`: exit code 0 only if everything holds.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tamis_protocols::audit::archive::Limits;
use tamis_verify::{Ask, Failure, Proof, prove};

const AFTER_HELP: &str = "\
Exit codes:
  0  everything holds
  1  something does not: the first thing that is wrong, and where
  2  wrong usage, or a file that cannot be read

Example:
  tamis-verify evidence.tar.zst --key log-key.txt --checkpoint kept-in-june";

/// Proves the log of a Tamis service, or an evidence pack of it, offline
#[derive(Parser)]
#[command(name = "tamis-verify", version, after_help = AFTER_HELP)]
struct CommandLine {
    /// A directory that `tamis log fetch` filled, or a pack that `tamis audit pack` wrote
    place: PathBuf,
    /// The log's verifier key, from somebody whom you trust [default: the one beside the log]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A checkpoint that you kept: the log must continue it; may be given again
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// A witness's verifier key: it must have cosigned; may be given again
    #[arg(long, value_name = "FILE")]
    witness: Vec<PathBuf>,
    /// The most that a pack may unpack to, in GiB
    #[arg(long, value_name = "GIB", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=4096))]
    most: u64,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    let ask = Ask {
        place: line.place,
        key: line.key,
        earlier: line.checkpoint,
        witnesses: line.witness,
        limits: Limits {
            all: line.most << 30,
            ..Limits::default()
        },
    };
    let outcome = prove(&ask);
    match line.json {
        true => println!("{:#}", document(&outcome)),
        false => print(&outcome),
    }
    match outcome {
        Ok(_) => ExitCode::SUCCESS,
        Err(Failure::Usage { .. }) => ExitCode::from(2),
        Err(_) => ExitCode::FAILURE,
    }
}

fn document(outcome: &Result<Proof, Failure>) -> serde_json::Value {
    match outcome {
        Ok(proof) => serde_json::json!({
            "verified": true, "own_key": proof.own_key, "report": proof.report,
        }),
        Err(failure) => serde_json::json!({ "verified": false, "problem": failure.to_string() }),
    }
}

fn print(outcome: &Result<Proof, Failure>) {
    let proof = match outcome {
        Ok(proof) => proof,
        Err(failure @ Failure::Usage { .. }) => return eprintln!("error: {failure}"),
        Err(failure) => return eprintln!("DOES NOT HOLD: {failure}"),
    };
    let report = &proof.report;
    let what = if report.documents { "pack" } else { "log" };
    println!("Everything holds in this {what} of {}.", report.log.origin);
    for line in &report.checked {
        println!("  + {line}");
    }
    for line in &report.not_checked {
        println!("  - not checked: {line}");
    }
    if proof.own_key {
        println!(
            "The key is the one beside the log: that shows that the files fit each other, not whose they are. \
             Give --key FILE with a key from somebody whom you trust."
        );
    }
}
