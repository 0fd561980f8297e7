//! The command line of switchboard.
fn main() {}
