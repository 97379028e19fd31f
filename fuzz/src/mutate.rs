//! Changes to an input: few and small, as damage and malice make them.

/// Random numbers that are the same every time (splitmix64).
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }
}

/// Numbers at which decoders err.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    i64::MAX as u64,
    u64::MAX,
];

/// Changes `data` in one to four places; `other` is another input to take parts from.
pub fn mutate(data: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        one(data, other, random);
    }
}

fn one(data: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    if data.is_empty() {
        data.push(random.number() as u8);
        return;
    }
    // Half of the time near the beginning, where heads are.
    let reach = match random.below(2) {
        0 => data.len().min(64),
        _ => data.len(),
    };
    let at = random.below(reach);
    match random.below(10) {
        0 => data[at] ^= 1 << random.below(8),
        1 => data[at] = random.number() as u8,
        2 => {
            let width = [1, 2, 4, 8][random.below(4)];
            let number = EDGES[random.below(EDGES.len())].to_le_bytes();
            let room = width.min(data.len() - at);
            data[at..at + room].copy_from_slice(&number[..room]);
        }
        3 => data[at] = data[at].wrapping_add([1, 255][random.below(2)]),
        4 => data.truncate(at),
        5 => {
            let end = (at + 1 + random.below(32)).min(data.len());
            data.drain(at..end);
        }
        6 => {
            let added: Vec<u8> = (0..=random.below(16))
                .map(|_| random.number() as u8)
                .collect();
            data.splice(at..at, added);
        }
        7 => {
            let end = (at + 1 + random.below(64)).min(data.len());
            let again = data[at..end].to_vec();
            data.splice(at..at, again);
        }
        8 if !other.is_empty() => {
            let from = random.below(other.len());
            let end = (from + 1 + random.below(64)).min(other.len());
            let part = &other[from..end];
            let room = part.len().min(data.len() - at);
            data[at..at + room].copy_from_slice(&part[..room]);
        }
        _ => {
            let to = random.below(data.len());
            data.swap(at, to);
        }
    }
}
