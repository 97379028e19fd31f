//! Rows and cookies, copied one layer after the other.

use roaring::RoaringBitmap;

use super::super::block::{BlockWriter, STREAM_BLOCK};
use super::super::header::{CookieOrigin, SetDestination};
use super::super::ingest::{Files, Team};
use super::super::rows::{NOBODY, ROWS, ROWS_PER_BLOCK, row_length};
use super::super::{SealError, SealedSet, SetError, cookies};

/// The files of rows and cookies being made.
pub(super) struct RowCopy<'a> {
    set: &'a SealedSet,
    rows: BlockWriter,
    destinations: Vec<Destination>,
}

/// A destination that one of the layers serves.
struct Destination {
    name: String,
    /// Its position in every layer.
    at: Vec<Option<usize>>,
    /// Of all layers, with rows counted through them; and whether one of these cookies is left.
    origins: Vec<(CookieOrigin, bool)>,
    cookies: BlockWriter,
}

/// The files, written.
pub(super) struct CopiedRows {
    rows: BlockWriter,
    cookies: Vec<(SetDestination, BlockWriter)>,
}

impl<'a> RowCopy<'a> {
    pub(super) fn create(set: &'a SealedSet, files: &mut Files<'_>) -> Result<Self, SetError> {
        let layers = set.layers();
        let names = layers.iter().flat_map(|layer| layer.destinations());
        let mut names: Vec<&String> = names.map(|destination| &destination.name).collect();
        names.sort_unstable();
        names.dedup();
        let mut destinations = Vec::with_capacity(names.len());
        for (number, name) in names.into_iter().enumerate() {
            let at: Vec<_> = layers.iter().map(|layer| layer.destination(name)).collect();
            let mut origins = Vec::new();
            for (layer, at) in layers.iter().zip(&at) {
                let own = at.map(|at| &layer.destinations()[at].origins);
                origins.extend(own.into_iter().flatten().map(|origin| {
                    let from = layer.first_row() + origin.from;
                    (
                        CookieOrigin {
                            from,
                            ..origin.clone()
                        },
                        false,
                    )
                }));
            }
            destinations.push(Destination {
                name: name.clone(),
                at,
                origins,
                cookies: files.create(&cookies::file_name(number), STREAM_BLOCK)?,
            });
        }
        let length = row_length(destinations.len()) * ROWS_PER_BLOCK;
        Ok(RowCopy {
            set,
            rows: files.create(ROWS, length)?,
            destinations,
        })
    }

    /// Copies all rows but those whose owner is `dead`.
    pub(super) fn copy(
        mut self,
        dead: &RoaringBitmap,
        team: &Team<'_>,
    ) -> Result<CopiedRows, SealError> {
        let left_out = self.copy_rows(dead, team)?;
        let mut copied = Vec::with_capacity(self.destinations.len());
        for destination in self.destinations {
            copied.push(destination.copy(self.set, &left_out, team)?);
        }
        Ok(CopiedRows {
            rows: self.rows,
            cookies: copied,
        })
    }

    /// Returns the partner's rows that were left out.
    fn copy_rows(
        &mut self,
        dead: &RoaringBitmap,
        team: &Team<'_>,
    ) -> Result<RoaringBitmap, SealError> {
        let persons = self.set.kind() == tamis_protocols::wire::batch::UploadKind::Graph;
        let length = row_length(self.destinations.len());
        let (mut left_out, mut buffer) = (RoaringBitmap::new(), Vec::new());
        for (number, layer) in self.set.layers().iter().enumerate() {
            let served = self.destinations.iter().enumerate();
            let served: Vec<(usize, usize)> = served
                .filter_map(|(new, destination)| Some((new, destination.at[number]?)))
                .collect();
            let mut walk = layer.walk_rows()?;
            while let Some(block) = walk.next()? {
                buffer.clear();
                buffer.resize(block.len() * length, 0);
                for (i, bytes) in buffer.chunks_exact_mut(length).enumerate() {
                    let row = layer.first_row() + block.first + i as u32;
                    let owner = if persons { block.person(i) } else { row };
                    if owner == NOBODY {
                        continue;
                    }
                    if dead.contains(owner) {
                        left_out.insert(row);
                        continue;
                    }
                    bytes[..2].copy_from_slice(&block.day(i).to_le_bytes());
                    for (new, old) in &served {
                        bytes[2 + new / 8] |= u8::from(block.has_cookie(i, *old)) << (new % 8);
                    }
                }
                self.rows.write(&buffer)?;
                team.check()?;
                team.step(buffer.len());
            }
        }
        Ok(left_out)
    }
}

impl Destination {
    fn copy(
        mut self,
        set: &SealedSet,
        left_out: &RoaringBitmap,
        team: &Team<'_>,
    ) -> Result<(SetDestination, BlockWriter), SealError> {
        let (mut present, mut buffer) = (0, Vec::with_capacity(2 * STREAM_BLOCK));
        for (layer, at) in set.layers().iter().zip(self.at) {
            let Some(at) = at else { continue };
            let mut walk = layer.walk_cookies(at)?;
            while walk.advance()? {
                let row = layer.first_row() + walk.row;
                if left_out.contains(row) {
                    continue;
                }
                while (self.origins.get(present + 1)).is_some_and(|(next, _)| next.from <= row) {
                    present += 1;
                }
                if let Some((_, used)) = self.origins.get_mut(present) {
                    *used = true;
                }
                cookies::encode(&mut buffer, row, &walk.tag, walk.cookie());
                if buffer.len() >= STREAM_BLOCK {
                    self.cookies.write(&buffer)?;
                    team.check()?;
                    team.step(buffer.len());
                    buffer.clear();
                }
            }
        }
        self.cookies.write(&buffer)?;
        let used = self.origins.into_iter().filter(|(_, used)| *used);
        let destination = SetDestination {
            name: self.name,
            origins: used.map(|(origin, _)| origin).collect(),
        };
        Ok((destination, self.cookies))
    }
}

impl CopiedRows {
    /// Ends the files; returns where there are cookies.
    pub(super) fn finish(self, files: &mut Files<'_>) -> Result<Vec<SetDestination>, SetError> {
        files.close(ROWS, self.rows)?;
        let cookies = self.cookies.into_iter().enumerate();
        cookies
            .map(|(number, (destination, file))| {
                files.close(&cookies::file_name(number), file)?;
                Ok(destination)
            })
            .collect()
    }
}
