//! Session descriptions as a phone writes and reads them: plain text, no library, nothing shared
//! with the engine's.

use std::net::{IpAddr, SocketAddr};

use super::super::secrecy::{self, Key, Secrecy};
use super::super::tone::Law;
use super::super::voice::{Stream, payload_type_of};

/// The payload type that our phones offer for keys.
const KEYS: u8 = 101;

/// What a phone can say and understand on a leg.
pub(super) struct Words {
    pub(super) rtp: SocketAddr,
    pub(super) codecs: Vec<Law>,
    pub(super) secrecy: Option<Secrecy>,
    pub(super) ignores_encryption: bool,
    /// Whether it tells keys as events.
    pub(super) tells_keys: bool,
    /// The leg's own key, if it encrypts.
    pub(super) key: Key,
}

impl Words {
    pub(super) fn offer(&self, version: u64) -> String {
        let text = offer(self.rtp, version, &self.codecs, self.tells_keys);
        match self.secrecy {
            Some(secrecy) => secrecy::offered(&text, secrecy, &self.key),
            None => text,
        }
    }

    pub(super) fn answer(&self, version: u64, stream: &Stream) -> String {
        let text = describe(self.rtp, version, &[stream.codec], stream.telephone_event);
        match &stream.keys {
            Some(keys) => secrecy::answered(&text, keys),
            None => text,
        }
    }

    /// Reads the peer's description: none if the phone cannot take part.
    pub(super) fn read(&self, text: &[u8]) -> Option<Stream> {
        let mut stream = read(text, &self.codecs)?;
        stream.telephone_event = stream.telephone_event.filter(|_| self.tells_keys);
        if self.ignores_encryption {
            return Some(stream);
        }
        let keys = secrecy::read(std::str::from_utf8(text).ok()?, self.secrecy, &self.key)?;
        Some(Stream { keys, ..stream })
    }
}

/// What a phone says of itself: `codecs` in order of preference, and keys.
pub(super) fn describe(rtp: SocketAddr, version: u64, codecs: &[Law], keys: Option<u8>) -> String {
    let family = if rtp.is_ipv6() { "IP6" } else { "IP4" };
    let (host, port) = (rtp.ip(), rtp.port());
    let mut types: Vec<u8> = codecs.iter().map(|codec| payload_type_of(*codec)).collect();
    types.extend(keys);
    let list: Vec<String> = types.iter().map(u8::to_string).collect();
    let mut text = format!(
        "v=0\r\no=- {port} {version} IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\n\
         t=0 0\r\nm=audio {port} RTP/AVP {}\r\n",
        list.join(" ")
    );
    for codec in codecs {
        let (number, name) = match codec {
            Law::Mu => (0, "PCMU"),
            Law::A => (8, "PCMA"),
        };
        text.push_str(&format!("a=rtpmap:{number} {name}/8000\r\n"));
    }
    if let Some(keys) = keys {
        text.push_str(&format!("a=rtpmap:{keys} telephone-event/8000\r\na=fmtp:{keys} 0-15\r\n"));
    }
    text.push_str("a=ptime:20\r\na=sendrecv\r\n");
    text
}

/// An offer of `codecs` and perhaps keys. An empty list offers G.729 alone, which nobody here speaks.
pub(super) fn offer(rtp: SocketAddr, version: u64, codecs: &[Law], keys: bool) -> String {
    if codecs.is_empty() {
        return describe(rtp, version, &[Law::Mu], None)
            .replace("RTP/AVP 0", "RTP/AVP 18")
            .replace("0 PCMU/8000", "18 G729/8000");
    }
    describe(rtp, version, codecs, keys.then_some(KEYS))
}

/// The peer's audio stream with the first of its codecs that is in ours.
fn read(text: &[u8], ours: &[Law]) -> Option<Stream> {
    let text = std::str::from_utf8(text).ok()?;
    let mut session_host = None;
    let mut host = None;
    let mut audio: Option<(u16, Vec<u8>)> = None;
    let mut keys = None;
    let mut send = true;
    let mut before_media = true;
    for line in text.lines() {
        let Some((kind, value)) = line.split_once('=') else { continue };
        match kind {
            "m" if audio.is_some() => break,
            "m" => {
                before_media = false;
                let mut words = value.split(' ');
                if words.next() == Some("audio") {
                    let port = words.next()?.parse().ok()?;
                    let types = words.skip(1).filter_map(|word| word.parse().ok()).collect();
                    audio = Some((port, types));
                }
            }
            "c" => {
                let address: Option<IpAddr> = value.split(' ').nth(2)?.parse().ok();
                if before_media {
                    session_host = address;
                } else if audio.is_some() {
                    host = address;
                }
            }
            "a" if value == "sendonly" || value == "inactive" => send = false,
            "a" if audio.is_some() => {
                if let Some(map) = value.strip_prefix("rtpmap:")
                    && let Some((number, name)) = map.split_once(' ')
                    && name.eq_ignore_ascii_case("telephone-event/8000")
                {
                    keys = number.parse().ok();
                }
            }
            _ => {}
        }
    }
    let (port, types) = audio?;
    let known = |number: &u8| match number {
        0 => Some(Law::Mu),
        8 => Some(Law::A),
        _ => None,
    };
    let codec = types.iter().filter_map(known).find(|codec| ours.contains(codec))?;
    let remote = SocketAddr::new(host.or(session_host)?, port);
    (port != 0).then_some(Stream { remote, codec, telephone_event: keys, send, keys: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_reads_back_and_is_answered_with_one_codec() {
        let rtp: SocketAddr = ([127, 0, 0, 1], 4000).into();
        let both = [Law::A, Law::Mu];
        let offer = offer(rtp, 1, &both, true);
        let stream = read(offer.as_bytes(), &[Law::Mu]).expect("a stream");
        let expected = Stream {
            remote: rtp,
            codec: Law::Mu,
            telephone_event: Some(101),
            send: true,
            keys: None,
        };
        assert_eq!(stream, expected);
        let rtp: SocketAddr = ([127, 0, 0, 1], 5000).into();
        let words = Words {
            rtp,
            codecs: both.to_vec(),
            secrecy: None,
            ignores_encryption: false,
            tells_keys: true,
            key: [0; 30],
        };
        let answer = words.answer(1, &stream);
        assert!(answer.contains("m=audio 5000 RTP/AVP 0 101\r\n"), "{answer}");
        assert_eq!(read(super::offer(rtp, 1, &[], true).as_bytes(), &both), None);
    }
}
