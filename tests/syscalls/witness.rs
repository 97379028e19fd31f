//! A witness that cosigns, under faults: whatever it has answered it holds to.

use std::error::Error;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tamis::domain::clock::MockClock;
use tamis::witness::{Directory, Watch, WitnessError};
use tamis_keys::Secret;
use tamis_protocols::transparency::{AddCheckpoint, LogKey, Verdict};

use crate::rows::Seeded;
use crate::scenario::{Outcome, World, must};

const SIZE: u64 = 5;

fn home(world: &World) -> PathBuf {
    world.data("witness", "home")
}

fn log() -> Result<LogKey, Box<dyn Error>> {
    Ok(LogKey::new(
        Secret::from_bytes([5; 32]),
        "tamis.example/log",
    )?)
}

/// Before the phase: a witness that has seen nothing of its log.
pub fn create(world: &World) -> Outcome {
    let now = "2026-11-22T09:00:00Z".parse()?;
    let hosts = ["localhost".to_owned()];
    let mut made = Directory::create(
        &home(world),
        "witness.example/w1",
        &hosts,
        now,
        &Seeded::new(3),
    )?;
    Ok(made.trust(&log()?.vkey())?)
}

/// Asks for a cosignature of one of two logs.
fn request(old: u64, root: u8) -> Result<Vec<u8>, Box<dyn Error>> {
    let request = AddCheckpoint {
        old,
        proof: Vec::new(),
        checkpoint: log()?.sign_checkpoint(SIZE, &[root; 32]).into_bytes(),
    };
    Ok(request.to_bytes())
}

fn watch(world: &World) -> Result<Watch, Box<dyn Error>> {
    // Worlds are copied, and copies are open to others.
    set_permissions(home(world), Permissions::from_mode(0o700))?;
    let clock = Arc::new(MockClock::at("2026-11-22T09:00:00Z".parse()?));
    let directory = Directory::open(&home(world))?;
    // A process that another thread is starting has every open file, locks too, until it is that process.
    for _ in 0..100 {
        match Watch::open(&directory, clock.clone()) {
            Err(WitnessError::Busy) => std::thread::sleep(Duration::from_millis(20)),
            opened => return Ok(opened?),
        }
    }
    Ok(Watch::open(&directory, clock)?)
}

/// Asks once, and once more if it was cosigned by an attempt that told nobody.
pub fn cosigning(world: &World, ack: &mut dyn FnMut(String)) -> Outcome {
    let watch = watch(world)?;
    let (mut verdict, mut line) = watch.judge(&request(0, 1)?)?;
    if verdict == (Verdict::Conflict { size: SIZE }) {
        (verdict, line) = watch.judge(&request(SIZE, 1)?)?;
    }
    must(matches!(verdict, Verdict::Cosign { .. }), "it refuses")?;
    ack(line.ok_or("no signature")?.trim_end().to_owned());
    Ok(())
}

/// It starts, and if it ever answered it does not cosign the other log.
pub fn cosigned_holds(world: &World, acks: &[String]) -> Outcome {
    let watch = watch(world)?;
    if acks.is_empty() {
        return Ok(());
    }
    for old in [0, SIZE] {
        let (verdict, _) = watch.judge(&request(old, 2)?)?;
        must(
            verdict == (Verdict::Conflict { size: SIZE }),
            "it cosigned two logs",
        )?;
    }
    Ok(())
}
