//! The whole path on real sockets, against programs that other people wrote: SIPp rings, baresip
//! answers, and what each side heard is measured.

mod clock;
mod pcap;
mod process;
mod server;
mod sipp;
mod softphone;
mod story;
mod street;
mod tools;
