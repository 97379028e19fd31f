//! Rows of an advertiser that may not be used at every destination, because their consent names its
//! recipients.
//!
//! A row that names nobody is in no such label, and a set without others is as if there were none. One that
//! names some of the terms' destinations is in [`RESTRICTED`] and in a label for each. They stand behind the
//! advertiser's own labels in the header, so that classes hold them as any other. No expression can name
//! them; a question about a destination leaves out what is restricted and not for it.

use tamis_protocols::consent::Destinations;
use tamis_protocols::intersection::RESERVED;

/// The label of every restricted row.
pub(crate) const RESTRICTED: &str = "tamis:restricted=yes";

/// The label of restricted rows that may be used at `destination`.
pub(crate) fn usable_at(destination: &str) -> String {
    format!("{RESERVED}recipient={destination}")
}

/// Whether a label is one of these, and not the advertiser's.
pub(crate) fn is_reserved(label: &str) -> bool {
    label.starts_with(RESERVED)
}

/// All of them, in the order that [`push`] counts.
pub(super) fn labels(destinations: &Destinations) -> Vec<String> {
    let each = destinations.names().map(usable_at);
    [RESTRICTED.to_owned()].into_iter().chain(each).collect()
}

/// Appends the labels of a row that may be used at the destinations of the bits of `at`, where `own` labels
/// stand before them.
pub(super) fn push(segments: &mut Vec<u16>, own: usize, at: u32) {
    let first = own as u16;
    segments.push(first);
    let usable = (0..32).filter(|place| at >> place & 1 == 1);
    segments.extend(usable.map(|place| first + 1 + place));
}
