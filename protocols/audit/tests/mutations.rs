//! Ten thousand random changes of a larger log and its documents.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::story::capped;
use super::*;
use crate::release::Policy;

const MUTATIONS: u32 = 10_000;

/// Three bundles of leaves: many collaborations, decisions, deliveries.
fn larger() -> Story {
    let (mut story, first) = Story::opened(Policy::floor());
    let mut collaborations = vec![first];
    for n in 0..6 {
        let id = story.agree(&story::terms(100 + n, capped(7_000)));
        story.upload(&id, 200 + 2 * n, "crm", 1_000 + u64::from(n));
        story.upload(&id, 201 + 2 * n, "graph", 40_000);
        collaborations.push(id);
    }
    story.kept.push(story.checkpoint());
    for n in 0..230 {
        let id = &collaborations[(n % 7) as usize];
        story.wait(4_000);
        story.decide(
            id,
            1_000 + n,
            "dsp-a",
            Some(200 + 10 * u64::from(n)),
            400,
            capped(7_000),
        );
        if n % 2 == 0 {
            story.deliver(1_000 + n, "dsp-a");
        }
    }
    story.kept.push(story.checkpoint());
    story
}

fn below(random: &mut ChaCha20Rng, end: usize) -> usize {
    random.next_u64() as usize % end.max(1)
}

/// Changes lines: dropped, doubled, swapped, moved, cut, or taken from another place.
fn disordered(lines: &mut Vec<Vec<u8>>, random: &mut ChaCha20Rng) {
    let (one, other) = (below(random, lines.len()), below(random, lines.len()));
    match below(random, 5) {
        0 => drop(lines.remove(one)),
        1 => lines.insert(other, lines[one].clone()),
        2 => lines.swap(one, other),
        3 => {
            let line = lines.remove(one);
            lines.insert(other.min(lines.len()), line);
        }
        _ => lines[one] = lines[other].clone(),
    }
}

fn flipped(bytes: &mut [u8], random: &mut ChaCha20Rng) {
    if !bytes.is_empty() {
        let at = below(random, bytes.len());
        bytes[at] ^= 1 << below(random, 8);
    }
}

#[test]
fn ten_thousand_random_changes_are_all_found() {
    let story = larger();
    let honest = pack(&story);
    check(&story, &honest).unwrap();
    let paths: Vec<&String> = honest.files.keys().collect();
    let same: Vec<Vec<u8>> = story.leaves.iter().map(|leaf| leaf.to_bytes()).collect();
    let mut random = ChaCha20Rng::from_seed([42; 32]);
    let (mut found, mut unchanged) = (0, 0);
    while found < MUTATIONS {
        let mut store = honest.clone();
        let path = paths[below(&mut random, paths.len())];
        match below(&mut random, 6) {
            // Whatever file, without more ado.
            0 | 1 => flipped(store.files.get_mut(path).unwrap(), &mut random),
            2 if is_older(path, &honest) => {}
            2 => drop(store.files.remove(path)),
            3 => {
                let other = store.files[paths[below(&mut random, paths.len())]].clone();
                store.files.insert(path.clone(), other);
            }
            // Documents, and the manifest made anew.
            4 => {
                let lines = &honest.files[file::DOCUMENTS];
                let mut lines: Vec<Vec<u8>> = lines
                    .split_inclusive(|byte| *byte == b'\n')
                    .map(<[u8]>::to_vec)
                    .collect();
                disordered(&mut lines, &mut random);
                store.files.insert(file::DOCUMENTS.into(), lines.concat());
                let summary = String::from_utf8(store.files[file::SUMMARY].clone()).unwrap();
                close(&story, &mut store, summary);
            }
            // Leaves, every tile made anew; only the checkpoint cannot be.
            _ => {
                let mut leaves = same.clone();
                match below(&mut random, 3) {
                    0 => {
                        let at = below(&mut random, leaves.len());
                        flipped(&mut leaves[at], &mut random);
                    }
                    _ => disordered(&mut leaves, &mut random),
                }
                store.files.retain(|path, _| !path.starts_with("tile/"));
                publish(0, &leaves, &mut store).unwrap();
                if leaves == same {
                    unchanged += 1;
                    continue;
                }
            }
        }
        if store.files == honest.files {
            unchanged += 1;
            continue;
        }
        let outcome = check(&story, &store);
        assert!(outcome.is_err(), "change {found} of {path} was not found");
        found += 1;
    }
    assert!(unchanged < MUTATIONS, "{unchanged} changes changed nothing");
}
