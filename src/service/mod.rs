//! (being written)

pub mod noise;
