//! Union-find where parents are far away: many rows at a time, each time in the order of the rows.

use super::union_find::NUMBERED;
use super::{Numbers, Parents, UnionFind};

impl<P: Parents> UnionFind<P> {
    /// Makes the two rows of every pair one person. Rows out of range are ignored. Memory: 32 bytes a pair.
    ///
    /// # Errors
    /// A parent cannot be read or written.
    pub fn union_all(&mut self, pairs: &[(u32, u32)]) -> Result<(), P::Error> {
        let rows = self.parents.rows();
        let pairs = pairs.iter().filter(|(a, b)| *a < rows && *b < rows);
        let mut ends: Vec<u32> = pairs.flat_map(|(a, b)| [*a, *b]).collect();
        to_roots(&mut self.parents, &mut ends)?;
        let mut roots = ends.clone();
        roots.sort_unstable();
        roots.dedup();
        // The roots that meet here, on their own: their order is that of the rows.
        let place = |root: u32| roots.partition_point(|other| *other < root) as u32;
        let mut near = UnionFind::new(roots.len() as u32);
        for [a, b] in ends.as_chunks().0 {
            near.union(place(*a), place(*b));
        }
        for (at, root) in (0..).zip(&roots) {
            let Ok(least) = near.find(at);
            if least != at {
                self.parents.set(*root, roots[least as usize])?;
            }
        }
        Ok(())
    }
}

impl<P: Parents> Numbers<P> {
    /// Replaces every row, which is in range, by the number of its person, new numbers being given in the
    /// order of the list. Memory: 32 bytes a row.
    ///
    /// # Errors
    /// A parent cannot be read or written.
    pub fn number_far(&mut self, rows: &mut [u32]) -> Result<(), P::Error> {
        to_roots(&mut self.parents, rows)?;
        let mut order: Vec<(u32, u32)> = rows.iter().copied().zip(0..).collect();
        order.sort_unstable();
        // Persons without a number: where the first of their rows stands, and which root of the list it is.
        let (mut numbers, mut fresh) = (Vec::new(), Vec::new());
        for person in order.chunk_by(|a, b| a.0 == b.0) {
            let (root, first) = person[0];
            let parent = self.parents.get(root)?;
            if parent & NUMBERED == 0 {
                fresh.push((first, numbers.len()));
            }
            numbers.push(parent & !NUMBERED);
        }
        fresh.sort_unstable();
        for (number, (_, at)) in (self.next..).zip(&fresh) {
            numbers[*at] = NUMBERED | number;
        }
        self.next += fresh.len() as u32;
        for (person, number) in order.chunk_by(|a, b| a.0 == b.0).zip(numbers) {
            if number & NUMBERED != 0 {
                self.parents.set(person[0].0, number)?;
            }
            for (_, place) in person {
                rows[*place as usize] = number & !NUMBERED;
            }
        }
        Ok(())
    }
}

impl<P: Parents> Numbers<P> {
    /// Replaces every row, which is in range, by the number of its person, or by `none` if it has none.
    /// Memory: 16 bytes a row.
    ///
    /// # Errors
    /// A parent cannot be read or written.
    pub fn known_far(&mut self, rows: &mut [u32], none: u32) -> Result<(), P::Error> {
        to_roots(&mut self.parents, rows)?;
        let mut order: Vec<(u32, u32)> = rows.iter().copied().zip(0..).collect();
        order.sort_unstable();
        for (root, place) in order {
            let parent = self.parents.get(root)?;
            rows[place as usize] = match parent & NUMBERED {
                0 => none,
                _ => parent & !NUMBERED,
            };
        }
        Ok(())
    }
}

/// Replaces every row by its root. One round for every step of the longest way, which grows by one at most
/// with every list of unions.
fn to_roots<P: Parents>(parents: &mut P, rows: &mut [u32]) -> Result<(), P::Error> {
    let mut open: Vec<(u32, u32)> = rows.iter().copied().zip(0..).collect();
    while !open.is_empty() {
        open.sort_unstable();
        let mut left = 0;
        for i in 0..open.len() {
            let (row, place) = open[i];
            let parent = parents.get(row)?;
            rows[place as usize] = row;
            if parent != row && parent & NUMBERED == 0 {
                open[left] = (parent, place);
                left += 1;
            }
        }
        open.truncate(left);
    }
    Ok(())
}
