//! The published log: checkpoint and tiles, as files that anybody may read.

use std::io;
use std::path::PathBuf;

use tamis_protocols::transparency::{CHECKPOINT, inclusion_proof, leaf_bytes, open_checkpoint};
use tamis_protocols::wire::api::LoggedView;

use super::append::blocking;
use super::work::publish::LogDir;
use super::{Service, ServiceError};

impl Service {
    /// The newest signed checkpoint. Not there until the first publication.
    pub async fn checkpoint(&self) -> Result<String, ServiceError> {
        let path = self.files().log().join(CHECKPOINT);
        let bytes = read(path).await?.ok_or(ServiceError::NotFound)?;
        String::from_utf8(bytes).map_err(|error| ServiceError::internal("checkpoint", error))
    }

    /// A tile or an entry bundle by its path in the C2SP tlog-tiles layout, with or without the
    /// leading `tile/`. None if the log has no such file.
    pub async fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, ServiceError> {
        let path = path.strip_prefix("tile/").unwrap_or(path);
        if !is_tile(path) {
            return Ok(None);
        }
        read(self.files().log().join("tile").join(path)).await
    }

    /// Leaves by their indices, proven to be in the log of the newest checkpoint; without those that are not
    /// published yet.
    pub(super) async fn logged(&self, leaves: Vec<u64>) -> Result<Vec<LoggedView>, ServiceError> {
        let checkpoint = match self.checkpoint().await {
            Ok(checkpoint) => checkpoint,
            Err(ServiceError::NotFound) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let (key, dir) = (self.log_key(), LogDir(self.files().log()));
        blocking(move || {
            let failed = |what: &dyn std::fmt::Display| ServiceError::internal("log", what);
            let opened = open_checkpoint(checkpoint.as_bytes(), &key);
            let opened = opened.ok_or_else(|| failed(&"its checkpoint does not open"))?;
            let published = leaves.into_iter().filter(|index| *index < opened.size);
            published
                .map(|index| {
                    let leaf = leaf_bytes(&dir, opened.size, index);
                    let path = inclusion_proof(&dir, opened.size, &opened.root, index);
                    let leaf = String::from_utf8(leaf.map_err(|error| failed(&error))?);
                    let path = path.map_err(|error| failed(&error))?;
                    Ok(LoggedView {
                        index,
                        leaf: leaf.map_err(|error| failed(&error))?,
                        path: path.iter().map(hex::encode).collect(),
                        checkpoint: checkpoint.clone(),
                    })
                })
                .collect()
        })
        .await
    }

    /// The log's verifier key: a signed-note `vkey` line.
    pub fn log_key(&self) -> String {
        self.0.parts.log_key.vkey()
    }
}

async fn read(path: PathBuf) -> Result<Option<Vec<u8>>, ServiceError> {
    blocking(move || match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ServiceError::internal("log file", error)),
    })
    .await
}

/// `LEVEL/INDEX[.p/WIDTH]` or `entries/INDEX[.p/WIDTH]`, where INDEX is groups of three digits, all
/// but the last with an `x` in front. So no path leaves the log's directory.
fn is_tile(path: &str) -> bool {
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut parts = path.split('/');
    let level = parts.next().unwrap_or_default();
    if level != "entries" && !digits(level, 2) {
        return false;
    }
    let mut parts = parts.peekable();
    for _ in 0..8 {
        let Some(part) = parts.next() else {
            return false;
        };
        if let Some(group) = part.strip_prefix('x') {
            if group.len() == 3 && digits(group, 3) {
                continue;
            }
            return false;
        }
        let (index, partial) = match part.strip_suffix(".p") {
            Some(index) => (index, true),
            None => (part, false),
        };
        let width = match (partial, parts.next()) {
            (false, None) => true,
            (true, Some(width)) => digits(width, 3),
            _ => false,
        };
        return index.len() == 3 && digits(index, 3) && width && parts.next().is_none();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::is_tile;

    #[test]
    fn only_paths_of_the_layout_are_read() {
        for good in [
            "0/000",
            "entries/000",
            "0/x001/x234/067",
            "entries/x001/067.p/255",
            "3/000.p/1",
        ] {
            assert!(is_tile(good), "{good}");
        }
        for bad in [
            "",
            "0",
            "0/",
            "0/../../checkpoint",
            "../instance",
            "entries/..",
            "0/x00/000",
            "0/000.p",
            "0/000.p/",
            "0/000.p/../x",
            "0/000/1",
            "/0/000",
            "0//000",
            "0/000\0",
            "100/000",
        ] {
            assert!(!is_tile(bad), "{bad}");
        }
    }
}
