//! Proving the log of a Tamis service, or an evidence pack of it, from files alone.
//!
//! What is proven is `tamis_protocols::audit`; here are the files: a directory as evidence ([`Directory`]), a pack
//! as one file ([`pack`], [`unpack`]), and a whole run ([`prove`]). Nothing here has a network, and a hostile pack
//! can neither leave its directory nor fill more of it than is allowed.

mod directory;
mod packed;
mod run;

pub use directory::Directory;
pub use packed::{pack, unpack};
pub use run::{Ask, Failure, Proof, prove};

#[cfg(test)]
mod tests;
