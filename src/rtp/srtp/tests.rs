//! Published packets, an independent implementation, and what attackers send.

use proptest::prelude::*;
use rtc_srtp::context::Context;
use rtc_srtp::crypto::default_provider;
use rtc_srtp::protection_profile::ProtectionProfile;

use super::*;
use crate::id::Entropy;

pub(super) fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(byte).collect()
}

fn key(suite: Suite) -> MasterKey {
    MasterKey::draw(suite, &mut Entropy::from_seed([9; 32]))
}

fn packet(ssrc: u32, seq: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend(seq.to_be_bytes());
    packet.extend([0, 0, 1, 2]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

fn sealed(sender: &mut Sender, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + OVERHEAD, 0);
    let len = sender.protect_rtp(&mut buffer, packet.len()).expect("is protected");
    buffer.truncate(len);
    buffer
}

fn sealed_rtcp(sender: &mut Sender, packet: &[u8]) -> Vec<u8> {
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + OVERHEAD, 0);
    let len = sender.protect_rtcp(&mut buffer, packet.len()).expect("is protected");
    buffer.truncate(len);
    buffer
}

fn opened(receiver: &mut Receiver, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    receiver.unprotect_rtp(packet, &mut [0; 1_500]).map(<[u8]>::to_vec)
}

fn opened_rtcp(receiver: &mut Receiver, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
    receiver.unprotect_rtcp(packet, &mut [0; 1_500]).map(<[u8]>::to_vec)
}

/// The key of RFC 3711 appendix B.3 with the packets that libsrtp's own tests hold it to.
#[test]
fn published_packets_in_counter_mode_are_ours() {
    let master = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    let master = MasterKey::new(Suite::AesCm128HmacSha1_80, &master).expect("a key");
    let plain = hex("800f1234 decafbad cafebabe abababab abababab abababab abababab");
    let secret = hex(
        "800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb",
    );
    assert_eq!(sealed(&mut Sender::new(&master), &plain), secret);
    assert_eq!(opened(&mut Receiver::new(&master, None), &secret), Ok(plain));
    let plain = hex("81c8000b cafebabe abababab abababab abababab abababab");
    let secret = hex(
        "81c8000b cafebabe 7128035b e487b9bd bef89041 f977a5a8 80000001 993e08cd 54d6c123 0798",
    );
    let mut sender = Sender::new(&master);
    sender.next_rtcp = 1;
    assert_eq!(sealed_rtcp(&mut sender, &plain), secret);
    assert_eq!(opened_rtcp(&mut Receiver::new(&master, None), &secret), Ok(plain));
}

#[test]
fn what_is_protected_is_opened_again_and_nothing_else_is() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) =
            (Sender::new(&key(suite)), Receiver::new(&key(suite), None));
        let plain = packet(7, 100, &[0x55; 160]);
        let secret = sealed(&mut sender, &plain);
        assert_eq!(secret.len(), plain.len() + suite.rtp_tag_len(), "{suite:?}");
        assert_eq!(secret[..12], plain[..12], "{suite:?}");
        assert_ne!(secret[12..172], plain[12..], "{suite:?}");
        // Plain packets, every bit turned, every cut, another key.
        assert_eq!(opened(&mut receiver, &plain), Err(SrtpError::Unauthentic), "{suite:?}");
        for at in 0..secret.len() {
            let mut forged = secret.clone();
            forged[at] ^= 1;
            assert!(opened(&mut receiver, &forged).is_err(), "{suite:?} byte {at}");
            assert!(opened(&mut receiver, &secret[..at]).is_err(), "{suite:?} length {at}");
        }
        let other = MasterKey::draw(suite, &mut Entropy::from_seed([8; 32]));
        let wrong = opened(&mut Receiver::new(&other, None), &secret);
        assert_eq!(wrong, Err(SrtpError::Unauthentic), "{suite:?}");
        // All of which has left no trace.
        assert_eq!(opened(&mut receiver, &secret).as_ref(), Ok(&plain), "{suite:?}");
        assert_eq!(opened(&mut receiver, &secret), Err(SrtpError::Replayed), "{suite:?}");
    }
}

#[test]
fn reports_too_and_a_cleared_encryption_bit_opens_nothing() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) =
            (Sender::new(&key(suite)), Receiver::new(&key(suite), None));
        let plain = hex("80c90001 00000007");
        let secret = sealed_rtcp(&mut sender, &plain);
        assert_eq!(secret.len(), plain.len() + 4 + suite.rtcp_tag_len(), "{suite:?}");
        assert_eq!(opened_rtcp(&mut receiver, &plain), Err(SrtpError::Truncated), "{suite:?}");
        for at in 0..secret.len() {
            for bit in [1, 0x80] {
                let mut forged = secret.clone();
                forged[at] ^= bit;
                assert!(opened_rtcp(&mut receiver, &forged).is_err(), "{suite:?} byte {at}");
            }
            assert!(opened_rtcp(&mut receiver, &secret[..at]).is_err(), "{suite:?} length {at}");
        }
        assert_eq!(opened_rtcp(&mut receiver, &secret).as_ref(), Ok(&plain), "{suite:?}");
        assert_eq!(opened_rtcp(&mut receiver, &secret), Err(SrtpError::Replayed), "{suite:?}");
        let next = sealed_rtcp(&mut sender, &plain);
        assert_ne!(next, secret, "{suite:?}");
        assert_eq!(opened_rtcp(&mut receiver, &next).as_ref(), Ok(&plain), "{suite:?}");
    }
}

#[test]
fn sequence_numbers_wrap_and_packets_come_late() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) =
            (Sender::new(&key(suite)), Receiver::new(&key(suite), None));
        let all: Vec<(Vec<u8>, Vec<u8>)> = (0..300u16)
            .map(|at| packet(7, 65_400u16.wrapping_add(at), &at.to_be_bytes()))
            .map(|plain| (sealed(&mut sender, &plain), plain))
            .collect();
        // Every fourth packet comes twenty later.
        let late = |at: usize| at % 4 == 3;
        for (at, (secret, plain)) in all.iter().enumerate() {
            if !late(at) {
                assert_eq!(opened(&mut receiver, secret).as_ref(), Ok(plain), "{suite:?} {at}");
            }
            if at >= 20 && late(at - 20) {
                let (secret, plain) = &all[at - 20];
                assert_eq!(opened(&mut receiver, secret).as_ref(), Ok(plain), "{suite:?} {at}");
            }
        }
        for (secret, _) in &all[..280] {
            assert_eq!(opened(&mut receiver, secret), Err(SrtpError::Replayed), "{suite:?}");
        }
    }
}

#[test]
fn a_number_is_never_used_for_two_packets() {
    for suite in Suite::ALL {
        let mut sender = Sender::new(&key(suite));
        let mut buffer = [0; 100];
        let mut protect = |seq, text: &[u8]| {
            let packet = packet(7, seq, text);
            buffer[..packet.len()].copy_from_slice(&packet);
            sender.protect_rtp(&mut buffer, packet.len()).map(|_| ())
        };
        assert_eq!(protect(10, b"one"), Ok(()));
        assert_eq!(protect(10, b"two"), Err(SrtpError::Replayed), "{suite:?}");
        assert_eq!(protect(12, b"two"), Ok(()));
        assert_eq!(protect(11, b"late"), Ok(()));
        assert_eq!(protect(11, b"too late"), Err(SrtpError::Replayed), "{suite:?}");
    }
}

#[test]
fn each_source_counts_for_itself_and_there_is_an_end_of_them() {
    let (mut sender, mut receiver) =
        (Sender::new(&key(Suite::AeadAes256Gcm)), Receiver::new(&key(Suite::AeadAes256Gcm), None));
    for ssrc in 0..MOST_SOURCES as u32 {
        let plain = packet(ssrc, 1_000, b"voice");
        let secret = sealed(&mut sender, &plain);
        // Packets of sources that nobody has proved to be one take no place.
        for forged in 0..10 {
            let mut forgery = secret.clone();
            forgery[8] = 0xff - forged;
            assert_eq!(opened(&mut receiver, &forgery), Err(SrtpError::Unauthentic));
        }
        assert_eq!(opened(&mut receiver, &secret), Ok(plain));
    }
    let more = packet(1_000, 1, b"voice");
    let mut stranger = Sender::new(&key(Suite::AeadAes256Gcm));
    assert_eq!(opened(&mut receiver, &sealed(&mut stranger, &more)), Err(SrtpError::Replayed));
    let known = sealed(&mut sender, &packet(3, 1_001, b"voice"));
    assert!(opened(&mut receiver, &known).is_ok());
}

#[test]
fn packets_that_carry_a_key_identifier_must_carry_the_right_one() {
    for suite in Suite::ALL {
        for (mki, bytes) in [
            (Mki::new(1, 1), &[1][..]),
            (Mki::new(0x0102, 4), &[0, 0, 1, 2]),
            (Mki::new(7, 9), &[0, 0, 0, 0, 0, 0, 0, 0, 7]),
        ] {
            let mut sender = Sender::new(&key(suite));
            let mut receiver = Receiver::new(&key(suite), Some(mki.expect("an identifier")));
            let place = |secret: &[u8], tag: usize| match suite {
                Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => secret.len(),
                Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => secret.len() - tag,
            };
            let plain = packet(7, 1, b"voice");
            let mut secret = sealed(&mut sender, &plain);
            assert!(opened(&mut receiver, &secret).is_err());
            let at = place(&secret, suite.rtp_tag_len());
            secret.splice(at..at, bytes.iter().copied());
            let mut wrong = secret.clone();
            wrong[at] ^= 4;
            assert_eq!(opened(&mut receiver, &wrong), Err(SrtpError::Unauthentic), "{suite:?}");
            assert_eq!(opened(&mut receiver, &secret), Ok(plain), "{suite:?}");
            let plain = hex("80c90001 00000007");
            let mut secret = sealed_rtcp(&mut sender, &plain);
            let at = place(&secret, suite.rtcp_tag_len());
            secret.splice(at..at, bytes.iter().copied());
            assert_eq!(opened_rtcp(&mut receiver, &secret), Ok(plain), "{suite:?}");
        }
    }
    assert_eq!(Mki::new(256, 1), None);
    assert_eq!(Mki::new(1, 0), None);
    assert_eq!(Mki::new(1, 129), None);
}

/// The other implementation: webrtc's.
fn theirs(key: &MasterKey) -> Context {
    let profile = match key.suite() {
        Suite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Suite::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
    };
    let (master, salt) = key.reveal().split_at(key.suite().key_len());
    let provider = default_provider().expect("its default cryptography");
    Context::new(master, salt, profile, None, None, provider.crypto()).expect("a context")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn another_implementation_writes_what_we_read_and_reads_what_we_write(
        suite in 0usize..4, seed: [u8; 32], ssrc: u32, first: u16,
        steps in proptest::collection::vec((1u16..40, proptest::collection::vec(any::<u8>(), 0..200)), 1..30),
        csrcs in 0u8..4, extension in proptest::option::of(0u8..3),
    ) {
        let key = MasterKey::draw(Suite::ALL[suite], &mut Entropy::from_seed(seed));
        let (mut ours, mut our_receiver) = (Sender::new(&key), Receiver::new(&key, None));
        let (mut theirs_out, mut theirs_in) = (theirs(&key), theirs(&key));
        let mut seq = first;
        for (step, payload) in steps {
            // Up to 40 x 1,000: over the wrap more than once.
            seq = seq.wrapping_add(step * 500);
            let mut plain = packet(ssrc, seq, &[]);
            plain[0] |= csrcs;
            plain.extend(vec![3; 4 * usize::from(csrcs)]);
            if let Some(words) = extension {
                plain[0] |= 0x10;
                plain.extend([0xab, 0xcd, 0, words]);
                plain.extend(vec![5; 4 * usize::from(words)]);
            }
            plain.extend(payload);
            let secret = sealed(&mut ours, &plain);
            let from_them = theirs_out.encrypt_rtp(&plain).expect("they protect");
            prop_assert_eq!(&secret[..], &from_them[..]);
            prop_assert_eq!(&theirs_in.decrypt_rtp(&secret).expect("they read ours")[..], &plain[..]);
            prop_assert_eq!(opened(&mut our_receiver, &from_them), Ok(plain));
        }
        for count in 0..5u8 {
            let mut plain = vec![0x80, 200, 0, 6];
            plain.extend(ssrc.to_be_bytes());
            plain.extend([count; 20]);
            let secret = sealed_rtcp(&mut ours, &plain);
            let read = theirs_in.decrypt_rtcp(&secret).expect("they read ours");
            prop_assert_eq!(&read[..], &plain[..]);
            let from_them = theirs_out.encrypt_rtcp(&plain).expect("they protect");
            prop_assert_eq!(opened_rtcp(&mut our_receiver, &from_them), Ok(plain));
        }
    }

    #[test]
    fn any_bytes_are_refused_without_harm(
        suite in 0usize..4, mki in proptest::option::of(1usize..6),
        mut bytes in proptest::collection::vec(any::<u8>(), 0..80), version: bool,
    ) {
        if let Some(first) = bytes.first_mut().filter(|_| version) {
            *first = 0x80 | *first & 0x3f;
        }
        let key = key(Suite::ALL[suite]);
        let mut receiver = Receiver::new(&key, mki.and_then(|len| Mki::new(1, len)));
        prop_assert!(opened(&mut receiver, &bytes).is_err());
        prop_assert!(opened_rtcp(&mut receiver, &bytes).is_err());
        prop_assert!(receiver.rtp_sources.0.is_empty() && receiver.rtcp_sources.0.is_empty());
        let mut sender = Sender::new(&key);
        let len = bytes.len();
        let _ = sender.protect_rtp(&mut bytes, len);
        let _ = sender.protect_rtcp(&mut bytes, len);
        let _ = sender.protect_rtcp(&mut bytes, len + 1);
    }
}
