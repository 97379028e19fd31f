#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tamis_protocols::wire::api::Role;

use super::*;

pub(super) fn entropy() -> Arc<dyn Entropy> {
    #[expect(clippy::disallowed_methods, reason = "this room wires the real one")]
    Arc::new(SystemEntropy::new())
}

pub(super) async fn made(home: &Path) -> Initialised {
    let options = InitOptions {
        home: home.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        hostnames: Vec::new(),
        database: None,
        allow_private_endpoints: false,
    };
    init(&options, entropy()).await.unwrap()
}

pub(super) fn serving(home: &Path) -> ServeOptions {
    ServeOptions {
        home: home.to_owned(),
        as_of: None,
        listen: None,
        ready_file: None,
    }
}

#[tokio::test]
async fn init_makes_a_home_whose_secrets_only_the_owner_reads_and_never_makes_it_twice() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("operator");
    let first = made(&home).await;
    assert!(!first.log_key.is_empty());
    for name in [
        "kek.key",
        "log-signing.key",
        "ca/ca.key",
        "ca/server.key",
        "config.toml",
    ] {
        let mode = std::fs::metadata(home.join(name)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
    }
    let again = InitOptions {
        home,
        listen: ([127, 0, 0, 1], 0).into(),
        hostnames: Vec::new(),
        database: None,
        allow_private_endpoints: false,
    };
    let refused = init(&again, entropy()).await;
    assert!(matches!(refused, Err(AppError::HomeExists(_))));
}

#[tokio::test]
async fn two_services_never_share_a_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("operator");
    made(&home).await;
    let first = start(&serving(&home), entropy()).await.unwrap();
    let second = start(&serving(&home), entropy()).await;
    assert!(matches!(second, Err(AppError::InUse(_))));
    first.stop().await;
    let third = start(&serving(&home), entropy()).await.unwrap();
    third.stop().await;
}

#[tokio::test]
async fn an_invitation_is_made_beside_a_running_service() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("operator");
    let made = made(&home).await;
    let running = start(&serving(&home), entropy()).await.unwrap();
    let options = InviteOptions {
        home,
        name: "shop".to_owned(),
        role: Role::Advertiser,
        url: Some("https://tamis.example".to_owned()),
    };
    let invitation = invite(&options, entropy()).await.unwrap();
    assert_eq!(invitation.url, "https://tamis.example");
    assert_eq!(invitation.log_key, made.log_key);
    assert!(invitation.ca_pem.contains("BEGIN CERTIFICATE"));
    running.stop().await;
}

#[tokio::test]
async fn the_checker_runs_only_while_no_service_does_and_needs_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("operator");
    made(&home).await;
    let running = start(&serving(&home), entropy()).await.unwrap();
    let options = CheckOptions { home: home.clone() };
    let refused = check(&options, entropy(), &|_, _| {}).await;
    assert!(matches!(refused, Err(AppError::InUse(_))));
    running.stop().await;
    let report = check(&options, entropy(), &|_, _| {}).await.unwrap();
    assert!(report.intact, "{report:?}");
    std::fs::remove_file(home.join("tamis.db")).unwrap();
    let refused = check(&options, entropy(), &|_, _| {}).await;
    assert!(matches!(refused, Err(AppError::NoDatabase(_))));
    assert!(!home.join("tamis.db").exists());
}
