//! RTCP: our reports (RFC 3550 section 6.4) with a CNAME (section 6.5.1, RFC 7022), goodbye
//! (section 6.6), and what we read of the peer's.

use std::time::Duration;

use rtcp_types::prelude::*;
use rtcp_types::{
    Bye, Compound, Packet, ReceiverReport, ReportBlock, ReportBlockBuilder, Sdes, SdesChunk,
    SdesItem, SenderReport,
};

use super::packet::{Ssrc, Timestamp};
use super::sequence::Block;
use crate::time::Time;

/// Longest compound packet that is written here: SR with one block, SDES, BYE.
pub const MAX_LEN: usize = 160;

/// What a sender report says of the stream that we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// The stream's timestamp now.
    pub timestamp: Timestamp,
    /// Packets sent so far, modulo 2^32.
    pub packets: u32,
    /// Payload bytes sent so far, modulo 2^32.
    pub octets: u32,
}

/// A report to the peer: SR if we have sent since the last one, else RR; at most one block.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    /// The name that ties our streams together.
    pub cname: &'a str,
    /// Present if we have sent since the last report.
    pub sender: Option<SenderInfo>,
    /// Present if a stream of the peer is known.
    pub block: Option<Block>,
    /// The last words: adds a BYE.
    pub bye: bool,
}

impl Report<'_> {
    /// Writes the compound packet to the front of `out` and returns its length; none if it does not
    /// fit.
    pub fn write(&self, now: Time, out: &mut [u8]) -> Option<usize> {
        let cname = SdesItem::builder(SdesItem::CNAME, self.cname);
        let sdes = Sdes::builder().add_chunk(SdesChunk::builder(self.ssrc.0).add_item(cname));
        let mut compound = Compound::builder();
        compound = match self.sender {
            Some(info) => {
                let mut report = SenderReport::builder(self.ssrc.0)
                    .ntp_timestamp(ntp(now))
                    .rtp_timestamp(info.timestamp.0)
                    .packet_count(info.packets)
                    .octet_count(info.octets);
                if let Some(block) = self.block {
                    report = report.add_report_block(build(block));
                }
                compound.add_packet(report)
            }
            None => {
                let mut report = ReceiverReport::builder(self.ssrc.0);
                if let Some(block) = self.block {
                    report = report.add_report_block(build(block));
                }
                compound.add_packet(report)
            }
        };
        compound = compound.add_packet(sdes);
        if self.bye {
            compound = compound.add_packet(Bye::builder().add_source(self.ssrc.0));
        }
        compound.write_into(out).ok()
    }
}

/// The NTP timestamp of a report. Ours counts from the engine's start instead of 1900: RFC 3550
/// section 6.4.1 allows it, peers only subtract, and a stepped wall clock cannot disturb it.
fn ntp(now: Time) -> u64 {
    let (seconds, micros) = (now.as_micros() / 1_000_000, now.as_micros() % 1_000_000);
    (seconds << 32) | ((micros << 32) / 1_000_000)
}

fn build(block: Block) -> ReportBlockBuilder {
    ReportBlock::builder(block.ssrc.0)
        .fraction_lost(block.fraction_lost)
        .cumulative_lost(block.cumulative_lost)
        .extended_sequence_number(block.highest)
        .interarrival_jitter(block.jitter)
        .last_sender_report_timestamp(block.last_sr)
        .delay_since_last_sender_report_timestamp(block.delay_since_sr)
}

/// What matters of a compound packet that a peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// Who sent a sender report, and its NTP timestamp.
    pub sender_report: Option<(Ssrc, u64)>,
    /// What it says of our stream.
    pub block: Option<Block>,
    /// Whose stream ends (section 6.6). What that means for the call is for signalling to say.
    pub bye: Option<Ssrc>,
}

/// The bytes are not a compound RTCP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RTCP packet")]
pub struct MalformedRtcp;

/// Reads a compound packet: it must begin with a report (RFC 3550 appendix A.2). `ours` is the
/// source of the stream that we send.
pub fn read(bytes: &[u8], ours: Ssrc) -> Result<Heard, MalformedRtcp> {
    let mut heard = Heard::default();
    for (at, packet) in Compound::parse(bytes).map_err(|_| MalformedRtcp)?.enumerate() {
        match packet.map_err(|_| MalformedRtcp)? {
            Packet::Sr(report) => {
                heard.sender_report = Some((Ssrc(report.ssrc()), report.ntp_timestamp()));
                heard.block = about(ours, report.report_blocks()).or(heard.block);
            }
            Packet::Rr(report) => {
                heard.block = about(ours, report.report_blocks()).or(heard.block);
            }
            Packet::Bye(bye) if at > 0 => heard.bye = bye.ssrcs().next().map(Ssrc),
            _ if at == 0 => return Err(MalformedRtcp),
            _ => {}
        }
    }
    Ok(heard)
}

/// The block that speaks of our stream.
fn about<'a>(ours: Ssrc, mut blocks: impl Iterator<Item = ReportBlock<'a>>) -> Option<Block> {
    let block = blocks.find(|block| block.ssrc() == ours.0)?;
    Some(Block {
        ssrc: ours,
        fraction_lost: block.fraction_lost(),
        // Signed in 24 bits: more came than was sent where packets were doubled on the way.
        cumulative_lost: Some(block.cumulative_lost())
            .filter(|lost| *lost < 0x80_0000)
            .unwrap_or(0),
        highest: block.extended_sequence_number(),
        jitter: block.interarrival_jitter(),
        last_sr: block.last_sender_report_timestamp(),
        delay_since_sr: block.delay_since_last_sender_report_timestamp(),
    })
}

/// Longest round trip that is believed.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(10);

/// How long it takes there and back, by a block about our stream that arrived at `now` (RFC 3550
/// section 6.4.1); none if the peer had no sender report of ours yet, or miscounts.
pub fn round_trip(now: Time, block: &Block) -> Option<Duration> {
    let middle = (ntp(now) >> 16) as u32;
    let units = middle.wrapping_sub(block.last_sr).wrapping_sub(block.delay_since_sr);
    let micros = u64::from(units) * 1_000_000 / 65_536;
    let round_trip = Duration::from_micros(micros);
    (block.last_sr != 0 && round_trip <= MAX_ROUND_TRIP).then_some(round_trip)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BLOCK: Block = Block {
        ssrc: Ssrc(9),
        fraction_lost: 12,
        cumulative_lost: 345,
        highest: 0x1_2345,
        jitter: 67,
        last_sr: 0x0203_0405,
        delay_since_sr: 65_536,
    };

    fn write(report: &Report<'_>, now: Time) -> Vec<u8> {
        let mut bytes = [0; MAX_LEN];
        let len = report.write(now, &mut bytes).expect("fits");
        bytes[..len].to_vec()
    }

    #[test]
    fn a_sender_report_reads_back_with_its_block_cname_and_goodbye() {
        let info = SenderInfo { timestamp: Timestamp(8_000), packets: 50, octets: 8_000 };
        let report = Report {
            ssrc: Ssrc(7),
            cname: "0123456789abcdef",
            sender: Some(info),
            block: Some(BLOCK),
            bye: true,
        };
        let bytes = write(&report, Time::from_millis(1_500));
        let heard = read(&bytes, Ssrc(9)).expect("reads");
        let sender_report = Some((Ssrc(7), 0x1_8000_0000));
        assert_eq!(heard, Heard { sender_report, block: Some(BLOCK), bye: Some(Ssrc(7)) });
        assert_eq!(read(&bytes, Ssrc(8)).map(|heard| heard.block), Ok(None));
        let packets: Vec<_> =
            Compound::parse(&bytes).expect("reads").map(|packet| packet.expect("reads")).collect();
        let [Packet::Sr(sr), Packet::Sdes(sdes), Packet::Bye(bye)] = &packets[..] else {
            panic!("{packets:?}");
        };
        assert_eq!((sr.rtp_timestamp(), sr.packet_count(), sr.octet_count()), (8_000, 50, 8_000));
        let block = sr.report_blocks().next().expect("a block");
        assert_eq!((block.cumulative_lost(), block.interarrival_jitter()), (345, 67));
        let chunk = sdes.chunks().next().expect("a chunk");
        let item = chunk.items().next().expect("an item");
        assert_eq!((item.type_(), item.value()), (SdesItem::CNAME, &b"0123456789abcdef"[..]));
        assert_eq!(bye.ssrcs().collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn who_has_not_sent_writes_a_receiver_report() {
        let report =
            Report { ssrc: Ssrc(7), cname: "x", sender: None, block: Some(BLOCK), bye: false };
        let bytes = write(&report, Time::ZERO);
        assert_eq!(bytes[1], 201);
        let heard = Heard { block: Some(BLOCK), ..Heard::default() };
        assert_eq!(read(&bytes, Ssrc(9)), Ok(heard));
        let mut small = [0; 20];
        assert_eq!(report.write(Time::ZERO, &mut small), None);
    }

    #[test]
    fn what_does_not_begin_with_a_report_is_refused() {
        let mut bytes = [0; MAX_LEN];
        let len = Bye::builder().add_source(7).write_into(&mut bytes).expect("fits");
        assert_eq!(read(&bytes[..len], Ssrc(7)), Err(MalformedRtcp));
        assert_eq!(read(&[], Ssrc(7)), Err(MalformedRtcp));
    }

    #[test]
    fn the_round_trip_is_what_is_left_of_the_time_since_our_report() {
        let sent = Time::from_millis(7_250);
        let block = Block {
            last_sr: (ntp(sent) >> 16) as u32,
            // Half a second at the peer.
            delay_since_sr: 32_768,
            ..BLOCK
        };
        let after =
            |ms: u64| round_trip(Time::from_millis(7_250 + ms), &block).map(|t| t.as_millis());
        assert_eq!((after(580), after(500)), (Some(79), Some(0)));
        // Answered before it was asked, or after longer than anybody waits.
        assert_eq!((after(499), after(11_000)), (None, None));
        let unasked = Block { last_sr: 0, ..block };
        assert_eq!(round_trip(Time::from_millis(7_830), &unasked), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_and_never_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..120),
            kinds in proptest::collection::vec((0u8..32, 198u8..208, 0u16..10), 1..4),
        ) {
            let _ = read(&bytes, Ssrc(0));
            // Bytes that look like RTCP reach deeper.
            let mut shaped = Vec::new();
            let mut rest = bytes.into_iter();
            for (count, kind, words) in kinds {
                shaped.extend([0x80 | count, kind]);
                shaped.extend(words.to_be_bytes());
                shaped.extend(rest.by_ref().chain(std::iter::repeat(0)).take(usize::from(words) * 4));
            }
            let _ = read(&shaped, Ssrc(0));
        }
    }
}
