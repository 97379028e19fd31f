//! Sealed lists of tokens: people who withdrew.

use std::path::Path;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::token::Token;
use zeroize::Zeroizing;

use super::SetError;
use super::block::{BlockFile, BlockReader, BlockWriter, FileNonce, STREAM_BLOCK};
use super::directory::Staged;

/// Sorts `tokens` and writes them, each once, durably and under their final name only when complete.
/// `ctx` says what the list is and is bound to it.
///
/// # Errors
/// The file cannot be written; nothing is left behind.
pub fn write_tokens(
    path: &Path,
    key: &Secret<Data>,
    ctx: &str,
    tokens: &mut [Token],
) -> Result<(), SetError> {
    tokens.sort_unstable();
    let nonce = {
        let content = tokens.iter().map(|token| token.0.as_slice());
        derived_nonce(key, &context(ctx), content)
    };
    let staged = Staged::file(path)?;
    let mut file = BlockWriter::create(staged.path(), key, &context(ctx), &nonce, STREAM_BLOCK)?;
    let mut previous = None;
    for token in tokens {
        if previous != Some(*token) {
            file.write(&token.0)?;
        }
        previous = Some(*token);
    }
    file.finish()?;
    staged.publish()
}

/// Reads a list back, sorted, each token once. Memory: 16 bytes per token.
///
/// # Errors
/// The file is missing, damaged, or another list.
pub fn read_tokens(path: &Path, key: &Secret<Data>, ctx: &str) -> Result<Vec<Token>, SetError> {
    let file = Arc::new(BlockFile::open(path, key, &context(ctx))?);
    let mut tokens = Vec::with_capacity((file.bytes() / 16) as usize);
    let (mut reader, mut token) = (BlockReader::new(file), [0; 16]);
    while reader.read(&mut token)? {
        tokens.push(Token(token));
    }
    Ok(tokens)
}

fn context(ctx: &str) -> String {
    format!("tamis/v1/tokens/{ctx}")
}

/// A nonce made from the content by a keyed hash: the same content gives the same file, another
/// content another subkey, also when a file is written again after a crash.
pub(super) fn derived_nonce<'a>(
    key: &Secret<Data>,
    context: &str,
    content: impl Iterator<Item = &'a [u8]>,
) -> FileNonce {
    // A key shorter than a block of the hash is padded with zeros (RFC 2104).
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key.expose());
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(b"tamis/v1/file-nonce\0");
    mac.update(&(context.len() as u64).to_be_bytes());
    mac.update(context.as_bytes());
    content.for_each(|part| mac.update(part));
    let hash = mac.finalize().into_bytes();
    let mut nonce = [0; 16];
    nonce.copy_from_slice(&hash[..16]);
    nonce
}
