//! Offer and answer (RFC 3264) for one audio stream.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::crypto::Crypto;
use super::description::{Description, Profile, Stream};
use super::formats::{Format, Numbers};
use super::keyring::{self, Keyring, Terms};
use super::{Beside, Local, SdpError, mirror};
use crate::media::command::{Codec, Direction, Negotiated, PayloadTypes, SrtpKeys};

/// What was found in a peer's description: a stream that we can take part in.
#[derive(Debug, Clone, Copy)]
struct Choice<'a> {
    stream: &'a Stream,
    /// Which `m=` line, counted from 0.
    index: usize,
    profile: Profile,
    address: IpAddr,
    format: Format,
    /// The peer's key, if the audio is encrypted.
    theirs: Option<&'a Crypto>,
}

/// The first audio stream that is alive, has a profile and a codec that we speak and a key that
/// `secure` takes, and can be reached from `local`, if that is known: nothing sent to the other
/// address family would arrive. An encrypted one goes before a plain one.
fn choose<'a>(
    description: &'a Description,
    local: Option<SocketAddr>,
    format: impl Fn(&'a Stream) -> Option<Format>,
    secure: impl Fn(&'a Stream) -> Result<Option<&'a Crypto>, SdpError>,
) -> Result<Choice<'a>, SdpError> {
    let mut found: Result<Choice<'a>, SdpError> = Err(SdpError::NoCommonCodec);
    for (index, stream) in description.streams.iter().enumerate() {
        if !stream.media.eq_ignore_ascii_case("audio") || stream.port == 0 {
            continue;
        }
        let Some(profile) = stream.profile() else { continue };
        let Some(format) = format(stream) else { continue };
        let address = stream.address.ok_or(SdpError::Malformed)?;
        if local.is_some_and(|local| local.is_ipv4() != address.is_ipv4()) {
            continue;
        }
        let theirs = match secure(stream) {
            Ok(theirs) => theirs,
            Err(error) => {
                found = found.or(Err(error));
                continue;
            }
        };
        let choice = Choice { stream, index, profile, address, format, theirs };
        if theirs.is_some() {
            return Ok(choice);
        }
        found = found.or(Ok(choice));
    }
    found
}

impl Choice<'_> {
    /// Which way audio flows, from our side: the mirror of the peer's wish. A peer at an
    /// unspecified address cannot receive (RFC 3264 section 8.4, the old way to hold).
    fn direction(&self) -> Direction {
        let wished = if self.address.is_unspecified() {
            match self.stream.direction {
                Direction::SendRecv | Direction::SendOnly => Direction::SendOnly,
                Direction::RecvOnly | Direction::Inactive => Direction::Inactive,
            }
        } else {
            self.stream.direction
        };
        mirror(wished)
    }

    /// What media needs to know. An unspecified address is replaced by where the signalling comes
    /// from: sending to it would mean sending to ourselves.
    fn negotiated(
        &self,
        signalled_from: IpAddr,
        receive: PayloadTypes,
        rtcp_mux: bool,
        srtp: Option<Box<SrtpKeys>>,
    ) -> Negotiated {
        let ip = if self.address.is_unspecified() { signalled_from } else { self.address };
        let remote = SocketAddr::new(ip, self.stream.port);
        let Format { codec, types, event_clock_hz, packet_ms, max_packet_ms, opus } = self.format;
        Negotiated {
            remote,
            remote_rtcp: if rtcp_mux { remote } else { self.stream.rtcp_beside(remote) },
            signalled_from,
            stranger: false,
            codec,
            send: types,
            receive,
            event_clock_hz,
            packet_ms,
            max_packet_ms,
            opus,
            rtcp_mux,
            direction: self.direction(),
            srtp,
        }
    }
}

pub(super) fn offer(local: &Local, keyring: &mut Keyring, beside: Beside<'_>) -> String {
    let mut text = head(local);
    let Beside { current, other } = beside;
    let leading = current.or(other);
    let codecs = keyring.codecs().beside(leading.map(|leading| leading.codec));
    let numbers = Numbers::beside(current);
    let formats: Vec<(u8, Codec)> = codecs.iter().map(|codec| (numbers.of(codec), codec)).collect();
    let mut events: Vec<(u8, u32)> = Vec::new();
    for clock_hz in codecs.iter().map(Codec::clock_hz) {
        let event = (numbers.of_events(clock_hz), clock_hz);
        if !events.contains(&event) {
            events.push(event);
        }
    }
    // Noise between words is asked for only where somebody has it already.
    let noise = leading.and_then(|leading| leading.receive.comfort_noise);
    let (profile, cryptos) = keyring.offer();
    let line = Audio {
        profile,
        cryptos,
        formats: &formats,
        comfort_noise: noise.map(|_| PayloadTypes::COMFORT_NOISE),
        telephone_events: &events,
        packet_ms: leading.map_or(20, |leading| leading.packet_ms),
        rtcp_mux: current.is_some_and(|current| current.rtcp_mux),
        direction: Direction::SendRecv,
    };
    line.write(&mut text, local);
    text
}

pub(super) fn acceptable(offer: &Description, terms: Terms) -> Result<(), SdpError> {
    let format = |stream| Format::of(stream, terms.codecs, None);
    choose(offer, None, format, |stream| keyring::choose(terms.encryption, stream)).map(|_| ())
}

pub(super) fn answer(
    offer: &Description,
    local: &Local,
    signalled_from: IpAddr,
    keyring: &mut Keyring,
    beside: Beside<'_>,
) -> Result<(String, Negotiated), SdpError> {
    let (codecs, other) = (keyring.codecs(), beside.other.map(|other| other.codec));
    let format = |stream| Format::of(stream, codecs, other);
    let choice = choose(offer, Some(local.rtp), format, |stream| keyring.choose(stream))?;
    let ours = keyring.answer(choice.profile, choice.theirs);
    let Format { codec, types, event_clock_hz, packet_ms, .. } = choice.format;
    let rtcp_mux = choice.stream.rtcp_mux;
    // An answer repeats the numbers of the offer (RFC 3264 section 6.1).
    let negotiated = choice.negotiated(signalled_from, types, rtcp_mux, keyring.keys());
    let mut text = head(local);
    for (index, stream) in offer.streams.iter().enumerate() {
        if index == choice.index {
            let event = types.telephone_event.map(|number| (number, event_clock_hz));
            let line = Audio {
                profile: choice.profile,
                cryptos: ours.as_slice(),
                formats: &[(types.voice, codec)],
                comfort_noise: types.comfort_noise,
                telephone_events: event.as_slice(),
                packet_ms,
                rtcp_mux,
                direction: negotiated.direction,
            };
            line.write(&mut text, local);
        } else {
            let Stream { media, protocol, formats, .. } = stream;
            let _ = write!(text, "m={media} 0 {protocol} {formats}\r\n");
        }
    }
    Ok((text, negotiated))
}

pub(super) fn read_answer(
    answer: &Description,
    signalled_from: IpAddr,
    keyring: &mut Keyring,
    beside: Beside<'_>,
) -> Result<Negotiated, SdpError> {
    let codecs = keyring.codecs();
    let format = |stream| Format::of(stream, codecs, None);
    let choice = choose(answer, None, format, |stream| keyring.choose_answer(stream))?;
    keyring.answered(choice.profile, choice.theirs);
    let receive = Numbers::beside(beside.current).received(&choice.format);
    let rtcp_mux = choice.stream.rtcp_mux && beside.current.is_some_and(|before| before.rtcp_mux);
    Ok(choice.negotiated(signalled_from, receive, rtcp_mux, keyring.keys()))
}

fn head(local: &Local) -> String {
    let Local { rtp, session_id, version } = local;
    let (family, ip) = (if rtp.is_ipv4() { "IP4" } else { "IP6" }, rtp.ip());
    format!(
        "v=0\r\no=- {session_id} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n"
    )
}

/// Our `m=` line and what belongs to it.
struct Audio<'a> {
    profile: Profile,
    cryptos: &'a [Crypto],
    formats: &'a [(u8, Codec)],
    comfort_noise: Option<u8>,
    /// Payload types of telephone-event, and their clock rates.
    telephone_events: &'a [(u8, u32)],
    packet_ms: u8,
    rtcp_mux: bool,
    direction: Direction,
}

impl Audio<'_> {
    fn write(&self, text: &mut String, local: &Local) {
        // Writing to a String does not fail.
        let _ = write!(text, "m=audio {} {}", local.rtp.port(), self.profile.name());
        let voice = self.formats.iter().map(|(number, _)| *number);
        let events = self.telephone_events.iter().map(|(number, _)| *number);
        for payload_type in voice.chain(self.comfort_noise).chain(events) {
            let _ = write!(text, " {payload_type}");
        }
        text.push_str("\r\n");
        for (number, codec) in self.formats {
            let (name, clock_hz) = (codec.name(), codec.clock_hz());
            let _ = write!(text, "a=rtpmap:{number} {name}/{clock_hz}");
            if codec.channels() > 1 {
                let _ = write!(text, "/{}", codec.channels());
            }
            text.push_str("\r\n");
            if *codec == Codec::Opus {
                let _ = write!(text, "a=fmtp:{number} useinbandfec=1\r\n");
            }
        }
        if let Some(number) = self.comfort_noise {
            let _ = write!(text, "a=rtpmap:{number} CN/8000\r\n");
        }
        for (number, clock_hz) in self.telephone_events {
            let _ = write!(text, "a=rtpmap:{number} telephone-event/{clock_hz}\r\n");
            let _ = write!(text, "a=fmtp:{number} 0-16\r\n");
        }
        for crypto in self.cryptos {
            let _ = write!(text, "a=crypto:{}\r\n", crypto.value());
        }
        if self.rtcp_mux {
            text.push_str("a=rtcp-mux\r\n");
        }
        let direction = match self.direction {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        };
        let _ = write!(text, "a=ptime:{}\r\na={direction}\r\n", self.packet_ms);
    }
}

#[cfg(test)]
mod codecs;
#[cfg(test)]
mod encrypted;
#[cfg(test)]
mod tests;
