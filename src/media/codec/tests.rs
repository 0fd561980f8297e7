//! Round trips measured, loss repaired, and any bytes borne.

use proptest::prelude::*;

use super::*;

const SECOND_MS: usize = 1_000;
const WITH_FEC: OpusSettings =
    OpusSettings { bit_rate_bps: OpusSettings::BIT_RATE_BPS, fec: true, dtx: false };

/// A voice of sorts: harmonics of a gliding pitch, shaped by two formants, in syllables, over noise.
fn voice(rate: Rate, ms: usize) -> Vec<i16> {
    let hz = f64::from(rate.hz());
    let (mut turns, mut noise) = (0.0, 12_345u32);
    let formant = |hz: f64| {
        (-((hz - 700.0) / 500.0).powi(2)).exp() + 0.5 * (-((hz - 1_800.0) / 600.0).powi(2)).exp()
    };
    let sample = |at: usize| {
        let seconds = at as f64 / hz;
        let pitch = 120.0 + 40.0 * (seconds * 2.0).sin();
        turns += pitch / hz;
        let harmonics = (1..20).map(|n| f64::from(n) * pitch).take_while(|f| *f < hz * 0.42);
        let sum: f64 = (1..)
            .zip(harmonics)
            .map(|(n, f)| {
                (formant(f) + 0.05) * (turns * f64::from(n) * std::f64::consts::TAU).sin()
            })
            .sum();
        let syllable = (seconds * 4.0 * std::f64::consts::PI).sin().max(0.0).sqrt();
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = f64::from(noise >> 16) / 32_768.0 - 1.0;
        (sum * syllable * 4_000.0 + hiss * 40.0) as i16
    };
    (0..rate.samples(ms)).map(sample).collect()
}

fn tone(hz: f64, amplitude: f64, rate: Rate, ms: usize) -> Vec<i16> {
    let turn = hz * std::f64::consts::TAU / f64::from(rate.hz());
    (0..rate.samples(ms)).map(|at| ((at as f64 * turn).sin() * amplitude) as i16).collect()
}

fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64
}

/// The signal's power over the difference's, in dB, at the delay within 40 ms at which it is best.
fn snr(original: &[i16], heard: &[i16], rate: Rate) -> f64 {
    let len = original.len().min(heard.len()) - rate.samples(40);
    let at = |delay: usize| {
        let pairs = original[..len].iter().zip(&heard[delay..]);
        let noise: f64 = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
        10.0 * (power(&original[..len]) * len as f64 / noise.max(1.0)).log10()
    };
    (0..rate.samples(40)).map(at).fold(f64::MIN, f64::max)
}

fn encoder(codec: Codec, rate: Rate) -> Encoder {
    Encoder::new(codec, rate, WITH_FEC).expect("an encoder")
}

fn encode(encoder: &mut Encoder, samples: &[i16], rate: Rate) -> Vec<Vec<u8>> {
    let mut room = [0; MAX_BYTES];
    let packet = |frame: &[i16]| {
        let len = encoder.encode(frame, &mut room).expect("encodes");
        room[..len].to_vec()
    };
    samples.chunks_exact(rate.samples(20)).map(packet).collect()
}

fn decode(decoder: &mut Decoder, packets: &[Vec<u8>]) -> Vec<i16> {
    let mut room = [0; MAX_SAMPLES];
    let mut heard = Vec::new();
    for packet in packets {
        let len = decoder.decode(packet, &mut room).expect("decodes");
        heard.extend(&room[..len]);
    }
    heard
}

fn round_trip(codec: Codec, rate: Rate, samples: &[i16]) -> Vec<i16> {
    let packets = encode(&mut encoder(codec, rate), samples, rate);
    decode(&mut Decoder::new(codec, rate).expect("a decoder"), &packets)
}

#[test]
fn a_voice_survives_each_codec_as_well_as_the_codec_can() {
    for (codec, rate, least_db) in [
        (Codec::Pcma, Rate::Narrow, 36.0),
        (Codec::Pcmu, Rate::Narrow, 36.0),
        (Codec::G722, Rate::Wide, 20.0),
        // What a codec of speech keeps is not the waveform; a wrong gain or a seam would show.
        (Codec::Opus, Rate::Narrow, 8.0),
        (Codec::Opus, Rate::Wide, 8.0),
    ] {
        let original = voice(rate, 4 * SECOND_MS);
        let heard = round_trip(codec, rate, &original);
        let db = snr(&original, &heard, rate);
        println!("{codec:?} {rate:?} {db:.1} dB");
        assert!(db > least_db, "{codec:?} {rate:?}: {db:.1} dB");
        let gain = 10.0 * (power(&heard) / power(&original)).log10();
        assert!(gain.abs() < 1.5, "{codec:?} {rate:?}: {gain:.2} dB louder");
    }
}

#[test]
fn every_codec_can_be_spoken_at_every_rate_and_packets_keep_their_length() {
    for codec in Codec::ALL {
        for rate in [Rate::Narrow, Rate::Wide] {
            let original = tone(1_000.0, 8_000.0, rate, SECOND_MS);
            let packets = encode(&mut encoder(codec, rate), &original, rate);
            let mut decoder = Decoder::new(codec, rate).expect("a decoder");
            let mut room = [0; MAX_SAMPLES];
            for packet in &packets {
                assert_eq!(decoder.decode(packet, &mut room), Some(rate.samples(20)), "{codec:?}");
                if codec != Codec::Opus {
                    assert_eq!(packet.len(), 160);
                }
            }
            let heard = decode(&mut decoder, &packets);
            let steady = &heard[heard.len() / 2..];
            let db = 10.0 * (power(steady) / power(&original)).log10();
            assert!(db.abs() < 1.0, "{codec:?} {rate:?}: {db:.2} dB");
        }
    }
}

/// ITU-T G.722 has the lower band carry what a narrow line has, the upper band the rest.
#[test]
fn wide_band_voice_has_what_a_narrow_line_has_not() {
    let high = tone(6_000.0, 6_000.0, Rate::Wide, SECOND_MS);
    for (codec, heard_db) in [(Codec::G722, -1.0), (Codec::Opus, -3.0)] {
        let heard = round_trip(codec, Rate::Wide, &high);
        let db = 10.0 * (power(&heard[heard.len() / 2..]) / power(&high)).log10();
        assert!(db > heard_db, "{codec:?} {db:.1} dB");
    }
    let heard = round_trip(Codec::Pcma, Rate::Wide, &high);
    assert!(power(&heard[heard.len() / 2..]) < power(&high) / 1e5);
}

#[test]
fn opus_keeps_to_its_bit_rate_and_leaves_silence_out_for_whoever_wants_that() {
    let bits = |settings: OpusSettings, samples: &[i16], rate: Rate| {
        let mut encoder = Encoder::new(Codec::Opus, rate, settings).expect("an encoder");
        let packets = encode(&mut encoder, samples, rate);
        let sent = packets.iter().filter(|packet| !packet.is_empty()).count();
        (packets.iter().map(Vec::len).sum::<usize>() * 8, sent)
    };
    let settings = WITH_FEC;
    for (rate, bit_rate_bps) in [(Rate::Narrow, 12_000), (Rate::Wide, 24_000), (Rate::Wide, 16_000)]
    {
        let settings = OpusSettings { bit_rate_bps, ..settings };
        let (bits, _) = bits(settings, &voice(rate, 10 * SECOND_MS), rate);
        assert!(bits < bit_rate_bps as usize * 10 * 11 / 10, "{rate:?} {bits}");
    }
    let silence = vec![0; Rate::Wide.samples(10 * SECOND_MS)];
    assert_eq!(bits(settings, &silence, Rate::Wide).1, 500);
    // 200 ms, and then one in 400 ms.
    let left_out = OpusSettings { dtx: true, ..settings };
    let sent = bits(left_out, &silence, Rate::Wide).1;
    assert!((30..=40).contains(&sent), "{sent}");
    assert_eq!(bits(left_out, &voice(Rate::Wide, 500), Rate::Wide).1, 25);
}

#[test]
fn a_lost_opus_packet_is_rebuilt_from_the_one_after_it_better_than_guessed() {
    for rate in [Rate::Narrow, Rate::Wide] {
        let original = voice(rate, 4 * SECOND_MS);
        let packets = encode(&mut encoder(Codec::Opus, rate), &original, rate);
        let whole = decode(&mut Decoder::new(Codec::Opus, rate).expect("a decoder"), &packets);
        let with_losses = |fec: bool| {
            let mut decoder = Decoder::new(Codec::Opus, rate).expect("a decoder");
            let (mut room, mut heard) = ([0; MAX_SAMPLES], Vec::new());
            for (at, packet) in packets.iter().enumerate() {
                let lost = at % 7 == 6;
                let len = match (lost, packets.get(at + 1).filter(|_| fec)) {
                    (false, _) => decoder.decode(packet, &mut room),
                    (true, next) => decoder.recover(next.map(Vec::as_slice), &mut room),
                };
                assert_eq!(len, Some(rate.samples(20)));
                heard.extend(&room[..rate.samples(20)]);
            }
            snr(&whole, &heard, rate)
        };
        let (rebuilt, guessed) = (with_losses(true), with_losses(false));
        println!("{rate:?}: rebuilt {rebuilt:.1} dB, guessed {guessed:.1} dB");
        assert!(rebuilt > guessed + 2.0, "{rate:?}: {rebuilt:.1} dB, guessed {guessed:.1} dB");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut room = [0; MAX_SAMPLES];
    for codec in Codec::ALL {
        let mut decoder = Decoder::new(codec, Rate::Wide).expect("a decoder");
        assert_eq!(decoder.decode(&[0x55; 4_000], &mut room), None, "{codec:?}");
        assert_eq!(decoder.decode(&[0x55; 160], &mut room[..10]), None, "{codec:?}");
        let mut encoder = encoder(codec, Rate::Wide);
        assert_eq!(encoder.encode(&[0; 320], &mut []), None, "{codec:?}");
    }
    // No Opus packet has 30 ms.
    let mut opus = encoder(Codec::Opus, Rate::Wide);
    assert_eq!(opus.encode(&[0; 480], &mut [0; MAX_BYTES]), None);
    let mut narrow = Decoder::new(Codec::Pcma, Rate::Narrow).expect("a decoder");
    assert_eq!(narrow.recover(Some(&[1, 2, 3]), &mut room), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Decoders take whatever comes from the network, in whatever order, and never panic.
    #[test]
    fn any_bytes_are_decoded_or_refused(
        codec in proptest::sample::select(Codec::ALL.to_vec()),
        wide: bool,
        packets in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..300), any::<bool>()), 1..30,
        ),
    ) {
        let rate = if wide { Rate::Wide } else { Rate::Narrow };
        let mut decoder = Decoder::new(codec, rate).expect("a decoder");
        let mut room = [0; MAX_SAMPLES];
        for (packet, lost) in &packets {
            let len = match lost {
                true => decoder.recover(Some(packet), &mut room),
                false => decoder.decode(packet, &mut room),
            };
            prop_assert!(len.is_none_or(|len| len <= MAX_SAMPLES));
        }
    }

    /// Packets that were good once, changed on the way.
    #[test]
    fn changed_opus_packets_are_decoded_or_refused(
        changes in proptest::collection::vec((0usize..50, 0usize..60, any::<u8>()), 1..60),
        toc: u8,
    ) {
        let original = voice(Rate::Wide, SECOND_MS);
        let mut packets = encode(&mut encoder(Codec::Opus, Rate::Wide), &original, Rate::Wide);
        for (packet, byte, value) in changes {
            if let Some(byte) = packets[packet].get_mut(byte) {
                *byte = value;
            }
        }
        packets[25][0] = toc;
        let mut decoder = Decoder::new(Codec::Opus, Rate::Narrow).expect("a decoder");
        let mut room = [0; MAX_SAMPLES];
        for packet in &packets {
            let _ = decoder.decode(packet, &mut room);
        }
    }
}

#[test]
fn a_packet_tells_how_long_it_is() {
    for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722] {
        assert_eq!(
            [0, 1, 80, 160, 240].map(|len| codec.packet_ms(&vec![0; len])),
            [0, 1, 10, 20, 30]
        );
    }
    for packet_ms in [10, 20, 40, 60] {
        let settings = OpusSettings::default();
        let mut encoder = Encoder::new(Codec::Opus, Rate::Wide, settings).expect("an encoder");
        let mut room = [0; MAX_BYTES];
        let samples = vec![900; Rate::Wide.samples(packet_ms)];
        let len = encoder.encode(&samples, &mut room).expect("encodes");
        assert_eq!(Codec::Opus.packet_ms(&room[..len]), packet_ms);
    }
    // CELT of 2.5 ms alone, twice, and five times; a hybrid of 20 ms twice; nothing.
    let first = |config: u8, code: u8| config << 3 | code;
    for (payload, packet_ms) in [
        (&[first(16, 0)][..], 3),
        (&[first(16, 1)], 5),
        (&[first(16, 3), 5], 13),
        (&[first(13, 2)], 40),
        (&[first(13, 3)], 0),
        (&[], 0),
    ] {
        assert_eq!(Codec::Opus.packet_ms(payload), packet_ms, "{payload:?}");
    }
}
