//! RTCP: what is read is read alike again, and what we write says what was meant.

use switchboard::rtp::packet::{Ssrc, Timestamp};
use switchboard::rtp::rtcp::{self, MAX_LEN, Report, SenderInfo};
use switchboard::rtp::sequence::Block;
use switchboard::time::Time;

use super::source::Source;

/// A report of ours, or a peer's bytes as they are.
pub fn run(data: &[u8]) {
    let mut source = Source::new(data);
    if source.one_in(4) {
        return ours(&mut source);
    }
    let ours = Ssrc(word(&mut source));
    let now = Time::from_micros(u64::from(word(&mut source)) << 8);
    if let Ok(heard) = rtcp::read(source.rest(), ours)
        && let Some(block) = heard.block
    {
        assert_eq!(block.ssrc, ours);
        assert!(block.cumulative_lost < 0x80_0000);
        if let Some(round_trip) = rtcp::round_trip(now, &block) {
            assert!(block.last_sr != 0 && round_trip.as_secs() <= 10);
        }
    }
}

fn ours(source: &mut Source<'_>) {
    let (ssrc, peer) = (Ssrc(word(source)), Ssrc(word(source)));
    let sender = source.one_in(2).then(|| SenderInfo {
        timestamp: Timestamp(word(source)),
        packets: word(source),
        octets: word(source),
    });
    let block = source.one_in(2).then(|| Block {
        ssrc: peer,
        fraction_lost: source.byte(),
        cumulative_lost: word(source) & 0x7f_ffff,
        highest: word(source),
        jitter: word(source),
        last_sr: word(source),
        delay_since_sr: word(source),
    });
    let bye = source.one_in(2);
    let cname = "0123456789abcdef";
    let now = Time::from_micros(u64::from(word(source)) << 4);
    let mut bytes = [0; MAX_LEN];
    let report = Report { ssrc, cname, sender, block, bye };
    let len = report.write(now, &mut bytes).expect("there is room");
    let heard = rtcp::read(&bytes[..len], peer).expect("what we write can be read");
    assert_eq!((heard.block, heard.bye), (block, bye.then_some(ssrc)));
    assert_eq!(heard.sender_report.map(|(from, _)| from), sender.map(|_| ssrc));
    // Cut anywhere it is no longer the same, and never a fault.
    let cut = source.below(len);
    let _ = rtcp::read(&bytes[..cut], peer);
}

fn word(source: &mut Source<'_>) -> u32 {
    u32::from_be_bytes([source.byte(), source.byte(), source.byte(), source.byte()])
}
