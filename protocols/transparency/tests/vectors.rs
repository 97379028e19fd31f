use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;
use crate::golden;

#[test]
fn committed_vectors_are_what_the_code_makes() {
    let leaves = bytes(&story());
    let mut store = MemoryStore::default();
    let (old_size, old_root) = publish(0, &leaves[..9], &mut store).unwrap();
    let (size, root) = publish(old_size, &leaves[9..], &mut store).unwrap();
    sign(&mut store, size, &root);
    check(&store).unwrap();
    let hashes = |proof: Vec<[u8; 32]>| -> Vec<String> { proof.iter().map(hex::encode).collect() };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let files: serde_json::Map<_, _> = store
        .files
        .iter()
        .map(|(path, content)| (path.clone(), json!(hex::encode(content))))
        .collect();

    let counted: Vec<Vec<u8>> = (0..700).map(|n: u32| n.to_string().into_bytes()).collect();
    let trees: Vec<_> = [0, 1, 2, 3, 255, 256, 257, 700]
        .into_iter()
        .map(|size: usize| {
            let mut store = MemoryStore::default();
            let (_, root) = publish(0, &counted[..size], &mut store).unwrap();
            let files: serde_json::Map<_, _> = store
                .files
                .iter()
                .map(|(path, content)| (path.clone(), json!(hex::encode(Sha256::digest(content)))))
                .collect();
            json!({ "size": size, "root": hex::encode(root), "files_sha256": files })
        })
        .collect();

    golden::check(
        "transparency/vectors/log.json",
        &json!({
            "origin": ORIGIN,
            "seed": hex::encode([0x71; 32]),
            "vkey": key().vkey(),
            "leaves": leaves.iter().map(|leaf| text(leaf)).collect::<Vec<_>>(),
            "size": size,
            "root": hex::encode(root),
            "checkpoint": text(&store.files[CHECKPOINT]),
            "files": files,
            "inclusion": {
                "index": 11,
                "proof": hashes(inclusion_proof(&store, size, &root, 11).unwrap()),
            },
            "consistency": {
                "old_size": old_size,
                "old_root": hex::encode(old_root),
                "proof": hashes(consistency_proof(&store, size, &root, old_size).unwrap()),
            },
            "counted": trees,
        }),
    );
}

#[test]
fn committed_vectors_of_a_witness_are_what_the_code_makes() {
    let (old, size, time) = (5, 300, 1_795_600_000);
    let leaves: Vec<_> = (0..size).map(|n| witnesses::act(n, 0)).collect();
    let request = witnesses::request(old, size, 0);
    let checkpoint = String::from_utf8(request.checkpoint.clone()).unwrap();
    let (text, _) = checkpoint.split_once("\n\n").unwrap();
    let key = witnesses::witness(1);
    let line = key.cosign(format!("{text}\n").as_bytes(), time);
    golden::check(
        "transparency/vectors/witness.json",
        &json!({
            "leaf": String::from_utf8(leaves[0].clone()).unwrap(),
            "leaf_last": String::from_utf8(leaves[299].clone()).unwrap(),
            "size": size,
            "old_size": old,
            "name": key.verifier().name(),
            "seed": hex::encode([1; 32]),
            "vkey": key.verifier().vkey(),
            "log_vkey": super::key().vkey(),
            "time": time,
            "request": String::from_utf8(request.to_bytes()).unwrap(),
            "answer": line,
            "checkpoint": format!("{checkpoint}{line}"),
        }),
    );
}
