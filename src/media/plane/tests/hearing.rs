//! What is taken from a peer: where from, what, and which keys.

use proptest::prelude::*;

use super::*;

const MU: Codec = Codec::Pcmu;
const VOICE: [u8; 160] = [0x21; 160];

#[test]
fn a_peer_behind_a_nat_is_followed_to_where_it_sends_from() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.receive_from(A, "192.0.2.77:31000", &voice(MU, 0, &VOICE));
    rig.pass(20);
    assert_eq!(rig.sent(A)[0].to, "192.0.2.77:31000".parse().expect("an address"));
    assert_eq!(rig.plane.counters().received, 1);
}

#[test]
fn strangers_are_dropped_and_counted_and_change_nothing() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.receive_from(A, "203.0.113.9:4000", &voice(MU, 0, &VOICE));
    rig.receive(A, &voice(MU, 0, &VOICE));
    rig.receive_from(A, "10.0.0.1:4002", &voice(MU, 1, &VOICE));
    rig.pass(20);
    assert_eq!(rig.sent(A)[0].to, home(A).parse().expect("an address"));
    assert_eq!(rig.dropped(DropReason::Source), 2);
    // The one that was latched falls silent: then another port of the same peer is taken.
    rig.pass(3_000);
    rig.receive_from(A, "10.0.0.1:4002", &voice(MU, 2, &VOICE));
    assert_eq!(rig.dropped(DropReason::Source), 2);
}

#[test]
fn a_packet_that_is_not_voice_or_keys_is_dropped_and_does_not_decide_where_to_send() {
    let mut rig = Rig::with_two_legs(MU, MU);
    let comfort_noise = Packet { payload_type: 13, ..voice(MU, 0, &VOICE) };
    rig.receive_from(A, "192.0.2.77:31000", &comfort_noise);
    assert_eq!(rig.dropped(DropReason::PayloadType), 1);
    rig.pass(20);
    assert_eq!(rig.sent(A)[0].to, home(A).parse().expect("an address"));
    let (now, from) = (rig.network.now, home(A).parse().expect("an address"));
    rig.plane.handle_rtp(now, A, from, b"INVITE sip:x SIP/2.0", &mut rig.network);
    assert_eq!(rig.dropped(DropReason::Malformed), 1);
    rig.plane.handle_rtp(now, LegId(404), from, b"", &mut rig.network);
    assert_eq!(rig.dropped(DropReason::NotNegotiated), 1);
    rig.command(Command::Close { leg: A });
    let [Event::Closed { counters, .. }] = rig.events()[..] else { panic!("closed") };
    assert_eq!((counters.received, counters.dropped), (0, 2));
}

#[test]
fn a_key_is_told_once_for_each_press_while_prompts_play() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.play(A, 1, &["main/long"]);
    for (at, began, end) in [(0, 0, false), (1, 0, false), (2, 0, true), (2, 0, true), (9, 9, true)]
    {
        rig.receive(A, &key(at, began, &press(11, end, 160)));
        rig.pass(20);
    }
    let hash = Event::Key { leg: A, key: Key::from_char('#').expect("a key"), told: Told::Event };
    assert_eq!(rig.events(), [hash.clone(), hash]);
    // A flash (16) is an event and no key.
    rig.receive(A, &key(20, 20, &press(16, false, 160)));
    assert_eq!(rig.events(), []);
}

#[test]
fn silence_is_told_once_in_each_limit_and_says_whether_anything_ever_came() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.pass(21_000);
    let told: Vec<(LegId, u64, bool)> = silences(&mut rig);
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|(_, _, ever_heard)| !ever_heard));
    assert!(told[0].1 >= 10_000 && told[2].1 >= 20_000, "{told:?}");
    rig.receive(A, &voice(MU, 0, &VOICE));
    rig.pass(9_900);
    assert_eq!(silences(&mut rig).iter().filter(|(leg, ..)| *leg == A).count(), 0);
    rig.pass(200);
    let told: Vec<_> = silences(&mut rig).into_iter().filter(|(leg, ..)| *leg == A).collect();
    assert!(matches!(told[..], [(_, 10_000..=10_100, true)]), "{told:?}");
}

#[test]
fn a_peer_that_sends_comfort_noise_only_is_not_silent() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.command(Command::Close { leg: B });
    for at in 0..10 {
        rig.receive(A, &Packet { payload_type: 13, ..voice(MU, at, &[60]) });
        rig.pass(5_000);
    }
    assert_eq!(silences(&mut rig), []);
}

#[test]
fn a_peer_on_hold_is_not_silent_and_the_limit_begins_anew_after_it() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.command(Command::Close { leg: B });
    rig.pass(5_000);
    rig.negotiate(A, Negotiated { direction: Direction::SendOnly, ..negotiated(A, MU) });
    rig.pass(60_000);
    assert_eq!(silences(&mut rig), []);
    rig.negotiate(A, negotiated(A, MU));
    rig.pass(9_900);
    assert_eq!(silences(&mut rig), []);
    rig.pass(200);
    assert_eq!(silences(&mut rig).len(), 1);
}

fn silences(rig: &mut Rig) -> Vec<(LegId, u64, bool)> {
    let events = rig.events().into_iter();
    events
        .filter_map(|event| match event {
            Event::Silent { leg, for_ms, ever_heard } => Some((leg, for_ms, ever_heard)),
            _ => None,
        })
        .collect()
}

proptest! {
    /// Whatever comes in whatever order: no panic, and what the peer receives from us is one stream.
    #[test]
    fn any_commands_and_packets_leave_one_stream(
        steps in proptest::collection::vec((0u8..12, any::<u16>(), any::<u32>(), 0u64..400), 1..80),
    ) {
        let mut rig = Rig::with_two_legs(MU, Codec::Pcma);
        for (what, seq, timestamp, millis) in steps {
            let leg = if seq % 2 == 0 { A } else { B };
            match what {
                0 => rig.play(leg, 1, &["main/one", "main/two"]),
                1 => rig.music(leg),
                2 => rig.command(Command::Quiet { leg }),
                3 => rig.command(Command::Bridge { a: A, b: B }),
                4 => rig.command(Command::Unbridge { leg }),
                5 => rig.sleep(millis),
                6 => {
                    let (now, from) = (rig.network.now, home(leg).parse().expect("an address"));
                    let bytes = timestamp.to_be_bytes().repeat(usize::from(seq % 30));
                    rig.plane.handle_rtp(now, leg, from, &bytes, &mut rig.network);
                    rig.plane.handle_rtcp(now, leg, from, &bytes);
                }
                7 => {
                    let packet = Packet {
                        ssrc: Ssrc(timestamp % 3),
                        seq: SeqNo(seq),
                        timestamp: Timestamp(timestamp),
                        marker: false,
                        payload_type: [0, 8, 101, 3][usize::from(seq / 2 % 4)],
                        payload: &[0x21; 33],
                    };
                    rig.receive(leg, &packet);
                }
                _ => {
                    rig.receive(A, &voice(MU, seq % 40, &VOICE));
                    rig.pass(millis % 50);
                }
            }
        }
        rig.pass(100);
        for leg in [A, B] {
            let sent = rig.sent(leg);
            prop_assert!(sent.windows(2).all(|pair| pair[0].ssrc == pair[1].ssrc));
            // After all that, our own frames are numbered without a gap.
            rig.command(Command::Quiet { leg });
            rig.pass(100);
            let quiet = rig.sent(leg);
            prop_assert!(quiet.len() >= 4);
            assert_continuous(&quiet);
        }
    }
}
