//! Runs every target for a moment on mutations of real encodings, on the stable compiler.
//!
//! ```text
//! smoke [INPUTS [TARGET…]]     20,000 inputs for the cheapest targets if not given
//! smoke seeds DIR              writes the encodings to DIR/TARGET/, for libFuzzer
//! ```
//! Each target runs in a process of its own with limited memory and time, so that an abort, an endless
//! loop or an allocation without bound is found like a panic; the input that did it is kept in
//! `fuzz/artifacts/`. The inputs are the same every time, unless `FUZZ_SEED` is set. Inputs in
//! `fuzz/regressions/TARGET/` come first.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use tamis_fuzz::mutate::{Random, mutate};
use tamis_fuzz::{TARGETS, Target};

/// Inputs of a target of cost 1.
const INPUTS: u64 = 20_000;
/// Address space of a target, in KiB.
const MEMORY: u64 = 4 << 20;
/// The longest that one input may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    if let [mode, name, inputs, current] = words.as_slice()
        && mode == "one"
    {
        one(name, inputs.parse().expect("a number"), Path::new(current));
        return ExitCode::SUCCESS;
    }
    if let [mode, dir] = words.as_slice()
        && mode == "seeds"
    {
        TARGETS
            .iter()
            .for_each(|target| write_seeds(target, Path::new(dir)));
        return ExitCode::SUCCESS;
    }
    let inputs = words
        .first()
        .map_or(INPUTS, |word| word.parse().expect("a number"));
    let wanted =
        |target: &&Target| words.len() < 2 || words[1..].iter().any(|name| name == target.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(wanted).collect();
    let (next, broken) = (AtomicUsize::new(0), Mutex::new(0));
    let work = || {
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            if !survives(target, (inputs / u64::from(target.cost)).max(1)) {
                *broken.lock().expect("a lock") += 1;
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    match broken.into_inner() {
        Ok(0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Runs a target in a process of its own; keeps the input that ended it.
fn survives(target: &Target, inputs: u64) -> bool {
    let scratch = tempfile::tempdir_in(tamis_fuzz::place()).expect("a directory");
    let (current, began) = (scratch.path().join("current"), Instant::now());
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$@\""), "sh"])
        .arg(env::current_exe().expect("a path"))
        .args(["one", target.name, &inputs.to_string()])
        .arg(&current)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let ended = await_child(&mut child, &current);
    let mut said = String::new();
    let _ = child
        .stdout
        .take()
        .map(|mut out| out.read_to_string(&mut said));
    if ended == Some(true) {
        println!(
            "{:14} {}, {:.1?}",
            target.name,
            said.trim(),
            began.elapsed()
        );
        return true;
    }
    let why = if ended.is_none() {
        "does not end"
    } else {
        "failed"
    };
    let kept =
        PathBuf::from("fuzz/artifacts").join(format!("{}-{}", target.name, std::process::id()));
    let _ = fs::create_dir_all("fuzz/artifacts");
    let _ = fs::copy(&current, &kept);
    println!(
        "{:14} {why}; the input is in {}",
        target.name,
        kept.display()
    );
    false
}

/// Whether it ended well; none if one input took too long, and it was killed.
fn await_child(child: &mut std::process::Child, current: &Path) -> Option<bool> {
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status.success());
        }
        let age = fs::metadata(current).and_then(|found| found.modified());
        let age = age.ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > PATIENCE) {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Feeds one target; says how many inputs it accepted.
fn one(name: &str, inputs: u64, current: &Path) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.expect("a target");
    let (seeds, mut accepted) = ((target.seeds)(), 0u64);
    for seed in &seeds {
        fs::write(current, seed).expect("written");
        assert!((target.run)(seed), "a real encoding is refused");
    }
    for known in regressions(name) {
        fs::write(current, &known).expect("written");
        (target.run)(&known);
    }
    let seed = env::var("FUZZ_SEED")
        .ok()
        .and_then(|word| word.parse().ok());
    let mut random = Random::new(seed.unwrap_or(1));
    for _ in 0..inputs {
        let mut data = seeds[random.below(seeds.len())].clone();
        mutate(&mut data, &seeds[random.below(seeds.len())], &mut random);
        fs::write(current, &data).expect("written");
        accepted += u64::from((target.run)(&data));
    }
    println!("{inputs} inputs, {accepted} accepted");
}

fn regressions(name: &str) -> Vec<Vec<u8>> {
    let found = fs::read_dir(Path::new("fuzz/regressions").join(name));
    let paths = found
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    paths.filter_map(|path| fs::read(path).ok()).collect()
}

fn write_seeds(target: &Target, dir: &Path) {
    let dir = dir.join(target.name);
    fs::create_dir_all(&dir).expect("a directory");
    for (at, seed) in (target.seeds)().iter().enumerate() {
        fs::write(dir.join(at.to_string()), seed).expect("written");
    }
}
