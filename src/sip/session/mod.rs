//! The machines that live inside a dialog, each without bytes, clock or network: what an input
//! leads to, and what is then to be done.

pub mod negotiation;
pub mod reliable;
pub mod subscription;
pub mod timer;
