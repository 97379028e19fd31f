//! What must survive an interrupted upload: which file it was, the spool made of it, and where it goes.
//!
//! One record per collaboration, `uploads/COLLABORATION.json` in the home, beside its spool. The record is
//! written before the first byte is sent and removed when the service has sealed the set. A record whose
//! file or options have changed is dropped and the upload starts over.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::enrolment::in_home;
use super::error::ExchangeError;
use super::membership::{read, subdirectory, write};

/// An upload under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unfinished {
    /// SHA-256 of the source file and of the options that shape the spool, hexadecimal.
    pub source: String,
    /// SHA-256 of the spool, hexadecimal.
    pub spool: String,
    /// Bytes of the spool.
    pub length: u64,
    /// Rows in the spool.
    pub rows: u64,
    /// The quality report shown when the spool was made.
    pub quality: Value,
    /// Address of the upload at the service, once created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The places of an upload in a home.
pub struct Slot {
    record: PathBuf,
    spool: PathBuf,
    lock: PathBuf,
    /// Held for as long as this upload runs; the system lets go of it even after a kill.
    held: Option<File>,
}

impl Slot {
    /// The slot of a collaboration (an id the service gave: hexadecimal).
    pub fn of(home: &Path, collaboration: &str) -> Result<Self, ExchangeError> {
        if collaboration.is_empty() || !collaboration.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(ExchangeError::Misunderstood(
                "a collaboration id that is not hexadecimal",
            ));
        }
        let directory = subdirectory(home, "uploads")?;
        Ok(Slot {
            record: directory.join(format!("{collaboration}.json")),
            spool: directory.join(format!("{collaboration}.spool")),
            lock: directory.join(format!("{collaboration}.lock")),
            held: None,
        })
    }

    /// Takes the slot for this process: two uploads at once would write one spool.
    pub fn lock(&mut self) -> Result<(), ExchangeError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&self.lock).map_err(in_home)?;
        match file.try_lock() {
            Ok(()) => {
                self.held = Some(file);
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Err(ExchangeError::Lacking {
                what: "another upload to this collaboration runs in this home".to_owned(),
                next: "Wait for its end, or end it with ctrl-c; then run the same command again."
                    .to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(in_home(error)),
        }
    }

    /// Where the spool is, or shall be.
    pub fn spool(&self) -> &Path {
        &self.spool
    }

    /// The unfinished upload of this very source, if its spool is still whole.
    pub fn unfinished(&self, source: &str) -> Result<Option<Unfinished>, ExchangeError> {
        let Some(bytes) = read(&self.record)? else {
            return Ok(None);
        };
        let Ok(record) = serde_json::from_slice::<Unfinished>(&bytes) else {
            return Ok(None);
        };
        let whole = record.source == source
            && self.spool.exists()
            && digest_file(&self.spool, &[]).is_ok_and(|digest| digest == record.spool);
        Ok(whole.then_some(record))
    }

    /// Writes the record.
    pub fn remember(&self, record: &Unfinished) -> Result<(), ExchangeError> {
        let bytes = serde_json::to_vec_pretty(record)
            .map_err(|_| ExchangeError::Home("an upload record cannot be written".into()))?;
        write(&self.record, &bytes)
    }

    /// Removes record and spool; a spool without a record means nothing.
    pub fn forget(&self) {
        for path in [&self.record, &self.spool] {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// SHA-256 of a file followed by the options, each with its length; hexadecimal. Reads 64 KiB at a time.
pub fn digest_file(path: &Path, options: &[&str]) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            break;
        }
        hash.update(&block[..read]);
    }
    for option in options {
        hash.update((option.len() as u64).to_be_bytes());
        hash.update(option.as_bytes());
    }
    Ok(hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn record(source: &str, spool: String) -> Unfinished {
        Unfinished {
            source: source.into(),
            spool,
            length: 3,
            rows: 1,
            quality: Value::Null,
            url: None,
        }
    }

    #[test]
    fn an_upload_is_found_again_only_with_the_same_source_and_a_whole_spool() {
        let home = tempfile::tempdir().unwrap();
        let slot = Slot::of(home.path(), "00ff").unwrap();
        write(slot.spool(), b"abc").unwrap();
        let digest = digest_file(slot.spool(), &[]).unwrap();
        slot.remember(&record("source", digest)).unwrap();
        assert!(slot.unfinished("source").unwrap().is_some());
        assert!(slot.unfinished("another").unwrap().is_none());
        write(slot.spool(), b"abd").unwrap();
        assert!(slot.unfinished("source").unwrap().is_none());
        slot.forget();
        assert!(slot.unfinished("source").unwrap().is_none());
        assert!(!slot.spool().exists());
    }

    #[test]
    fn a_second_upload_waits_for_the_end_of_the_first() {
        let home = tempfile::tempdir().unwrap();
        let mut first = Slot::of(home.path(), "00ff").unwrap();
        let mut second = Slot::of(home.path(), "00ff").unwrap();
        first.lock().unwrap();
        assert!(matches!(second.lock(), Err(ExchangeError::Lacking { .. })));
        drop(first);
        second.lock().unwrap();
    }

    #[test]
    fn options_are_part_of_the_source() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("crm.csv");
        std::fs::write(&file, b"x").unwrap();
        let plain = digest_file(&file, &[]).unwrap();
        assert_ne!(plain, digest_file(&file, &["AU"]).unwrap());
        assert_ne!(
            digest_file(&file, &["A", "U"]).unwrap(),
            digest_file(&file, &["AU"]).unwrap()
        );
    }

    #[test]
    fn a_slot_cannot_leave_the_home() {
        let home = tempfile::tempdir().unwrap();
        assert!(Slot::of(home.path(), "../../etc").is_err());
    }
}
