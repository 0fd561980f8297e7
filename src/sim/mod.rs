//! The simulated world: callers, advisers and a network whose clock jumps to the next deadline.
//!
//! The endpoints here speak SIP through the `rsip` crate and have G.711 tables, session
//! descriptions and digests of their own. They share no wire code with the engine on purpose: two
//! independent implementations meet in every scenario, so that no fault cancels itself out.

pub mod adviser;
pub mod backend;
pub mod caller;
pub mod day;
pub mod diary;
pub mod ear;
pub mod network;
mod packets;
pub mod person;
pub mod phone;
pub mod provider;
mod recogniser;
pub mod secrecy;
pub mod streams;
pub mod tone;
pub mod voice;
pub mod world;
