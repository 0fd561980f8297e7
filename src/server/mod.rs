//! The shell: sockets, threads, the clock, files, the database.

pub mod settings_file;
