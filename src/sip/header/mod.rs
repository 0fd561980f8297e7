//! Typed headers, each parsed when it is asked for.

pub mod address;
pub mod auth;
pub mod cseq;
pub mod name;
pub mod params;
pub mod scan;
pub mod via;

pub use address::{Contacts, NameAddr};
pub use auth::{Challenge, Credentials};
pub use cseq::CSeq;
pub use name::HeaderName;
pub use params::Params;
pub use via::{Rport, Transport, Via};
