//! The first message as it came, for trying other verifiers on it (`tests/webhooks/verify.py`).

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hyper::HeaderMap;

/// Writes `headers.json` and `body` unless a body is there already. Both can be read by the owner
/// alone, because the body may hold open cookies.
pub(super) fn first(directory: &Path, headers: &HeaderMap, body: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let create = |name: &str| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(directory.join(name))
    };
    let mut file = match create("body") {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        file => file?,
    };
    let headers: BTreeMap<&str, String> = headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str(),
                String::from_utf8_lossy(value.as_bytes()).into(),
            )
        })
        .collect();
    create("headers.json")?.write_all(&serde_json::to_vec_pretty(&headers)?)?;
    file.write_all(body)
}
