//! Programs that other people wrote, and our own server beside them, started and watched by tests.
#![allow(dead_code)] // each of the test programs that share these uses a part of them

pub mod clock;
pub mod council;
pub mod impair;
pub mod judge;
pub mod pcap;
pub mod process;
pub mod server;
pub mod sipp;
pub mod softphone;
pub mod street;
pub mod webrtc;
