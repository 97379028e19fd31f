//! What sealing takes stays in its budget, however many tokens there are and wherever they fall.
//!
//! A process of its own, so that nothing else is in the figure.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicU64, Ordering};

use tamis::sets::{Record, SealedSet, Source, TokenJob, seal_tokens};
use tamis_keys::{Entropy, Secret};
use tamis_protocols::wire::batch::UploadKind;

const RECORDS: u32 = 2_000_000;
const BUDGET: usize = 32 << 20;
/// Beside the budget: 2 bytes per row, 36 per page, stacks, and what the allocator keeps.
const BESIDE: usize = 20 << 20;

struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for bytes in out.chunks_mut(8) {
            let n = mixed(self.0.fetch_add(1, Ordering::Relaxed));
            bytes.copy_from_slice(&n.to_le_bytes()[..bytes.len()]);
        }
    }
}

fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Bytes of the process's status.
fn status(line: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let found = status.lines().find_map(|found| found.strip_prefix(line));
    let number = found.unwrap().split_whitespace().next().unwrap();
    number.parse::<usize>().unwrap() << 10
}

/// The first half of the token of row `n`.
type Spread = fn(u64) -> u64;

/// The most that sealing takes beyond what was resident before, in bytes.
fn peak(kind: UploadKind, high: Spread, before: usize) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let key = Secret::from_bytes([1; 32]);
    // Starts the peak anew from what is resident now.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let source = |from: u32| {
        let mut next = from;
        let fill = move |out: &mut Vec<Record>| {
            let to = (next + 5_000).min(from + RECORDS / 2);
            out.extend((next..to).map(|n| {
                let token = u128::from(high(n.into())) << 64 | u128::from(mixed(n.into()));
                Record::new(token.to_be_bytes(), n, 20_000, 0)
            }));
            next = to;
            next < from + RECORDS / 2
        };
        Box::new(fill) as Source<'_>
    };
    seal_tokens(TokenJob {
        sources: vec![source(0), source(RECORDS / 2)],
        kind,
        mode: Default::default(),
        parent: None,
        collaboration: "0123456789abcdef0123456789abcdef",
        epoch: 1,
        rows: RECORDS,
        segments: Vec::new(),
        classes: vec![Vec::new()],
        dir: &dir.path().join("s"),
        key: &key,
        id: "s",
        memory: BUDGET,
        threads: 2,
        entropy: &Counting(AtomicU64::new(0)),
        durable: false,
    })
    .unwrap();
    let peak = status("VmHWM:").saturating_sub(before);
    let set = SealedSet::open(&dir.path().join("s"), &key, "s").unwrap();
    assert_eq!(set.report().rows, u64::from(RECORDS));
    peak
}

#[test]
fn sealing_takes_no_more_than_its_budget_whatever_the_skew() {
    let before = status("VmRSS:");
    for (name, kind, high) in [
        ("uniform", UploadKind::Crm, mixed as Spread),
        ("uniform", UploadKind::Graph, mixed),
        ("all in one partition", UploadKind::Crm, |n| mixed(n) >> 8),
        ("alike in eight bytes", UploadKind::Graph, |_| 7),
    ] {
        let (peak, kind) = (peak(kind, high, before), kind.as_str());
        assert!(
            peak <= BUDGET + BESIDE,
            "{kind}, {name}: {} MiB",
            peak >> 20
        );
    }
}
