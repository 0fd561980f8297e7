//! Reading a peer's description: the streams, each with all that negotiation needs.
//!
//! The lines are split by `sdp-types`. It is given only the kinds of lines that we use, as UTF-8,
//! so that a session name in Latin-1 or a broken `b=` line of some old exchange ends no call.

use std::net::{IpAddr, SocketAddr};

use sdp_types::{Attribute, Connection, Media, Session};

use super::SdpError;
use super::crypto::Crypto;
use crate::media::command::{Codec, Direction, PayloadTypes};

/// The longest description that is read, in bytes.
const MAX_BYTES: usize = 16_384;

/// The most streams and the most attributes of one description.
const MAX_STREAMS: usize = 16;
const MAX_ATTRIBUTES: usize = 512;
/// As many keys of a stream are looked at.
const MAX_CRYPTOS: usize = 16;

/// A session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    /// In the order of the `m=` lines.
    pub(super) streams: Vec<Stream>,
}

/// One `m=` line and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stream {
    /// `audio`, `video`, `application` ...
    pub(super) media: String,
    /// 0 if the stream is refused or over.
    pub(super) port: u16,
    /// `RTP/AVP` ...
    pub(super) protocol: String,
    /// Payload types, or whatever the protocol has, as written.
    pub(super) formats: String,
    /// Where the peer receives: none if no `c=` line holds for the stream or it cannot be read.
    pub(super) address: Option<IpAddr>,
    /// `a=rtpmap`: payload type, encoding name, clock rate in Hz, channels.
    pub(super) maps: Vec<Map>,
    /// Which way the peer wants media to flow, from its side.
    pub(super) direction: Direction,
    /// `a=rtcp` (RFC 3605): port and perhaps another address.
    pub(super) rtcp: Option<(u16, Option<IpAddr>)>,
    /// `a=rtcp-mux` (RFC 5761).
    pub(super) rtcp_mux: bool,
    /// `a=ptime` and `a=maxptime`, in whole milliseconds.
    pub(super) packet_ms: Option<u8>,
    pub(super) max_packet_ms: Option<u8>,
    /// `a=fmtp`: payload type and parameters.
    parameters: Vec<(u8, String)>,
    /// `a=crypto` (RFC 4568): the keys that we could use.
    pub(super) cryptos: Vec<Crypto>,
}

/// How audio is carried. With feedback (AVPF), and with keys agreed on in the media (DTLS), it is
/// for browsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    /// `RTP/AVP` (RFC 3551). With a key it is encrypted all the same (RFC 8643).
    Plain,
    /// `RTP/SAVP` (RFC 3711).
    Secure,
}

impl Profile {
    /// As in an `m=` line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Profile::Plain => "RTP/AVP",
            Profile::Secure => "RTP/SAVP",
        }
    }
}

/// One `a=rtpmap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) payload_type: u8,
    pub(super) encoding: String,
    pub(super) rate_hz: u32,
    pub(super) channels: u8,
}

impl Description {
    /// Reads a description, all of it or none.
    pub(super) fn parse(bytes: &[u8]) -> Result<Description, SdpError> {
        if bytes.len() > MAX_BYTES {
            return Err(SdpError::Malformed);
        }
        let session =
            Session::parse(used_lines(bytes).as_bytes()).map_err(|_| SdpError::Malformed)?;
        let attributes = session.medias.iter().map(|media| media.attributes.len());
        if session.medias.len() > MAX_STREAMS
            || attributes.sum::<usize>() + session.attributes.len() > MAX_ATTRIBUTES
        {
            return Err(SdpError::Malformed);
        }
        let direction = direction(&session.attributes).unwrap_or_default();
        let streams = session
            .medias
            .into_iter()
            .map(|media| Stream::new(media, session.connection.as_ref(), direction))
            .collect();
        Ok(Description { streams })
    }
}

fn used_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut used = String::with_capacity(text.len());
    for line in text.lines().filter(|line| line.starts_with(['v', 'c', 'm', 'a'])) {
        // A bare CR would be a line end to some; what is refused is copied into our answer.
        let begin = used.len();
        used.extend(line.chars().map(|c| if c.is_control() { ' ' } else { c }));
        used.truncate(begin + used.get(begin..).unwrap_or_default().trim_end().len());
        used.push('\n');
    }
    used
}

impl Stream {
    fn new(media: Media, session: Option<&Connection>, default: Direction) -> Stream {
        let value = |name: &str| {
            let found = media.attributes.iter().find(|a| a.attribute.eq_ignore_ascii_case(name));
            found.and_then(|attribute| attribute.value.as_deref())
        };
        Stream {
            address: media.connections.first().or(session).and_then(address),
            maps: media.attributes.iter().filter_map(map).collect(),
            direction: direction(&media.attributes).unwrap_or(default),
            rtcp: value("rtcp").and_then(rtcp),
            rtcp_mux: media.attributes.iter().any(|a| a.attribute.eq_ignore_ascii_case("rtcp-mux")),
            packet_ms: value("ptime").and_then(milliseconds),
            max_packet_ms: value("maxptime").and_then(milliseconds),
            parameters: media.attributes.iter().filter_map(parameters).collect(),
            cryptos: media.attributes.iter().filter_map(crypto).take(MAX_CRYPTOS).collect(),
            media: media.media,
            port: media.port,
            protocol: media.proto,
            formats: media.fmt,
        }
    }

    /// The profile; none if it is one that we do not speak.
    pub(super) fn profile(&self) -> Option<Profile> {
        let known = [Profile::Plain, Profile::Secure];
        known.into_iter().find(|profile| self.protocol.eq_ignore_ascii_case(profile.name()))
    }

    /// The payload types, in the order of preference.
    pub(super) fn payload_types(&self) -> impl Iterator<Item = u8> {
        self.formats.split(' ').filter_map(|format| format.parse().ok()).filter(|pt| *pt < 128)
    }

    /// What a payload type stands for: its map, or the static assignment (RFC 3551 section 6).
    /// Its name, clock rate and channels.
    pub(super) fn encoding(&self, payload_type: u8) -> Option<(&str, u32, u8)> {
        match self.maps.iter().find(|map| map.payload_type == payload_type) {
            Some(map) => Some((&map.encoding, map.rate_hz, map.channels)),
            None if payload_type == PayloadTypes::COMFORT_NOISE => Some(("CN", 8_000, 1)),
            None => {
                let is = |codec: &Codec| codec.static_payload_type() == Some(payload_type);
                let codec = Codec::ALL.into_iter().find(is)?;
                Some((codec.name(), codec.clock_hz(), codec.channels()))
            }
        }
    }

    /// What `a=fmtp` says of a payload type: the parts between semicolons.
    pub(super) fn parameters(&self, payload_type: u8) -> impl Iterator<Item = &str> {
        let known = self.parameters.iter().filter(move |(pt, _)| *pt == payload_type);
        known.flat_map(|(_, text)| text.split(';'))
    }

    /// Where the peer receives RTCP if it receives RTP at `rtp`.
    pub(super) fn rtcp_beside(&self, rtp: SocketAddr) -> SocketAddr {
        match self.rtcp {
            Some((port, address)) => {
                let usable =
                    address.filter(|address| unicast(*address) && !address.is_unspecified());
                SocketAddr::new(usable.unwrap_or(rtp.ip()), port)
            }
            None => SocketAddr::new(rtp.ip(), rtp.port().checked_add(1).unwrap_or(rtp.port())),
        }
    }
}

/// The address of a `c=` line, if media can be sent to it or it is the unspecified one (RFC 3264
/// section 8.4). Names, multicast and broadcast are not taken: nobody shall aim our media at many.
fn address(connection: &Connection) -> Option<IpAddr> {
    let text = connection.connection_address.split('/').next()?;
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()).filter(|ip| unicast(*ip))
}

fn unicast(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !ip.is_multicast() && !broadcast
}

fn direction(attributes: &[Attribute]) -> Option<Direction> {
    attributes.iter().find_map(|attribute| {
        match attribute.attribute.to_ascii_lowercase().as_str() {
            "sendrecv" => Some(Direction::SendRecv),
            "sendonly" => Some(Direction::SendOnly),
            "recvonly" => Some(Direction::RecvOnly),
            "inactive" => Some(Direction::Inactive),
            _ => None,
        }
    })
}

fn map(attribute: &Attribute) -> Option<Map> {
    if !attribute.attribute.eq_ignore_ascii_case("rtpmap") {
        return None;
    }
    let (payload_type, encoding) = attribute.value.as_deref()?.trim().split_once(' ')?;
    let mut parts = encoding.trim().split('/');
    Some(Map {
        payload_type: payload_type.parse().ok()?,
        encoding: parts.next()?.to_owned(),
        rate_hz: parts.next()?.parse().ok()?,
        channels: parts.next().map_or(Some(1), |channels| channels.parse().ok())?,
    })
}

fn parameters(attribute: &Attribute) -> Option<(u8, String)> {
    if !attribute.attribute.eq_ignore_ascii_case("fmtp") {
        return None;
    }
    let (payload_type, text) = attribute.value.as_deref()?.trim().split_once(' ')?;
    Some((payload_type.parse().ok()?, text.to_owned()))
}

/// Some write fractions.
fn milliseconds(value: &str) -> Option<u8> {
    let whole = value.trim().split('.').next()?;
    whole.parse::<u32>().ok().filter(|ms| *ms > 0).map(|ms| u8::try_from(ms).unwrap_or(u8::MAX))
}

fn crypto(attribute: &Attribute) -> Option<Crypto> {
    let is_crypto = attribute.attribute.eq_ignore_ascii_case("crypto");
    Crypto::parse(attribute.value.as_deref().filter(|_| is_crypto)?)
}

fn rtcp(value: &str) -> Option<(u16, Option<IpAddr>)> {
    let mut words = value.split_whitespace();
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    Some((port, words.nth(2).and_then(|address| address.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(text: &str) -> Stream {
        let description = Description::parse(text.replace('\n', "\r\n").as_bytes());
        description
            .ok()
            .and_then(|d| d.streams.into_iter().next())
            .unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_stream_takes_what_it_lacks_from_the_session() {
        let text = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\na=sendonly\nm=audio 4000 RTP/AVP 0\n";
        let session = stream(text);
        assert_eq!(session.address, "192.0.2.1".parse().ok());
        assert_eq!(session.direction, Direction::SendOnly);
        let own = stream(&format!(
            "{text}c=IN IP6 2001:db8::9\na=inactive\na=rtcp:4010 IN IP6 2001:db8::8\n"
        ));
        assert_eq!(own.address, "2001:db8::9".parse().ok());
        assert_eq!(own.direction, Direction::Inactive);
        assert_eq!(own.rtcp, Some((4_010, "2001:db8::8".parse().ok())));
    }

    #[test]
    fn lines_that_we_do_not_use_may_be_broken() {
        let mut text =
            b"v=0\r\no=x\r\ns=Caf\xe9\r\nb=\xff\r\nt=now\r\nz=?\r\nc=IN IP4 192.0.2.1\r\n".to_vec();
        text.extend_from_slice(b"m=audio 4000 RTP/AVP 8\r\na=title:\xe9\r\ny=what\r\n");
        assert!(Description::parse(&text).is_ok_and(|d| d.streams.len() == 1));
    }

    #[test]
    fn a_stream_whose_formats_are_no_words_cannot_be_copied_into_an_answer() {
        let text = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\nm=video 4 RTP/AVP ";
        assert!(Description::parse(format!("{text}96\r\n").as_bytes()).is_ok());
        assert!(Description::parse(format!("{text}\u{2}\u{1}\r\n").as_bytes()).is_err());
    }

    #[test]
    fn names_and_addresses_of_many_are_not_taken() {
        for address in ["224.2.1.1/127", "255.255.255.255", "ff15::101/3", "pbx.example.com", "x"] {
            let read = stream(&format!("v=0\nc=IN IP4 {address}\nm=audio 4000 RTP/AVP 0\n"));
            assert_eq!(read.address, None, "{address}");
        }
        let mapped = stream("v=0\nc=IN IP6 ::ffff:192.0.2.2\nm=audio 4000 RTP/AVP 0\n");
        assert_eq!(mapped.address, "192.0.2.2".parse().ok());
    }

    #[test]
    fn limits_are_errors() {
        let head = "v=0\r\nc=IN IP4 192.0.2.1\r\n";
        let with = |line: &str, times: usize| {
            Description::parse((head.to_owned() + &line.repeat(times)).as_bytes())
        };
        assert!(with("m=audio 4000 RTP/AVP 0\r\n", 16).is_ok());
        assert!(with("m=audio 4000 RTP/AVP 0\r\n", 17).is_err());
        assert!(with("a=x\r\n", 513).is_err());
        assert!(with(&"a=x".repeat(6_000), 1).is_err());
        assert!(Description::parse(b"").is_err());
        assert!(Description::parse(b"v=1\r\n").is_err());
    }
}
