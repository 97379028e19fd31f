//! The audit: everything that can be proven of a service from its log, and from the documents behind it.
//!
//! The flow: an auditor fetches the log and the documents that its leaves have only digests of, draws records
//! at random ([`sampling`]) for the parties to substantiate, and packs all of it as one *evidence pack*
//! ([`archive`], [`Manifest`]). Anybody runs [`audit`] over it, offline: signatures, tree, order of events, who
//! signed what with which key, by which policy every decision was taken, the privacy budget recomputed from the
//! charges, earlier checkpoints, sampled records. Of a bare log it checks what a bare log can show, and says
//! what it did not.
//!
//! Who learns what: the reader of a pack learns terms, signatures, public keys, policies, numbers of rows of
//! uploads, and the consent records that were drawn; never a token, a cookie or an exact count of a match. What
//! it cannot show: that the service did what the leaves say. SPEC.md.

pub mod archive;
mod document;
mod earlier;
mod evidence;
mod leaves;
mod ledger;
mod lines;
mod manifest;
mod replay;
mod report;
mod samples;
pub mod sampling;
mod signed;
mod substantiation;
mod summary;
mod violation;

pub use document::{Document, LINE_MAX};
pub use earlier::Kept;
pub use evidence::{Evidence, file};
pub use manifest::{Listed, Manifest};
pub use replay::{audit, summarise};
pub use report::{Books, Drawn, Enrolled, Report};
pub use substantiation::{SampleLine, Substantiation, sign_substantiation, verify_substantiation};
pub use violation::{Problem, Violation};

#[cfg(test)]
mod tests;
