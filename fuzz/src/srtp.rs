//! SRTP: what comes whole is opened once, and what was changed, repeated or made up never is.

use switchboard::id::Entropy;
use switchboard::rtp::packet::{Packet, SeqNo, Ssrc, Timestamp};
use switchboard::rtp::srtp::{MasterKey, OVERHEAD, Receiver, Sender, Suite};

use super::source::Source;

const ROOM: usize = 512;

/// Packets that are sealed and opened, in any order, whole or not.
pub fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let suite = source.pick(&Suite::ALL);
    let key = MasterKey::draw(suite, &mut Entropy::from_seed([source.byte(); 32]));
    let (mut sender, mut receiver) = (Sender::new(&key), Receiver::new(&key, None));
    let mut seq = source.u16();
    let mut sealed: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut opened = std::collections::BTreeSet::new();
    while !source.is_empty() {
        match source.below(4) {
            0 | 1 => {
                let payload = source.take(40);
                seq = seq.wrapping_add(1 + source.below(3) as u16);
                let packet = Packet {
                    ssrc: Ssrc(7),
                    seq: SeqNo(seq),
                    timestamp: Timestamp(u32::from(seq) * 160),
                    marker: false,
                    payload_type: 8,
                    payload,
                };
                let mut buffer = [0; ROOM];
                let Ok(len) = packet.write(&mut buffer[..ROOM - OVERHEAD]) else { continue };
                let plain = buffer[..len].to_vec();
                let Ok(len) = sender.protect_rtp(&mut buffer, len) else { continue };
                sealed.push((buffer[..len].to_vec(), plain));
            }
            2 if !sealed.is_empty() => {
                let at = source.below(sealed.len());
                let (bytes, plain) = &sealed[at];
                let mut room = [0; ROOM];
                if let Ok(got) = receiver.unprotect_rtp(bytes, &mut room) {
                    assert_eq!(got, &plain[..], "what was sealed");
                    assert!(opened.insert(at), "once");
                }
            }
            _ => {
                let mut bytes = match sealed.last() {
                    Some((bytes, _)) if source.one_in(2) => bytes.clone(),
                    _ => source.take(120).to_vec(),
                };
                let (bit, cut) = (usize::from(source.u16()), source.below(8));
                if let Some(byte) = bytes.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                } else {
                    bytes.truncate(bytes.len().saturating_sub(1 + cut));
                }
                let mut room = [0; ROOM];
                let made_up = receiver.unprotect_rtp(&bytes, &mut room).is_ok();
                assert!(!made_up, "made up, and believed");
                let _ = receiver.unprotect_rtcp(&bytes, &mut room);
            }
        }
    }
}
