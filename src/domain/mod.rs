//! States and transitions: what is allowed. No I/O.

pub mod clock;
