//! What encryption costs a packet of voice: 172 bytes sealed, or opened; and the same with rtc-srtp.

use divan::{Bencher, black_box};
use rtc_srtp::context::Context;
use rtc_srtp::crypto::default_provider;
use rtc_srtp::option::srtp_replay_protection;
use rtc_srtp::protection_profile::ProtectionProfile;
use switchboard::id::Entropy;
use switchboard::rtp::packet::{Packet, SeqNo, Ssrc, Timestamp};
use switchboard::rtp::srtp::{MasterKey, OVERHEAD, Receiver, Sender, Suite};

fn main() {
    divan::main();
}

const LEN: usize = 172;

fn key(suite: Suite) -> MasterKey {
    MasterKey::draw(suite, &mut Entropy::from_seed([1; 32]))
}

fn voice(at: u16) -> [u8; LEN + OVERHEAD] {
    let mut bytes = [0; LEN + OVERHEAD];
    let packet = Packet {
        ssrc: Ssrc(7),
        seq: SeqNo(at),
        timestamp: Timestamp(u32::from(at) * 160),
        marker: false,
        payload_type: 8,
        payload: &[0x55; 160],
    };
    let written = packet.write(&mut bytes[..LEN]);
    assert_eq!(written, Ok(LEN));
    bytes
}

/// So many packets that none comes twice.
fn sealed(suite: Suite) -> Vec<Vec<u8>> {
    let mut sender = Sender::new(&key(suite));
    let seal = |at: u32| {
        let mut bytes = voice(at as u16);
        let len = sender.protect_rtp(&mut bytes, LEN).unwrap_or(0);
        bytes[..len].to_vec()
    };
    (0..400_000).map(seal).collect()
}

fn theirs(suite: Suite) -> Option<Context> {
    let profile = match suite {
        Suite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Suite::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
    };
    let key = key(suite);
    let (master, salt) = key.reveal().split_at(suite.key_len());
    let replay = Some(srtp_replay_protection(128));
    let provider = default_provider().ok()?;
    Context::new(master, salt, profile, replay, None, provider.crypto()).ok()
}

const SUITES: [Suite; 3] = [Suite::AeadAes256Gcm, Suite::AeadAes128Gcm, Suite::AesCm128HmacSha1_80];

#[divan::bench(args = SUITES)]
fn seal(bencher: Bencher, suite: Suite) {
    let mut sender = Sender::new(&key(suite));
    let mut at = 0u16;
    bencher.bench_local(|| {
        at = at.wrapping_add(1);
        let mut bytes = voice(at);
        let _ = black_box(sender.protect_rtp(&mut bytes, LEN));
        bytes
    });
}

#[divan::bench(args = SUITES)]
fn open(bencher: Bencher, suite: Suite) {
    let packets = sealed(suite);
    let mut packets = packets.iter().cycle();
    let mut receiver = Receiver::new(&key(suite), None);
    let mut room = [0; 1_500];
    bencher.bench_local(|| {
        let packet = packets.next().map_or(&[][..], |packet| packet);
        receiver.unprotect_rtp(black_box(packet), &mut room).is_ok()
    });
}

#[divan::bench(args = SUITES)]
fn seal_with_rtc_srtp(bencher: Bencher, suite: Suite) {
    let Some(mut context) = theirs(suite) else { return };
    let mut at = 0u16;
    bencher.bench_local(|| {
        at = at.wrapping_add(1);
        context.encrypt_rtp(&voice(at)[..LEN]).ok()
    });
}

#[divan::bench(args = SUITES)]
fn open_with_rtc_srtp(bencher: Bencher, suite: Suite) {
    let packets = sealed(suite);
    let mut packets = packets.iter().cycle();
    let Some(mut context) = theirs(suite) else { return };
    bencher.bench_local(|| {
        let packet = packets.next().map_or(&[][..], |packet| packet);
        context.decrypt_rtp(black_box(packet)).ok()
    });
}

/// A packet that is not ours to open: what somebody who floods a port makes us do.
#[divan::bench(args = SUITES)]
fn refuse(bencher: Bencher, suite: Suite) {
    let packet = voice(1);
    let mut receiver = Receiver::new(&key(suite), None);
    let mut room = [0; 1_500];
    bencher.bench_local(|| receiver.unprotect_rtp(black_box(&packet), &mut room).is_ok());
}
