//! Offer and answer (RFC 3264) for one audio stream.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::crypto::Crypto;
use super::description::{Description, Profile, Stream};
use super::keyring::{self, Keyring};
use super::{Local, SdpError, mirror};
use crate::media::command::{Codec, Direction, Encryption, Negotiated, SrtpKeys};

/// The payload type of telephone-event in our offers.
const TELEPHONE_EVENT: u8 = 101;

/// What was found in a peer's description: a stream that we can take part in.
#[derive(Debug, Clone, Copy)]
struct Choice<'a> {
    stream: &'a Stream,
    /// Which `m=` line, counted from 0.
    index: usize,
    profile: Profile,
    address: IpAddr,
    codec: Codec,
    payload_type: u8,
    telephone_event: Option<u8>,
    /// The peer's key, if the audio is encrypted.
    theirs: Option<&'a Crypto>,
}

/// The first audio stream that is alive, has a profile and a codec that we speak and a key that
/// `secure` takes, and can be reached from `local`, if that is known: nothing sent to the other
/// address family would arrive. An encrypted one goes before a plain one.
fn choose<'a>(
    description: &'a Description,
    local: Option<SocketAddr>,
    secure: impl Fn(&'a Stream) -> Result<Option<&'a Crypto>, SdpError>,
) -> Result<Choice<'a>, SdpError> {
    let mut found: Result<Choice<'a>, SdpError> = Err(SdpError::NoCommonCodec);
    for (index, stream) in description.streams.iter().enumerate() {
        if !stream.media.eq_ignore_ascii_case("audio") || stream.port == 0 {
            continue;
        }
        let Some(profile) = stream.profile() else { continue };
        let Some((payload_type, codec)) = first_codec(stream) else { continue };
        let telephone_event = stream.payload_types().find(|pt| {
            *pt != payload_type
                && stream.encoding(*pt).is_some_and(|(name, rate_hz)| {
                    name.eq_ignore_ascii_case("telephone-event") && rate_hz == 8_000
                })
        });
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
        let choice = Choice {
            stream,
            index,
            profile,
            address,
            codec,
            payload_type,
            telephone_event,
            theirs,
        };
        if theirs.is_some() {
            return Ok(choice);
        }
        found = found.or(Ok(choice));
    }
    found
}

fn first_codec(stream: &Stream) -> Option<(u8, Codec)> {
    stream.payload_types().find_map(|payload_type| {
        let (name, rate_hz) = stream.encoding(payload_type)?;
        let codec = [("PCMA", Codec::Pcma), ("PCMU", Codec::Pcmu)]
            .into_iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known) && rate_hz == 8_000);
        codec.map(|(_, codec)| (payload_type, codec))
    })
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
    fn negotiated(&self, signalled_from: IpAddr, srtp: Option<Box<SrtpKeys>>) -> Negotiated {
        let ip = if self.address.is_unspecified() { signalled_from } else { self.address };
        let remote = SocketAddr::new(ip, self.stream.port);
        Negotiated {
            remote,
            remote_rtcp: self.stream.rtcp_beside(remote),
            signalled_from,
            stranger: false,
            codec: self.codec,
            payload_type: self.payload_type,
            telephone_event: self.telephone_event,
            direction: self.direction(),
            srtp,
        }
    }
}

pub(super) fn offer(local: &Local, keyring: &mut Keyring) -> String {
    let mut text = head(local);
    let formats = [(8, Codec::Pcma), (0, Codec::Pcmu)];
    let (profile, cryptos) = keyring.offer();
    let line = Audio {
        profile,
        cryptos,
        formats: &formats,
        telephone_event: Some(TELEPHONE_EVENT),
        direction: Direction::SendRecv,
    };
    line.write(&mut text, local);
    text
}

pub(super) fn acceptable(offer: &Description, encryption: Encryption) -> Result<(), SdpError> {
    choose(offer, None, |stream| keyring::choose(encryption, stream)).map(|_| ())
}

pub(super) fn answer(
    offer: &Description,
    local: &Local,
    signalled_from: IpAddr,
    keyring: &mut Keyring,
) -> Result<(String, Negotiated), SdpError> {
    let choice = choose(offer, Some(local.rtp), |stream| keyring.choose(stream))?;
    let ours = keyring.answer(choice.profile, choice.theirs);
    let negotiated = choice.negotiated(signalled_from, keyring.keys());
    let mut text = head(local);
    for (index, stream) in offer.streams.iter().enumerate() {
        if index == choice.index {
            let line = Audio {
                profile: choice.profile,
                cryptos: ours.as_slice(),
                formats: &[(choice.payload_type, choice.codec)],
                telephone_event: choice.telephone_event,
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
) -> Result<Negotiated, SdpError> {
    let choice = choose(answer, None, |stream| keyring.choose_answer(stream))?;
    keyring.answered(choice.profile, choice.theirs);
    Ok(choice.negotiated(signalled_from, keyring.keys()))
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
    telephone_event: Option<u8>,
    direction: Direction,
}

impl Audio<'_> {
    fn write(&self, text: &mut String, local: &Local) {
        // Writing to a String does not fail.
        let _ = write!(text, "m=audio {} {}", local.rtp.port(), self.profile.name());
        for payload_type in self.formats.iter().map(|(pt, _)| *pt).chain(self.telephone_event) {
            let _ = write!(text, " {payload_type}");
        }
        text.push_str("\r\n");
        for (payload_type, codec) in self.formats {
            let (name, clock_hz) = (codec.name(), codec.clock_hz());
            let _ = write!(text, "a=rtpmap:{payload_type} {name}/{clock_hz}\r\n");
        }
        if let Some(pt) = self.telephone_event {
            let _ = write!(text, "a=rtpmap:{pt} telephone-event/8000\r\na=fmtp:{pt} 0-16\r\n");
        }
        for crypto in self.cryptos {
            let _ = write!(text, "a=crypto:{}\r\n", crypto.value());
        }
        let direction = match self.direction {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        };
        let _ = write!(text, "a=ptime:20\r\na={direction}\r\n");
    }
}

#[cfg(test)]
mod encrypted;
#[cfg(test)]
mod tests;
