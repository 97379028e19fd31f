#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use super::*;

fn made(rows: u64, seed: u64) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), rows, seed).unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    (read("crm.csv"), read("graph.csv"))
}

fn column<'a>(file: &'a str, name: &str) -> Vec<&'a str> {
    let place = file
        .lines()
        .next()
        .unwrap()
        .split(',')
        .position(|column| column == name)
        .unwrap();
    file.lines()
        .skip(1)
        .map(|line| line.split(',').nth(place).unwrap())
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_files_and_another_seed_others() {
    let first = made(500, 1);
    assert!(first == made(500, 1));
    assert!(first != made(500, 2));
}

#[test]
fn every_line_has_the_columns_of_the_example_files() {
    let (crm, graph) = made(2_000, 3);
    for (file, example) in [(&crm, "crm.csv"), (&graph, "graph.csv")] {
        let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(example);
        let example = std::fs::read_to_string(example).unwrap();
        assert_eq!(file.lines().next(), example.lines().next());
        let commas = file.lines().next().unwrap().matches(',').count();
        assert!(file.lines().all(|line| line.matches(',').count() == commas));
        assert_eq!(file.lines().count(), 2_001);
    }
}

#[test]
fn about_forty_percent_of_the_people_are_on_both_sides() {
    let population = Population::new(10_000, 5);
    let known: BTreeSet<u64> = (0..4_000).map(|row| population.permuted(row, 2)).collect();
    assert_eq!(known.len(), 4_000);
    let (crm, _) = made(10_000, 5);
    let ids: BTreeSet<&str> = column(&crm, "customer_id").into_iter().collect();
    assert_eq!(ids.len(), 10_000);
}

#[test]
fn platinum_and_inactive_together_stay_below_the_minimum() {
    let (crm, _) = made(50_000, 7);
    let both = column(&crm, "loyalty")
        .into_iter()
        .zip(column(&crm, "status"));
    assert!(
        both.filter(|pair| *pair == ("platinum", "inactive"))
            .count()
            < 100
    );
    let platinum = column(&crm, "loyalty")
        .into_iter()
        .filter(|loyalty| *loyalty == "platinum");
    assert!(platinum.count() > 500);
}
