//! Keys in voice: whatever is heard, it is heard alike in packets of any length, and nobody presses
//! keys faster than keys can be told apart.

use switchboard::media::command::Key;
use switchboard::media::dtmf::Detector;
use switchboard::media::tone;

use super::source::Source;

/// The shortest press and the shortest gap after it, in samples at 8 kHz.
const PRESS: usize = 2 * 102;

/// Pieces of sound, then the lengths of the packets that bring it.
pub fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let mut sound: Vec<i16> = Vec::new();
    let pieces = source.below(24);
    for _ in 0..pieces {
        piece(&mut source, &mut sound);
    }
    let mut whole = Detector::new();
    let heard: Vec<Key> =
        sound.iter().filter_map(|sample| whole.hear(std::iter::once(*sample))).collect();
    assert!(heard.len() <= sound.len() / PRESS + 1, "{} in {}", heard.len(), sound.len());
    let (mut packets, mut told, mut at) = (Detector::new(), Vec::new(), 0);
    while at < sound.len() {
        // A packet is shorter than any two presses.
        let end = (at + 1 + source.below(PRESS)).min(sound.len());
        told.extend(packets.hear(sound[at..end].iter().copied()));
        at = end;
    }
    assert_eq!(told, heard);
}

/// A key's tones, loud or faint or off, silence, noise of the input's own, or a square wave.
fn piece(source: &mut Source<'_>, sound: &mut Vec<i16>) {
    let length = usize::from(source.byte()) * 4;
    match source.below(5) {
        0 => sound.resize(sound.len() + length, 0),
        1 | 2 => {
            let Some(key) = Key::from_event(source.byte() % 16) else { return };
            let loudness = f32::from(source.byte()) / 128.0;
            // Up to a tenth faster or slower.
            let rate_hz = 7_200 + u32::from(source.byte()) * 6;
            sound.extend(
                (0..length as u64)
                    .map(|at| (f32::from(tone::of_key(key, at, rate_hz)) * loudness) as i16),
            );
        }
        3 => {
            let half = 1 + source.below(64);
            sound.extend(
                (0..length)
                    .map(|at| if (at / half).is_multiple_of(2) { i16::MAX } else { i16::MIN }),
            );
        }
        _ => sound.extend(
            source
                .take(length)
                .chunks(2)
                .map(|pair| i16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])),
        ),
    }
}
