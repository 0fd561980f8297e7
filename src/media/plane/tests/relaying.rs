//! Two legs that hear each other.

use super::*;

const MU: Codec = Codec::Pcmu;
const AL: Codec = Codec::Pcma;

/// Voice of A's peer every 20 ms, numbers `from..to`, with a payload that tells its number.
fn talk(rig: &mut Rig, codec: Codec, numbers: std::ops::Range<u16>) {
    for at in numbers {
        rig.receive(A, &voice(codec, at, &[at as u8; 160]));
        rig.pass(20);
    }
}

#[test]
fn voice_is_passed_on_at_once_and_untouched() {
    let mut rig = Rig::bridged(MU, MU);
    rig.pass(10);
    rig.sent(B);
    for at in 0..50u16 {
        rig.receive(A, &voice(MU, at, &[at as u8; 160]));
        let sent = rig.sent(B);
        assert_eq!(sent.len(), 1, "packet {at}");
        assert_eq!(
            (sent[0].at, sent[0].payload.as_slice()),
            (rig.network.now, &[at as u8; 160][..])
        );
        assert_eq!((sent[0].payload_type, sent[0].to), (0, home(B).parse().expect("an address")));
        assert_eq!(sent[0].marker, at == 0);
        assert_ne!(sent[0].ssrc, Ssrc(0xabcd));
        rig.pass(20);
        assert_eq!(rig.sent(B), [], "nothing of ours between them");
    }
    // The other way as well.
    rig.sent(A);
    rig.receive(B, &voice(MU, 0, &[77; 160]));
    assert_eq!(rig.heard(A), [77]);
}

#[test]
fn packets_of_other_lengths_keep_theirs() {
    let mut rig = Rig::bridged(MU, AL);
    let payload = [0x12; 480];
    for at in 0..4u16 {
        let packet =
            Packet { timestamp: Timestamp(u32::from(at) * 480), ..voice(MU, at, &payload) };
        rig.receive(A, &packet);
    }
    let sent = rig.sent(B);
    assert!(sent.iter().all(|sent| sent.payload.len() == 480));
    assert_eq!(sent[3].timestamp.ahead_of(sent[0].timestamp), 3 * 480);
}

#[test]
fn the_two_laws_are_turned_into_each_other() {
    let mut rig = Rig::bridged(MU, AL);
    let all: Vec<u8> = (0..=255).collect();
    rig.receive(A, &voice(MU, 0, &all));
    rig.receive(B, &voice(AL, 0, &all));
    let (to_b, to_a) = (rig.sent(B), rig.sent(A));
    assert_eq!((to_b[0].payload_type, to_a[0].payload_type), (8, 0));
    for byte in 0..=255u8 {
        let at = usize::from(byte);
        assert_eq!(to_b[0].payload[at], Law::A.encode(Law::Mu.decode(byte)));
        assert_eq!(to_a[0].payload[at], Law::Mu.encode(Law::A.decode(byte)));
    }
}

#[test]
fn the_stream_goes_on_from_music_to_a_person_and_back() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.music(B);
    rig.pass(200);
    rig.command(Command::Bridge { a: A, b: B });
    talk(&mut rig, MU, 0..20);
    rig.music(B);
    rig.pass(200);
    let sent = rig.sent(B);
    assert_continuous(&sent);
    let seconds = sent[sent.len() - 1].timestamp.ahead_of(sent[0].timestamp);
    let real = sent[sent.len() - 1].at.since(sent[0].at).as_micros() as i32 / 125;
    assert!((seconds - real).abs() <= 320, "{seconds} against {real}");
    let first_voice = sent.iter().position(|sent| sent.payload == [0; 160]).expect("voice");
    assert!(sent[first_voice].marker);
}

#[test]
fn lost_packets_leave_their_gap_and_late_ones_their_place() {
    let mut rig = Rig::bridged(MU, MU);
    let order = [0u16, 1, 4, 3, 5, 5, 8];
    for at in order {
        rig.receive(A, &voice(MU, at, &[at as u8; 160]));
    }
    let sent = rig.sent(B);
    let first = sent.iter().find(|sent| sent.payload[0] == 0).expect("the first").clone();
    let places: Vec<(i16, i32)> = sent
        .iter()
        .filter(|sent| sent.payload[0] != Law::Mu.silence())
        .map(|sent| (sent.seq.ahead_of(first.seq), sent.timestamp.ahead_of(first.timestamp) / 160))
        .collect();
    assert_eq!(places, [(0, 0), (1, 1), (4, 4), (3, 3), (5, 5), (5, 5), (8, 8)]);
    // Our own frames follow the newest.
    rig.command(Command::Quiet { leg: B });
    rig.pass(20);
    assert_eq!(rig.sent(B)[0].seq.ahead_of(first.seq), 9);
}

#[test]
fn a_packet_from_before_the_bridge_is_dropped() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.receive(A, &voice(MU, 9, &[9; 160]));
    rig.command(Command::Bridge { a: A, b: B });
    rig.receive(A, &voice(MU, 10, &[10; 160]));
    rig.receive(A, &voice(MU, 8, &[8; 160]));
    rig.receive(A, &voice(MU, 11, &[11; 160]));
    assert_eq!(rig.heard(B), [10, 11]);
    assert_eq!(rig.dropped(DropReason::Late), 1);
}

#[test]
fn a_new_source_or_a_jump_in_time_joins_the_stream_without_a_jump() {
    let mut rig = Rig::bridged(MU, MU);
    talk(&mut rig, MU, 0..10);
    rig.pass(100);
    // The first of another source announces it.
    let first = (5, 39_999, 3);
    for (ssrc, seq, timestamp) in
        [first, (5, 40_000, 9), (5, 40_001, 169), (5, 40_002, 3_000_000_000)]
    {
        let packet = Packet {
            ssrc: Ssrc(ssrc),
            seq: SeqNo(seq),
            timestamp: Timestamp(timestamp),
            marker: false,
            payload_type: 0,
            payload: &[99; 160],
        };
        rig.receive(A, &packet);
        rig.pass(20);
    }
    let sent = rig.sent(B);
    assert_continuous(&sent);
    for pair in sent.windows(2) {
        // 140 ms pass in which nothing of the other source is believed.
        assert!(pair[1].timestamp.ahead_of(pair[0].timestamp) <= 1_280);
    }
    let markers: Vec<bool> = sent[sent.len() - 3..].iter().map(|sent| sent.marker).collect();
    assert_eq!(markers, [true, false, true]);
    assert_eq!(rig.dropped(DropReason::Stray), 1);
}

#[test]
fn whoever_forges_the_peers_address_is_not_heard_while_the_peer_talks() {
    let mut rig = Rig::bridged(MU, MU);
    talk(&mut rig, MU, 0..10);
    rig.sent(B);
    let forged = |seq: u16| Packet {
        ssrc: Ssrc(666),
        seq: SeqNo(seq),
        timestamp: Timestamp(u32::from(seq) * 160),
        marker: true,
        payload_type: 0,
        payload: &[66; 160],
    };
    for at in 10..60 {
        rig.receive(A, &forged(1_000 + at));
        talk(&mut rig, MU, at..at + 1);
    }
    let sent = rig.sent(B);
    assert_continuous(&sent);
    assert_eq!((sent.len(), sent.iter().all(|sent| sent.payload != [66; 160])), (50, true));
    assert_eq!(rig.dropped(DropReason::Stray), 50);
}

#[test]
fn silence_of_ours_fills_in_for_a_peer_that_stops_sending() {
    let mut rig = Rig::bridged(MU, MU);
    talk(&mut rig, MU, 0..5);
    rig.sent(B);
    rig.pass(180);
    assert_eq!(rig.sent(B), [], "a short gap is the network's");
    rig.pass(400);
    let filled = rig.sent(B).len();
    assert!((18..=22).contains(&filled), "{filled}");
    talk(&mut rig, MU, 40..60);
    let sent = rig.sent(B);
    assert_continuous(&sent);
    assert_eq!(sent.len(), 20, "voice only, once there is voice");
    assert!(sent[0].marker);
}

#[test]
fn keys_are_passed_on_with_the_other_sides_payload_type() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.negotiate(B, with_keys(B, MU, Some(96)));
    rig.command(Command::Bridge { a: A, b: B });
    talk(&mut rig, MU, 0..3);
    rig.sent(B);
    for at in 3..6 {
        rig.receive(A, &key(at, 3, &press(5, at == 5, at * 160)));
    }
    let sent = rig.sent(B);
    assert!(sent.iter().all(|sent| sent.payload_type == 96 && sent.payload.len() == 4));
    assert_eq!(sent[0].timestamp, sent[2].timestamp);
    assert!(sent[0].marker && !sent[1].marker);
    let key = Key::from_char('5').expect("a key");
    assert_eq!(rig.events(), [Event::Key { leg: A, key, told: Told::Event }]);
}

#[test]
fn keys_that_the_other_side_cannot_take_leave_no_gap() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.negotiate(B, with_keys(B, MU, None));
    rig.command(Command::Bridge { a: A, b: B });
    talk(&mut rig, MU, 0..3);
    for at in 3..8 {
        rig.receive(A, &key(at, 3, &press(5, at >= 5, at * 160)));
    }
    talk(&mut rig, MU, 8..40);
    let sent = rig.sent(B);
    assert_continuous(&sent);
    assert!(sent.iter().all(|sent| sent.payload_type == 0));
    assert_eq!(sent.last().map(|sent| sent.payload[0]), Some(39));
    // The five of the key, and the voice while it sounds as tones and for a moment after it.
    assert_eq!(rig.dropped(DropReason::NotRelayed), 5 + 10);
    assert_eq!(rig.events().len(), 1);
}

#[test]
fn hold_stops_voice_towards_and_from_the_peer() {
    let mut rig = Rig::bridged(MU, MU);
    talk(&mut rig, MU, 0..3);
    rig.sent(B);
    // B's peer is on hold: it neither hears nor is heard.
    rig.negotiate(B, Negotiated { direction: Direction::Inactive, ..negotiated(B, MU) });
    talk(&mut rig, MU, 3..6);
    rig.receive(B, &voice(MU, 0, &[50; 160]));
    assert_eq!(rig.sent(B), []);
    assert!(!rig.heard(A).contains(&50));
    assert_eq!(rig.dropped(DropReason::NotRelayed), 3);
    assert_eq!(rig.dropped(DropReason::Direction), 1);
    // B's peer only sends.
    rig.negotiate(B, Negotiated { direction: Direction::RecvOnly, ..negotiated(B, MU) });
    rig.receive(B, &voice(MU, 1, &[51; 160]));
    assert!(rig.heard(A).contains(&51));
    talk(&mut rig, MU, 6..7);
    assert_eq!(rig.sent(B), []);
    rig.negotiate(B, negotiated(B, MU));
    talk(&mut rig, MU, 7..8);
    assert!(rig.heard(B).contains(&7));
}

#[test]
fn music_for_one_side_replaces_what_it_hears_and_the_other_side_hears_on() {
    let mut rig = Rig::bridged(MU, MU);
    talk(&mut rig, MU, 0..3);
    rig.music(B);
    rig.sent(B);
    talk(&mut rig, MU, 3..6);
    assert!(rig.heard(B).iter().all(|byte| !(3..6).contains(byte)));
    rig.sent(A);
    rig.receive(B, &voice(MU, 0, &[60; 160]));
    assert!(rig.heard(A).contains(&60));
    rig.command(Command::Bridge { a: B, b: A });
    talk(&mut rig, MU, 6..8);
    assert!(rig.heard(B).ends_with(&[6, 7]));
}

#[test]
fn legs_that_are_parted_or_whose_other_is_closed_hear_silence() {
    for close in [false, true] {
        let mut rig = Rig::bridged(MU, MU);
        talk(&mut rig, MU, 0..3);
        rig.command(if close { Command::Close { leg: A } } else { Command::Unbridge { leg: A } });
        rig.network.rtp.clear();
        rig.receive(A, &voice(MU, 3, &[3; 160]));
        rig.receive(B, &voice(MU, 0, &[4; 160]));
        rig.pass(60);
        assert_eq!(rig.heard(B), [Law::Mu.silence(); 3]);
        assert_eq!(rig.heard(A), vec![Law::Mu.silence(); if close { 0 } else { 3 }]);
    }
}

#[test]
fn a_leg_that_is_bridged_anew_leaves_its_old_partner_in_silence() {
    let mut rig = Rig::bridged(MU, MU);
    let third = LegId(3);
    rig.plane.open(rig.network.now, third, "192.0.2.9:20004".parse().expect("an address"));
    rig.negotiate(third, negotiated(B, MU));
    rig.command(Command::Bridge { a: A, b: third });
    talk(&mut rig, MU, 0..4);
    assert_eq!(rig.heard(B), [Law::Mu.silence(); 4]);
    assert!(rig.heard(third).ends_with(&[0, 1, 2, 3]));
    rig.network.rtp.clear();
    rig.receive(B, &voice(MU, 0, &[70; 160]));
    assert!(rig.network.rtp.is_empty(), "nobody hears B");
    // A bridge to itself or to nobody changes nothing.
    rig.command(Command::Bridge { a: A, b: A });
    rig.command(Command::Bridge { a: A, b: LegId(99) });
    talk(&mut rig, MU, 4..5);
    assert_eq!(rig.heard(third), [4]);
}

#[test]
fn an_oversized_packet_is_refused() {
    let mut rig = Rig::bridged(MU, AL);
    let mut bytes = vec![0u8; 2_000];
    let len = voice(MU, 0, &[0; 1_900]).write(&mut bytes).expect("fits");
    let (now, from) = (rig.network.now, home(A).parse().expect("an address"));
    rig.plane.handle_rtp(now, A, from, &bytes[..len], &mut rig.network);
    assert_eq!(rig.dropped(DropReason::Malformed), 1);
}
