//! A cell in one of the usual spellings of a number, and a number in E.164, both without an allocation.

/// Digits kept of a cell; more are no number.
const MOST: usize = 20;

/// A cell of digits, spaces, `-`, `.`, `/`, `(`, `)` and perhaps a `+` before them.
pub(super) struct Spelling {
    /// Whether a `+` came first.
    pub(super) plus: bool,
    digits: [u8; MOST],
    length: usize,
}

impl Spelling {
    /// Reads a cell. Nothing for any other character: letters, extensions and digits of other scripts are
    /// the library's.
    pub(super) fn of(cell: &str) -> Option<Spelling> {
        let mut spelling = Spelling {
            plus: false,
            digits: [0; MOST],
            length: 0,
        };
        for byte in cell.bytes() {
            match byte {
                b'0'..=b'9' => {
                    *spelling.digits.get_mut(spelling.length)? = byte;
                    spelling.length += 1;
                }
                b' ' | b'-' | b'.' | b'/' | b'(' | b')' => {}
                b'+' if spelling.length == 0 && !spelling.plus => spelling.plus = true,
                _ => return None,
            }
        }
        Some(spelling)
    }

    /// The digits alone.
    pub(super) fn digits(&self) -> &[u8] {
        &self.digits[..self.length]
    }
}

/// A number in E.164: `+`, calling code, national number.
pub(in super::super) struct E164 {
    text: [u8; 24],
    length: usize,
}

impl E164 {
    /// Of a calling code and a national number, both ASCII digits, at most 23 together.
    pub(super) fn of(code: &[u8], number: &[u8]) -> Option<E164> {
        let mut text = [b'+'; 24];
        let end = 1 + code.len() + number.len();
        text.get_mut(1..=code.len())?.copy_from_slice(code);
        text.get_mut(1 + code.len()..end)?.copy_from_slice(number);
        Some(E164 { text, length: end })
    }

    /// Its characters, all of them ASCII, the `+` first.
    pub(in super::super) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}
