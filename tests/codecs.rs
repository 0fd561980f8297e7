//! Our Opus and G.722 against other people's (libopus, spandsp), both ways: what either encodes both decode to
//! the same, and ours sounds as good as theirs.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use switchboard::media::codec::{Decoder, Encoder, MAX_BYTES, MAX_SAMPLES};
use switchboard::media::command::{Codec, OpusSettings};
use switchboard::media::rate::Rate;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Samples of a packet of 20 ms at 16 kHz.
const PACKET: usize = 320;

/// The program around the others' libraries, built.
fn foreign(folder: &Path) -> PathBuf {
    let program = folder.join("foreign");
    let mut cc = Command::new("cc");
    cc.arg("-o").arg(&program).arg(format!("{ROOT}/tests/codecs/foreign.c"));
    let built = cc.args(["-lopus", "-lspandsp"]).output().expect("a C compiler");
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(
        built.status.success(),
        "{said}\nInstall them with: apt-get install libopus-dev libspandsp-dev"
    );
    program
}

/// What a filter makes of bytes.
fn through(command: &mut Command, input: Vec<u8>) -> Vec<u8> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.spawn().expect("starts");
    let mut to = child.stdin.take().expect("its input");
    let writes = std::thread::spawn(move || to.write_all(&input).expect("written"));
    let done = child.wait_with_output().expect("ends");
    writes.join().expect("all of it");
    assert!(done.status.success(), "{command:?}");
    done.stdout
}

fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect()
}

fn packed(packets: &[Vec<u8>]) -> Vec<u8> {
    let with_length =
        |packet: &Vec<u8>| [&(packet.len() as u16).to_le_bytes()[..], packet].concat();
    packets.iter().flat_map(with_length).collect()
}

fn unpacked(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while let [low, high, rest @ ..] = bytes {
        let (packet, rest) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])));
        packets.push(packet.to_vec());
        bytes = rest;
    }
    packets
}

/// A voice: what the shipped menu says, at 16 kHz.
fn voice() -> Vec<i16> {
    let folder = format!("{ROOT}/sounds/en-GB/main");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the sounds")
        .map(|file| file.expect("one").path())
        .collect();
    files.sort();
    let mut sox = Command::new("sox");
    sox.args(files).args(["-t", "raw", "-r", "16000", "-c", "1", "-b", "16", "-e", "signed", "-"]);
    let mut voice = samples(&through(&mut sox, Vec::new()));
    voice.truncate(20 * 16_000);
    voice.truncate(voice.len() / PACKET * PACKET);
    assert!(voice.len() > 5 * 16_000, "{}", voice.len());
    voice
}

fn ours_encode(codec: Codec, voice: &[i16]) -> Vec<Vec<u8>> {
    let settings = OpusSettings { bit_rate_bps: 24_000, fec: false, dtx: false };
    let mut encoder = Encoder::new(codec, Rate::Wide, settings).expect("an encoder");
    let mut room = [0; MAX_BYTES];
    let encode = |samples: &[i16]| {
        let length = encoder.encode(samples, &mut room).expect("encoded");
        room[..length].to_vec()
    };
    voice.chunks(PACKET).map(encode).collect()
}

fn ours_decode(codec: Codec, packets: &[Vec<u8>]) -> Vec<i16> {
    let mut decoder = Decoder::new(codec, Rate::Wide).expect("a decoder");
    let mut room = [0; MAX_SAMPLES];
    let decode = |packet: &Vec<u8>| {
        let length = decoder.decode(packet, &mut room).expect("decoded");
        room[..length].to_vec()
    };
    packets.iter().flat_map(decode).collect()
}

/// The power of what was meant over that of the difference, in dB, where `heard` comes so much later.
fn snr_at(meant: &[i16], heard: &[i16], delay: usize) -> f64 {
    let (mut signal, mut noise) = (0, 1);
    for (meant, heard) in meant.iter().zip(&heard[delay..]) {
        let difference = i64::from(*meant) - i64::from(*heard);
        signal += i64::from(*meant).pow(2);
        noise += difference.pow(2);
    }
    10.0 * (signal as f64 / noise as f64).log10()
}

/// The same at the delay, within 20 ms, at which one second is best.
fn snr(meant: &[i16], heard: &[i16]) -> f64 {
    let second = 16_000..32_000;
    let of = |delay: &usize| snr_at(&meant[second.clone()], &heard[second.start..], *delay);
    let best = (0..PACKET).max_by(|a, b| of(a).total_cmp(&of(b)));
    snr_at(meant, heard, best.expect("some delay"))
}

#[test]
fn what_either_side_encodes_both_decode_to_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = foreign(folder.path());
    let voice = voice();
    for (codec, name, agree_db, good_db) in
        [(Codec::Opus, "opus", 90.0, 9.0), (Codec::G722, "g722", 50.0, 24.0)]
    {
        let theirs = |what: &str, input| through(Command::new(&program).args([name, what]), input);
        let by_us = ours_encode(codec, &voice);
        let by_them = unpacked(&theirs("encode", bytes(&voice)));
        assert_eq!(by_us.len(), by_them.len());
        let mut good = Vec::new();
        for (encoder, packets) in [("ours", by_us), ("theirs", by_them)] {
            let ours = ours_decode(codec, &packets);
            let them = samples(&theirs("decode", packed(&packets)));
            assert_eq!(ours.len(), them.len());
            let (agree, ours, theirs) =
                (snr_at(&them, &ours, 0), snr(&voice, &ours), snr(&voice, &them));
            let size: usize = packets.iter().map(Vec::len).sum();
            let kbit = size as f64 * 8.0 / (packets.len() as f64 * 20.0);
            println!(
                "{name}, {encoder} encodes at {kbit:.1} kbit/s: the decoders agree to {agree:.1} dB; the \
                 voice is {ours:.1} dB by our decoder, {theirs:.1} dB by theirs"
            );
            assert!(agree > agree_db, "{name}, {encoder}: {agree:.1} dB");
            assert!(
                ours > good_db && theirs > good_db,
                "{name}, {encoder}: {ours:.1}, {theirs:.1}"
            );
            good.push(theirs);
        }
        assert!(
            good[0] > good[1] - 3.0,
            "{name}: ours {:.1} dB, theirs {:.1} dB",
            good[0],
            good[1]
        );
    }
}
