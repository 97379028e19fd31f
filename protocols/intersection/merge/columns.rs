//! Sorted tokens by column.

/// Tokens of one page, ascending, as columns of equal length.
#[derive(Clone, Copy)]
pub struct TokenColumns<'a> {
    /// Bytes 0 to 7 of every token, as little-endian numbers.
    pub high: &'a [[u8; 8]],
    /// Bytes 8 to 15.
    pub low: &'a [[u8; 8]],
}

impl TokenColumns<'_> {
    /// Tokens in the page; at most 65,536 of them are looked at.
    #[inline]
    pub fn len(&self) -> usize {
        self.high.len().min(self.low.len()).min(1 << 16)
    }

    /// Whether the page has no token.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The page from its `from`-th token on.
    #[inline]
    #[must_use]
    pub fn from(&self, from: usize) -> Self {
        TokenColumns {
            high: self.high.get(from..).unwrap_or_default(),
            low: self.low.get(from..).unwrap_or_default(),
        }
    }

    /// The `i`-th token as a big-endian number, which is how tokens are ordered; 0 beyond the end.
    #[inline]
    pub fn get(&self, i: usize) -> u128 {
        let part = |column: &[[u8; 8]]| column.get(i).map_or(0, |part| u64::from_le_bytes(*part));
        u128::from(part(self.high)) << 64 | u128::from(part(self.low))
    }

    /// The first token that is not below `token`, from the `from`-th on; the length if there is none.
    pub fn lower_bound(&self, from: usize, token: u128) -> usize {
        let (mut low, mut high) = (from, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle) < token {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}
