//! What survives: failures before, during and after the journal is written.

use std::fs;
use std::path::Path;

use tamis_protocols::wire::delivery::Message;
use tempfile::tempdir;

use super::world::*;
use crate::delivery::batch::Batch;
use crate::delivery::sink::keeper::Keeper;
use crate::delivery::sink::labels;
use crate::delivery::sink::members::Verdict;
use crate::delivery::sink::{Sink, SinkError};

fn accept(keeper: &mut Keeper, batch: &Batch) -> std::io::Result<Verdict> {
    let mut data = Message::from_bytes(&batch.body).unwrap().data;
    let opened = labels::open(&mut data, None).ok().unwrap();
    keeper.accept(data, opened)
}

fn journal(directory: &Path) -> std::path::PathBuf {
    directory.join("journal")
}

#[test]
fn killed_between_journal_and_answer_the_message_is_applied_once() {
    let out = tempdir().unwrap();
    let joins = batch("loyal", 1, open(&["+a", "+b"]));
    let mut keeper = Keeper::open(out.path()).unwrap();
    assert_eq!(accept(&mut keeper, &joins).unwrap(), Verdict::Next);
    drop(keeper); // The answer was never sent.
    let mut keeper = Keeper::open(out.path()).unwrap();
    assert_eq!(accept(&mut keeper, &joins).unwrap(), Verdict::Repeated);
    assert_eq!(keeper.count(), 2);
}

#[test]
fn cut_at_any_byte_the_journal_holds_what_was_answered_before() {
    let out = tempdir().unwrap();
    let first = batch("loyal", 1, open(&["+a", "+b"]));
    let second = batch("loyal", 2, open(&["-a"]));
    let mut keeper = Keeper::open(out.path()).unwrap();
    accept(&mut keeper, &first).unwrap();
    let answered = fs::metadata(journal(out.path())).unwrap().len() as usize;
    accept(&mut keeper, &second).unwrap();
    drop(keeper);
    let whole = fs::read(journal(out.path())).unwrap();
    for length in answered..whole.len() {
        fs::write(journal(out.path()), &whole[..length]).unwrap();
        let mut keeper = Keeper::open(out.path()).unwrap();
        assert_eq!(keeper.count(), 2);
        assert_eq!(accept(&mut keeper, &first).unwrap(), Verdict::Repeated);
        assert_eq!(accept(&mut keeper, &second).unwrap(), Verdict::Next);
        drop(keeper);
        assert_eq!(fs::read(journal(out.path())).unwrap(), whole);
    }
}

#[test]
fn a_torn_frame_of_the_right_length_is_dropped() {
    let out = tempdir().unwrap();
    let mut keeper = Keeper::open(out.path()).unwrap();
    accept(&mut keeper, &batch("loyal", 1, open(&["+a"]))).unwrap();
    accept(&mut keeper, &batch("loyal", 2, open(&["+b"]))).unwrap();
    drop(keeper);
    let mut bytes = fs::read(journal(out.path())).unwrap();
    // Blocks that were allocated but not written read as zeros.
    let end = bytes.len();
    bytes[end - 20..].fill(0);
    fs::write(journal(out.path()), &bytes).unwrap();
    let keeper = Keeper::open(out.path()).unwrap();
    assert_eq!(keeper.count(), 1);
}

#[test]
fn damage_before_the_end_is_reported_and_kept() {
    let out = tempdir().unwrap();
    let mut keeper = Keeper::open(out.path()).unwrap();
    for delivery in 0..40 {
        let cookies: Vec<String> = (0..5_000).map(|n| format!("+cookie-{n}")).collect();
        let changes = open(&cookies.iter().map(String::as_str).collect::<Vec<_>>());
        accept(&mut keeper, &batch("loyal", delivery, changes)).unwrap();
    }
    drop(keeper);
    let mut bytes = fs::read(journal(out.path())).unwrap();
    bytes[100] ^= 1;
    fs::write(journal(out.path()), &bytes).unwrap();
    assert!(matches!(Keeper::open(out.path()), Err(SinkError::Damaged)));
    assert_eq!(fs::read(journal(out.path())).unwrap(), bytes);
}

#[test]
fn a_disk_that_refuses_leaves_nothing_applied() {
    let out = tempdir().unwrap();
    let joins = batch("loyal", 1, open(&["+a"]));
    let mut keeper = Keeper::open(out.path()).unwrap();
    keeper.make_read_only().unwrap();
    assert!(accept(&mut keeper, &joins).is_err());
    assert_eq!(keeper.count(), 0);
    // Nor later: what is on disk is not known any more.
    assert!(accept(&mut keeper, &joins).is_err());
    drop(keeper);
    let mut keeper = Keeper::open(out.path()).unwrap();
    assert_eq!(accept(&mut keeper, &joins).unwrap(), Verdict::Next);
}

#[test]
fn a_rewritten_journal_holds_the_same_state() {
    let out = tempdir().unwrap();
    let first = batch("loyal", 1, open(&["+a", "+b", "+c"]));
    let second = batch("loyal", 2, open(&["-b"]));
    let mut keeper = Keeper::open(out.path()).unwrap();
    accept(&mut keeper, &first).unwrap();
    accept(&mut keeper, &second).unwrap();
    keeper.rewrite().unwrap();
    let third = batch("inactive", 3, open(&["+d"]));
    accept(&mut keeper, &third).unwrap();
    drop(keeper);
    let mut keeper = Keeper::open(out.path()).unwrap();
    for batch in [&first, &second, &third] {
        assert_eq!(accept(&mut keeper, batch).unwrap(), Verdict::Repeated);
    }
    keeper.write_report().unwrap();
    assert_eq!(
        members(&out),
        "audience,cookie\ninactive,d\nloyal,a\nloyal,c\n"
    );
}

#[test]
fn two_sinks_never_share_a_directory() {
    let out = tempdir().unwrap();
    let first = Keeper::open(out.path()).unwrap();
    assert!(matches!(Keeper::open(out.path()), Err(SinkError::Busy)));
    drop(first);
    assert!(Keeper::open(out.path()).is_ok());
}

#[tokio::test]
async fn a_killed_sink_started_again_knows_what_it_answered() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let joins = batch("loyal", 1, sealed(&["+a", "+b"]));
    assert_eq!(status(world.send(&joins).await), 200);
    world.kill().await;
    let world = World::start(out.path()).await;
    assert_eq!(status(world.send(&joins).await), 200);
    let leaves = batch("loyal", 2, sealed(&["-a"]));
    assert_eq!(status(world.send(&leaves).await), 200);
    let summary = world.end().await;
    assert_eq!(
        (summary.applied, summary.repeated, summary.members),
        (1, 1, 1)
    );
    assert_eq!(members(&out), "audience,cookie\nloyal,b\n");
}

#[tokio::test]
async fn a_key_directory_is_all_a_sink_needs() {
    use crate::delivery::signature::secret_text;
    use crate::delivery::sink::{SinkOptions, certificate, store_secret};
    use crate::delivery::testing::{Seeded, now, secret};
    use crate::domain::clock::MockClock;

    let directory = tempdir().unwrap();
    let path = directory.path().join("home");
    let home = tamis_keys::home::PartyHome::create(&path, &Seeded::default()).unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let out = directory.path().join("out");
    let clock = std::sync::Arc::new(MockClock::at(now()));
    assert!(SinkOptions::from_home(&home, "dsp-a".into(), listen, &out, clock.clone()).is_err());
    let pem = certificate(&home, &["127.0.0.1".into(), "localhost".into()], now()).unwrap();
    assert!(certificate(&home, &[], now()).is_err());
    assert!(store_secret(&home, "not a secret").is_err());
    store_secret(&home, &secret_text(&secret())).unwrap();
    let options = SinkOptions::from_home(&home, "dsp-a".into(), listen, &out, clock).unwrap();
    assert_eq!(options.receiver.certificate_pem, pem);
    assert!(Sink::bind(options).await.is_ok());
}
