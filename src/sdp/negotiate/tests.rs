//! Plain audio: codecs, directions, addresses.

use proptest::prelude::*;

use crate::id::Entropy;
use crate::media::command::{Codec, Direction, Negotiated, OpusSettings, PayloadTypes};
use crate::sdp::{
    Beside, Codecs, Keyring, Local, SdpError, Terms, acceptable, answer, mirror, offer, read_answer,
};

const HEAD: &str = "v=0\no=- 1 1 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\n";

fn local() -> Local {
    let rtp = "198.51.100.1:20000".parse();
    Local { rtp: rtp.unwrap_or_else(|_| panic!()), session_id: 7, version: 1 }
}

fn signalled() -> std::net::IpAddr {
    std::net::IpAddr::from([203, 0, 113, 5])
}

fn laws() -> Terms {
    Terms { codecs: Codecs::new([Codec::Pcma, Codec::Pcmu]), ..Terms::default() }
}

fn keyring() -> Keyring {
    Keyring::new(laws(), &mut Entropy::from_seed([3; 32]))
}

fn types(voice: u8, telephone_event: u8) -> PayloadTypes {
    PayloadTypes { voice, telephone_event: Some(telephone_event), comfort_noise: None }
}

fn answered(text: &str) -> Result<(String, Negotiated), SdpError> {
    let text = text.replace('\n', "\r\n");
    let result = answer(text.as_bytes(), &local(), signalled(), &mut keyring(), Beside::default());
    assert_eq!(acceptable(text.as_bytes(), laws()).is_ok(), result.is_ok(), "{text}");
    result
}

fn agreed(text: &str) -> (String, Negotiated) {
    answered(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn our_offer_names_a_law_first_and_telephone_event() {
    assert_eq!(
        offer(&local(), &mut keyring(), Beside::default()),
        "v=0\r\no=- 7 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn the_peers_first_codec_is_taken_with_its_payload_types() {
    let (text, agreed) = agreed(&format!(
        "{HEAD}m=audio 4000 RTP/AVP 111 9 0 8 96\na=rtpmap:111 opus/48000/2\na=rtpmap:96 telephone-event/8000\na=ptime:30\n"
    ));
    assert!(text.contains("m=audio 20000 RTP/AVP 0 96\r\n"), "{text}");
    assert!(text.contains("a=rtpmap:0 PCMU/8000\r\na=rtpmap:96 telephone-event/8000\r\n"));
    assert_eq!(
        agreed,
        Negotiated {
            remote: ([192, 0, 2, 9], 4_000).into(),
            remote_rtcp: ([192, 0, 2, 9], 4_001).into(),
            signalled_from: signalled(),
            codec: Codec::Pcmu,
            send: types(0, 96),
            receive: types(0, 96),
            event_clock_hz: 8_000,
            packet_ms: 30,
            max_packet_ms: None,
            opus: OpusSettings::default(),
            rtcp_mux: false,
            direction: Direction::SendRecv,
            stranger: false,
            srtp: None,
        }
    );
}

#[test]
fn a_dynamic_payload_type_may_stand_for_our_codec_and_another_clock_rate_does_not() {
    let (text, got) = agreed(&format!(
        "{HEAD}m=audio 4000 RTP/AVP 97 101 102\na=rtpmap:97 pcma/8000\na=rtpmap:101 telephone-event/48000\na=rtpmap:102 telephone-event/8000\n"
    ));
    assert_eq!((got.codec, got.send, got.receive), (Codec::Pcma, types(97, 102), types(97, 102)));
    assert!(text.contains("a=rtpmap:97 PCMA/8000\r\n"));
    let wide = format!("{HEAD}m=audio 4000 RTP/AVP 97\na=rtpmap:97 PCMA/16000\n");
    assert_eq!(answered(&wide).err(), Some(SdpError::NoCommonCodec));
}

#[test]
fn other_streams_are_refused_in_their_places() {
    let (text, got) = agreed(&format!(
        "{HEAD}m=video 3227 RTP/AVP 31\na=rtpmap:31 LPC\nm=audio 0 RTP/AVP 0\nm=audio 4000 RTP/AVP 0\nm=audio 4002 RTP/AVP 8\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n"
    ));
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        lines,
        [
            "m=video 0 RTP/AVP 31",
            "m=audio 0 RTP/AVP 0",
            "m=audio 20000 RTP/AVP 0",
            "m=audio 0 RTP/AVP 8",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        ]
    );
    assert_eq!(got.remote.port(), 4_000);
}

#[test]
fn nothing_in_common_is_488_and_no_address_400() {
    for stream in [
        "m=audio 4000 RTP/AVPF 0",
        "m=audio 0 RTP/AVP 0",
        "m=audio 4000 RTP/AVP 9 18 101",
        "m=video 4000 RTP/AVP 0",
        "m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::9",
        "",
    ] {
        let text = format!("{HEAD}{stream}\n").replace('\n', "\r\n");
        let error =
            answer(text.as_bytes(), &local(), signalled(), &mut keyring(), Beside::default()).err();
        assert_eq!(error, Some(SdpError::NoCommonCodec), "{stream}");
    }
    let both =
        format!("{HEAD}m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::9\nm=audio 4002 RTP/AVP 0\n");
    assert_eq!(agreed(&both).1.remote, ([192, 0, 2, 9], 4_002).into());
    for text in ["v=0\nm=audio 4000 RTP/AVP 0\n", "v=0\nc=IN IP4 pbx\nm=audio 4000 RTP/AVP 0\n"] {
        assert_eq!(answered(text).err(), Some(SdpError::Malformed), "{text}");
    }
    assert_eq!(answered("hello").err(), Some(SdpError::Malformed));
    assert_eq!(answered("v=0\nm=audio x RTP/AVP 0\n").err(), Some(SdpError::Malformed));
}

#[test]
fn directions_are_mirrored() {
    for (theirs, ours, direction) in [
        ("sendrecv", "a=sendrecv", Direction::SendRecv),
        ("sendonly", "a=recvonly", Direction::RecvOnly),
        ("recvonly", "a=sendonly", Direction::SendOnly),
        ("inactive", "a=inactive", Direction::Inactive),
    ] {
        let at_media = format!("{HEAD}m=audio 4000 RTP/AVP 0\na={theirs}\n");
        let at_session = format!("{HEAD}a={theirs}\nm=audio 4000 RTP/AVP 0\n");
        for text in [at_media, at_session] {
            let (text, got) = agreed(&text);
            assert_eq!(got.direction, direction);
            assert!(text.contains(ours), "{text}");
        }
    }
}

#[test]
fn an_unspecified_address_is_a_hold_and_is_never_sent_to() {
    let (text, got) =
        agreed("v=0\nc=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 8\na=rtcp:4001 IN IP4 0.0.0.0\n");
    assert_eq!(got.direction, Direction::RecvOnly);
    assert_eq!(got.remote, (signalled(), 4_000).into());
    assert_eq!(got.remote_rtcp, (signalled(), 4_001).into());
    assert!(text.contains("a=recvonly") && !text.contains("0.0.0.0"), "{text}");
    let (_, got) = agreed("v=0\nc=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 8\na=recvonly\n");
    assert_eq!(got.direction, Direction::Inactive);
}

#[test]
fn rtcp_goes_where_the_peer_says_or_one_port_above() {
    let (_, told) = agreed(&format!("{HEAD}m=audio 4000 RTP/AVP 8\na=rtcp:53020\n"));
    assert_eq!(told.remote_rtcp, ([192, 0, 2, 9], 53_020).into());
    let (_, told) =
        agreed(&format!("{HEAD}m=audio 4000 RTP/AVP 8\na=rtcp:53020 IN IP4 192.0.2.77\n"));
    assert_eq!(told.remote_rtcp, ([192, 0, 2, 77], 53_020).into());
    let (_, top) = agreed(&format!("{HEAD}m=audio 65535 RTP/AVP 8\na=rtcp:x\n"));
    assert_eq!(top.remote_rtcp.port(), 65_535);
}

#[test]
fn an_answer_that_refuses_our_stream_is_no_agreement() {
    let refused = "v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 0 RTP/AVP 8\r\n";
    assert_eq!(
        read_answer(refused.as_bytes(), signalled(), &mut keyring(), Beside::default()),
        Err(SdpError::NoCommonCodec)
    );
    let held = "v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n";
    let got = read_answer(held.as_bytes(), signalled(), &mut keyring(), Beside::default());
    let got = got.map(|n| (n.codec, n.send, n.direction));
    assert_eq!(got, Ok((Codec::Pcmu, types(0, 101), Direction::RecvOnly)));
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        "m=(audio|video|x) [0-9]{1,5} (RTP/AVP|RTP/SAVP)( [0-9]{1,3}){1,5}",
        "a=rtpmap:[0-9]{1,3} (PCMA|pcmu|telephone-event|opus)/(8000|48000)(/[12])?",
        "a=(sendrecv|sendonly|recvonly|inactive|ptime:20|rtcp:[0-9]{1,5}( IN IP4 192.0.2.1)?)",
        "c=IN (IP4 [0-9]{1,3}\\.0\\.2\\.1|IP6 2001:db8::[0-9]|IP4 0\\.0\\.0\\.0)",
        "[a-z]=[ -~]{0,12}",
    ];
    proptest::collection::vec(line, 0..12)
}

proptest! {
    #[test]
    fn offer_and_answer_agree(
        port in 1..=u16::MAX, theirs in 1..=u16::MAX, session_id: u64, version: u64, v6: bool,
    ) {
        let ip = |last| -> std::net::IpAddr {
            if v6 { [0x2001, 0xdb8, 0, 0, 0, 0, 0, last].into() } else { [192, 0, 2, last as u8].into() }
        };
        let (caller, callee) = (ip(1), ip(2));
        let a = Local { rtp: (caller, port).into(), session_id, version };
        let b = Local { rtp: (callee, theirs).into(), session_id, version };
        let ours = offer(&a, &mut keyring(), Beside::default());
        let Ok((text, at_b)) = answer(ours.as_bytes(), &b, caller, &mut keyring(), Beside::default()) else {
            return Err(TestCaseError::fail("our own offer is refused"));
        };
        let at_a = read_answer(text.as_bytes(), callee, &mut keyring(), Beside::default());
        prop_assert_eq!(at_a.as_ref().map(|n| n.remote), Ok(b.rtp));
        prop_assert_eq!(at_b.remote, a.rtp);
        prop_assert_eq!(
            at_a.map(|n| (n.codec, n.send, n.receive, n.direction)),
            Ok((at_b.codec, at_b.receive, at_b.send, mirror(at_b.direction)))
        );
    }

    #[test]
    fn whatever_is_answered_is_answered_for_each_stream_and_reads_back(lines in lines()) {
        let text = format!("v=0\r\n{}\r\n", lines.join("\r\n"));
        if let Ok((answer, agreed)) = answer(text.as_bytes(), &local(), signalled(), &mut keyring(), Beside::default()) {
            let count = |text: &str| text.lines().filter(|l| l.starts_with("m=")).count();
            prop_assert_eq!(count(&answer), count(&text));
            prop_assert!(!answer.contains("0.0.0.0"));
            prop_assert!(!agreed.remote.ip().is_unspecified());
            let back = read_answer(answer.as_bytes(), signalled(), &mut keyring(), Beside::default());
            prop_assert_eq!(
                back.map(|n| (n.codec, n.send, n.event_clock_hz, n.direction)),
                Ok((agreed.codec, agreed.send, agreed.event_clock_hz, mirror(agreed.direction)))
            );
        }
    }

    #[test]
    fn any_bytes_are_a_description_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = answer(&bytes, &local(), signalled(), &mut keyring(), Beside::default());
        let mut begun = b"v=0\r\nc=IN IP4 192.0.2.9\r\nm=audio 4 RTP/AVP 0\r\na=".to_vec();
        begun.extend(bytes);
        let _ = answer(&begun, &local(), signalled(), &mut keyring(), Beside::default());
        let _ = read_answer(&begun, signalled(), &mut keyring(), Beside::default());
    }
}
