//! RTCP.

use rtcp_types::{Compound, Packet as Rtcp};

use super::*;
use crate::rtp::sequence::Block;

const MU: Codec = Codec::Pcmu;

#[test]
fn reports_go_out_about_every_five_seconds_to_the_peers_rtcp_port() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.pass(60_000);
    let reports: Vec<_> =
        rig.network.rtcp.iter().filter(|(_, leg, ..)| *leg == A).cloned().collect();
    assert!((9..=24).contains(&reports.len()), "{}", reports.len());
    for pair in reports.windows(2) {
        let apart = pair[1].0.since(pair[0].0).as_millis();
        assert!((2_499..=7_521).contains(&apart), "{apart}");
    }
    assert!(
        reports.iter().all(|(_, _, to, _)| *to == "10.0.0.1:4001".parse().expect("an address"))
    );
    let sent = rig.sent(A);
    let (at, _, _, bytes) = &reports[3];
    let before: Vec<&Sent> = sent.iter().filter(|sent| sent.at <= *at).collect();
    let Some(Ok(Rtcp::Sr(report))) = Compound::parse(bytes).expect("reads").next() else {
        panic!("a sender report");
    };
    assert_eq!(report.ssrc(), before[0].ssrc.0);
    assert_eq!(report.packet_count() as usize, before.len());
    assert_eq!(report.octet_count() as usize, before.len() * 160);
    let newest = before[before.len() - 1].timestamp;
    assert!(Timestamp(report.rtp_timestamp()).ahead_of(newest) < 160);
}

#[test]
fn what_the_peer_lost_on_its_way_is_reported_to_it() {
    let mut rig = Rig::with_two_legs(MU, MU);
    for at in (0..400u16).filter(|at| at % 4 != 3) {
        rig.receive(A, &voice(MU, at, &[1; 160]));
        rig.pass(if at % 4 == 2 { 40 } else { 20 });
    }
    let (_, _, _, bytes) =
        rig.network.rtcp.iter().rfind(|(_, leg, ..)| *leg == A).expect("a report").clone();
    let Some(Ok(Rtcp::Sr(report))) = Compound::parse(&bytes).expect("reads").next() else {
        panic!("a sender report");
    };
    let block = report.report_blocks().next().expect("a block");
    assert_eq!(block.ssrc(), 0xabcd);
    assert!((60..=66).contains(&block.fraction_lost()), "{}", block.fraction_lost());
    assert!(block.cumulative_lost() > 0);
}

#[test]
fn a_peer_that_only_sends_gets_receiver_reports() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.negotiate(A, Negotiated { direction: Direction::RecvOnly, ..negotiated(A, MU) });
    rig.receive(A, &voice(MU, 0, &[1; 160]));
    rig.pass(8_000);
    let (_, _, _, bytes) =
        rig.network.rtcp.iter().find(|(_, leg, ..)| *leg == A).expect("a report").clone();
    let Some(Ok(Rtcp::Rr(report))) = Compound::parse(&bytes).expect("reads").next() else {
        panic!("a receiver report");
    };
    assert_eq!(report.n_reports(), 1);
}

#[test]
fn closing_says_goodbye() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.pass(40);
    rig.network.rtcp.clear();
    rig.command(Command::Close { leg: A });
    let [(_, A, _, bytes)] = &rig.network.rtcp[..] else { panic!("one packet") };
    let last = Compound::parse(bytes).expect("reads").last().expect("packets").expect("reads");
    assert!(matches!(last, Rtcp::Bye(_)), "{last:?}");
    // A leg that was never negotiated has nobody to say it to.
    rig.plane.open(rig.network.now, LegId(7), "192.0.2.9:20004".parse().expect("an address"));
    rig.command(Command::Close { leg: LegId(7) });
    assert_eq!(rig.network.rtcp.len(), 1);
}

#[test]
fn the_peers_reports_are_counted_from_it_and_from_nobody_else() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.receive(A, &voice(MU, 0, &[1; 160]));
    let report =
        rtcp::Report { ssrc: Ssrc(0xabcd), cname: "peer", sender: None, block: None, bye: true };
    let mut bytes = [0; rtcp::MAX_LEN];
    let len = report.write(Time::ZERO, &mut bytes).expect("fits");
    for from in ["10.0.0.1:4001", "203.0.113.9:4001"] {
        let from = from.parse().expect("an address");
        rig.plane.handle_rtcp(rig.network.now, A, from, &bytes[..len]);
    }
    rig.plane.handle_rtcp(
        rig.network.now,
        A,
        "10.0.0.1:4001".parse().expect("an address"),
        b"not a report",
    );
    let counters = rig.plane.counters();
    assert_eq!(counters.rtcp_received, 1);
    assert_eq!(rig.dropped(DropReason::Source), 1);
    assert_eq!(rig.dropped(DropReason::Malformed), 1);
    // A goodbye on RTCP ends nothing: signalling does.
    rig.pass(20);
    assert!(rig.plane.is_open(A));
}

#[test]
fn a_leg_that_is_over_tells_how_it_sounded_both_ways() {
    let mut rig = Rig::with_two_legs(MU, MU);
    // A packet in ten is lost on its way to us, and the peer reports one in twenty of ours.
    for at in (0..500u16).filter(|at| at % 10 != 9) {
        rig.receive(A, &voice(MU, at, &[1; 160]));
        rig.pass(if at % 10 == 8 { 40 } else { 20 });
    }
    let sent = rig.sent(A);
    let [first, .., last] = &sent[..] else { panic!("packets") };
    let our_report = rig.network.rtcp.iter().rfind(|(_, leg, ..)| *leg == A).expect("a report");
    let (reported_at, _, _, bytes) = our_report.clone();
    let Some(Ok(Rtcp::Sr(report))) = Compound::parse(&bytes).expect("reads").next() else {
        panic!("a sender report");
    };
    // It took 30 ms to the peer, who kept it for the rest, and 30 ms back.
    let kept = rig.network.now.since(reported_at) - std::time::Duration::from_millis(60);
    let count = u32::try_from(sent.len()).expect("few");
    let block = Block {
        ssrc: first.ssrc,
        fraction_lost: 13,
        cumulative_lost: count / 20,
        highest: u32::from(first.seq.0) + count - 1,
        jitter: 40,
        last_sr: (report.ntp_timestamp() >> 16) as u32,
        delay_since_sr: u32::try_from(kept.as_micros() * 65_536 / 1_000_000).expect("short"),
    };
    assert_eq!(block.highest as u16, last.seq.0);
    let words = rtcp::Report {
        ssrc: Ssrc(0xabcd),
        cname: "peer",
        sender: None,
        block: Some(block),
        bye: false,
    };
    let mut bytes = [0; rtcp::MAX_LEN];
    let len = words.write(Time::ZERO, &mut bytes).expect("fits");
    let from = "10.0.0.1:4001".parse().expect("an address");
    rig.plane.handle_rtcp(rig.network.now, A, from, &bytes[..len]);
    rig.command(Command::Close { leg: A });
    let closed = rig.events().into_iter().find_map(|event| match event {
        Event::Closed { leg: A, quality, .. } => Some(quality),
        _ => None,
    });
    let quality = closed.expect("closed");
    let (from, to) = (quality.from_peer.expect("heard"), quality.to_peer.expect("reported"));
    assert_eq!((from.expected, from.lost), (499, 49));
    assert_eq!(
        (to.expected, to.lost, to.jitter_us),
        (u64::from(count), u64::from(count / 20), 5_000)
    );
    let round_trip_us = quality.round_trip_us.expect("known");
    assert!((59_900..=60_100).contains(&round_trip_us), "{round_trip_us}");
    assert!((330..=345).contains(&from.mos_hundredths), "{}", from.mos_hundredths);
    assert!((385..=395).contains(&to.mos_hundredths), "{}", to.mos_hundredths);
}
