//! An advertiser's token run: every token of every row.

use tamis_protocols::wire::batch::UploadKind;

use super::super::sort::{SortedTokens, Workspace};
use super::{Files, SealError, Team};

/// Writes the run.
pub(in crate::sets) fn write_rows(
    files: &mut Files<'_>,
    tokens: &SortedTokens,
    team: &Team<'_>,
) -> Result<(), SealError> {
    let run = files.create_run(UploadKind::Crm)?;
    let parts = tokens.parts();
    team.expect(tokens.records());
    team.share(|| {
        let (mut work, mut buffer) = (Workspace::default(), Vec::new());
        while let Some((part, _room)) = parts.next() {
            tokens.take(part, &mut work, |slice| {
                team.check()?;
                run.put(slice.records, &mut buffer)?;
                team.step(slice.records.len());
                Ok::<_, SealError>(())
            })?;
        }
        Ok(())
    })?;
    Ok(files.close_run(run)?)
}
