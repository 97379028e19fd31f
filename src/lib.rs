//! Tamis: a privacy clean room and onboarding matching service.
//!
//! The rooms, from the outside in: `app` wires; `http`, `cli` and `worker` face the world; `service`
//! holds the use cases; `store`, `sets`, `matching` and `delivery` do one thing each; `domain` says
//! what is allowed. `attack` tries what `protocols::release` is there to stop. `party` is what runs at an advertiser or partner,
//! `witness` at whoever vouches for logs. See ARCHITECTURE.md.

pub mod app;
pub mod attack;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod http;
pub mod matching;
pub mod party;
pub mod service;
pub mod sets;
pub mod store;
pub mod witness;
pub mod worker;
