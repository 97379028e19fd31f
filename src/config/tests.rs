#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use tamis_protocols::transparency::WitnessKey;

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
fn no_parameter_of_the_release_policy_can_be_configured_below_the_floor() {
    for (looser, tighter) in [
        ("k_min = 99", "k_min = 250"),
        ("cell_min = 49", "cell_min = 60"),
        ("noise_scale = 4", "noise_scale = 10"),
        ("round_to = 1", "round_to = 50"),
        ("pair_cap = 8001", "pair_cap = 4000"),
        ("partner_cap = 80001", "partner_cap = 0"),
        ("window_days = 29", "window_days = 60"),
        ("look_back_days = 89", "look_back_days = 180"),
        ("upload_min = 999", "upload_min = 5000"),
        ("window_minutes = 1441", "window_minutes = 60"),
    ] {
        let error = parse(&format!("[release]\n{looser}\n")).unwrap_err();
        let (name, _) = looser.split_once(' ').unwrap();
        let said = error.to_string();
        assert!(said.contains(name) && said.contains("line 1"), "{said}");
        let config = parse(&format!("[release]\n{tighter}\n")).unwrap();
        assert_ne!(config.release, Policy::floor(), "{tighter}");
        assert_eq!(parse(&config.to_text()).unwrap(), config);
    }
    assert!(parse("[release]\nk_mim = 250\n").is_err());
    assert!(parse("[release]\nk_min = -1\n").is_err());
}

#[test]
fn every_parameter_of_the_release_policy_is_explained() {
    let text = Config::default().to_text();
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|line| *line == "[release]").unwrap();
    let keys = serde_json::to_value(Policy::floor()).unwrap();
    for key in keys.as_object().unwrap().keys() {
        let at = lines[start..]
            .iter()
            .position(|line| line.starts_with(&format!("{key} = ")));
        let before = lines[start + at.unwrap() - 1];
        assert!(before.starts_with("# "), "{key}: {before}");
    }
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
fn witnesses_are_read_each_once_and_no_more_required_than_there_are() {
    let vkey = |n: u8| {
        let key = tamis_keys::Secret::from_bytes([n; 32]);
        let key = WitnessKey::new(key, &format!("witness.example/w{n}"));
        key.unwrap().verifier().vkey()
    };
    let peer =
        |vkey: &str| format!("[[witness.peer]]\nurl = \"https://w.example\"\nvkey = \"{vkey}\"\n");
    let (one, two) = (peer(&vkey(1)), peer(&vkey(2)));
    let config = parse(&format!("[witness]\nrequire = 2\n{one}{two}")).unwrap();
    assert_eq!(config.witness.verifiers().unwrap().len(), 2);
    assert_eq!(parse(&config.to_text()).unwrap(), config);
    let log = tamis_keys::Secret::from_bytes([1; 32]);
    let log = tamis_protocols::transparency::LogKey::new(log, "a.example/log").unwrap();
    for bad in [
        format!("[witness]\nrequire = 2\n{one}"),
        format!("[witness]\nrequire = 1\n{one}{one}"),
        format!("{one}{}", peer("none")),
        peer(&log.vkey()),
        one.replace("https", "http"),
        "[witness]\nrequire = 1\n".to_owned(),
        two.repeat(16),
    ] {
        assert!(parse(&bad).is_err(), "{bad}");
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
