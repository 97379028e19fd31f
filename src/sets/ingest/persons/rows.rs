//! The person of every row, in row order.

use std::sync::{Mutex, PoisonError};

use tamis_keys::envelope::BlockCipher;
use tamis_protocols::intersection::{Numbers, Parents};

use super::super::super::block::BlockPlaces;
use super::super::super::rows::{NOBODY, ROWS_PER_BLOCK};
use super::super::{SealError, Team};

/// Blocks of rows that are asked for at a time where parents are far away, of 20 bytes a row.
const BLOCKS: u64 = 64;

/// Writes the file.
pub(super) fn write_file<P: Parents + Send>(
    file: &BlockPlaces,
    numbers: Numbers<P>,
    rows: u32,
    team: &Team<'_>,
) -> Result<(), SealError>
where
    SealError: From<P::Error>,
{
    let batch = if P::FAR { BLOCKS } else { 1 };
    let next = Mutex::new((0, numbers));
    team.share(|| {
        let mut bytes = Vec::with_capacity(4 * ROWS_PER_BLOCK + BlockCipher::OVERHEAD);
        let mut persons = Vec::new();
        loop {
            team.check()?;
            let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
            let (block, numbers) = &mut *next;
            let first = *block;
            if first >= file.blocks() {
                return Ok(());
            }
            *block += batch;
            let row = |block: u64| (block * ROWS_PER_BLOCK as u64).min(rows.into()) as u32;
            persons.clear();
            persons.extend(row(first)..row(first + batch));
            if P::FAR {
                numbers.known_far(&mut persons, NOBODY)?;
            } else {
                for person in &mut persons {
                    *person = numbers.try_known(*person)?.unwrap_or(NOBODY);
                }
            }
            drop(next);
            for block in first..(first + batch).min(file.blocks()) {
                let from = (block - first) as usize * ROWS_PER_BLOCK;
                let end = persons.len().min(from + ROWS_PER_BLOCK);
                bytes.clear();
                bytes.extend(
                    persons[from..end]
                        .iter()
                        .flat_map(|person| person.to_le_bytes()),
                );
                file.put(block, &mut bytes)?;
            }
            team.step(persons.len());
        }
    })
}
