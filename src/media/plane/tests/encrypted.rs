//! Encrypted legs: nothing goes out in the clear, nothing is believed that is not authentic.

use super::*;
use crate::media::command::{MasterKey, SrtpKeys, Suite};
use crate::rtp::srtp::{OVERHEAD, Receiver, Sender};

const MU: Codec = Codec::Pcmu;
const SUITE: Suite = Suite::AeadAes256Gcm;

/// The peer's side of an encrypted leg.
struct Peer {
    keys: SrtpKeys,
    send: Sender,
    receive: Receiver,
}

impl Peer {
    fn new(seed: u8, suite: Suite) -> Peer {
        let mut entropy = Entropy::from_seed([seed; 32]);
        let (ours, theirs) =
            (MasterKey::draw(suite, &mut entropy), MasterKey::draw(suite, &mut entropy));
        let (send, receive) = (Sender::new(&theirs), Receiver::new(&ours, None));
        Peer { keys: SrtpKeys { send: ours, receive: theirs, receive_mki: None }, send, receive }
    }

    fn agreed(&self, leg: LegId) -> Negotiated {
        Negotiated { srtp: Some(Box::new(self.keys.clone())), ..negotiated(leg, MU) }
    }

    /// A packet as this peer sends it.
    fn seal(&mut self, packet: &Packet<'_>) -> Vec<u8> {
        let mut bytes = vec![0; 1_500 + OVERHEAD];
        let len = packet.write(&mut bytes[..1_500]).expect("fits");
        let len = self.send.protect_rtp(&mut bytes, len).expect("is protected");
        bytes.truncate(len);
        bytes
    }

    /// The payloads of what was sent to this peer since the last call; it must be able to read all.
    fn hear(&mut self, rig: &mut Rig, leg: LegId) -> Vec<Vec<u8>> {
        let (mine, others) = rig.network.raw.drain(..).partition(|(to, _)| *to == leg);
        rig.network.raw = others;
        let mut room = [0; 1_500];
        let mut open = |(_, bytes): (LegId, Vec<u8>)| {
            let plain = self.receive.unprotect_rtp(&bytes, &mut room).expect("is for this peer");
            assert_ne!(plain[12..], bytes[12..plain.len()], "sent in the clear");
            Packet::parse(plain).expect("RTP").payload.to_vec()
        };
        let mine: Vec<(LegId, Vec<u8>)> = mine;
        mine.into_iter().map(&mut open).collect()
    }
}

fn arrives(rig: &mut Rig, leg: LegId, from: &str, bytes: &[u8]) {
    let (now, from) = (rig.network.now, from.parse().expect("an address"));
    rig.plane.handle_rtp(now, leg, from, bytes, &mut rig.network);
}

/// A is encrypted, B as told; both are bridged.
fn bridged(b: Option<&Peer>) -> (Rig, Peer) {
    let mut rig = Rig::bridged(MU, MU);
    let a = Peer::new(1, SUITE);
    rig.negotiate(A, a.agreed(A));
    if let Some(b) = b {
        rig.negotiate(B, b.agreed(B));
    }
    rig.network.raw.clear();
    (rig, a)
}

#[test]
fn silence_music_prompts_and_reports_are_encrypted() {
    for suite in Suite::ALL {
        let mut rig = Rig::with_two_legs(MU, MU);
        let mut peer = Peer::new(1, suite);
        rig.negotiate(A, peer.agreed(A));
        rig.pass(100);
        assert_eq!(peer.hear(&mut rig, A), vec![vec![Law::Mu.silence(); 160]; 5], "{suite:?}");
        rig.music(A);
        rig.pass(1_000);
        let heard = peer.hear(&mut rig, A);
        assert!(heard.len() == 50 && heard.iter().all(|frame| frame[0] != Law::Mu.silence()));
        rig.play(A, 1, &["main/one"]);
        rig.pass(9_000);
        assert_eq!(peer.hear(&mut rig, A).len(), 450, "{suite:?}");
        let reports: Vec<Vec<u8>> = rig
            .network
            .rtcp
            .iter()
            .filter(|(_, leg, _, _)| *leg == A)
            .map(|(_, _, _, bytes)| bytes.clone())
            .collect();
        assert!(!reports.is_empty());
        for report in reports {
            assert!(rtcp::read(&report, Ssrc(0)).is_err(), "{suite:?}: readable by anybody");
            let mut room = [0; 200];
            let plain = peer.receive.unprotect_rtcp(&report, &mut room).expect("is for this peer");
            assert!(rtcp::read(plain, Ssrc(0)).is_ok_and(|heard| heard.sender_report.is_some()));
        }
    }
}

#[test]
fn a_bridge_from_an_encrypted_leg_to_a_plain_one_relays_both_ways_at_once() {
    let (mut rig, mut peer) = bridged(None);
    let bytes = peer.seal(&voice(MU, 0, &[0x11; 160]));
    arrives(&mut rig, A, home(A), &bytes);
    let heard = rig.sent(B);
    assert_eq!(heard.len(), 1, "on receipt");
    assert_eq!(heard[0].payload, [0x11; 160]);
    rig.receive(B, &voice(MU, 0, &[0x22; 160]));
    assert_eq!(peer.hear(&mut rig, A), [vec![0x22; 160]]);
    let bytes = peer.seal(&key(1, 1, &press(5, false, 160)));
    arrives(&mut rig, A, home(A), &bytes);
    assert!(rig.events().iter().any(|event| matches!(event, Event::Key { leg: A, .. })));
    assert_eq!(rig.sent(B).len(), 1);
}

#[test]
fn a_bridge_of_two_encrypted_legs_relays_from_one_key_to_the_other() {
    let mut b = Peer::new(2, Suite::AesCm128HmacSha1_80);
    let (mut rig, mut a) = bridged(Some(&b));
    for at in 0..3 {
        let bytes = a.seal(&voice(MU, at, &[0x11; 160]));
        arrives(&mut rig, A, home(A), &bytes);
        assert_eq!(b.hear(&mut rig, B), [vec![0x11; 160]]);
        let bytes = b.seal(&voice(MU, at, &[0x22; 160]));
        arrives(&mut rig, B, home(B), &bytes);
        assert_eq!(a.hear(&mut rig, A), [vec![0x22; 160]]);
    }
    assert_eq!(rig.plane.counters().received, 6);
}

#[test]
fn what_is_not_authentic_is_dropped_counted_and_never_latched_onto() {
    let (mut rig, mut peer) = bridged(None);
    let elsewhere = "192.0.2.77:9999";
    // Plain, though from where the signalling comes.
    rig.receive_from(A, elsewhere, &voice(MU, 0, &[0x33; 160]));
    // By another key, and changed on the way.
    let foreign = Peer::new(9, SUITE).seal(&voice(MU, 0, &[0x33; 160]));
    arrives(&mut rig, A, elsewhere, &foreign);
    let mut changed = peer.seal(&voice(MU, 0, &[0x33; 160]));
    changed[20] ^= 1;
    arrives(&mut rig, A, elsewhere, &changed);
    arrives(&mut rig, A, elsewhere, b"not RTP");
    assert_eq!(rig.dropped(DropReason::Unauthentic), 3);
    assert_eq!(rig.dropped(DropReason::Malformed), 1);
    assert_eq!(rig.sent(B), []);
    // We still send where the description says, and the peer may still turn up elsewhere.
    rig.receive(B, &voice(MU, 0, &[0x22; 160]));
    assert_eq!(rig.sent(A)[0].to.to_string(), home(A));
    let bytes = peer.seal(&voice(MU, 1, &[0x11; 160]));
    arrives(&mut rig, A, elsewhere, &bytes);
    assert_eq!(rig.sent(B).len(), 1);
    rig.receive(B, &voice(MU, 1, &[0x22; 160]));
    assert_eq!(rig.sent(A)[0].to.to_string(), elsewhere);
}

#[test]
fn forged_packets_are_no_sign_of_life() {
    let (mut rig, _) = bridged(None);
    for at in 0..600 {
        rig.pass(20);
        rig.receive(A, &voice(MU, at, &[0x33; 160]));
    }
    let silent = |event: &Event| matches!(event, Event::Silent { leg: A, ever_heard: false, .. });
    assert!(rig.events().iter().any(silent));
}

#[test]
fn a_packet_that_has_been_is_dropped_and_counted() {
    let (mut rig, mut peer) = bridged(None);
    let packets: Vec<Vec<u8>> = (0..3).map(|at| peer.seal(&voice(MU, at, &[0x11; 160]))).collect();
    for _ in 0..2 {
        for bytes in &packets {
            arrives(&mut rig, A, home(A), bytes);
        }
    }
    assert_eq!(rig.dropped(DropReason::Replayed), 3);
    assert_eq!(rig.sent(B).len(), 3);
}

#[test]
fn a_plain_peer_cannot_make_us_encrypt_two_packets_under_one_number() {
    let (mut rig, mut peer) = bridged(None);
    rig.receive(B, &voice(MU, 0, &[0x22; 160]));
    rig.receive(B, &voice(MU, 1, &[0x22; 160]));
    rig.receive(B, &voice(MU, 1, &[0x77; 160]));
    assert_eq!(peer.hear(&mut rig, A), [vec![0x22; 160], vec![0x22; 160]]);
    assert_eq!(rig.dropped(DropReason::Late), 1);
}

#[test]
fn the_same_keys_go_on_and_others_begin_afresh() {
    let (mut rig, mut peer) = bridged(None);
    // Close to the wrap, so that the upper half of the number is not 0 any more.
    let near = |at: u16| Packet { seq: SeqNo(65_530).plus(at), ..voice(MU, at, &[0x11; 160]) };
    let packets: Vec<Vec<u8>> = (0..20).map(|at| peer.seal(&near(at))).collect();
    for bytes in &packets[..10] {
        arrives(&mut rig, A, home(A), bytes);
    }
    assert_eq!(rig.sent(B).len(), 10);
    // Held and resumed: what had been has been, and what comes is counted on.
    let held = Negotiated { direction: Direction::SendOnly, ..peer.agreed(A) };
    rig.negotiate(A, held);
    rig.negotiate(A, peer.agreed(A));
    arrives(&mut rig, A, home(A), &packets[5]);
    assert_eq!(rig.dropped(DropReason::Replayed), 1);
    for bytes in &packets[10..] {
        arrives(&mut rig, A, home(A), bytes);
    }
    assert_eq!(rig.sent(B).len(), 10);
    rig.receive(B, &voice(MU, 0, &[0x22; 160]));
    assert_eq!(peer.hear(&mut rig, A).len(), 1);
    // New keys: the old ones open nothing any more.
    let mut renewed = Peer::new(5, SUITE);
    rig.negotiate(A, renewed.agreed(A));
    let old = peer.seal(&near(20));
    arrives(&mut rig, A, home(A), &old);
    assert_eq!(rig.dropped(DropReason::Unauthentic), 1);
    let bytes = renewed.seal(&near(21));
    arrives(&mut rig, A, home(A), &bytes);
    rig.receive(B, &voice(MU, 1, &[0x22; 160]));
    assert_eq!((rig.sent(B).len(), renewed.hear(&mut rig, A).len()), (1, 1));
    // Plain again.
    rig.sent(A);
    rig.negotiate(A, negotiated(A, MU));
    rig.receive(A, &near(22));
    rig.receive(B, &voice(MU, 2, &[0x22; 160]));
    assert_eq!((rig.sent(B).len(), rig.heard(A)), (1, vec![0x22]));
}

#[test]
fn reports_of_the_peer_must_be_authentic_too() {
    let (mut rig, mut peer) = bridged(None);
    let report =
        rtcp::Report { ssrc: Ssrc(0xabcd), cname: "peer", sender: None, block: None, bye: false };
    let mut bytes = [0; rtcp::MAX_LEN + OVERHEAD];
    let len = report.write(Time::ZERO, &mut bytes[..rtcp::MAX_LEN]).expect("fits");
    let from: SocketAddr = "10.0.0.1:4001".parse().expect("an address");
    rig.plane.handle_rtcp(rig.network.now, A, from, &bytes[..len]);
    assert_eq!(rig.plane.counters().rtcp_received, 0);
    let len = peer.send.protect_rtcp(&mut bytes, len).expect("is protected");
    for _ in 0..2 {
        rig.plane.handle_rtcp(rig.network.now, A, from, &bytes[..len]);
    }
    assert_eq!(rig.plane.counters().rtcp_received, 1);
    assert_eq!(rig.dropped(DropReason::Replayed), 1);
}
