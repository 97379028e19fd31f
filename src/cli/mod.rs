//! The command line: one command per file.
//!
//! Flow: `app` parses nothing and prints nothing; it hands the arguments and the real clock, randomness and
//! operator over to [`run`]. A command builds one document and one text: `--json` prints the document alone
//! on stdout, otherwise the text; progress goes to stderr. A command sees what its party may see.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser, Subcommand};
use tamis_keys::Entropy;
use tamis_protocols::release::Noise;
use tokio::signal::unix::{SignalKind, signal};

use crate::domain::clock::Clock;

mod admission;
mod attack;
mod audience;
mod audit;
mod bridge;
mod budget;
mod check;
mod collaboration;
mod consent;
mod delivery;
mod demo;
mod dsr;
mod enrol;
pub mod failure;
mod init;
mod invite;
mod jobs;
mod log;
mod matching;
pub mod operator;
mod party;
mod prose;
mod quarantine;
mod report;
mod screen;
mod serve;
mod sink;
mod subject;
mod upload;
mod witness;

pub use failure::{Exit, Failure};
pub use operator::Operator;
use screen::Screen;

/// What the program is made of; only `app` makes it.
pub struct Wiring {
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The noise of the release gate.
    pub noise: Arc<dyn Noise>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What the operator's commands do.
    pub operator: Arc<dyn Operator>,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  a check failed, or a policy refused (an audience below the minimum, a log or a store that does not verify)
  2  wrong usage or bad input
  3  the service cannot be reached, or failed
  4  interrupted; the same command goes on where it stopped

Example:
  tamis demo                  the whole story on this machine, in seconds
  tamis upload crm.csv --region AU --dry-run";

/// A privacy clean room: identifier sets go in, only aggregate cookie audiences come out.
#[derive(Parser)]
#[command(name = "tamis", version, after_help = AFTER_HELP, arg_required_else_help = true)]
struct CommandLine {
    /// Print one JSON document on stdout instead of text; progress stays on stderr
    #[arg(long, global = true, env = "TAMIS_JSON", hide_env_values = true,
          value_parser = clap::builder::FalseyValueParser::new())]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Init),
    Serve(serve::Serve),
    Invite(invite::Invite),
    Quarantine(quarantine::Quarantine),
    Check(check::Check),
    Enrol(enrol::Enrol),
    #[command(subcommand)]
    Collaboration(collaboration::Collaboration),
    Upload(upload::Upload),
    Jobs(jobs::Jobs),
    Match(matching::Match),
    #[command(subcommand)]
    Audience(audience::Audience),
    #[command(subcommand)]
    Delivery(delivery::Delivery),
    #[command(subcommand)]
    Consent(consent::Consent),
    #[command(subcommand)]
    Dsr(dsr::Dsr),
    #[command(subcommand)]
    Subject(subject::Subject),
    Budget(budget::Budget),
    Report(report::Report),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Log(log::Log),
    Sink(sink::Sink),
    #[command(subcommand)]
    Witness(witness::Witness),
    Attack(attack::Attack),
    Demo(demo::Demo),
}

/// Runs one command line and says how it went.
pub fn run(arguments: impl IntoIterator<Item = OsString>, wiring: &Wiring) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let line = match CommandLine::try_parse_from(&arguments) {
        Ok(line) => line,
        Err(error) => return not_understood(&error, &arguments),
    };
    let screen = Screen::new(line.json);
    let outcome = match line.command {
        Command::Init(command) => command.run(wiring, &screen),
        Command::Serve(command) => command.run(wiring, &screen),
        Command::Invite(command) => command.run(wiring, &screen),
        Command::Quarantine(command) => command.run(wiring, &screen),
        Command::Check(command) => command.run(wiring, &screen),
        Command::Enrol(command) => at_work(command.run(wiring, &screen)),
        Command::Collaboration(command) => at_work(command.run(wiring, &screen)),
        Command::Upload(command) => at_work(command.run(wiring, &screen)),
        Command::Jobs(command) => at_work(command.run(&screen)),
        Command::Match(command) => at_work(command.run(&screen)),
        Command::Audience(command) => at_work(command.run(&screen)),
        Command::Delivery(command) => at_work(command.run(&screen)),
        Command::Consent(command) => at_work(command.run(wiring, &screen)),
        Command::Budget(command) => at_work(command.run(&screen)),
        Command::Report(command) => at_work(command.run(&screen)),
        Command::Audit(command) => at_work(command.run(&screen)),
        Command::Log(command) => at_work(command.run(&screen)),
        Command::Attack(command) => command.run(wiring, &screen),
        // Ends by itself when asked to, after it has written the members.
        Command::Dsr(command @ dsr::Dsr::Serve(_)) => block_on(command.run(wiring, &screen)),
        Command::Dsr(command) => at_work(command.run(wiring, &screen)),
        Command::Subject(command) => at_work(command.run(wiring, &screen)),
        Command::Sink(command) => block_on(command.run(wiring, &screen)),
        // Ends by itself as well: what is under way is answered.
        Command::Witness(command) => block_on(command.run(wiring, &screen)),
        Command::Demo(command) => at_work(command.run(wiring, &screen)),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            screen.failed(&failure);
            failure.exit.into()
        }
    }
}

/// A command line that is no command: help and version are answers, the rest is wrong usage.
fn not_understood(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let _ = error.print();
    if !error.use_stderr() {
        return Exit::Done.into();
    }
    // What was parsed of it is lost, so the two places of the switch are looked at here.
    let wants_json = arguments.iter().any(|word| word == "--json")
        || std::env::var("TAMIS_JSON").is_ok_and(|value| {
            clap::builder::TypedValueParser::parse_ref(
                &clap::builder::FalseyValueParser::new(),
                &CommandLine::command(),
                None,
                value.as_ref(),
            )
            .unwrap_or(false)
        });
    if wants_json {
        let text = error.render().to_string();
        let what = text.split("\n\n").next().unwrap_or_default();
        let what = what.trim_start_matches("error: ").replace("\n  ", " ");
        Screen::new(true).failed_quietly(&Failure::usage(what).next("tamis help COMMAND"));
    }
    Exit::Usage.into()
}

/// Runs a command to its end, or until somebody presses ctrl-c or asks the process to end; then everything
/// the command holds is dropped in order (its children with it).
fn at_work(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    block_on(async {
        let ended = asked_to_end()?;
        tokio::select! {
            outcome = command => outcome,
            () = ended => Err(Failure::interrupted()),
        }
    })
}

fn block_on(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::service(format!("no runtime: {error}")))?
        .block_on(command)
}

/// Resolves at ctrl-c or SIGTERM.
fn asked_to_end() -> Result<impl Future<Output = ()>, Failure> {
    let mut ended = signal(SignalKind::terminate())
        .map_err(|error| Failure::service(format!("no signals: {error}")))?;
    Ok(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = ended.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests;
