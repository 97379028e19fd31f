//! Running a phase under strace: once to list its file system calls, then once for every fault.
//!
//! With `-P PATH` strace looks at, and counts for `when=N`, only calls that name that path, for each
//! thread and each call name apart; so does [`listed`]. So a fault is found again whatever else the
//! child does, as long as one thread does the same to one path in the same order. The child is pinned to
//! one processor, and asks for one thread wherever it can.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// It fails with an unreadable or unwritable sector.
    Eio,
    /// It fails because the disk is full.
    Enospc,
    /// The process is killed before it.
    Kill,
}

/// One call of the child.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub name: String,
    /// Below the directory of the phase.
    pub path: String,
    /// Counted from 1, by name, path and thread.
    pub nth: usize,
    /// Whether it may need room on the disk.
    pub writes: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", self.name, self.nth, self.path)
    }
}

/// How a child ended.
pub struct Ended {
    /// None if it was killed.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Lines of strace.
    pub calls: Vec<String>,
}

/// Runs this program again as the child that does one phase in `dir`.
fn child(phase: &str, dir: &Path, processor: usize, options: &[String]) -> Ended {
    let log = dir.with_extension("log");
    let mut command = Command::new("timeout");
    command.args(["-s", "KILL", "60", "taskset", "-c", &processor.to_string()]);
    command.args(["strace", "-f", "-qq", "-o"]).arg(&log);
    command.args(options).arg(std::env::current_exe().unwrap());
    command.env(crate::PHASE, phase).env(crate::DIR, dir);
    command.env("RUST_BACKTRACE", "0").stdin(Stdio::null());
    let output = command.output().unwrap();
    let calls = std::fs::read_to_string(log).unwrap();
    Ended {
        code: output.status.code().filter(|code| *code != KILLED),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        calls: calls.lines().map(str::to_owned).collect(),
    }
}

/// Whether strace can do what is needed here: fail a call, and kill before one.
pub fn works() -> bool {
    let struck = |what: &str| {
        let mut command = Command::new("timeout");
        command.args([
            "10",
            "taskset",
            "-c",
            "0",
            "strace",
            "-f",
            "-P",
            "/proc/version",
        ]);
        command.args([
            "-e",
            &format!("inject=openat:{what}:when=1"),
            "cat",
            "/proc/version",
        ]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| match what {
            "error=EIO" => status.code() == Some(1),
            _ => status.code().is_none_or(|code| code == KILLED),
        })
    };
    struck("error=EIO") && struck("signal=KILL")
}

/// How `timeout` says that its child was killed, if it lives on.
const KILLED: i32 = 128 + 9;

/// Runs a phase without faults, with every call that takes a path or a descriptor.
pub fn trace(phase: &str, dir: &Path) -> Ended {
    let options = ["-y", "-s", "0", "-e", "trace=%file,%desc"];
    child(phase, dir, 0, &options.map(str::to_owned))
}

/// Runs a phase with one fault.
pub fn inject(phase: &str, dir: &Path, call: &Call, wrong: Wrong, processor: usize) -> Ended {
    let (name, nth) = (&call.name, call.nth);
    let what = match wrong {
        Wrong::Eio => "error=EIO",
        Wrong::Enospc => "error=ENOSPC",
        Wrong::Kill => "signal=KILL",
    };
    let options = [
        "-P".to_owned(),
        format!("{}{}", dir.display(), call.path),
        "-e".to_owned(),
        format!("trace={name}"),
        "-e".to_owned(),
        format!("inject={name}:{what}:when={nth}"),
    ];
    child(phase, dir, processor, &options)
}

/// A line as `thread name(arguments) = result`; none for what is no call.
pub fn parsed(line: &str) -> Option<(&str, &str, &str)> {
    let (thread, rest) = line.split_once(' ')?;
    let (name, arguments) = rest.trim_start().split_once('(')?;
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then_some((thread, name, arguments))
}

/// The calls that name something in `dir`, each once, by the first path that they name.
pub fn listed(lines: &[String], dir: &Path) -> BTreeSet<Call> {
    let mut counts: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    let mut calls = BTreeSet::new();
    for (thread, name, arguments) in lines.iter().filter_map(|line| parsed(line)) {
        let paths = paths(arguments, dir.to_str().unwrap());
        for path in &paths {
            *counts.entry((thread, name, path)).or_default() += 1;
        }
        if let Some(path) = paths.first() {
            calls.insert(Call {
                name: name.to_owned(),
                path: (*path).to_owned(),
                nth: counts[&(thread, name, *path)],
                writes: writes(name, arguments),
            });
        }
    }
    calls
}

/// The paths that a call names, each once, from `dir` on: of descriptors in `<…>`, others in quotes.
pub fn paths<'a>(arguments: &'a str, dir: &str) -> Vec<&'a str> {
    let places = arguments.match_indices(dir);
    let named = places.map(|(at, _)| {
        let rest = &arguments[at + dir.len()..];
        &rest[..rest.find(['>', '"']).unwrap_or(rest.len())]
    });
    let mut named: Vec<&str> = named.collect();
    // A descriptor that is returned has the path that was asked for.
    let mut seen = BTreeSet::new();
    named.retain(|path| seen.insert(*path));
    named
}

fn writes(name: &str, arguments: &str) -> bool {
    const PREFIXES: [&str; 11] = [
        "write",
        "pwrite",
        "mkdir",
        "rename",
        "link",
        "symlink",
        "fallocate",
        "ftruncate",
        "fsync",
        "fdatasync",
        "copy_file_range",
    ];
    let opens = name.starts_with("open") && arguments.contains("O_CREAT");
    opens || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
