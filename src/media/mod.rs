//! Voice: a 20 ms frame pipeline, one owner for each leg, no lock and no allocation for a packet.

pub mod command;
