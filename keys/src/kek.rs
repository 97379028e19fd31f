//! Where the key-encryption key comes from: a file that only its owner can read, or the output of a
//! command (a vault's client, a TPM, a cloud KMS) that the operator names in the environment.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::home::{HomeError, read_private};
use crate::purpose::KeyEncryption;
use crate::{Secret, keyfile};

/// Longest output of a command that is looked at, bytes.
const MAX_OUTPUT: u64 = 4096;

/// Why there is no key-encryption key.
#[derive(Debug, thiserror::Error)]
pub enum KekError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] HomeError),
    /// The file is not a key file of this purpose.
    #[error(
        "{0} is not a key-encryption key: restore it from its backup; without it no stored set can be opened"
    )]
    NotAKey(PathBuf),
    /// The command could not be run.
    #[error("the command that supplies the key-encryption key cannot be run: {0}")]
    NotRun(std::io::ErrorKind),
    /// The command ran and failed.
    #[error(
        "the command that supplies the key-encryption key failed ({0}): run it by hand as the service's user to see why"
    )]
    Failed(std::process::ExitStatus),
    /// The command printed something else.
    #[error(
        "the command that supplies the key-encryption key must print base64 of 32 bytes, or the line of a key file, and nothing else"
    )]
    BadOutput,
}

/// Reads the key from a file; refuses one that anybody but its owner could read.
pub fn from_file(path: &Path) -> Result<Secret<KeyEncryption>, KekError> {
    keyfile::decode(&read_private(path)?).ok_or_else(|| KekError::NotAKey(path.to_owned()))
}

/// Runs `command` by `sh -c` and takes the key from its output; its error output goes to ours.
pub fn from_command(command: &str) -> Result<Secret<KeyEncryption>, KekError> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| KekError::NotRun(e.kind()))?;
    let mut output = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT as usize + 1));
    let read = match child.stdout.take() {
        Some(stdout) => stdout.take(MAX_OUTPUT + 1).read_to_end(&mut output),
        None => Ok(0),
    };
    let status = child.wait().map_err(|e| KekError::NotRun(e.kind()))?;
    read.map_err(|e| KekError::NotRun(e.kind()))?;
    if output.len() as u64 > MAX_OUTPUT {
        return Err(KekError::BadOutput);
    }
    if !status.success() {
        return Err(KekError::Failed(status));
    }
    core::str::from_utf8(&output)
        .ok()
        .and_then(|text| keyfile::decode(&output).or_else(|| keyfile::decode_base64(text)))
        .ok_or(KekError::BadOutput)
}

/// The command's key if a command is given, else the file's.
pub fn load(file: &Path, command: Option<&str>) -> Result<Secret<KeyEncryption>, KekError> {
    match command {
        Some(command) => from_command(command),
        None => from_file(file),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::home::write_private;

    fn key_file() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        let secret: Secret<KeyEncryption> = Secret::from_bytes([1; 32]);
        write_private(&path, keyfile::encode(&secret).as_bytes()).unwrap();
        (dir, path)
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_and_the_remedy_named() {
        let (_dir, path) = key_file();
        assert!(
            from_file(&path)
                .unwrap()
                .ct_eq(&Secret::from_bytes([1; 32]))
        );
        for mode in [0o640, 0o604, 0o660, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let said = from_file(&path).err().unwrap().to_string();
            assert!(said.contains("chmod 600"), "{said}");
        }
    }

    #[test]
    fn a_command_replaces_the_file_and_its_output_is_never_repeated() {
        let (_dir, path) = key_file();
        let bare = "echo AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
        let secret = load(&path, Some(bare)).unwrap();
        assert!(secret.ct_eq(&Secret::from_bytes([2; 32])));
        let line = from_command(&format!("cat {}", path.display())).unwrap();
        assert!(line.ct_eq(&Secret::from_bytes([1; 32])));

        let said = from_command("echo hunter2").err().unwrap().to_string();
        assert!(!said.contains("hunter2"), "{said}");
        assert!(matches!(from_command("exit 3"), Err(KekError::Failed(_))));
        assert!(matches!(from_command("yes"), Err(KekError::BadOutput)));
    }

    #[test]
    fn a_key_of_another_purpose_is_not_a_key_encryption_key() {
        let (_dir, path) = key_file();
        let signing: Secret<crate::purpose::Signing> = Secret::from_bytes([1; 32]);
        write_private(&path, keyfile::encode(&signing).as_bytes()).unwrap();
        assert!(matches!(from_file(&path), Err(KekError::NotAKey(_))));
    }
}
