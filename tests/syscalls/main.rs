//! Every file system call of ingest, match and compaction fails once, and once is never reached.
//!
//! ```text
//! FAULTS=120 cargo test --test syscalls    as many faults as fit into 120 seconds, spread evenly
//! FAULTS=all cargo test --test syscalls    every one
//! ```
//! This program runs itself under strace, phase by phase (`scenario`), and lists the file system calls
//! that touch the phase's directory. Then, for every call, the phase runs again on a fresh copy and
//! that call fails with EIO, with ENOSPC if it may need room, or the process is killed before it.
//! Afterwards everything acknowledged, in this phase or before, is intact; nothing half-made has its
//! final name; an error was reported as one, without a panic; and the same phase run once more ends
//! well and leaves nothing else behind. Runs only when `FAULTS` is set.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod durable;
mod layers;
mod records;
#[path = "../support/rows.rs"]
mod rows;
mod scenario;
mod strace;
mod witness;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use scenario::{PHASES, World};
use strace::{Call, Wrong};

/// What tells the child its phase and its place.
const PHASE: &str = "TAMIS_SYSCALLS_PHASE";
const DIR: &str = "TAMIS_SYSCALLS_DIR";
/// A clean error of the child.
const REFUSED: i32 = 3;
/// This machine cannot run the test.
const CANNOT: u8 = 77;

fn main() -> ExitCode {
    if let (Ok(phase), Ok(dir)) = (std::env::var(PHASE), std::env::var(DIR)) {
        return child(&phase, Path::new(&dir));
    }
    let Ok(faults) = std::env::var("FAULTS") else {
        println!("not asked for: tests/run.sh syscalls, or FAULTS=all");
        return ExitCode::SUCCESS;
    };
    if !strace::works() {
        eprintln!("strace, taskset or timeout is missing, or may not trace here");
        return CANNOT.into();
    }
    let budget = faults.parse().map(Duration::from_secs).ok();
    // In memory where that is possible: it is the calls that matter.
    let scratch = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let mut plan = Plan::new(scratch.path());
    plan.spread();
    plan.strike(budget)
}

/// Does one phase, and says on stdout what is acknowledged.
fn child(phase: &str, dir: &Path) -> ExitCode {
    let phase = PHASES.iter().find(|one| one.name == phase).unwrap();
    match (phase.run)(&World(dir.to_owned()), &mut |ack| println!("{ack}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("refused: {error}");
            ExitCode::from(REFUSED as u8)
        }
    }
}

/// One fault, by the number of its phase.
type Fault = (usize, Call, Wrong);

/// What is to be done, and the worlds to do it in.
struct Plan {
    scratch: PathBuf,
    /// What each phase acknowledges when nothing fails.
    clean: Vec<Vec<String>>,
    faults: Vec<Fault>,
    broken: Vec<String>,
}

impl Plan {
    /// Runs every phase once, keeps the world before each, and lists its calls.
    fn new(scratch: &Path) -> Plan {
        let mut plan = Plan {
            scratch: scratch.to_owned(),
            clean: Vec::new(),
            faults: Vec::new(),
            broken: Vec::new(),
        };
        World::create(&plan.before(0)).unwrap();
        for (number, phase) in PHASES.iter().enumerate() {
            let after = plan.before(number + 1);
            copy(&plan.before(number), &after);
            let ended = strace::trace(phase.name, &after);
            let lines = &ended.calls;
            assert_eq!(ended.code, Some(0), "{}: {}", phase.name, ended.stderr);
            plan.clean
                .push(ended.stdout.lines().map(str::to_owned).collect());
            let calls = strace::listed(lines, &after);
            let loose = durable::violations(lines, &after);
            plan.broken
                .extend(loose.iter().map(|what| format!("{}: {what}", phase.name)));
            let mut faults = 0;
            for call in &calls {
                for wrong in [Wrong::Eio, Wrong::Enospc, Wrong::Kill] {
                    if wrong != Wrong::Enospc || call.writes {
                        plan.faults.push((number, call.clone(), wrong));
                        faults += 1;
                    }
                }
            }
            let name = phase.name;
            println!(
                "{name:12} {:4} file system calls, {faults:5} faults",
                calls.len()
            );
        }
        plan
    }

    /// The world before a phase.
    fn before(&self, number: usize) -> PathBuf {
        self.scratch.join(format!("before-{number}"))
    }

    /// Puts one fault of every kind first; the others follow in steps of the golden ratio, so that
    /// wherever the time ends, what was run is spread evenly.
    fn spread(&mut self) {
        let faults = std::mem::take(&mut self.faults);
        let mut seen = BTreeSet::new();
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for fault in faults {
            match seen.insert((fault.0, fault.1.name.clone(), fault.2)) {
                true => first.push(fault),
                false => rest.push(fault),
            }
        }
        let mut order: Vec<(u64, Fault)> = (0u64..)
            .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .zip(rest)
            .collect();
        order.sort_by_key(|(at, _)| *at);
        self.faults = first;
        self.faults
            .extend(order.into_iter().map(|(_, fault)| fault));
    }

    /// Strikes with every fault until the time is over, two at a time.
    fn strike(&self, budget: Option<Duration>) -> ExitCode {
        let (began, next) = (Instant::now(), AtomicUsize::new(0));
        let missed = AtomicUsize::new(0);
        let broken = Mutex::new(self.broken.clone());
        let in_time = || budget.is_none_or(|budget| began.elapsed() < budget);
        let work = |worker: usize| {
            while in_time() {
                let Some(fault) = self.faults.get(next.fetch_add(1, Ordering::Relaxed)) else {
                    break;
                };
                if let Err(what) = self.survives(fault, worker, &missed) {
                    let (number, call, wrong) = fault;
                    let name = PHASES[*number].name;
                    let what = format!("{name}, {wrong:?} at {call}: {what}");
                    broken.lock().unwrap().push(what);
                }
            }
        };
        thread::scope(|scope| {
            let processors = thread::available_parallelism().map_or(1, usize::from);
            for worker in 0..processors.min(2) {
                scope.spawn(move || work(worker));
            }
        });
        let run = next.into_inner().min(self.faults.len());
        let (all, missed) = (self.faults.len(), missed.into_inner());
        println!(
            "{run} of {all} faults in {:?}; {missed} of them did not strike",
            began.elapsed()
        );
        let broken = broken.into_inner().unwrap();
        for what in &broken {
            println!("BROKEN {what}");
        }
        match broken.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }

    /// One fault, and everything that must hold afterwards.
    fn survives(
        &self,
        (number, call, wrong): &Fault,
        worker: usize,
        missed: &AtomicUsize,
    ) -> Result<(), String> {
        let phase = &PHASES[*number];
        let dir = self.scratch.join(format!("worker-{worker}"));
        let _ = fs::remove_dir_all(&dir);
        copy(&self.before(*number), &dir);
        let ended = strace::inject(phase.name, &dir, call, *wrong, worker);
        let killed = ended.code.is_none() && *wrong == Wrong::Kill;
        if !killed && !ended.calls.iter().any(|line| line.contains("(INJECTED)")) {
            missed.fetch_add(1, Ordering::Relaxed);
        }
        match (ended.code, wrong) {
            (None, Wrong::Kill) | (Some(0), _) => {}
            (Some(REFUSED), Wrong::Eio | Wrong::Enospc) => {}
            (code, _) => return Err(format!("ended with {code:?}: {}", ended.stderr.trim())),
        }
        let world = World(dir.clone());
        let acks: Vec<String> = ended.stdout.lines().map(str::to_owned).collect();
        let ended = if acks.is_empty() {
            ""
        } else {
            ", acknowledged"
        };
        if !same(&self.before(*number), &dir) {
            for (earlier, clean) in PHASES[..*number].iter().zip(&self.clean) {
                let result = (earlier.holds)(&world, clean);
                result.map_err(|error| format!("{} of earlier: {error}", earlier.name))?;
            }
        }
        (phase.holds)(&world, &acks).map_err(|error| format!("afterwards{ended}: {error}"))?;
        let mut again = Vec::new();
        let result = (phase.run)(&world, &mut |ack| again.push(ack));
        result.map_err(|error| format!("the next attempt: {error}"))?;
        (phase.holds)(&world, &again).map_err(|error| format!("after the next: {error}"))?;
        let (left, wanted) = (names(&dir), names(&self.before(number + 1)));
        let missing: Vec<_> = wanted.difference(&left).collect();
        // What could not be removed may be there still, under the name of what it is in.
        let stays = call.path.replace(".tmp/", "/");
        let stays = Path::new(stays.trim_start_matches('/'));
        let unlinks = call.name.starts_with("unlink") && *wrong != Wrong::Kill;
        let more = left.difference(&wanted);
        let more: Vec<_> = more.filter(|path| !unlinks || *path != stays).collect();
        match missing.is_empty() && more.is_empty() {
            true => Ok(()),
            false => Err(format!("missing: {missing:?}, left behind: {more:?}")),
        }
    }
}

/// Every path below a directory.
fn names(dir: &Path) -> BTreeSet<PathBuf> {
    fn walk(dir: &Path, root: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            found.insert(path.strip_prefix(root).unwrap().to_owned());
            if path.is_dir() {
                walk(&path, root, found);
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(dir, dir, &mut found);
    found
}

/// Whether every file of `before` is in `after`, byte by byte.
fn same(before: &Path, after: &Path) -> bool {
    let is_same = |name: &PathBuf| match before.join(name).is_dir() {
        true => after.join(name).is_dir(),
        false => fs::read(before.join(name)).ok() == fs::read(after.join(name)).ok(),
    };
    names(before).iter().all(is_same)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        match from.is_dir() {
            true => fs::create_dir_all(to).unwrap(),
            false => drop(fs::copy(from, to).unwrap()),
        }
    }
}
