//! Programs that other people wrote against the real server: every feature of a call, over every
//! transport that the peer speaks.
//!
//! A scenario starts a server of its own on a loopback network of its own, lets the peers do what
//! they do, and asks the journal what came of it. The results are a table:
//!
//! ```text
//! cargo test --test interop -- [WORD ...] [--jobs N] [--docs FILE]
//! ```
//!
//! Words choose scenarios: those that have all of them in their peer, transport or feature.

mod attackers;
mod bad_network;
mod baresip;
mod calls;
mod certificates;
mod dialogs;
mod digests;
mod kamailio;
mod place;
mod refusals;
mod registrations;
mod run;
mod scenario;
mod settings;
mod sipp;
mod table;
mod tls;
mod transfers;
mod trunks;
mod tunnel;
mod webphones;
mod wireshark;

#[path = "../peers/mod.rs"]
mod peers;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut scenarios = Vec::new();
    dialogs::scenarios(&mut scenarios);
    calls::scenarios(&mut scenarios);
    refusals::scenarios(&mut scenarios);
    transfers::scenarios(&mut scenarios);
    trunks::scenarios(&mut scenarios);
    registrations::scenarios(&mut scenarios);
    digests::scenarios(&mut scenarios);
    baresip::scenarios(&mut scenarios);
    bad_network::scenarios(&mut scenarios);
    attackers::scenarios(&mut scenarios);
    tls::scenarios(&mut scenarios);
    kamailio::scenarios(&mut scenarios);
    webphones::scenarios(&mut scenarios);
    wireshark::scenarios(&mut scenarios);
    run::run(&scenarios, &run::Options::from_words(std::env::args().skip(1)))
}
