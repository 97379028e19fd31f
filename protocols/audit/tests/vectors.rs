use serde_json::json;

use super::*;
use crate::golden;

#[test]
fn committed_vectors_are_what_the_code_makes() {
    let story = Story::whole();
    let store = pack(&story);
    check(&story, &store).unwrap();
    let files: serde_json::Map<_, _> = store
        .files
        .iter()
        .map(|(path, content)| (path.clone(), json!(hex::encode(content))))
        .collect();
    let draws: Vec<_> = [
        ([1; 32], 9, &b""[..], 7, 20),
        ([2; 32], 1 << 33, b"auditor-2026", 51_200, 12),
        ([3; 32], 300, b"", 1_000_000_000, 8),
        ([3; 32], 300, b"x", 1_000_000_000, 8),
        ([4; 32], 1, b"", 0, 3),
    ]
    .into_iter()
    .map(|(root, size, nonce, total, n)| {
        json!({
            "root": hex::encode(root), "size": size, "nonce": String::from_utf8_lossy(nonce),
            "total": total, "n": n, "drawn": sampling::draw(&root, size, nonce, total, n),
        })
    })
    .collect();
    golden::check(
        "audit/vectors/pack.json",
        &json!({ "vkey": story.key.vkey(), "files": files, "draws": draws }),
    );
}

#[test]
fn a_sample_draws_every_record_once_if_there_are_fewer() {
    let mut drawn = sampling::draw(&[1; 32], 9, b"", 7, 20);
    drawn.sort_unstable();
    assert_eq!(drawn, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn records_are_as_likely_as_each_other() {
    let mut hits = [0_u32; 10];
    for size in 0..3_000 {
        hits[sampling::draw(&[5; 32], size, b"", 10, 1)[0] as usize] += 1;
    }
    // Nine degrees of freedom: 27.9 is exceeded once in a thousand; what is drawn is the same every time.
    let chi: f64 = hits
        .iter()
        .map(|hits| (f64::from(*hits) - 300.0).powi(2) / 300.0)
        .sum();
    assert!(chi < 27.9, "{hits:?}");
}

#[test]
fn a_number_is_a_row_of_the_upload_that_it_falls_into() {
    let rows = [3, 0, 2];
    let places: Vec<_> = (0..6)
        .map(|number| sampling::place(&rows, number))
        .collect();
    let expected = [(0, 0), (0, 1), (0, 2), (2, 0), (2, 1)].map(Some);
    assert_eq!(places[..5], expected);
    assert_eq!(places[5], None);
}
