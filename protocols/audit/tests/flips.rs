//! One bit, in any file.

use super::*;

#[test]
fn every_flipped_bit_of_every_file_is_found() {
    let story = Story::whole();
    let store = pack(&story);
    check(&story, &store).unwrap();
    let mut flips = 0;
    for (path, content) in &store.files {
        for at in 0..content.len() {
            // Every bit of the small files; of the larger ones one bit a byte, another from byte to byte.
            let bits = match content.len() < 400 {
                true => 0..8,
                false => at % 8..at % 8 + 1,
            };
            for bit in bits {
                let mut altered = store.clone();
                altered.files.get_mut(path).unwrap()[at] ^= 1 << bit;
                assert!(
                    check(&story, &altered).is_err(),
                    "{path}, byte {at}, bit {bit}"
                );
                flips += 1;
            }
        }
    }
    assert!(flips > 5_000);
}

#[test]
fn every_flipped_bit_of_a_file_is_found_under_a_manifest_made_anew() {
    // Somebody who forges may as well make the manifest anew: what is in the files must hold by itself.
    let story = Story::whole();
    let store = pack(&story);
    for path in [file::DOCUMENTS, file::EARLIER, file::KEY, file::SUMMARY] {
        let length = store.files[path].len();
        for at in 0..length {
            let mut altered = store.clone();
            altered.files.get_mut(path).unwrap()[at] ^= 1 << (at % 8);
            let summary = altered.files[file::SUMMARY].clone();
            let Ok(summary) = String::from_utf8(summary) else {
                continue;
            };
            close(&story, &mut altered, summary);
            assert!(check(&story, &altered).is_err(), "{path}, byte {at}");
        }
    }
}

#[test]
fn every_missing_shortened_or_lengthened_file_is_found() {
    let story = Story::whole();
    let store = pack(&story);
    for path in store.files.keys() {
        let mut cut = store.clone();
        cut.files.remove(path);
        // Older partial files may stay, and need not.
        if !is_older(path, &store) {
            assert!(check(&story, &cut).is_err(), "{path} is missing");
        }
        for more in [&b"\0"[..], b"\n", b"{}\n"] {
            let mut longer = store.clone();
            longer.files.get_mut(path).unwrap().extend_from_slice(more);
            assert!(check(&story, &longer).is_err(), "{path} is longer");
        }
        let mut shorter = store.clone();
        if shorter.files.get_mut(path).unwrap().pop().is_some() {
            assert!(check(&story, &shorter).is_err(), "{path} is shorter");
        }
    }
    let mut more = store.clone();
    more.files.insert("NOTES.md".into(), b"trust me\n".to_vec());
    assert!(check(&story, &more).is_err());
}
