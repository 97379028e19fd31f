//! Cells: persons who cannot be told apart by any audience that was emitted.
//!
//! All audiences that one destination has seen of one advertiser and partner cut the persons there into
//! cells: two persons are in one cell if and only if they were in the same audiences. At first there is
//! one cell, everybody. Whatever a destination combines of what it was sent, it gets unions of cells.
//!
//! Memory: 4 bytes a person, 4 bytes a cell. Time: [`Cells::refine`] is proportional to the audience.

use crate::intersection::PersonSet;

/// In no cell: has no live cookie at the destination.
const ABSENT: u32 = u32::MAX;

/// The partition of a population by what was emitted.
pub struct Cells {
    /// By person: its cell.
    of: Vec<u32>,
    /// By cell: how many persons.
    sizes: Vec<u32>,
}

impl Cells {
    /// One cell, of everybody in `population`.
    pub fn new(population: &PersonSet) -> Cells {
        let mut of = vec![ABSENT; population.bound()];
        let mut size = 0;
        population.visit(|person| {
            of[person as usize] = 0;
            size += 1;
        });
        Cells {
            of,
            sizes: vec![size],
        }
    }

    /// Cuts every cell into those who are in `emitted` and those who are not. Persons outside the
    /// population are passed over.
    pub fn refine(&mut self, emitted: &PersonSet) {
        // By old cell: the new one of its members.
        let mut inside = vec![ABSENT; self.sizes.len()];
        let (of, sizes) = (&mut self.of, &mut self.sizes);
        emitted.visit(|person| {
            let Some(cell) = of.get_mut(person as usize).filter(|c| **c != ABSENT) else {
                return;
            };
            let old = *cell as usize;
            if inside[old] == ABSENT {
                inside[old] = sizes.len() as u32;
                sizes.push(0);
            }
            *cell = inside[old];
            sizes[old] -= 1;
            sizes[*cell as usize] += 1;
        });
        self.compact();
    }

    /// Numbers cells anew when most are empty, because all their persons moved on.
    fn compact(&mut self) {
        if self.sizes.len() < 2 * self.sizes.iter().filter(|size| **size > 0).count() + 64 {
            return;
        }
        let mut number = vec![ABSENT; self.sizes.len()];
        let mut sizes = Vec::new();
        for (cell, size) in self.sizes.iter().enumerate().filter(|(_, size)| **size > 0) {
            number[cell] = sizes.len() as u32;
            sizes.push(*size);
        }
        for cell in self.of.iter_mut().filter(|cell| **cell != ABSENT) {
            *cell = number[*cell as usize];
        }
        self.sizes = sizes;
    }

    /// The cell of a person of the population.
    pub(super) fn of(&self, person: u32) -> Option<usize> {
        let cell = *self.of.get(person as usize)?;
        (cell != ABSENT).then_some(cell as usize)
    }

    /// How many cells have numbers; some may be empty.
    pub(super) fn count(&self) -> usize {
        self.sizes.len()
    }

    /// How many persons are in a cell.
    pub(super) fn size(&self, cell: usize) -> u32 {
        self.sizes[cell]
    }
}
