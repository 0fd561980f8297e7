//! Silence in every codec, encoded once.

use std::sync::OnceLock;

use super::codec::{Encoder, MAX_BYTES};
use super::command::{Codec, OpusSettings};
use super::rate::Rate;

/// Packets after which an encoder of silence says the same again and again.
const SETTLED: usize = 10;

/// 20 ms of silence as the codec says it; for G.711 and G.722 in every millisecond the same.
fn packet(codec: Codec) -> &'static [u8] {
    static G722: OnceLock<Vec<u8>> = OnceLock::new();
    static OPUS: OnceLock<Vec<u8>> = OnceLock::new();
    match codec {
        Codec::Pcmu => &[0xff; 160],
        Codec::Pcma => &[0xd5; 160],
        Codec::G722 => G722.get_or_init(|| settled(codec)),
        Codec::Opus => OPUS.get_or_init(|| settled(codec)),
    }
}

fn settled(codec: Codec) -> Vec<u8> {
    let mut payload = [0; MAX_BYTES];
    let mut len = 0;
    if let Some(mut encoder) = Encoder::new(codec, Rate::Wide, OpusSettings::default()) {
        for _ in 0..SETTLED {
            len = encoder.encode(&[0; Rate::Wide.samples(20)], &mut payload).unwrap_or(0);
        }
    }
    payload.get(..len).unwrap_or_default().to_vec()
}

/// Encodes silence for every codec, so that no packet has to.
pub(super) fn prepare() {
    for codec in Codec::ALL {
        packet(codec);
    }
}

/// Fills bytes of a codec that has as many in each millisecond.
pub(super) fn fill(codec: Codec, bytes: &mut [u8]) {
    for (to, from) in bytes.iter_mut().zip(packet(codec).iter().cycle()) {
        *to = *from;
    }
}

/// Copies a packet of silence to the front of `out`: `packet_ms` of it, for Opus 20 ms. Its length.
pub(super) fn copy(codec: Codec, packet_ms: usize, out: &mut [u8; MAX_BYTES]) -> usize {
    let len = match codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 => 8 * packet_ms,
        Codec::Opus => packet(codec).len(),
    };
    let Some(room) = out.get_mut(..len) else { return 0 };
    fill(codec, room);
    len
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::codec::{Decoder, MAX_SAMPLES};

    #[test]
    fn silence_is_silent_in_every_codec_also_after_a_voice() {
        prepare();
        for codec in Codec::ALL {
            let mut encoder =
                Encoder::new(codec, Rate::Wide, OpusSettings::default()).expect("an encoder");
            let mut decoder = Decoder::new(codec, Rate::Wide).expect("a decoder");
            let (mut payload, mut room) = ([0; MAX_BYTES], [0; MAX_SAMPLES]);
            let voice: Vec<i16> = (0..320).map(|at| (at * 97 % 8_000) as i16).collect();
            for _ in 0..20 {
                let len = encoder.encode(&voice, &mut payload).expect("encodes");
                decoder.decode(&payload[..len], &mut room).expect("decodes");
            }
            let mut loudest = 0;
            for at in 0..50 {
                let len = copy(codec, 20, &mut payload);
                let len = decoder.decode(&payload[..len], &mut room).expect("decodes");
                assert_eq!(len, 320);
                if at >= 10 {
                    let peak = room[..len].iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
                    loudest = loudest.max(peak);
                }
            }
            // The least step of G.722 is no less: 57 dB below full scale.
            assert!(loudest <= 48, "{codec:?}: {loudest}");
        }
    }
}
