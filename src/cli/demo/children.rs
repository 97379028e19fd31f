//! The processes of the demo. Each is this program, and each ends with the demo, whatever happens: a
//! child is killed by its own handle when that is dropped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::cli::Failure;

/// Longest time a server may take until it answers.
const START: Duration = Duration::from_secs(60);

/// A finished command.
pub(super) struct Finished {
    /// Exit code; `None` when a signal ended it.
    pub(super) code: Option<i32>,
    /// The document on stdout.
    pub(super) document: Value,
    /// What it said on stderr.
    pub(super) said: String,
}

/// A running server.
pub(super) struct Server {
    child: Child,
    /// Where it listens, `HOST:PORT`.
    pub(super) address: String,
}

impl Server {
    /// The process id while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it still runs.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

/// Starts commands of this program.
pub(super) struct Children {
    program: PathBuf,
}

impl Children {
    pub(super) fn new() -> Result<Self, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::service(format!("where am I? {error}")))?;
        Ok(Children { program })
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("TAMIS_JSON", "1")
            .env_remove("TAMIS_HOME")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end; its answer is a JSON document, as `TAMIS_JSON` asks.
    pub(super) async fn run(&self, arguments: &[String]) -> Result<Finished, Failure> {
        let output = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .await
            .map_err(|error| Failure::service(format!("a command cannot be started: {error}")))?;
        Ok(Finished {
            code: output.status.code(),
            document: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Starts a server and waits until it has written its address to `ready`; its words go to `log`.
    pub(super) async fn serve(
        &self,
        arguments: &[String],
        ready: &Path,
        log: &Path,
    ) -> Result<Server, Failure> {
        let unwritable =
            |error: std::io::Error| Failure::usage(format!("{}: {error}", log.display()));
        let words = File::create(log).map_err(unwritable)?;
        let child = self
            .command(arguments)
            .env_remove("TAMIS_JSON")
            .stdout(words.try_clone().map_err(unwritable)?)
            .stderr(words)
            .spawn()
            .map_err(|error| Failure::service(format!("a server cannot be started: {error}")))?;
        let mut server = Server {
            child,
            address: String::new(),
        };
        let until = Instant::now() + START;
        loop {
            let line = std::fs::read_to_string(ready).unwrap_or_default();
            if let Some(address) = address_in(&line) {
                server.address = address;
                return Ok(server);
            }
            if !server.is_running() || Instant::now() > until {
                return Err(Failure::service(format!(
                    "`tamis {}` does not come up: {}",
                    arguments.first().map_or("", String::as_str),
                    last_line(log)
                ))
                .next(format!("Its words are in {}.", log.display())));
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

/// The first line of a ready file, complete with its end of line: an address, with or without a scheme.
fn address_in(text: &str) -> Option<String> {
    let (line, _) = text.split_once('\n')?;
    let line = line.trim().trim_start_matches("https://");
    let address = line.split('/').next()?;
    (!address.is_empty()).then(|| address.to_owned())
}

fn last_line(log: &Path) -> String {
    std::fs::read_to_string(log)
        .ok()
        .and_then(|text| text.trim_end().lines().last().map(str::to_owned))
        .unwrap_or_else(|| "it said nothing".to_owned())
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn an_address_counts_only_once_its_line_is_complete() {
        assert_eq!(address_in("127.0.0.1:4"), None);
        assert_eq!(
            address_in("127.0.0.1:43117\n").as_deref(),
            Some("127.0.0.1:43117")
        );
        assert_eq!(
            address_in("https://127.0.0.1:9/\n").as_deref(),
            Some("127.0.0.1:9")
        );
        assert_eq!(address_in("\n"), None);
    }
}
