//! Which codec is spoken, under which numbers and with which parameters.

use proptest::prelude::*;

use crate::id::Entropy;
use crate::media::command::{Codec, Negotiated, OpusSettings, PayloadTypes};
use crate::sdp::{Beside, Codecs, Keyring, Local, SdpError, Terms, answer, offer, read_answer};

const PHONE: &str = "v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\n";
/// What a good softphone offers.
const ALL: &str = "m=audio 4000 RTP/AVP 96 9 8 0 97 98\na=rtpmap:96 opus/48000/2\n\
    a=fmtp:96 useinbandfec=1; usedtx=1;maxaveragebitrate=16000\na=rtpmap:9 G722/8000\n\
    a=rtpmap:97 telephone-event/48000\na=rtpmap:98 telephone-event/8000\n";

fn local() -> Local {
    Local { rtp: ([198, 51, 100, 1], 20_000).into(), session_id: 7, version: 1 }
}

fn from() -> std::net::IpAddr {
    [203, 0, 113, 5].into()
}

fn keyring(codecs: Codecs) -> Keyring {
    Keyring::new(Terms { codecs, ..Terms::default() }, &mut Entropy::from_seed([3; 32]))
}

fn spoken(codec: Codec) -> Negotiated {
    Negotiated::plain(([192, 0, 2, 1], 4_000).into(), codec)
}

fn answered(
    stream: &str,
    codecs: Codecs,
    other: Option<Codec>,
) -> Result<(String, Negotiated), SdpError> {
    let other = other.map(spoken);
    let beside = Beside { current: None, other: other.as_ref() };
    let text = format!("{PHONE}{stream}").replace('\n', "\r\n");
    answer(text.as_bytes(), &local(), from(), &mut keyring(codecs), beside)
}

fn agreed(stream: &str) -> (String, Negotiated) {
    answered(stream, Codecs::default(), None).unwrap_or_else(|error| panic!("{error}: {stream}"))
}

fn types(voice: u8, telephone_event: Option<u8>) -> PayloadTypes {
    PayloadTypes { voice, telephone_event, comfort_noise: None }
}

fn offered(codecs: Codecs, beside: Beside<'_>) -> String {
    offer(&local(), &mut keyring(codecs), beside)
}

/// Payload types of our offer, in order.
fn numbers(text: &str) -> Vec<u8> {
    let line = text.lines().find(|line| line.starts_with("m=audio")).expect("an audio stream");
    line.split(' ').skip(3).map(|number| number.parse().expect("a number")).collect()
}

#[test]
fn our_offer_has_every_codec_with_what_belongs_to_it() {
    let text = offered(Codecs::default(), Beside::default());
    assert!(text.contains("m=audio 20000 RTP/AVP 8 0 9 111 101 110\r\n"), "{text}");
    for line in [
        // Half of its sample rate, as RFC 3551 has it; two channels, as RFC 7587 has it.
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 useinbandfec=1",
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:110 telephone-event/48000",
        "a=fmtp:110 0-16",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    let opus = offered(Codecs::new([Codec::Opus]), Beside::default());
    assert_eq!(numbers(&opus), [111, 110]);
}

#[test]
fn an_offer_begins_with_what_the_other_side_speaks() {
    let all = Codecs::default();
    for (other, order) in [
        (Codec::Pcma, [8, 0, 9, 111]),
        (Codec::Pcmu, [0, 8, 9, 111]),
        (Codec::G722, [9, 8, 0, 111]),
        (Codec::Opus, [111, 8, 0, 9]),
    ] {
        let other = spoken(other);
        let text = offered(all, Beside { current: None, other: Some(&other) });
        assert_eq!(numbers(&text)[..4], order);
    }
    // What is not to be spoken is not offered, whoever speaks it.
    let opus = spoken(Codec::Opus);
    let text = offered(Codecs::new([Codec::Pcma]), Beside { current: None, other: Some(&opus) });
    assert_eq!(numbers(&text), [8, 101]);
}

#[test]
fn an_answer_takes_the_offers_first_or_what_saves_converting() {
    let all = Codecs::default();
    for (other, expected) in [
        (None, Codec::Opus),
        (Some(Codec::Opus), Codec::Opus),
        (Some(Codec::G722), Codec::G722),
        (Some(Codec::Pcma), Codec::Pcma),
        (Some(Codec::Pcmu), Codec::Pcmu),
    ] {
        let (text, got) = answered(ALL, all, other).expect("agreed");
        assert_eq!(got.codec, expected, "{other:?}\n{text}");
    }
    // One law costs as good as nothing beside the other.
    let some = "m=audio 4000 RTP/AVP 9 8\n";
    assert_eq!(answered(some, all, Some(Codec::Pcmu)).expect("agreed").1.codec, Codec::Pcma);
    assert_eq!(answered(some, all, Some(Codec::Opus)).expect("agreed").1.codec, Codec::G722);
    let laws = Codecs::new([Codec::Pcmu, Codec::Pcma]);
    assert_eq!(answered(ALL, laws, None).expect("agreed").1.codec, Codec::Pcma);
    assert_eq!(answered(some, Codecs::new([Codec::Opus]), None), Err(SdpError::NoCommonCodec));
}

#[test]
fn opus_comes_with_its_own_clock_and_parameters() {
    let (text, got) = agreed(ALL);
    assert!(text.contains("RTP/AVP 96 97\r\na=rtpmap:96 opus/48000/2\r\n"), "{text}");
    assert!(text.contains("a=rtpmap:97 telephone-event/48000\r\n"), "{text}");
    assert_eq!((got.send, got.receive), (types(96, Some(97)), types(96, Some(97))));
    assert_eq!((got.event_clock_hz, got.packet_ms), (48_000, 20));
    assert_eq!(got.opus, OpusSettings { bit_rate_bps: 16_000, fec: true, dtx: true });
    // Some leave out the channels; three are nobody's.
    for (channels, spoken) in [("", true), ("/1", true), ("/2", true), ("/3", false)] {
        let stream = format!("m=audio 4000 RTP/AVP 96\na=rtpmap:96 OPUS/48000{channels}\n");
        assert_eq!(answered(&stream, Codecs::default(), None).is_ok(), spoken, "{channels}");
    }
    // A phone that knows keys at 8 kHz only is still heard.
    let stream = "m=audio 4000 RTP/AVP 96 98\na=rtpmap:96 opus/48000/2\na=rtpmap:98 telephone-event/8000\na=fmtp:96 maxaveragebitrate=x;useinbandfec;maxaveragebitrate=1\n";
    let (text, got) = agreed(stream);
    assert_eq!((got.send.telephone_event, got.event_clock_hz), (Some(98), 8_000), "{text}");
    assert_eq!(got.opus, OpusSettings { bit_rate_bps: 6_000, fec: false, dtx: false });
}

#[test]
fn g722_is_known_by_its_number_and_by_its_clock_of_eight_thousand() {
    assert_eq!(agreed("m=audio 4000 RTP/AVP 9\n").1.codec, Codec::G722);
    let named = agreed("m=audio 4000 RTP/AVP 99\na=rtpmap:99 g722/8000/1\n").1;
    assert_eq!((named.codec, named.send.voice), (Codec::G722, 99));
    let wrong =
        answered("m=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/16000\n", Codecs::default(), None);
    assert_eq!(wrong, Err(SdpError::NoCommonCodec));
}

#[test]
fn packets_are_as_long_as_the_peer_wishes_and_we_can() {
    for (attributes, expected) in [
        ("", 20),
        ("a=ptime:10\n", 10),
        ("a=ptime:30\n", 30),
        ("a=ptime:40\n", 40),
        ("a=ptime:60\n", 40),
        ("a=ptime:25\n", 20),
        ("a=ptime:5\n", 10),
        ("a=ptime:20.0\n", 20),
        ("a=ptime:0\n", 20),
        ("a=ptime:x\n", 20),
        ("a=ptime:4000000000\n", 40),
        ("a=maxptime:10\n", 10),
        ("a=ptime:40\na=maxptime:30\n", 30),
    ] {
        let (text, got) = agreed(&format!("m=audio 4000 RTP/AVP 8\n{attributes}"));
        assert_eq!(got.packet_ms, expected, "{attributes}");
        // We ask for what they ask of us, so that both sides of a relay agree.
        assert!(text.contains(&format!("a=ptime:{expected}\r\n")), "{text}");
    }
    let opus = "m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\na=ptime:";
    assert_eq!(agreed(&format!("{opus}40\n")).1.packet_ms, 20);
    let short = format!("{opus}20\na=maxptime:10\n");
    assert_eq!(answered(&short, Codecs::default(), None), Err(SdpError::NoCommonCodec));
    let both = short.replace("RTP/AVP 96", "RTP/AVP 96 8");
    let got = agreed(&both).1;
    assert_eq!((got.codec, got.packet_ms, got.max_packet_ms), (Codec::Pcma, 10, Some(10)));
    assert_eq!(agreed(&format!("{opus}20\na=maxptime:20\n")).1.codec, Codec::Opus);
    assert_eq!(agreed("m=audio 4000 RTP/AVP 8\na=maxptime:5\n").1.max_packet_ms, Some(10));
    assert_eq!(agreed("m=audio 4000 RTP/AVP 8\na=ptime:30\n").1.max_packet_ms, None);
    let other = Negotiated { packet_ms: 30, ..spoken(Codec::Pcma) };
    let text = offered(Codecs::default(), Beside { current: None, other: Some(&other) });
    assert!(text.contains("a=ptime:30\r\n"), "{text}");
}

#[test]
fn comfort_noise_is_taken_beside_g711_and_asked_for_where_the_other_side_has_it() {
    let (text, got) = agreed("m=audio 4000 RTP/AVP 8 13 101\na=rtpmap:101 telephone-event/8000\n");
    assert!(text.contains("RTP/AVP 8 13 101\r\n") && text.contains("a=rtpmap:13 CN/8000\r\n"));
    assert_eq!((got.send.comfort_noise, got.receive.comfort_noise), (Some(13), Some(13)));
    let text = offered(Codecs::default(), Beside { current: None, other: Some(&got) });
    assert_eq!(numbers(&text), [8, 0, 9, 111, 13, 101, 110]);
    assert_eq!(agreed("m=audio 4000 RTP/AVP 9 13\n").1.receive.comfort_noise, None);
    let (text, got) = agreed("m=audio 4000 RTP/AVP 8\n");
    assert!(got.send.comfort_noise.is_none() && !text.contains("CN"));
}

#[test]
fn reports_share_the_port_if_the_offer_says_so() {
    let (text, got) = agreed("m=audio 4000 RTP/AVP 8\na=rtcp:4009\na=rtcp-mux\n");
    assert!(got.rtcp_mux && text.contains("a=rtcp-mux\r\n"), "{text}");
    assert_eq!(got.remote_rtcp, got.remote);
    // An offer of ours says so only where it is so already.
    let again = offered(Codecs::default(), Beside { current: Some(&got), other: None });
    assert!(again.contains("a=rtcp-mux\r\n"));
    assert!(!offered(Codecs::default(), Beside::default()).contains("mux"));
    let text = format!("{PHONE}m=audio 4000 RTP/AVP 8\na=rtcp-mux\n").replace('\n', "\r\n");
    let unasked =
        read_answer(text.as_bytes(), from(), &mut keyring(Codecs::default()), Beside::default());
    assert_eq!(unasked.map(|n| (n.rtcp_mux, n.remote_rtcp.port())), Ok((false, 4_001)));
}

#[test]
fn an_answer_with_numbers_of_its_own_is_sent_those_and_sends_ours() {
    let text = format!("{PHONE}{ALL}").replace('\n', "\r\n");
    let read =
        |beside| read_answer(text.as_bytes(), from(), &mut keyring(Codecs::default()), beside);
    let got = read(Beside::default()).expect("agreed");
    assert_eq!((got.send, got.receive), (types(96, Some(97)), types(111, Some(110))));
    // What was agreed on once stays for the session.
    let current = Negotiated { receive: types(101, Some(99)), ..got };
    let beside = Beside { current: Some(&current), other: None };
    let again = offered(Codecs::default(), beside);
    // 101 was Opus from the first: keys at 8 kHz get another number.
    assert_eq!(numbers(&again), [101, 8, 0, 9, 99, 96], "{again}");
    let got = read(beside).expect("agreed");
    assert_eq!(got.receive, types(101, Some(99)));
}

proptest! {
    /// Whatever each side speaks and prefers, both end with the same codec and each other's numbers.
    #[test]
    fn both_sides_of_any_lists_agree_or_have_nothing_in_common(
        ours in proptest::sample::subsequence(Codec::ALL.to_vec(), 1..=4).prop_shuffle(),
        theirs in proptest::sample::subsequence(Codec::ALL.to_vec(), 1..=4).prop_shuffle(),
        beside_us in proptest::option::of(proptest::sample::select(Codec::ALL.to_vec())),
        beside_them in proptest::option::of(proptest::sample::select(Codec::ALL.to_vec())),
    ) {
        let (ours, theirs) = (Codecs::new(ours), Codecs::new(theirs));
        let (us, them) = (beside_us.map(spoken), beside_them.map(spoken));
        let text = offered(ours, Beside { current: None, other: us.as_ref() });
        let beside = Beside { current: None, other: them.as_ref() };
        let answer = answer(text.as_bytes(), &local(), from(), &mut keyring(theirs), beside);
        let common: Vec<_> = ours.iter().filter(|codec| theirs.contains(*codec)).collect();
        match answer {
            Err(error) => {
                prop_assert_eq!(error, SdpError::NoCommonCodec);
                prop_assert!(common.is_empty());
            }
            Ok((text, at_them)) => {
                let at_us = read_answer(
                    text.as_bytes(), from(), &mut keyring(ours), Beside::default(),
                ).expect("what we offered");
                prop_assert!(common.contains(&at_us.codec));
                prop_assert_eq!(at_us.codec, at_them.codec);
                prop_assert_eq!((at_us.send, at_us.receive), (at_them.receive, at_them.send));
                prop_assert_eq!(at_us.event_clock_hz, at_us.codec.clock_hz());
                // Nothing is converted that need not be.
                if let Some(wanted) = beside_them.filter(|codec| common.contains(codec)) {
                    prop_assert_eq!(at_them.codec, wanted);
                }
            }
        }
    }
}
