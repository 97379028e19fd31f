#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod differential;
mod encoder;
mod gpp;
mod record;
mod tcf;
mod vectors;
