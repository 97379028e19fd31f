//! Files taken apart and put together again with their key: the decoders below the encryption meet bytes
//! that no honest writer made. This knows the formats of `sets/block.rs` and `sets/run`; when they
//! change, [`clear`] says so at once.

use tamis_keys::Secret;
use tamis_keys::envelope::{BlockCipher, PageCipher};
use tamis_keys::purpose::Data;

const HEADER: usize = 32;

/// How a file is made of blocks.
enum Form {
    /// A block file, with the length of a block in clear.
    Blocks(usize),
    /// A token run, with the length of a page in clear.
    Pages(usize),
}

fn form(file: &[u8]) -> Option<Form> {
    let number = u32::from_le_bytes(file.get(12..16)?.try_into().ok()?) as usize;
    match file.get(..8)? {
        b"tamisblk" => Some(Form::Blocks(number)),
        // Count, token, owner, day, and for an advertiser class.
        b"tamisrun" => Some(Form::Pages(8 + number * (22 + 2 * usize::from(file[10])))),
        _ => None,
    }
}

fn nonce(file: &[u8]) -> String {
    hex::encode(&file[16..HEADER])
}

/// What is in a file.
///
/// # Panics
/// If the file is not of the format that is known here.
pub(crate) fn clear(file: &[u8], key: &Secret<Data>, context: &str) -> Vec<u8> {
    let stale = "the format of files at rest has changed: bring fuzz/src/resealed.rs up to date";
    let mut clear = Vec::new();
    match form(file).expect(stale) {
        Form::Blocks(length) => {
            let cipher = BlockCipher::new(key, &format!("{context}/{length}/{}", nonce(file)));
            let blocks = file[HEADER..].chunks(length + BlockCipher::OVERHEAD);
            let last = blocks.len() - 1;
            for (at, block) in blocks.enumerate() {
                let mut block = block.to_vec();
                let opened = cipher.open_in_place(at as u64, at == last, &mut block);
                clear.extend_from_slice(opened.expect(stale));
            }
        }
        Form::Pages(length) => {
            let cipher = PageCipher::new(key, &format!("{context}/{}", nonce(file)));
            let pages = file[HEADER..].chunks(length + PageCipher::OVERHEAD);
            for (at, page) in pages.enumerate() {
                let mut page = page.to_vec();
                cipher.open_in_place(at as u64, &mut page).expect(stale);
                clear.extend_from_slice(&page[..length]);
            }
        }
    }
    clear
}

/// The file that an honest writer would make of `clear`, with the head of `file`.
pub(crate) fn sealed(file: &[u8], clear: &[u8], key: &Secret<Data>, context: &str) -> Vec<u8> {
    let mut made = file[..HEADER].to_vec();
    match form(file) {
        Some(Form::Blocks(length)) => {
            let cipher = BlockCipher::new(key, &format!("{context}/{length}/{}", nonce(file)));
            let blocks = clear.len().div_ceil(length).max(1);
            for at in 0..blocks {
                let end = ((at + 1) * length).min(clear.len());
                let mut block = clear[at * length..end].to_vec();
                cipher.seal_in_place(at as u64, at + 1 == blocks, &mut block);
                made.extend_from_slice(&block);
            }
        }
        Some(Form::Pages(length)) => {
            let cipher = PageCipher::new(key, &format!("{context}/{}", nonce(file)));
            for (at, part) in clear.chunks(length).enumerate() {
                let mut page = vec![0; length + PageCipher::OVERHEAD];
                page[..part.len()].copy_from_slice(part);
                cipher.seal_in_place(at as u64, &mut page);
                made.extend_from_slice(&page);
            }
        }
        None => {}
    }
    made
}

/// The length of a file as the header of its set has it.
pub(crate) fn length(file: &[u8], clear: &[u8], made: &[u8]) -> u64 {
    match form(file) {
        Some(Form::Pages(_)) => made.len() as u64,
        _ => clear.len() as u64,
    }
}
