//! Descriptions: what we answer is a description that can be answered, one line for each of the
//! peer's streams, and it aims no voice at many.

use std::net::{IpAddr, SocketAddr};

use switchboard::id::Entropy;
use switchboard::media::command::{Codec, Encryption, Negotiated};
use switchboard::sdp::{self, Beside, Codecs, Keyring, Local, SdpError, Terms};

use super::source::Source;

/// Terms, then descriptions parted by NULs: offers and answers of one leg, one after the other.
pub fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let terms = Terms {
        encryption: source.pick(&[Encryption::Off, Encryption::Optional, Encryption::Required]),
        private: source.one_in(2),
        codecs: source.pick(&[
            Codecs::default(),
            Codecs::new([Codec::Pcma, Codec::Pcmu]),
            Codecs::new([Codec::Opus, Codec::G722]),
        ]),
    };
    let ours = source.pick(&["192.0.2.1", "2001:db8::1"]);
    let from: IpAddr = source.pick(&["198.51.100.7", "2001:db8::7"]).parse().expect("an address");
    let rtp = SocketAddr::new(ours.parse().expect("an address"), 20_000);
    let we_offer = source.one_in(2);
    let mut keyring = Keyring::new(terms, &mut Entropy::from_seed([3; 32]));
    let mut current: Option<Negotiated> = None;
    let other = Negotiated::plain(rtp, source.pick(&Codec::ALL));
    let other = source.one_in(2).then_some(other);
    for (version, text) in (1..).zip(source.rest().split(|byte| *byte == 0).take(4)) {
        let local = Local { rtp, session_id: 7, version };
        if we_offer {
            let before = current.take();
            let beside = Beside { current: before.as_ref(), other: other.as_ref() };
            sound(&sdp::offer(&local, &mut keyring, beside), &local);
            if let Ok(negotiated) = sdp::read_answer(text, from, &mut keyring, beside) {
                check(&negotiated, terms);
                current = Some(negotiated);
            }
        } else {
            answer(text, &local, from, terms, &mut keyring, other.as_ref());
        }
    }
}

fn answer(
    offer: &[u8],
    local: &Local,
    from: IpAddr,
    terms: Terms,
    keyring: &mut Keyring,
    other: Option<&Negotiated>,
) {
    let acceptable = sdp::acceptable(offer, terms);
    match sdp::answer(offer, local, from, keyring, Beside { current: None, other }) {
        Ok((text, negotiated)) => {
            check(&negotiated, terms);
            sound(&text, local);
            let offered = String::from_utf8_lossy(offer);
            let streams = offered.lines().filter(|line| line.starts_with("m=")).count();
            assert_eq!(text.matches("\r\nm=").count(), streams, "{offered:?}\n{text}");
            assert_eq!(acceptable, Ok(()));
            let anybody = Terms { encryption: Encryption::Optional, ..terms };
            // Whoever reads it finds what we speak.
            assert_eq!(sdp::acceptable(text.as_bytes(), anybody), Ok(()), "{text}");
        }
        // It may be refused for the family of its addresses, which is not known before.
        Err(
            SdpError::Malformed
            | SdpError::NoCommonCodec
            | SdpError::NotEncrypted
            | SdpError::NoCommonEncryption,
        ) => {}
    }
}

/// Lines of ours, whatever was copied into them.
fn sound(text: &str, local: &Local) {
    assert!(text.starts_with("v=0\r\no=- 7 ") && text.ends_with("\r\n"), "{text}");
    for line in text.split_terminator("\r\n") {
        let known = ["v=", "o=", "s=", "c=", "t=", "m=", "a="];
        assert!(known.iter().any(|kind| line.starts_with(kind)), "{text:?}");
        assert!(!line.contains(char::is_control), "{text:?}");
    }
    let (begin, ours) = ("m=audio ", format!("m=audio {} ", local.rtp.port()));
    let mut audio = text.lines().filter(|line| line.starts_with(begin));
    let ended = |line: &&str| !line.starts_with("m=audio 0 ");
    let alive: Vec<_> = audio.by_ref().filter(ended).collect();
    assert!(matches!(alive[..], [one] if one.starts_with(&ours)), "{text}");
}

fn check(negotiated: &Negotiated, terms: Terms) {
    let Negotiated { remote, remote_rtcp, codec, send, receive, packet_ms, .. } = negotiated;
    for to in [remote, remote_rtcp] {
        let ip = to.ip();
        assert!(!ip.is_multicast() && !ip.is_unspecified() && to.port() != 0, "{to}");
        assert_ne!(ip, IpAddr::from([255; 4]));
    }
    assert!(terms.codecs.contains(*codec) && (10..=40).contains(packet_ms));
    for types in [send, receive] {
        let others = [types.telephone_event, types.comfort_noise];
        assert!(types.voice < 128 && others.iter().flatten().all(|number| *number < 128));
        assert!(!others.contains(&Some(types.voice)));
    }
    match terms.encryption {
        Encryption::Off => assert!(negotiated.srtp.is_none()),
        Encryption::Optional => {}
        Encryption::Required => assert!(negotiated.srtp.is_some()),
    }
}
