#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::entropy::tests::Counting;
use crate::purpose::{PairSecret, PairShare};

fn fresh() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/home");
    (dir, path)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn every_file(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_eq!(mode(&path), 0o700);
            found.extend(every_file(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_party_home_keeps_its_keys_in_files_that_only_the_owner_can_read() {
    let (_dir, path) = fresh();
    let made = PartyHome::create(&path, &Counting::new()).unwrap();
    let share: Secret<PairShare> = Secret::from_bytes([1; 32]);
    made.store_share("c1", &share).unwrap();
    made.write("service.json", b"{}").unwrap();
    assert_eq!(mode(&path), 0o700);
    for file in every_file(&path) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }

    let opened = PartyHome::open(&path).unwrap();
    assert!(PartyHome::exists(&path));
    assert!(opened.signing().ct_eq(&made.signing()));
    assert!(opened.sealing().ct_eq(&made.sealing()));
    assert!(opened.cookie_tag().ct_eq(&made.cookie_tag()));
    assert!(opened.share("c1").unwrap().unwrap().ct_eq(&share));
    assert!(opened.share("c2").unwrap().is_none());
    assert_eq!(
        opened.read("service.json").unwrap().unwrap().as_slice(),
        b"{}"
    );
    assert!(opened.read("other").unwrap().is_none());
}

#[test]
fn a_finished_home_is_never_made_anew_and_an_interrupted_one_is_taken_up() {
    let (_dir, path) = fresh();
    let entropy = Counting::new();
    let made = PartyHome::create(&path, &entropy).unwrap();
    assert!(matches!(
        PartyHome::create(&path, &entropy),
        Err(HomeError::AlreadyThere(_))
    ));

    std::fs::remove_file(path.join("party-home")).unwrap();
    std::fs::remove_file(path.join("sealing.key")).unwrap();
    assert!(matches!(
        PartyHome::open(&path),
        Err(HomeError::NotThere { .. })
    ));
    let again = PartyHome::create(&path, &entropy).unwrap();
    assert!(again.signing().ct_eq(&made.signing()));
    assert!(!again.sealing().ct_eq(&made.sealing()));
}

#[test]
fn a_home_that_others_can_use_is_refused_with_the_command_that_repairs_it() {
    let (_dir, path) = fresh();
    PartyHome::create(&path, &Counting::new()).unwrap();
    set_permissions(&path, Permissions::from_mode(0o750)).unwrap();
    let said = PartyHome::open(&path).err().unwrap().to_string();
    assert!(
        said.contains("mode 750") && said.contains("chmod 700"),
        "{said}"
    );
    set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
    set_permissions(path.join("signing.key"), Permissions::from_mode(0o644)).unwrap();
    let said = PartyHome::open(&path).err().unwrap().to_string();
    assert!(
        said.contains("mode 644") && said.contains("chmod 600"),
        "{said}"
    );
}

#[test]
fn a_pair_secret_is_never_overwritten_by_another() {
    let (_dir, path) = fresh();
    let home = PartyHome::create(&path, &Counting::new()).unwrap();
    let secret = |n| Secret::<PairSecret>::from_bytes([n; 32]);
    home.store_pair_secret("c1", &secret(1)).unwrap();
    home.store_pair_secret("c1", &secret(1)).unwrap();
    assert!(matches!(
        home.store_pair_secret("c1", &secret(2)),
        Err(HomeError::Conflict(_))
    ));
    assert!(home.pair_secret("c1").unwrap().unwrap().ct_eq(&secret(1)));
}

#[test]
fn a_key_copied_to_another_keys_name_is_refused() {
    let (_dir, path) = fresh();
    PartyHome::create(&path, &Counting::new()).unwrap();
    std::fs::copy(path.join("signing.key"), path.join("sealing.key")).unwrap();
    assert!(matches!(PartyHome::open(&path), Err(HomeError::NotAKey(_))));
}

#[test]
fn no_name_leads_out_of_the_home() {
    let (_dir, path) = fresh();
    let home = PartyHome::create(&path, &Counting::new()).unwrap();
    for name in ["", "..", "../x", "a/b", "/etc/passwd", ".hidden", "a\0b"] {
        assert!(
            matches!(home.write(name, b""), Err(HomeError::BadName)),
            "{name}"
        );
        assert!(home.share(name).is_err(), "{name}");
    }
}

#[test]
fn a_failed_write_leaves_the_old_content_and_no_temporary_file() {
    let (_dir, path) = fresh();
    create_private_dir(&path).unwrap();
    let file = path.join("x");
    write_private(&file, b"old").unwrap();
    // A directory in the way makes the rename fail after the bytes were written.
    let blocked = path.join("blocked");
    std::fs::create_dir(&blocked).unwrap();
    assert!(write_private(&blocked, b"new").is_err());
    assert_eq!(read_private(&file).unwrap().as_slice(), b"old");
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 2);
}

#[test]
fn an_operator_home_takes_its_key_from_the_file_or_the_command() {
    let (_dir, path) = fresh();
    let made = OperatorHome::create(&path, &Counting::new()).unwrap();
    let opened = OperatorHome::open(&path).unwrap();
    assert!(opened.log_signing().ct_eq(&made.log_signing()));
    assert!(opened.kek(None).unwrap().ct_eq(&made.kek(None).unwrap()));
    std::fs::remove_file(path.join("kek.key")).unwrap();
    let command = "echo AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    let opened = OperatorHome::open(&path).unwrap();
    assert!(opened.kek(None).is_err());
    assert!(
        opened
            .kek(Some(command))
            .unwrap()
            .ct_eq(&Secret::from_bytes([2; 32]))
    );
}

#[test]
fn files_written_together_are_all_new_and_leave_no_temporary_file() {
    let (_dir, path) = fresh();
    create_private_dir(&path.join("deep")).unwrap();
    write_private(&path.join("b"), b"old").unwrap();
    let files = ["a", "b", "deep/c"].map(|name| (path.join(name), name.as_bytes().to_vec()));
    write_private_all(&files).unwrap();
    for (file, content) in &files {
        assert_eq!(&*read_private(file).unwrap(), content);
        assert_eq!(mode(file), 0o600);
    }
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 3);
    let nowhere = [(path.join("none/d"), Vec::new())];
    assert!(write_private_all(&nowhere).is_err());
}

#[test]
fn what_a_kill_left_of_a_replaced_file_is_taken_up() {
    let (_dir, path) = fresh();
    create_private_dir(&path).unwrap();
    std::fs::write(path.join(".x.tmp"), b"half").unwrap();
    replace_private(&path.join("x"), b"whole").unwrap();
    assert_eq!(read_private(&path.join("x")).unwrap().as_slice(), b"whole");
    assert_eq!(mode(&path.join("x")), 0o600);
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
}
