//! What of a leg is recorded: everything that comes from it, and everything that we send to it.

use super::*;
use crate::id::RecordingId;
use crate::media::command::RecordOrder;
use crate::media::recorder::{Reel, What, ring};

const ID: RecordingId = RecordingId(77);

fn recorded(rig: &mut Rig, leg: LegId) -> Reel {
    let (recorder, reel) = ring(200_000);
    rig.plane.record_into(recorder);
    rig.command(Command::Record { leg, order: RecordOrder::Begin(ID) });
    reel
}

/// The first byte of every packet of a side, with its codec.
type Heads = Vec<(Codec, u8)>;

/// Both sides, and the marks' names.
fn read(reel: &mut Reel) -> (Heads, Heads, Vec<String>) {
    let (mut left, mut right, mut marks) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(record) = reel.read() {
        assert_eq!(record.recording, ID);
        match record.what {
            What::Voice(voice) => match voice.side {
                Side::Peer => left.push((voice.codec, voice.payload[0])),
                Side::Ours => right.push((voice.codec, voice.payload[0])),
            },
            other => marks.push(format!("{other:?}")),
        }
    }
    (left, right, marks)
}

#[test]
fn both_sides_of_a_relayed_conversation_are_copied_as_they_are_on_the_recorded_leg() {
    let mut rig = Rig::bridged(Codec::Pcma, Codec::Pcmu);
    let mut reel = recorded(&mut rig, A);
    rig.receive(A, &voice(Codec::Pcma, 0, &[0x11; 160]));
    rig.receive(B, &voice(Codec::Pcmu, 0, &[0x22; 160]));
    let (left, right, marks) = read(&mut reel);
    assert_eq!(left, [(Codec::Pcma, 0x11)]);
    let heard = rig.heard(A);
    assert_eq!(right, [(Codec::Pcma, heard[0])], "what A hears, in A's law");
    assert_eq!(marks, ["Begun(leg 0000000000000001)"]);
}

#[test]
fn what_we_play_is_on_the_right_and_events_of_keys_are_on_neither_side() {
    let mut rig = Rig::with_two_legs(Codec::Pcmu, Codec::Pcmu);
    let mut reel = recorded(&mut rig, A);
    rig.play(A, 1, &["main/one"]);
    rig.pass(40);
    rig.receive(A, &key(0, 0, &press(5, false, 160)));
    let encode = |sample| (Codec::Pcmu, Law::Mu.encode(sample));
    let (left, right, _) = read(&mut reel);
    assert_eq!((left, right), (vec![], vec![encode(1_000), encode(2_000)]));
    assert_eq!(rig.events().len(), 2, "played, and the key");
}

#[test]
fn nothing_is_copied_of_what_is_dropped_or_while_paused() {
    let mut rig = Rig::with_two_legs(Codec::Pcmu, Codec::Pcmu);
    let mut reel = recorded(&mut rig, A);
    rig.receive_from(A, "203.0.113.9:4000", &voice(Codec::Pcmu, 0, &[1; 160]));
    rig.command(Command::Record { leg: A, order: RecordOrder::Pause });
    rig.receive(A, &voice(Codec::Pcmu, 1, &[2; 160]));
    rig.pass(40);
    assert_eq!(rig.sent(A).len(), 2, "the call goes on");
    rig.command(Command::Record { leg: A, order: RecordOrder::Resume });
    rig.receive(A, &voice(Codec::Pcmu, 2, &[3; 160]));
    rig.command(Command::Close { leg: A });
    let (left, right, marks) = read(&mut reel);
    assert_eq!((left, right), (vec![(Codec::Pcmu, 3)], vec![]));
    assert_eq!(marks, ["Begun(leg 0000000000000001)", "Paused", "Resumed", "Ended"]);
}

#[test]
fn a_recording_goes_on_with_another_leg() {
    let mut rig = Rig::with_two_legs(Codec::Pcmu, Codec::Pcmu);
    let mut reel = recorded(&mut rig, A);
    rig.command(Command::Record { leg: A, order: RecordOrder::Leave });
    rig.command(Command::Record { leg: B, order: RecordOrder::Begin(ID) });
    rig.receive(A, &voice(Codec::Pcmu, 0, &[1; 160]));
    rig.receive(B, &voice(Codec::Pcmu, 0, &[2; 160]));
    rig.command(Command::Close { leg: A });
    rig.command(Command::Record { leg: B, order: RecordOrder::End });
    let (left, _, marks) = read(&mut reel);
    assert_eq!(left, [(Codec::Pcmu, 2)]);
    let begun = ["Begun(leg 0000000000000001)", "Begun(leg 0000000000000002)", "Ended"];
    assert_eq!(marks, begun);
}

#[test]
fn what_is_secret_is_told_as_such_and_reaches_neither_the_other_side_nor_the_recording() {
    let mut rig = Rig::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut reel = recorded(&mut rig, A);
    rig.command(Command::Record { leg: A, order: RecordOrder::Pause });
    rig.command(Command::Secret { leg: A, on: true });
    rig.receive(A, &voice(Codec::Pcmu, 0, &[0x33; 160]));
    rig.events();
    rig.sent(B);
    for (at, end) in [(1, false), (2, false), (3, true)] {
        rig.receive(A, &key(at, 1, &press(7, end, 160 * at)));
    }
    rig.receive(A, &voice(Codec::Pcmu, 4, &[0x44; 160]));
    let events = rig.events();
    let [Event::SecretKey { leg: A, key, .. }] = &*events else { panic!("{events:?}") };
    assert_eq!(key.reveal(), Key::from_char('7').expect("a key"));
    let shown = format!("{events:?}");
    assert!(!shown.contains('7') && shown.contains("SecretKey"), "{shown}");
    let sent = rig.sent(B);
    assert!(sent.iter().all(|packet| packet.payload_type == 0), "voice only: {sent:?}");
    assert_eq!(sent.last().map(|packet| packet.payload[0]), Some(0x44));
    let (left, right, _) = read(&mut reel);
    assert!(left.is_empty() && right.is_empty());
    // It is over while the last key is still pressed: its end reaches nobody either.
    rig.command(Command::Secret { leg: A, on: false });
    rig.command(Command::Record { leg: A, order: RecordOrder::Resume });
    rig.receive(A, &self::key(5, 1, &press(7, true, 640)));
    assert!(rig.sent(B).is_empty());
    // A moment later keys are heard by the other side again.
    rig.pass(400);
    rig.events();
    rig.sent(B);
    rig.receive(A, &self::key(6, 6, &press(1, false, 160)));
    assert!(matches!(&*rig.events(), [Event::Key { .. }]));
    assert_eq!(rig.sent(B).len(), 1);
}
