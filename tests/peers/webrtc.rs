//! webrtc's SRTP for simulated phones: another implementation than the engine's.

use std::fmt;

use rtc_srtp::context::Context;
use rtc_srtp::crypto::default_provider;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;
use switchboard::sim::secrecy::{Key, PacketCipher};

struct Webrtc(Context);

impl fmt::Debug for Webrtc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("webrtc's SRTP")
    }
}

impl PacketCipher for Webrtc {
    fn seal(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.0.encrypt_rtp(packet).ok().map(|bytes| bytes.to_vec())
    }

    fn open(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        self.0.decrypt_rtp(packet).ok().map(|bytes| bytes.to_vec())
    }
}

/// Begins a direction under a key.
pub fn webrtc(key: &Key) -> Box<dyn PacketCipher> {
    let provider = default_provider().expect("its default cryptography");
    let (key, salt) = key.split_at(16);
    let context = Context::new(
        key,
        salt,
        ProtectionProfile::Aes128CmHmacSha1_80,
        Some(srtp_replay_protection(128)),
        Some(srtcp_replay_protection(128)),
        provider.crypto(),
    );
    Box::new(Webrtc(context.expect("a context")))
}
