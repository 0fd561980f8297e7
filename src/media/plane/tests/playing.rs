//! What a leg hears from us.

use super::*;

const MU: Codec = Codec::Pcmu;

fn frames(values: &[i16]) -> Vec<u8> {
    values.iter().map(|value| Law::Mu.encode(*value)).collect()
}

#[test]
fn a_leg_is_opened_with_its_address_and_sends_nothing_until_it_is_negotiated() {
    let mut rig = Rig::new();
    let local = "192.0.2.9:20000".parse().expect("an address");
    rig.plane.open(Time::ZERO, A, local);
    rig.plane.open(Time::ZERO, A, local);
    assert_eq!(rig.events(), [Event::Opened { leg: A, local }]);
    rig.play(A, 1, &["main/one"]);
    rig.pass(200);
    assert!(rig.network.rtp.is_empty());
    // What was asked for is played from its beginning once somebody can hear it.
    rig.negotiate(A, negotiated(A, MU));
    rig.pass(60);
    assert_eq!(rig.heard(A), frames(&[1_000, 2_000, 0]));
}

#[test]
fn media_start_from_our_side_as_soon_as_a_leg_is_negotiated() {
    for (codec, law) in [(Codec::Pcmu, Law::Mu), (Codec::Pcma, Law::A)] {
        let mut rig = Rig::with_two_legs(codec, codec);
        rig.pass(20);
        let sent = rig.sent(A);
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].to, home(A).parse().expect("an address"));
        assert_eq!(sent[0].payload, [law.silence(); 160]);
        assert!(sent[0].marker);
    }
}

#[test]
fn frames_leave_every_20_ms_on_a_grid_that_does_not_drift() {
    let mut rig = Rig::with_two_legs(MU, MU);
    for _ in 0..100 {
        // Woken at odd times, as a busy machine would.
        rig.sleep(7);
        rig.sleep(11);
        rig.sleep(22);
    }
    let sent = rig.sent(A);
    assert_eq!(sent.len(), 200);
    assert_continuous(&sent);
    let (first, last) = (&sent[0], &sent[199]);
    assert_eq!(last.timestamp.ahead_of(first.timestamp), 199 * 160);
    assert!(sent[1..].iter().all(|sent| !sent.marker));
}

#[test]
fn legs_leave_at_different_instants() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.pass(100);
    let (a, b) = (rig.sent(A), rig.sent(B));
    assert_eq!((a.len(), b.len()), (5, 5));
    assert_eq!((a[0].at, b[0].at), (Time::from_millis(1), Time::from_millis(2)));
}

#[test]
fn a_thread_that_was_held_up_skips_instead_of_bursting_and_the_clock_goes_on() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.pass(100);
    rig.sent(A);
    rig.sleep(1_000);
    rig.pass(20);
    let sent = rig.sent(A);
    assert_eq!(sent.len(), 2);
    assert_continuous(&sent);
    assert!(sent[0].marker);
    assert_eq!(rig.plane.counters().skipped_frames, 2 * 49);
}

#[test]
fn prompts_are_played_one_after_the_other_and_told_at_their_last_frame() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.play(A, 7, &["main/one", "main/empty", "main/two"]);
    rig.pass(60);
    assert_eq!(rig.events(), []);
    rig.pass(20);
    assert_eq!(rig.events(), [Event::Played { leg: A, play: PlayId(7) }]);
    rig.pass(40);
    let sent = rig.sent(A);
    assert_continuous(&sent);
    let heard: Vec<u8> = sent.iter().map(|sent| sent.payload[0]).collect();
    assert_eq!(heard, frames(&[1_000, 2_000, 3_000, 3_000, 0, 0]));
    // The second prompt ends within its second frame.
    assert_eq!(sent[3].payload[79..81], frames(&[3_000, 0])[..]);
    assert_eq!(rig.events(), []);
}

#[test]
fn a_playback_that_is_replaced_is_never_told_as_played() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.play(A, 1, &["main/one"]);
    rig.pass(20);
    rig.play(A, 2, &["main/two"]);
    rig.pass(20);
    rig.command(Command::Quiet { leg: A });
    rig.pass(20);
    rig.play(A, 3, &["main/two"]);
    rig.pass(200);
    assert_eq!(rig.events(), [Event::Played { leg: A, play: PlayId(3) }]);
    assert_eq!(rig.heard(A)[..5], frames(&[1_000, 3_000, 0, 3_000, 3_000]));
}

#[test]
fn every_new_source_begins_with_the_marker_and_the_stream_goes_on() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.pass(40);
    rig.play(A, 1, &["main/one"]);
    rig.pass(60);
    rig.music(A);
    rig.pass(40);
    rig.command(Command::Quiet { leg: A });
    rig.pass(20);
    let sent = rig.sent(A);
    assert_continuous(&sent);
    let marked: Vec<usize> = (0..sent.len()).filter(|at| sent[*at].marker).collect();
    assert_eq!(marked, [0, 2, 5]);
}

#[test]
fn a_prompt_that_is_not_there_is_passed_over_and_counted() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.play(A, 1, &["main/gone", "main/one"]);
    rig.pass(40);
    assert_eq!(rig.heard(A), frames(&[1_000, 2_000]));
    assert_eq!(rig.events().len(), 1);
    // With nothing to play at all, the flow must not wait for ever.
    rig.play(A, 2, &["main/gone"]);
    rig.play(A, 3, &[]);
    let played = |play| Event::Played { leg: A, play: PlayId(play) };
    assert_eq!(rig.events(), [played(2), played(3)]);
    rig.command(Command::Music { leg: A, music: "music/gone".into() });
    rig.pass(20);
    assert_eq!(rig.heard(A), frames(&[0]));
    assert_eq!(rig.plane.counters().missing_prompts, 3);
}

#[test]
fn music_loops_without_a_seam_and_goes_on_where_it_is_for_everybody() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.music(A);
    rig.pass(300);
    rig.music(B);
    rig.pass(300);
    let clip = rig.bank.get(&"music/hold".into()).expect("there").encoded(Law::Mu).to_vec();
    for leg in [A, B] {
        for sent in rig.sent(leg).iter().filter(|sent| leg == A || sent.at > Time::from_millis(300))
        {
            let first = sent.at.as_micros() / 20_000 * 160;
            let expected: Vec<u8> =
                (first..first + 160).map(|at| clip[(at % 560) as usize]).collect();
            assert_eq!(sent.payload, expected, "{leg} at {:?}", sent.at);
        }
    }
}

#[test]
fn a_peer_that_does_not_want_voice_gets_none_and_the_prompt_still_ends() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.pass(20);
    rig.sent(A);
    for direction in [Direction::RecvOnly, Direction::Inactive] {
        rig.negotiate(A, Negotiated { direction, ..negotiated(A, MU) });
        rig.play(A, 1, &["main/one"]);
        rig.pass(100);
        assert_eq!(rig.sent(A), []);
        assert_eq!(rig.events(), [Event::Played { leg: A, play: PlayId(1) }]);
    }
    let nowhere =
        Negotiated { remote: "0.0.0.0:4000".parse().expect("an address"), ..negotiated(A, MU) };
    rig.negotiate(A, nowhere);
    rig.pass(100);
    assert_eq!(rig.sent(A), []);
    // Off hold, the stream goes on: next number, later timestamp, marker.
    rig.negotiate(A, Negotiated { direction: Direction::SendOnly, ..negotiated(A, MU) });
    rig.pass(20);
    let sent = rig.sent(A);
    assert_eq!(sent.len(), 1);
    assert!(sent[0].marker);
}

#[test]
fn a_change_of_codec_takes_effect_at_the_next_frame() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.play(A, 1, &["main/long"]);
    rig.pass(40);
    rig.negotiate(A, negotiated(A, Codec::Pcma));
    rig.pass(20);
    let sent = rig.sent(A);
    assert_continuous(&sent);
    let kinds: Vec<(u8, u8)> =
        sent.iter().map(|sent| (sent.payload_type, sent.payload[0])).collect();
    let (mu, a) = (Law::Mu.encode(5_000), Law::A.encode(5_000));
    assert_eq!(kinds, [(0, mu), (0, mu), (8, a)]);
}

#[test]
fn streams_begin_at_unpredictable_numbers_and_the_same_seed_gives_the_same_bytes() {
    let run = || {
        let mut rig = Rig::with_two_legs(MU, MU);
        rig.pass(20);
        (rig.sent(A), rig.sent(B))
    };
    let (a, b) = run();
    assert_ne!((a[0].ssrc, a[0].seq, a[0].timestamp), (b[0].ssrc, b[0].seq, b[0].timestamp));
    assert_eq!(run(), (a, b));
}

#[test]
fn a_closed_leg_is_silent_and_closing_again_does_nothing() {
    let mut rig = Rig::with_two_legs(MU, MU);
    rig.music(A);
    rig.pass(40);
    rig.command(Command::Close { leg: A });
    rig.command(Command::Close { leg: A });
    let [Event::Closed { leg: A, counters, .. }] = rig.events()[..] else { panic!("closed once") };
    assert_eq!((counters.sent, counters.received, counters.dropped), (2, 0, 0));
    rig.sent(A);
    rig.command(Command::Music { leg: A, music: "music/hold".into() });
    rig.play(A, 4, &["main/one"]);
    rig.pass(100);
    assert_eq!((rig.sent(A), rig.events()), (vec![], vec![]));
    assert_eq!(rig.plane.counters().legs, 1);
    rig.command(Command::Close { leg: B });
    assert_eq!(rig.plane.poll_timeout(), None);
}

#[test]
fn an_announcement_is_heard_over_the_music_which_goes_on_where_it_is() {
    let mut rig = Rig::with_two_legs(Codec::Pcmu, Codec::Pcma);
    for leg in [A, B] {
        rig.command(Command::Music { leg, music: "music/hold".into() });
    }
    rig.pass(100);
    rig.sent(A);
    rig.sent(B);
    let prompts = vec!["main/one".into(), "main/two".into()];
    rig.command(Command::Announce { leg: A, play: PlayId(9), prompts });
    rig.pass(400);
    assert_eq!(rig.events(), [Event::Played { leg: A, play: PlayId(9) }]);
    let (announced, music) = (rig.sent(A), rig.sent(B));
    assert_continuous(&announced);
    let said = |at: usize| Law::Mu.decode(announced[at].payload[100]);
    let plain = |at: usize| Law::A.decode(music[at].payload[100]);
    // The first frame while the music sinks, then 15 dB under the prompts of 1,000, 2,000, 3,000.
    for (at, prompt) in [(1, 2_000), (2, 3_000)] {
        let expected = f32::from(plain(at)) * 0.3 + prompt as f32;
        assert!((f32::from(said(at)) - expected).abs() < 300.0, "{at}: {} {expected}", said(at));
    }
    // And the same music again afterwards.
    for at in 10..music.len().min(announced.len()) {
        assert!((said(at) - plain(at)).abs() <= 16, "{at}: {} {}", said(at), plain(at));
    }
    // Over nothing it is a prompt.
    rig.command(Command::Quiet { leg: A });
    let prompts = vec!["main/one".into()];
    rig.command(Command::Announce { leg: A, play: PlayId(10), prompts });
    rig.pass(60);
    assert_eq!(rig.events(), [Event::Played { leg: A, play: PlayId(10) }]);
    let sent = rig.sent(A);
    let silence = Law::Mu.silence();
    assert_eq!(sent.last().map(|sent| sent.payload[0]), Some(silence));
}
