//! Merging rows that share an identifier into persons.

/// Disjoint sets of rows. 4 bytes a row, nothing else.
///
/// The representative of a set is its smallest row (the larger root is always linked below the
/// smaller), so the result does not depend on the order of the unions; paths are halved on the way.
/// Source: Tarjan and van Leeuwen, "Worst-case analysis of set union algorithms", J. ACM 31(2), 1984.
pub struct UnionFind {
    parents: Vec<u32>,
}

impl UnionFind {
    /// `rows` rows, each on its own.
    pub fn new(rows: u32) -> Self {
        UnionFind {
            parents: (0..rows).collect(),
        }
    }

    /// Makes `a` and `b` one person. Rows out of range are ignored.
    pub fn union(&mut self, a: u32, b: u32) {
        let rows = self.parents.len();
        if a as usize >= rows || b as usize >= rows {
            return;
        }
        let (a, b) = (self.find(a), self.find(b));
        let (small, large) = (a.min(b), a.max(b));
        self.parents[large as usize] = small;
    }

    fn find(&mut self, mut row: u32) -> u32 {
        loop {
            let parent = self.parents[row as usize];
            if parent == row {
                return row;
            }
            let grandparent = self.parents[parent as usize];
            self.parents[row as usize] = grandparent;
            row = grandparent;
        }
    }

    /// Ends the merging: persons are now numbered, each when it is first asked for.
    pub fn into_numbers(self) -> Numbers {
        Numbers {
            union: self,
            count: 0,
        }
    }
}

/// A person's number, once it has one, stands in the place of its root's parent.
const NUMBERED: u32 = 1 << 31;

/// Numbers persons densely from 0, in the order in which they are asked for, in the same memory. For up to
/// 2³¹ rows.
pub struct Numbers {
    union: UnionFind,
    count: u32,
}

impl Numbers {
    /// The number of the person of `row`, a new one if it had none; 0 for a row out of range.
    pub fn number(&mut self, row: u32) -> u32 {
        let Some(root) = self.root(row) else {
            return 0;
        };
        let parent = &mut self.union.parents[root as usize];
        if *parent & NUMBERED == 0 {
            *parent = NUMBERED | self.count;
            self.count += 1;
        }
        *parent & !NUMBERED
    }

    /// The number of the person of `row`, if it was asked for before.
    pub fn known(&mut self, row: u32) -> Option<u32> {
        let root = self.root(row)?;
        let parent = self.union.parents[root as usize];
        (parent & NUMBERED != 0).then_some(parent & !NUMBERED)
    }

    /// Persons that have a number.
    pub fn count(&self) -> u32 {
        self.count
    }

    fn root(&mut self, mut row: u32) -> Option<u32> {
        let parents = &mut self.union.parents;
        loop {
            let parent = *parents.get(row as usize)?;
            if parent == row || parent & NUMBERED != 0 {
                return Some(row);
            }
            let grandparent = parents[parent as usize];
            if grandparent & NUMBERED != 0 {
                return Some(parent);
            }
            parents[row as usize] = grandparent;
            row = grandparent;
        }
    }
}
