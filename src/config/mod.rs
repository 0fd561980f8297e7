//! Settings: what can be said, how it is read, and what is wrong with it.

pub mod settings;
