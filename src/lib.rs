//! **switchboard** answers a council's central number, drives its menu, queues callers to advisers
//! and measures every answer against the 60-second standard.

pub mod acd;
pub mod call;
pub mod config;
pub mod engine;
pub mod event;
pub mod flow;
pub mod id;
pub mod media;
pub mod rtp;
pub mod sdp;
pub mod server;
pub mod sim;
pub mod sip;
pub mod stats;
pub mod time;
pub mod web;
