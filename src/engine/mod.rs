//! The core's one door: [`io::Input`] in, [`io::Output`] out, time as a parameter.

pub mod io;

/// Settings and everything they refer to, checked and ready to be used: swapped whole by a reload.
#[derive(Debug)]
pub struct Plan {}
