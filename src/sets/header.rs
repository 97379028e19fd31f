//! The header of a sealed set: what it is, and which files it is made of.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::identifier::IdentifierType;
use tamis_protocols::wire::api::UploadReport;
use tamis_protocols::wire::batch::UploadKind;

use super::SetError;
use super::block::{BlockFile, BlockReader, BlockWriter, FileNonce, STREAM_BLOCK};

pub(super) const HEADER: &str = "header";
const VERSION: u32 = 4;

/// A destination that rows have cookies at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetDestination {
    pub(super) name: String,
    /// Where its cookies come from, ascending by row; several after a compaction.
    pub(super) origins: Vec<CookieOrigin>,
}

/// The upload that the cookies of some rows were sealed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CookieOrigin {
    /// The first of these rows, counted in the layer; they go on to the next origin's.
    pub(super) from: u32,
    pub(super) upload: String,
    /// The HPKE encapsulated key that opens its labels; absent if cookies are in the open.
    pub(super) enc: Option<[u8; 32]>,
}

impl SetDestination {
    /// A destination of one upload.
    pub(super) fn new(name: String, upload: &str, enc: Option<[u8; 32]>) -> Self {
        let upload = upload.to_owned();
        let origins = vec![CookieOrigin {
            from: 0,
            upload,
            enc,
        }];
        SetDestination { name, origins }
    }
}

/// Which file belongs to the set: its nonce and its length, so that no other can take its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEntry {
    pub(super) nonce: FileNonce,
    pub(super) bytes: u64,
}

/// The set that a delta was made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Below {
    /// The upload of its newest layer.
    pub(super) id: String,
    /// The nonce of that layer's header: a set that was sealed or compacted anew is another one.
    pub(super) header: FileNonce,
    /// Rows of all its layers.
    pub(super) rows: u32,
    /// Persons that its layers have numbered.
    pub(super) persons: u32,
}

/// The header, stored as JSON in a block file of its own, written last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetHeader {
    pub(super) version: u32,
    pub(super) kind: UploadKind,
    pub(super) collaboration: String,
    pub(super) epoch: u32,
    pub(super) identifiers: Vec<IdentifierType>,
    pub(super) segments: Vec<String>,
    pub(super) destinations: Vec<SetDestination>,
    /// Rows of the upload or, after a compaction, of all of them; whether accepted or not.
    pub(super) rows: u32,
    /// Graph: persons that are new in this layer.
    pub(super) persons: u32,
    /// A delta: what it lies on.
    pub(super) below: Option<Below>,
    pub(super) report: UploadReport,
    pub(super) files: BTreeMap<String, FileEntry>,
}

/// The context of one file of a set.
pub(super) fn context(set_id: &str, file: &str) -> String {
    format!("tamis/v1/set/{set_id}/{file}")
}

impl SetHeader {
    pub(super) const VERSION: u32 = VERSION;

    pub(super) fn write(
        &self,
        directory: &Path,
        key: &Secret<Data>,
        set_id: &str,
        nonce: &FileNonce,
        durable: bool,
    ) -> Result<(), SetError> {
        let path = directory.join(HEADER);
        let json = serde_json::to_vec(self);
        let json = json.map_err(|_| SetError::format(&path, "cannot be written"))?;
        let context = context(set_id, HEADER);
        let mut writer = BlockWriter::create(&path, key, &context, nonce, STREAM_BLOCK)?;
        writer.write(&json)?;
        writer.close(durable).map(|_| ())
    }

    pub(super) fn read(
        directory: &Path,
        key: &Secret<Data>,
        set_id: &str,
    ) -> Result<(SetHeader, FileNonce), SetError> {
        let path = directory.join(HEADER);
        let file = Arc::new(BlockFile::open(&path, key, &context(set_id, HEADER))?);
        let nonce = *file.nonce();
        let mut reader = BlockReader::new(file);
        // Opens every block first, so that damage is told from a format that is not understood.
        let mut json = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let read = Read::read(&mut reader, &mut chunk).map_err(|error| {
                error
                    .downcast::<SetError>()
                    .unwrap_or_else(SetError::io(&path))
            })?;
            match read {
                0 => break,
                read => json.extend_from_slice(&chunk[..read]),
            }
        }
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let version = serde_json::from_slice(&json).map(|Version { version }| version);
        if version.is_ok_and(|version| version != VERSION) {
            return Err(SetError::format(&path, "is of another version"));
        }
        let header = serde_json::from_slice(&json);
        let header = header.map_err(|_| SetError::format(&path, "cannot be understood"))?;
        Ok((header, nonce))
    }
}
