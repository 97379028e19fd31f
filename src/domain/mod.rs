//! States and transitions: what is allowed. No I/O.

pub mod audience;
pub mod clock;
pub mod id;
pub mod name;
pub mod permitted;
pub mod residency;
pub mod state;
