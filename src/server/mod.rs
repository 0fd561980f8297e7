//! The shell: sockets, threads, the clock, files, the database.

pub mod clock;
pub mod demo;
pub mod flows;
pub mod media_thread;
pub mod prompts;
pub mod sounds;
