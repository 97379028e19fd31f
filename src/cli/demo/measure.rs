//! Seconds, rows per second and memory, for `timings.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// One phase.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Phase {
    pub(super) phase: String,
    pub(super) seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rows_per_second: Option<u64>,
    /// Seconds of its parts, for an upload: `prepare`, `send`, `seal`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parts: BTreeMap<String, f64>,
}

/// What `timings.json` holds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Timings {
    pub(super) total_seconds: f64,
    pub(super) phases: Vec<Phase>,
    /// Peak resident memory of the service process, MiB.
    pub(super) service_peak_mib: Option<u64>,
    /// Peak of the resident memory of all processes of the demo together, MiB; sampled ten times a second.
    pub(super) demo_peak_mib: u64,
}

/// The stopwatch and the scales.
pub(super) struct Measure {
    start: Instant,
    phases: Vec<Phase>,
    peak_kib: Arc<Mutex<u64>>,
    sampler: tokio::task::JoinHandle<()>,
}

impl Measure {
    /// Starts both.
    pub(super) fn start() -> Self {
        let peak_kib = Arc::new(Mutex::new(0));
        let peak = Arc::clone(&peak_kib);
        let sampler = tokio::spawn(async move {
            loop {
                raise(&peak, resident_of_family());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Measure {
            start: Instant::now(),
            phases: Vec::new(),
            peak_kib,
            sampler,
        }
    }

    /// A phase that took so long and moved so many rows.
    pub(super) fn phase(&mut self, name: &str, seconds: f64, rows: Option<u64>) {
        self.phases.push(Phase {
            phase: name.to_owned(),
            seconds: (seconds * 1e3).round() / 1e3,
            rows,
            rows_per_second: rows.map(|rows| (rows as f64 / seconds.max(1e-3)) as u64),
            parts: BTreeMap::new(),
        });
    }

    /// The parts of the newest phase.
    pub(super) fn parts(&mut self, parts: BTreeMap<String, f64>) {
        if let Some(phase) = self.phases.last_mut() {
            phase.parts = parts;
        }
    }

    /// The result so far; `service` is the service's process.
    pub(super) fn timings(&self, service: Option<u32>) -> Timings {
        let peak = *self.peak_kib.lock().unwrap_or_else(PoisonError::into_inner);
        Timings {
            total_seconds: (self.start.elapsed().as_secs_f64() * 1e3).round() / 1e3,
            phases: self.phases.clone(),
            service_peak_mib: service.and_then(|pid| status(pid, "VmHWM:")).map(mib),
            demo_peak_mib: mib(peak),
        }
    }
}

impl Drop for Measure {
    fn drop(&mut self) {
        self.sampler.abort();
    }
}

fn raise(peak: &Mutex<u64>, now: u64) {
    let mut peak = peak.lock().unwrap_or_else(PoisonError::into_inner);
    *peak = now.max(*peak);
}

fn mib(kib: u64) -> u64 {
    kib.div_ceil(1024)
}

/// Resident KiB of this process and its children.
fn resident_of_family() -> u64 {
    let own = std::process::id();
    let children = children_of(own);
    std::iter::once(own)
        .chain(children)
        .filter_map(|pid| status(pid, "VmRSS:"))
        .sum()
}

/// Children of every thread of a process, as the kernel lists them.
fn children_of(pid: u32) -> BTreeSet<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return BTreeSet::new();
    };
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A line of `/proc/PID/status` in KiB.
fn status(pid: u32, line: &str) -> Option<u64> {
    std::fs::read_to_string(format!("/proc/{pid}/status"))
        .ok()?
        .lines()
        .find_map(|text| text.strip_prefix(line))?
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn this_process_has_memory_and_a_peak() {
        let own = std::process::id();
        assert!(status(own, "VmRSS:").unwrap() > 0);
        assert!(status(own, "VmHWM:").unwrap() >= status(own, "VmRSS:").unwrap() / 2);
        assert!(resident_of_family() > 0);
    }
}
