//! Settings: what can be said, how it is read, and what is wrong with it.
//!
//! [`load::load`] turns text into [`settings::Settings`] or into findings with their places;
//! [`check::check`] finds what reads well and means nothing. Both are pure: files are read by
//! `server::settings_file`.

pub mod check;
pub mod contact;
pub mod load;
pub mod plan;
pub mod problem;
pub mod registry;
pub mod secret;
pub mod settings;
pub mod source;

mod mask;
pub mod suggest;
#[cfg(test)]
mod tests;
