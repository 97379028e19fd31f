#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new(FILE))
}

#[test]
fn what_init_writes_is_read_back_the_same_and_explains_every_key() {
    let mut config = Config::default();
    config.uploads.max_bytes = 12345;
    config.database = Some("sqlite:other.db".to_owned());
    let text = config.to_text();
    assert_eq!(parse(&text).unwrap(), config);
    let explained = text.lines().filter(|line| line.starts_with("# ")).count();
    let keys = text.lines().filter(|line| line.contains(" = ")).count();
    assert!(explained + 8 > keys, "{text}");
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(parse("").unwrap(), Config::default());
}

#[test]
fn a_misspelt_limit_is_refused_with_its_line() {
    let error = parse("[limits]\nconections = 5\n").unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
    assert!(error.contains("conections"), "{error}");
}

#[test]
fn the_minimum_audience_cannot_be_configured_below_100() {
    assert!(parse("[release]\nk_min = 99\n").is_err());
    assert!(parse("[release]\nk_min = 250\n").is_ok());
}

#[test]
fn limits_that_switch_a_protection_off_are_refused() {
    for text in [
        "[limits]\nheader_seconds = 0\n",
        "[limits]\nrequest_seconds = 100000\n",
        "[limits]\nconnections = 0\n",
        "[enrolment]\ncertificate_days = 398\n",
        "url = \"http://localhost\"\n",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_job_may_use_what_an_earlier_version_gave_to_a_sealing() {
    let config = parse("[work]\nseal_memory_mib = 128\n").unwrap();
    assert_eq!(
        (config.work.job_memory_mib, config.work.memory_mib),
        (128, 1024)
    );
    assert!(parse("[work]\njob_memory_mib = 8\n").is_err());
    assert!(parse("[work]\nmemory_mib = 0\n").is_err());
    assert!(!config.to_text().contains("seal_memory_mib"));
}

#[test]
fn a_refused_configuration_is_never_quoted() {
    let error = parse("database = postgres://tamis:hunter2@db/tamis\n").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

proptest! {
    #[test]
    fn random_text_never_panics(text in "[a-z\\[\\]=\"0-9 \n.é]{0,80}") {
        let _ = parse(&text);
    }
}
