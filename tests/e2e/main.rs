//! The whole path on real sockets, against programs that other people wrote: SIPp rings, baresip
//! answers, and what each side heard is measured.

mod advisers;
mod business;
mod callbacks;
mod council;
mod desks;
mod encrypted;
mod messages;
#[path = "../peers/mod.rs"]
mod peers;
mod queue;
mod recording;
mod registry;
mod ring_all;
mod story;
mod tools;

use peers::{clock, pcap, server, sipp, softphone, street};
