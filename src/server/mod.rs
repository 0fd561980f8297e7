//! The shell: sockets, threads, the clock, files, the database.

pub mod assistant;
pub mod backends;
pub mod bell;
pub mod clock;
pub mod command;
pub mod control;
pub mod demo;
pub mod flows;
mod hearing;
pub mod installation;
pub mod listeners;
pub mod log;
pub mod media_thread;
pub mod prompts;
pub mod recording;
pub mod refusals;
pub mod rehearsal;
pub mod resolver;
pub mod run;
pub mod settings_file;
pub mod simulate;
pub mod sounds;
pub mod speech;
pub mod staffing;
pub mod store;
pub mod stream;
pub mod udp;
