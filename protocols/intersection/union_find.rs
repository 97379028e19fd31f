//! Merging rows that share an identifier into persons.

use std::convert::Infallible;
use std::hint::black_box;

/// Where the rows' parents are kept: 4 bytes a row, in memory or elsewhere.
pub trait Parents {
    /// Why one cannot be read or written.
    type Error;

    /// Whether a parent is quick to reach only from its neighbours, so that many rows should be asked for at
    /// a time: [`UnionFind::union_all`] and [`Numbers::number_far`].
    const FAR: bool = false;

    /// How many rows there are, at most 2³¹. At first each is its own parent.
    fn rows(&self) -> u32;

    /// The parent of a row in range.
    ///
    /// # Errors
    /// It cannot be read.
    fn get(&mut self, row: u32) -> Result<u32, Self::Error>;

    /// Changes the parent of a row in range.
    ///
    /// # Errors
    /// It cannot be written.
    fn set(&mut self, row: u32, parent: u32) -> Result<(), Self::Error>;

    /// Says which rows will be asked for next, so that they can be fetched at once.
    fn expect(&mut self, _rows: &[u32]) {}
}

impl Parents for Vec<u32> {
    type Error = Infallible;

    fn rows(&self) -> u32 {
        self.len() as u32
    }

    #[inline]
    fn get(&mut self, row: u32) -> Result<u32, Infallible> {
        Ok(self[row as usize])
    }

    #[inline]
    fn set(&mut self, row: u32, parent: u32) -> Result<(), Infallible> {
        self[row as usize] = parent;
        Ok(())
    }

    /// Independent loads, which the processor has under way at the same time.
    #[inline]
    fn expect(&mut self, rows: &[u32]) {
        let parents = rows
            .iter()
            .filter_map(|row| <[u32]>::get(self, *row as usize));
        black_box(parents.fold(0, |all, parent| all ^ parent));
    }
}

/// Disjoint sets of rows. 4 bytes a row, nothing else.
///
/// The representative of a set is its smallest row (the larger root is always linked below the
/// smaller), so the result does not depend on the order of the unions; paths are halved on the way.
/// Source: Tarjan and van Leeuwen, "Worst-case analysis of set union algorithms", J. ACM 31(2), 1984.
pub struct UnionFind<P = Vec<u32>> {
    pub(super) parents: P,
}

impl UnionFind {
    /// `rows` rows, each on its own, in memory.
    pub fn new(rows: u32) -> Self {
        UnionFind::over((0..rows).collect())
    }

    /// Makes `a` and `b` one person. Rows out of range are ignored.
    pub fn union(&mut self, a: u32, b: u32) {
        let Ok(()) = self.try_union(a, b);
    }
}

impl<P: Parents> UnionFind<P> {
    /// The rows of `parents`, each on its own.
    pub fn over(parents: P) -> Self {
        UnionFind { parents }
    }

    /// Makes `a` and `b` one person. Rows out of range are ignored.
    ///
    /// # Errors
    /// A parent cannot be read or written.
    pub fn try_union(&mut self, a: u32, b: u32) -> Result<(), P::Error> {
        let rows = self.parents.rows();
        if a >= rows || b >= rows {
            return Ok(());
        }
        let (a, b) = (self.find(a)?, self.find(b)?);
        match a == b {
            true => Ok(()),
            false => self.parents.set(a.max(b), a.min(b)),
        }
    }

    pub(super) fn find(&mut self, mut row: u32) -> Result<u32, P::Error> {
        loop {
            let parent = self.parents.get(row)?;
            if parent == row {
                return Ok(row);
            }
            let grandparent = self.parents.get(parent)?;
            if grandparent != parent {
                self.parents.set(row, grandparent)?;
            }
            row = grandparent;
        }
    }

    /// Ends the merging: persons are now numbered, each when it is first asked for.
    pub fn into_numbers(self) -> Numbers<P> {
        self.into_numbers_from(0)
    }

    /// The same, with `first` as the first number.
    pub fn into_numbers_from(self, first: u32) -> Numbers<P> {
        Numbers {
            parents: self.parents,
            next: first,
        }
    }
}

/// A person's number, once it has one, stands in the place of its root's parent.
pub(super) const NUMBERED: u32 = 1 << 31;

/// Numbers persons densely, in the order in which they are asked for, in the same memory. For up to 2³¹
/// rows, and numbers below 2³¹.
pub struct Numbers<P = Vec<u32>> {
    pub(super) parents: P,
    pub(super) next: u32,
}

impl Numbers {
    /// The number of the person of `row`, a new one if it had none; 0 for a row out of range.
    pub fn number(&mut self, row: u32) -> u32 {
        let Ok(number) = self.try_number(row);
        number
    }

    /// The number of the person of `row`, if it has one.
    pub fn known(&mut self, row: u32) -> Option<u32> {
        let Ok(number) = self.try_known(row);
        number
    }
}

impl<P: Parents> Numbers<P> {
    /// The number of the person of `row`, a new one if it had none; 0 for a row out of range.
    ///
    /// # Errors
    /// A parent cannot be read or written.
    #[inline]
    pub fn try_number(&mut self, row: u32) -> Result<u32, P::Error> {
        let Some((root, parent)) = self.root(row)? else {
            return Ok(0);
        };
        if parent & NUMBERED != 0 {
            return Ok(parent & !NUMBERED);
        }
        let number = self.next;
        self.parents.set(root, NUMBERED | number)?;
        self.next += 1;
        Ok(number)
    }

    /// Replaces every row by the number of its person, in order. To be called for a hundred rows or so, whose
    /// parents are then fetched at once.
    ///
    /// # Errors
    /// A parent cannot be read or written.
    pub fn number_all(&mut self, rows: &mut [u32]) -> Result<(), P::Error> {
        self.parents.expect(rows);
        for row in rows {
            *row = self.try_number(*row)?;
        }
        Ok(())
    }

    /// Gives the person of `row`, which is in range, a number that was chosen elsewhere, unless it has one.
    /// Returns the number it has now.
    ///
    /// # Errors
    /// A parent cannot be read or written.
    pub fn settle(&mut self, row: u32, number: u32) -> Result<u32, P::Error> {
        match self.root(row)? {
            Some((root, parent)) if parent & NUMBERED == 0 => {
                self.parents.set(root, NUMBERED | number)?;
                Ok(number)
            }
            Some((_, parent)) => Ok(parent & !NUMBERED),
            None => Ok(number),
        }
    }

    /// The number of the person of `row`, if it has one.
    ///
    /// # Errors
    /// A parent cannot be read or written.
    pub fn try_known(&mut self, row: u32) -> Result<Option<u32>, P::Error> {
        let found = self.root(row)?;
        let parent = found.map_or(0, |(_, parent)| parent);
        Ok((parent & NUMBERED != 0).then_some(parent & !NUMBERED))
    }

    /// The next number; the count of persons, where numbers began at 0 and none was chosen elsewhere.
    pub fn count(&self) -> u32 {
        self.next
    }

    /// The root of a row, and what stands in the place of its parent.
    #[inline]
    fn root(&mut self, mut row: u32) -> Result<Option<(u32, u32)>, P::Error> {
        if row >= self.parents.rows() {
            return Ok(None);
        }
        loop {
            let parent = self.parents.get(row)?;
            if parent == row || parent & NUMBERED != 0 {
                return Ok(Some((row, parent)));
            }
            let grandparent = self.parents.get(parent)?;
            if grandparent == parent || grandparent & NUMBERED != 0 {
                return Ok(Some((parent, grandparent)));
            }
            self.parents.set(row, grandparent)?;
            row = grandparent;
        }
    }
}
