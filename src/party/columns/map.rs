//! The map of columns with unusual names: TOML, one `role = "column"` a line.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ColumnError, Role, listed};

/// A map file is small; more is not read, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// Roles with the names of their columns, as a file gives them. Roles it does not name are still found by
/// their usual names; `role = ""` says that there is no such column.
#[derive(Debug, Default)]
pub struct ColumnMap(BTreeMap<String, String>);

impl ColumnMap {
    /// Reads a map file; without a path, the empty map.
    pub fn read(path: Option<&Path>) -> Result<ColumnMap, ColumnError> {
        let Some(path) = path else {
            return Ok(ColumnMap::default());
        };
        let unreadable = |error: std::io::Error| ColumnError::Map(error.to_string());
        if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
            return Err(ColumnError::Map("larger than 64 KiB".to_owned()));
        }
        ColumnMap::parse(&std::fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Reads a map.
    pub fn parse(text: &str) -> Result<ColumnMap, ColumnError> {
        let map = toml::from_str(text);
        map.map(ColumnMap).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text
                .bytes()
                .take(start)
                .filter(|byte| *byte == b'\n')
                .count()
                + 1;
            ColumnError::Map(format!("line {line}: every line must be role = \"column\""))
        })
    }

    /// Overrides what was recognised by name.
    pub(super) fn apply(
        &self,
        header: &[String],
        destinations: &[String],
        places: &mut BTreeMap<Role, Vec<usize>>,
    ) -> Result<(), ColumnError> {
        for (name, column) in &self.0 {
            let Some(role) = Role::parse(name, destinations) else {
                if name.to_lowercase().starts_with("cookie") {
                    continue; // of a destination of another collaboration
                }
                return Err(ColumnError::Map(format!(
                    "there is no role `{name}`; roles are email, phone, surname, given_name, \
                     street_number, postcode, email_sha256, phone_sha256, consent_basis, \
                     consent_purposes, consent_at, notice_version, consent_source, opposed, tc_string, gpp_string, \
                     consent_interests, consent_id, consent_recipients, notice_hash, consent_language, \
                     consent_journey, consent_jurisdiction, consent_valid_until, consent_history, and \
                     cookie_NAME for each destination"
                )));
            };
            if column.is_empty() {
                places.remove(&role);
                continue;
            }
            let place = header.iter().position(|name| name == column.trim());
            let place = place.ok_or_else(|| {
                ColumnError::Map(format!(
                    "there is no column `{column}`. Found: {}",
                    listed(header)
                ))
            })?;
            places.insert(role, vec![place]);
        }
        Ok(())
    }
}
