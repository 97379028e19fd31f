//! `members.csv`: the state that the destination holds.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::journal::sync_directory;
use super::members::Members;

pub(super) const FILE: &str = "members.csv";

/// Writes `audience,cookie`, sorted, RFC 4180, in place of the former file: wholly, or not at all.
///
/// Cookies stand there verbatim, quoted where the format asks for it and not escaped against
/// spreadsheet formulas: another spelling would be another cookie. Audience names cannot start a
/// formula, the wire format sees to that.
pub(super) fn write(directory: &Path, members: &Members) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    let mut csv = csv::Writer::from_writer(BufWriter::new(file.as_file_mut()));
    csv.write_record(["audience", "cookie"])?;
    for (audience, cookies) in members.sorted() {
        for cookie in cookies {
            csv.write_record([audience, cookie])?;
        }
    }
    let mut buffer = csv.into_inner().map_err(|error| error.into_error())?;
    buffer.flush()?;
    drop(buffer);
    file.as_file().sync_all()?;
    file.persist(directory.join(FILE))
        .map_err(|error| error.error)?;
    sync_directory(directory)
}
