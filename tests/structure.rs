//! The direction of imports, as ARCHITECTURE.md states it: no arrow upward.
//!
//! Reads the sources as text: what a room of `src/` names as `crate::room`, and what the two crates
//! below name at all. Test code is no exception, but for the worker that some tests of the service run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every room of `src/` and the rooms that it may name, from the top down.
const ROOMS: [(&str, &[&str]); 15] = [
    ("main", &["app"]),
    (
        "app",
        &[
            "config", "http", "cli", "worker", "party", "service", "store", "sets", "matching",
            "delivery", "domain",
        ],
    ),
    ("config", &["http", "domain"]),
    ("http", &["service", "domain"]),
    ("worker", &["service", "store", "domain"]),
    ("cli", &["attack", "party", "witness", "delivery", "domain"]),
    ("witness", &["delivery", "domain"]),
    ("attack", &[]),
    (
        "service",
        &["store", "sets", "matching", "delivery", "domain"],
    ),
    ("matching", &["sets", "domain"]),
    ("store", &["domain"]),
    ("sets", &["domain"]),
    ("delivery", &["domain"]),
    ("party", &[]),
    ("domain", &[]),
];

/// Who names whom against the rule, and why that is right.
const EXCEPTIONS: [(&str, &str); 2] = [
    // Crash tests kill a running worker in the middle of a use case.
    ("src/service/tests/crashes.rs", "worker"),
    // Memory is admitted and given back by a running worker.
    ("src/service/tests/budget.rs", "worker"),
];

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// A source without its comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The first word of everything that follows `prefix`; all of them for `prefix{a, b}`.
fn named_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        let letters = text.trim_start().chars();
        letters
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut words = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => drop(words.insert(word(rest))),
            Some(list) => {
                let mut depth = 0;
                let mut start = true;
                for (at, c) in list.char_indices() {
                    if start && depth == 0 {
                        words.insert(word(&list[at..]));
                    }
                    start = c == ',' || (start && c.is_whitespace());
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        _ => {}
                    }
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn room_of(path: &str) -> &str {
    let inside = path.trim_start_matches("src/");
    let first = inside.split('/').next().unwrap_or_default();
    first.trim_end_matches(".rs")
}

#[test]
fn no_room_names_a_room_above_it() {
    let rooms = BTreeMap::from(ROOMS);
    let mut wrong = Vec::new();
    for path in sources(Path::new("src")) {
        let path = path.to_str().unwrap();
        let room = room_of(path);
        if room == "lib" {
            continue;
        }
        let below = rooms
            .get(room)
            .unwrap_or_else(|| panic!("{path}: a room without a rule"));
        let own = if room == "main" { "tamis::" } else { "crate::" };
        for named in named_after(&code(Path::new(path)), own) {
            let allowed = named == room
                || below.contains(&named.as_str())
                || EXCEPTIONS.contains(&(path, &named))
                // A macro or constant at the top of the crate.
                || !rooms.contains_key(named.as_str());
            if !allowed {
                wrong.push(format!("{path} names {named}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports that run upward:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_rules_themselves_have_no_circle() {
    for (at, (room, below)) in ROOMS.iter().enumerate() {
        for name in *below {
            let floor = ROOMS.iter().position(|(other, _)| other == name).unwrap();
            assert!(floor > at, "{room} stands below {name}");
        }
    }
}

#[test]
fn keys_know_nothing_of_tamis_and_protocols_only_keys() {
    for (dir, foreign) in [
        ("keys/src", &["tamis_protocols", "tamis::"][..]),
        (
            "protocols",
            &["tamis::", "tokio", "sqlx", "hyper", "std::fs", "std::net"],
        ),
    ] {
        for path in sources(Path::new(dir)) {
            let name = path.to_str().unwrap();
            if name.contains("tests") || name.ends_with("golden.rs") || name.contains("benches") {
                continue;
            }
            let code = code(&path);
            for word in foreign {
                assert!(!code.contains(word), "{name} names {word}");
            }
        }
    }
}

#[test]
fn a_room_is_found_wherever_it_is_named() {
    let code = "use crate::{cli, http::{server, tls}, Api};\nlet x = crate::store::open();\nuse crate::app::X;";
    let expected = ["Api", "app", "cli", "http", "store"].map(str::to_owned);
    assert_eq!(named_after(code, "crate::"), BTreeSet::from(expected));
}

#[test]
fn no_source_is_longer_than_four_hundred_lines() {
    for dir in ["src", "keys", "protocols", "verify", "benches", "tests"] {
        for path in sources(Path::new(dir)) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= 400, "{}: {lines} lines", path.display());
        }
    }
}

#[test]
fn only_the_vector_arithmetic_may_be_other_than_safe() {
    let unsafe_word = ["unsafe", "_code"].concat();
    for dir in ["src", "keys", "protocols", "verify", "benches", "tests"] {
        for path in sources(Path::new(dir)) {
            let excepted = path == Path::new("protocols/intersection/merge/vector.rs");
            let named = fs::read_to_string(&path).unwrap().contains(&unsafe_word);
            assert_eq!(named, excepted, "{}", path.display());
        }
    }
}
