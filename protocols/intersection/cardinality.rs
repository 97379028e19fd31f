//! The size of a set of persons, which nobody may see before the release gate has decided.

/// A raw count of persons. It has no text form and no way out but the release gate:
///
/// ```compile_fail,E0277
/// fn show(size: &tamis_protocols::intersection::Cardinality) -> String {
///     size.to_string()
/// }
/// ```
/// ```compile_fail,E0277
/// fn log(size: &tamis_protocols::intersection::Cardinality) -> String {
///     format!("{size:?}")
/// }
/// ```
/// ```compile_fail,E0277
/// fn send(size: &tamis_protocols::intersection::Cardinality) -> serde_json::Result<String> {
///     serde_json::to_string(size)
/// }
/// ```
/// ```compile_fail,E0616
/// fn take(size: &tamis_protocols::intersection::Cardinality) -> u64 {
///     size.0
/// }
/// ```
/// ```compile_fail,E0369
/// fn probe(a: tamis_protocols::intersection::Cardinality, b: tamis_protocols::intersection::Cardinality) -> bool {
///     a == b
/// }
/// ```
pub struct Cardinality(u64);

impl Cardinality {
    pub(super) fn new(persons: u64) -> Self {
        Cardinality(persons)
    }

    /// The raw count, for the release gate.
    pub(crate) fn raw(&self) -> u64 {
        self.0
    }
}
