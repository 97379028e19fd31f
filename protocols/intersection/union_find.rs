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

    /// Numbers the persons densely from 0, in the order of their first rows. Returns each row's
    /// person, in the same memory, and how many persons there are.
    pub fn into_persons(mut self) -> (Vec<u32>, u32) {
        let mut persons = 0;
        for row in 0..self.parents.len() {
            // A parent is a smaller row, and so already replaced by its person.
            let parent = self.parents[row] as usize;
            self.parents[row] = if parent == row {
                persons += 1;
                persons - 1
            } else {
                self.parents[parent]
            };
        }
        (self.parents, persons)
    }
}
