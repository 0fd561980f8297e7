//! The call machine: legs, offers, talk, and the words of its controllers.

pub mod command;
