//! Recordings: from the media threads' rings to files that can be trusted.

pub mod counters;
pub mod desk;
pub mod manifest;
pub mod read;
pub mod sealed;
pub mod spool;
pub mod timeline;
pub mod wav;
