//! The checker: content with a world as it was left, and with nothing less.

use std::fs;
use std::path::{Path, PathBuf};

use tamis_protocols::transparency::paths;
use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World};
use crate::service::check::Checked;

/// Something of every kind is stored: an upload on its way, one that waits for sealing, two sealed
/// sets, member files, emissions, a withdrawal, a published log.
async fn stored() -> (World, String, String) {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    let tokens = persons[..3].iter();
    let request = WithdrawalRequest {
        tokens: tokens.map(|one| hex::encode(one.token().0)).collect(),
        kind: Default::default(),
    };
    let partner = world.caller("graphs");
    let withdrawn = world.service.withdraw(&partner, &collaboration, request);
    withdrawn.await.unwrap();
    world.work(&ALL).await;
    let incomplete = world.create(&collaboration, 3 << 20).await;
    let mut writer = world.append_at(&incomplete.id, 0).await;
    writer.append(&vec![7; 5 << 18]).await.unwrap();
    writer.commit().await.unwrap();
    let rows = super::crm(&collaboration, &persons);
    let waiting = world.send("shop", &collaboration, &rows).await;
    (world, incomplete.id, waiting)
}

pub(super) async fn check(world: &World) -> Checked {
    world.service.check_stored(&|_, _| {}).await.unwrap()
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

fn flip(path: &Path, at: usize) -> Vec<u8> {
    let good = fs::read(path).unwrap();
    let mut bad = good.clone();
    bad[at] ^= 0x10;
    fs::write(path, bad).unwrap();
    good
}

/// Whether some finding names an object and a file of it.
fn names(checked: &Checked, object: &str, file: &str) -> bool {
    let mut findings = checked.findings.iter();
    findings.any(|one| {
        one.object.contains(object) && one.problem.contains(file) && !one.next.is_empty()
    })
}

#[tokio::test]
async fn a_world_as_it_was_left_is_whole_and_checking_changes_nothing() {
    let (world, ..) = stored().await;
    let before: Vec<_> = files(world.path());
    let checked = check(&world).await;
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    assert!(checked.leftovers.is_empty(), "{:?}", checked.leftovers);
    assert_eq!(
        (checked.spools, checked.sets, checked.withdrawals),
        (2, 2, 1)
    );
    assert_eq!((checked.member_files, checked.emissions), (2, 2));
    assert_eq!(checked.ledgers, 2);
    assert_eq!(checked.leaves, world.leaves().await.len() as u64);
    let data = |list: Vec<PathBuf>| {
        let kept = list
            .into_iter()
            .filter(|path| !path.ends_with("tamis.db-wal"));
        kept.collect::<Vec<_>>()
    };
    assert_eq!(data(before), data(files(world.path())));
}

#[tokio::test]
async fn one_flipped_byte_in_any_file_is_found_and_the_object_named() {
    let (world, ..) = stored().await;
    for kind in [
        "uploads",
        "sets",
        "consent",
        "withdrawals",
        "members",
        "emissions",
    ] {
        for path in files(&world.path().join(kind)) {
            let shown = path.strip_prefix(world.path()).unwrap().to_str().unwrap();
            let id = shown.split('/').nth(1).unwrap();
            for at in [0, fs::metadata(&path).unwrap().len() as usize - 20] {
                let good = flip(&path, at);
                let checked = check(&world).await;
                assert!(names(&checked, id, ""), "{shown} at {at}");
                if kind != "uploads" {
                    let name = path.file_name().unwrap().to_str().unwrap();
                    assert!(names(&checked, id, name), "{:?}", checked.findings);
                }
                assert_eq!(checked.findings.len(), 1);
                fs::write(&path, good).unwrap();
            }
        }
    }
    let log = world.path().join("log");
    let leaves = world.leaves().await.len() as u64;
    for name in paths(leaves).chain(["checkpoint".to_owned()]) {
        let path = log.join(&name);
        let good = flip(&path, 30);
        let checked = check(&world).await;
        // What is wrong with an entry is said of the leaf.
        let named = names(&checked, "log", &name) || names(&checked, "log", "leaf");
        assert!(named, "{name}: {checked:?}");
        fs::write(&path, good).unwrap();
    }
    assert!(check(&world).await.findings.is_empty());
}

#[tokio::test]
async fn a_missing_file_is_found() {
    let (world, ..) = stored().await;
    for kind in [
        "uploads",
        "sets",
        "consent",
        "withdrawals",
        "members",
        "emissions",
    ] {
        for path in files(&world.path().join(kind)) {
            let good = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            assert_eq!(check(&world).await.findings.len(), 1, "{}", path.display());
            fs::write(&path, good).unwrap();
        }
    }
    fs::remove_file(world.path().join("log/checkpoint")).unwrap();
    assert!(names(&check(&world).await, "log", "checkpoint"));
}

#[tokio::test]
async fn a_spool_may_have_a_torn_tail_but_not_lose_what_was_acknowledged() {
    let (world, incomplete, waiting) = stored().await;
    let path = world.path().join("uploads").join(&incomplete);
    let good = fs::read(&path).unwrap();
    // Killed while the next frame was written.
    fs::write(&path, [&good[..], &good[24..5000]].concat()).unwrap();
    assert!(check(&world).await.findings.is_empty());
    assert_eq!(fs::metadata(&path).unwrap().len(), good.len() as u64 + 4976);
    fs::write(&path, &good[..good.len() - 1]).unwrap();
    let checked = check(&world).await;
    assert!(names(&checked, &incomplete, "were acknowledged"));
    assert_eq!(fs::metadata(&path).unwrap().len(), good.len() as u64 - 1);
    fs::write(&path, &good).unwrap();
    // One that is complete has no tail that may be torn.
    let path = world.path().join("uploads").join(&waiting);
    let good = fs::read(&path).unwrap();
    fs::write(&path, [&good[..], &good[24..40]].concat()).unwrap();
    assert!(names(&check(&world).await, &waiting, "damaged"));
}

#[tokio::test]
async fn a_visible_set_that_is_not_whole_is_found_before_its_upload_is_sealed() {
    let (world, _, waiting) = stored().await;
    let sets = world.path().join("sets");
    fs::create_dir(sets.join(format!("{waiting}.tmp"))).unwrap();
    fs::write(world.path().join("uploads/half"), "x").unwrap();
    let checked = check(&world).await;
    assert!(checked.findings.is_empty(), "{:?}", checked.findings);
    let left = [format!("sets/{waiting}.tmp"), "uploads/half".to_owned()];
    assert_eq!(checked.leftovers, left);
    fs::rename(sets.join(format!("{waiting}.tmp")), sets.join(&waiting)).unwrap();
    let checked = check(&world).await;
    assert!(names(&checked, &waiting, "not whole"), "{checked:?}");
}

#[tokio::test]
async fn a_set_that_is_not_the_one_that_was_reported_is_found() {
    let (world, ..) = stored().await;
    let sets = fs::read_dir(world.path().join("sets")).unwrap();
    let sets: Vec<PathBuf> = sets.map(|entry| entry.unwrap().path()).collect();
    // Each is whole, and stands in the other's place.
    let aside = world.path().join("aside");
    fs::rename(&sets[0], &aside).unwrap();
    fs::rename(&sets[1], &sets[0]).unwrap();
    fs::rename(&aside, &sets[1]).unwrap();
    assert_eq!(check(&world).await.findings.len(), 2);
}

#[tokio::test]
async fn a_log_that_is_not_of_the_stored_leaves_is_found() {
    let (mut world, ..) = stored().await;
    let (mut other, ..) = stored().await;
    world.enrol("rival", Role::Advertiser).await;
    other.enrol("stranger", Role::Partner).await;
    world.work(&ALL).await;
    other.work(&ALL).await;
    let (log, foreign) = (world.path().join("log"), other.path().join("log"));
    fs::rename(&log, world.path().join("aside")).unwrap();
    fs::rename(&foreign, &log).unwrap();
    // As long, well signed, in good order; but not what happened here.
    let checked = check(&world).await;
    assert!(
        names(&checked, "log", "not those that were published"),
        "{checked:?}"
    );
    fs::remove_dir_all(&log).unwrap();
    fs::create_dir(&log).unwrap();
    assert!(names(&check(&world).await, "log", "checkpoint"));
}
