//! How fast a million members pass; figures in benches/README.md.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use tempfile::tempdir;

use super::world::*;

/// Run with `cargo test --release -p tamis --lib a_million -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement: meaningful in release only"]
async fn a_million_members_pass_within_fifteen_seconds() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let cookies: Vec<String> = (0..1_000_000)
        .map(|n| format!("+{n:08x}-5f1c-4c53-9d2e-{n:012x}"))
        .collect();
    let names: Vec<&str> = cookies.iter().map(String::as_str).collect();
    let changes = sealed(&names);
    let batches = batches("loyal", 1, changes);
    let start = Instant::now();
    for batch in &batches {
        world.send(batch).await.unwrap();
    }
    let passed = start.elapsed();
    let summary = world.end().await;
    let written = start.elapsed() - passed;
    println!("1,000,000 sealed members: {passed:.2?} to apply, {written:.2?} to write");
    assert_eq!(summary.members, 1_000_000);
    assert!(passed.as_secs() < 15);
}
