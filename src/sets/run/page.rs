//! One page of a run, in clear.
//!
//! ```text
//! count u16 ‖ 0 ×6 ‖ high u64 ×256 ‖ low u64 ×256 ‖ owner u32 ×256 ‖ day u16 ×256 ‖ (crm) class u16 ×256
//! ```
//! All numbers little-endian; `high` and `low` are the first and last eight bytes of the tokens read as
//! big-endian numbers. What is beyond `count` is zero.

use tamis_keys::envelope::PageCipher;
use tamis_protocols::intersection::TokenColumns;
use tamis_protocols::wire::batch::UploadKind;

use super::Record;

/// Records of a page. Small, so that few of them must be read for few tokens; large enough that
/// opening them one by one costs little more than opening all at once.
pub(in crate::sets) const RECORDS: usize = 256;
const HEAD: usize = 8;
const HIGH: usize = HEAD;
const LOW: usize = HIGH + 8 * RECORDS;
const OWNER: usize = LOW + 8 * RECORDS;
const DAY: usize = OWNER + 4 * RECORDS;
const CLASS: usize = DAY + 2 * RECORDS;

/// Whether pages have classes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) classes: bool,
}

impl Shape {
    pub(super) fn of(kind: UploadKind) -> Self {
        Shape {
            classes: kind == UploadKind::Crm,
        }
    }

    /// Bytes of a page in clear.
    fn clear(self) -> usize {
        match self.classes {
            true => CLASS + 2 * RECORDS,
            false => CLASS,
        }
    }

    /// Bytes of a page on the disk.
    pub(super) fn sealed(self) -> usize {
        self.clear() + PageCipher::OVERHEAD
    }

    /// Writes up to [`RECORDS`] records into a page of zeros.
    pub(super) fn encode(self, records: &[Record], page: &mut [u8]) {
        let records = &records[..records.len().min(RECORDS)];
        page[..2].copy_from_slice(&(records.len() as u16).to_le_bytes());
        let (keys, rest) = page[HIGH..].split_at_mut(OWNER - HIGH);
        let (high, low) = keys.split_at_mut(LOW - HIGH);
        let (owner, rest) = rest.split_at_mut(DAY - OWNER);
        let (day, rest) = rest.split_at_mut(CLASS - DAY);
        let (high, low) = (high.as_chunks_mut().0, low.as_chunks_mut().0);
        let (owner, day) = (owner.as_chunks_mut().0, day.as_chunks_mut().0);
        for (i, record) in records.iter().enumerate() {
            let [first, last, _] = record.words();
            high[i] = first.to_le_bytes();
            low[i] = last.to_le_bytes();
            owner[i] = record.owner().to_le_bytes();
            day[i] = record.day().to_le_bytes();
        }
        if self.classes {
            let class = rest.as_chunks_mut().0;
            for (class, record) in class.iter_mut().zip(records) {
                *class = record.class().to_le_bytes();
            }
        }
    }

    /// Looks at a page in clear, of at least [`Shape::sealed`] bytes.
    pub(super) fn view(self, page: &[u8]) -> PageView<'_> {
        let count = usize::from(u16::from_le_bytes([page[0], page[1]])).min(RECORDS);
        PageView {
            tokens: TokenColumns {
                high: column(page, HIGH, count),
                low: column(page, LOW, count),
            },
            owners: column(page, OWNER, count),
            days: column(page, DAY, count),
            classes: match self.classes {
                true => column(page, CLASS, count),
                false => &[],
            },
        }
    }
}

fn column<const N: usize>(page: &[u8], from: usize, count: usize) -> &[[u8; N]] {
    page[from..from + N * count].as_chunks().0
}

/// The records of a page, by column.
#[derive(Clone, Copy)]
pub(crate) struct PageView<'a> {
    /// The tokens, ascending.
    pub(crate) tokens: TokenColumns<'a>,
    owners: &'a [[u8; 4]],
    days: &'a [[u8; 2]],
    classes: &'a [[u8; 2]],
}

impl PageView<'_> {
    /// Records in the page.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.days.len()
    }

    /// Whose the `i`-th token is.
    #[inline]
    pub(crate) fn owner(&self, i: usize) -> u32 {
        u32::from_le_bytes(self.owners[i])
    }

    /// The owner's last valid day; for a person the latest of the rows that carry the token.
    #[inline]
    pub(crate) fn day(&self, i: usize) -> u16 {
        u16::from_le_bytes(self.days[i])
    }

    /// The class of an advertiser's row; 0 in a partner's run.
    #[inline]
    pub(crate) fn class(&self, i: usize) -> u16 {
        self.classes
            .get(i)
            .map_or(0, |class| u16::from_le_bytes(*class))
    }
}
