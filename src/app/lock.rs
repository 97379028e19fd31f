//! One service per data directory, held by the system's file lock: it ends with the process, however
//! that ends.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::AppError;

/// The right to use a data directory, for as long as it lives.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

impl DataDirLock {
    /// Takes `dir`, or says that another service has it.
    pub fn take(dir: &Path) -> Result<Self, AppError> {
        let path = dir.join("lock");
        let failed = |source| AppError::File {
            path: path.clone(),
            source,
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(DataDirLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(AppError::InUse(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
