//! What is printed in the end.

use super::Asked;
use super::voice::Voice;

/// Prints what was measured in `took` seconds; `spent` is the CPU time of the server and our own, in
/// milliseconds. Whether nothing was lost.
pub fn print(asked: &Asked, voice: &Voice, took: f64, spent: (f64, f64)) -> bool {
    let heard = &voice.heard;
    let (server, own) = (spent.0 / took / 10.0, spent.1 / took / 10.0);
    println!(
        "{} calls for {took:.0} s: {} packets heard, {} sent, {} lost; fewest by one party {}",
        asked.calls,
        heard.packets,
        heard.sent,
        heard.lost,
        voice.fewest()
    );
    let gaps = &heard.gaps;
    println!(
        "gap between packets: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, max {:.2} ms",
        gaps.at(0.5),
        gaps.at(0.99),
        gaps.at(0.999),
        gaps.at(1.0)
    );
    let delays = &heard.delays;
    // What a mixer makes of several voices carries nobody's stamp.
    if delays.count() > 0 && asked.besides == 0 {
        println!(
            "delay through the bridge: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
            delays.at(0.5),
            delays.at(0.99),
            delays.at(1.0)
        );
    }
    println!(
        "CPU: {server:.1} % of a core, {:.3} % a call; the generator {own:.1} %, late by {:.2} ms at p99",
        server / asked.calls as f64,
        heard.late.at(0.99)
    );
    heard.lost == 0
}
