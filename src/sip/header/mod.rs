//! Typed headers, each parsed when it is asked for.

pub mod address;
pub mod auth;
pub mod cause;
pub mod cseq;
pub mod name;
pub mod params;
pub mod replaces;
pub mod scan;
pub mod session_expires;
pub mod via;

pub use address::{Contacts, NameAddr};
pub use auth::{Challenge, Credentials};
pub use cause::{Cause, CauseProtocol};
pub use cseq::CSeq;
pub use name::HeaderName;
pub use params::Params;
pub use replaces::Replaces;
pub use session_expires::{SessionExpires, Side};
pub use via::{Rport, Transport, Via};
