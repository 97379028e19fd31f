//! Secret types, purposes, epochs, envelope encryption and key directories. Code only: no key material, ever.

pub mod entropy;

pub use entropy::Entropy;
