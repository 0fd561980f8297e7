//! Transactions (RFC 3261 section 17): four machines, one for each figure, and the table that
//! matches messages to them, keeps their bytes and their timers.

pub mod client_invite;
pub mod client_non_invite;
pub mod key;
mod machine;
pub mod server_invite;
pub mod server_non_invite;
pub mod table;
pub mod timers;
