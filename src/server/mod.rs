//! The shell: sockets, threads, the clock, files, the database.

pub mod clock;
pub mod media_thread;
pub mod sounds;
