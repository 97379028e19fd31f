//! An advertiser's token run: every token of every row that is let in. Of a removal, none is.

use tamis_protocols::wire::batch::UploadKind;

use super::super::sort::{SortedTokens, Workspace};
use super::persons::{Known, let_in};
use super::{Files, SealError, Team};

/// Writes the run. What was known before is told about all tokens, also those of rows that are not let in.
pub(in crate::sets) fn write_rows(
    files: &mut Files<'_>,
    tokens: &SortedTokens,
    kind: UploadKind,
    known: Option<&dyn Known>,
    team: &Team<'_>,
) -> Result<(), SealError> {
    let run = files.create_run(kind)?;
    let parts = tokens.parts();
    team.expect(tokens.records());
    team.share(|| {
        let (mut work, mut buffer) = (Workspace::default(), Vec::new());
        let mut lookup = known.map(Known::lookup);
        while let Some((part, _room)) = parts.next() {
            tokens.take(part, &mut work, |slice| {
                team.check()?;
                let read = slice.records.len();
                let mut kept = read;
                if let Some(lookup) = &mut lookup {
                    lookup(slice.records, &mut |_, _| {})?;
                    kept = let_in(slice.records);
                }
                run.put(&slice.records[..kept], &mut buffer)?;
                team.step(read);
                Ok::<_, SealError>(())
            })?;
        }
        Ok(())
    })?;
    Ok(files.close_run(run)?)
}
