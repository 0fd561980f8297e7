//! The shell: sockets, threads, the clock, files, the database.

pub mod clock;
pub mod demo;
pub mod flows;
pub mod log;
pub mod media_thread;
pub mod prompts;
pub mod sounds;
pub mod store;
pub mod udp;
