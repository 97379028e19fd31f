#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use clap::{CommandFactory, Parser};

use super::{CommandLine, Exit};

/// Every command that does something, with the words that lead to it.
fn leaves(command: &clap::Command, path: &str, out: &mut Vec<(String, clap::Command)>) {
    for sub in command.get_subcommands() {
        let path = format!("{path} {}", sub.get_name());
        if sub.has_subcommands() {
            leaves(sub, &path, out);
        } else {
            out.push((path, sub.clone()));
        }
    }
}

fn all() -> Vec<(String, clap::Command)> {
    let mut out = Vec::new();
    leaves(&CommandLine::command(), "tamis", &mut out);
    out
}

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn every_command_has_an_example_that_parses() {
    for (path, mut command) in all() {
        let help = command.render_long_help().to_string();
        let example = help
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with(&path))
            .unwrap_or_else(|| panic!("{path} has no example"));
        let example = example
            .split(" > ")
            .next()
            .unwrap()
            .split(" && ")
            .next()
            .unwrap();
        let words = shell_words(example.split("  ").next().unwrap());
        CommandLine::try_parse_from(words)
            .unwrap_or_else(|error| panic!("the example of {path} does not parse: {error}"));
    }
}

/// Splits at spaces outside single quotes.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for sign in line.chars() {
        match sign {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(sign),
        }
    }
    words
}

#[test]
fn every_command_takes_json() {
    for (path, _) in all() {
        let words = path.split(' ').chain(["--json", "--help"]);
        let error = CommandLine::try_parse_from(words).err().unwrap();
        assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "{path}");
    }
}

#[test]
fn exit_codes_are_the_documented_ones() {
    let help = CommandLine::command().render_long_help().to_string();
    let manual = include_str!("../../docs/cli.md");
    for exit in [
        Exit::Done,
        Exit::Refused,
        Exit::Usage,
        Exit::Service,
        Exit::Interrupted,
    ] {
        assert!(help.contains(&format!("\n  {}  ", exit.code())));
        assert!(manual.contains(&format!("| {} |", exit.code())));
    }
    assert_eq!(Exit::Interrupted.code(), 4);
}

#[test]
fn the_manual_names_every_command() {
    let manual = include_str!("../../docs/cli.md");
    for (path, _) in all() {
        assert!(
            manual.contains(&format!("`{path}")),
            "{path} is not in docs/cli.md"
        );
    }
}

#[test]
fn a_collaboration_cannot_be_proposed_below_the_floor() {
    let line = "tamis collaboration propose --with g --to d --k-min 99";
    assert!(CommandLine::try_parse_from(line.split(' ')).is_err());
}

#[test]
fn an_upload_adds_or_removes_and_a_removal_has_no_segments() {
    for (options, is_good) in [
        ("", true),
        (" --add --segments loyalty", true),
        (" --remove", true),
        (" --add --remove", false),
        (" --remove --segments loyalty", false),
        (" --bridge 00ff", true),
        (" --bridge 00ff --refresh", false),
        (" --bridge 00ff --add", false),
        (" --bridge 00ff --remove", false),
    ] {
        let line = format!("tamis upload crm.csv{options}");
        assert_eq!(
            CommandLine::try_parse_from(line.split(' ')).is_ok(),
            is_good,
            "{line}"
        );
    }
}

#[test]
fn an_audience_has_a_plain_name() {
    for (name, is_good) in [
        ("loyal", true),
        ("a-1", true),
        ("Loyal", false),
        ("1a", false),
        ("a b", false),
        ("", false),
    ] {
        let line = [
            "tamis", "audience", "create", name, "--where", "all", "--to", "d",
        ];
        assert_eq!(CommandLine::try_parse_from(line).is_ok(), is_good, "{name}");
    }
}

#[test]
fn the_demos_options_are_kept() {
    for line in [
        "tamis demo --crm a --graph b --region FR --keys email,phone,postal --as-of 2026-11-22 --out d --json --serve",
        "tamis demo --rows 1000000 --seed 7",
        "tamis demo",
    ] {
        if let Err(error) = CommandLine::try_parse_from(line.split(' ')) {
            panic!("{line}: {error}");
        }
    }
}
