//! Secret types, purposes, epochs, envelope encryption and key directories. Code only: no key material, ever.
//!
//! The flow: [`home`] makes a party's or the operator's keys and keeps them in files that nobody else
//! can read; [`secret`] carries them as values that cannot be printed, copied or mixed up; [`envelope`]
//! encrypts what is stored; [`signing`] and [`sealing`] are what crosses to other parties. The file
//! formats are in SPEC.md.

mod aead;
pub mod derive;
pub mod entropy;
pub mod envelope;
pub mod epoch;
pub mod home;
pub mod kek;
mod keyfile;
pub mod purpose;
pub mod sealing;
pub mod secret;
pub mod signing;

pub use entropy::Entropy;
pub use epoch::Epoch;
pub use purpose::Purpose;
pub use secret::Secret;
