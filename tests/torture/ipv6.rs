//! The messages of RFC 5118: right in meaning, not in form alone.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use switchboard::id::Entropy;
use switchboard::sdp::{self, Beside, Keyring, Local, SdpError, Terms};
use switchboard::sip::message::Message;
use switchboard::sip::uri::Host;

use super::table;

fn message(name: &str) -> Message {
    let bytes = table::bytes(&format!("rfc5118/{name}.dat"));
    Message::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn v6(text: &str) -> Host {
    Host::V6(text.parse().expect("an address"))
}

/// The Request-URI's host and port.
fn target(name: &str) -> (Host, Option<u16>) {
    let uri = message(name).request_uri().unwrap_or_else(|error| panic!("{name}: {error}"));
    let host = uri.host().unwrap_or_else(|| panic!("{name}: no host"));
    (host.clone(), uri.port())
}

#[test]
fn within_brackets_all_is_address_and_a_port_follows_them() {
    assert_eq!(target("ipv6-good"), (v6("2001:db8::10"), None));
    assert_eq!(target("port-ambiguous"), (v6("2001:db8::10:5070"), None));
    assert_eq!(target("port-unambiguous"), (v6("2001:db8::10"), Some(5070)));
    assert!(message("ipv6-bad").request_uri().is_err());
    let good = message("ipv6-good");
    assert_eq!(good.contact().expect("Contact").uri.host(), Some(&v6("2001:db8::1")));
    let via = good.via().expect("Via");
    assert_eq!((via.host, via.port), (v6("2001:db8::9:1"), None));
    assert_eq!(message("mult-ip-in-header").via().expect("Via").port, Some(6050));
}

#[test]
fn three_colons_mean_what_two_mean() {
    let (bug, correct) = ("ipv6-bug-abnf-3-colons", "ipv6-correct-abnf-2-colons");
    assert_eq!(target(bug), target(correct));
    assert_eq!(target(bug).0, v6("2001:db8::192.0.2.1"));
    let to = |name: &str| message(name).to().expect("To").uri;
    assert!(to(bug).equivalent(&to(correct)));
    // What we say ourselves has two.
    assert_eq!(to(bug).to_string(), "sip:user@[2001:db8::c000:201]");
}

#[test]
fn received_is_read_with_and_without_its_brackets() {
    let received = "2001:db8::9:255".parse().ok();
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        assert_eq!(message(name).via().expect("Via").received(), received, "{name}");
    }
}

#[test]
fn hops_of_both_families_are_told_apart() {
    let hops: Vec<_> = message("mult-ip-in-header")
        .vias()
        .map(|via| via.expect("Via"))
        .map(|via| (via.host.ip(), via.received()))
        .collect();
    let ip = |text: &str| text.parse::<IpAddr>().ok();
    assert_eq!(
        hops,
        [
            (ip("2001:db8::9:1"), None),
            (ip("192.0.2.1"), None),
            (ip("2001:db8::9:255"), ip("192.0.2.200")),
        ]
    );
}

#[test]
fn a_mapped_address_is_the_address_that_datagrams_come_from() {
    let invite = message("ipv4-mapped-ipv6");
    let via = invite.via().expect("Via");
    assert_eq!(via.to_string(), "SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19");
    assert!(!via.is_translated(SocketAddr::from(([192, 0, 2, 10], 19_823))));
    let contact = invite.contact().expect("Contact");
    assert_eq!(contact.display.as_deref(), Some("T. desk phone"));
    assert_eq!(contact.uri.host().and_then(Host::ip), "192.0.2.2".parse().ok());
}

/// What our answer is from an address of ours, and where we would send voice.
fn answer(offer: &[u8], ours: IpAddr) -> Result<(String, SocketAddr), SdpError> {
    let local = Local { rtp: SocketAddr::new(ours, 20_000), session_id: 1, version: 1 };
    let terms = Terms::default();
    let mut keyring = Keyring::new(terms, &mut Entropy::from_seed([1; 32]));
    let from = "2001:db8::99".parse().expect("an address");
    let (text, negotiated) = sdp::answer(offer, &local, from, &mut keyring, Beside::default())?;
    Ok((text, negotiated.remote))
}

#[test]
fn the_addresses_in_descriptions_are_those_that_voice_goes_to() {
    let (v4, v6) = (IpAddr::from([192, 0, 2, 99]), IpAddr::from(Ipv6Addr::LOCALHOST));
    let both = message("mult-ip-in-sdp");
    let (text, remote) = answer(both.body(), v4).expect("PCMU");
    assert_eq!(remote, "192.0.2.1:22334".parse().expect("an address"));
    assert!(text.contains("c=IN IP4 192.0.2.99\r\n"), "{text}");
    assert!(text.contains("m=video 0 RTP/AVP 107\r\n"), "{text}");
    // Nothing that we send from the other family would arrive.
    assert_eq!(answer(both.body(), v6), Err(SdpError::NoCommonCodec));
    for (file, ours, remote) in [
        ("extra/ipv6-in-sdp_clfixed.dat", v6, "[2001:db8::20]:6000"),
        ("extra/ipv4-mapped-ipv6_clfixed.dat", v4, "192.0.2.2:6000"),
    ] {
        let invite = Message::parse(table::bytes(file)).expect(file);
        let body = String::from_utf8_lossy(invite.body());
        assert_eq!(answer(body.as_bytes(), ours), Err(SdpError::NoCommonCodec), "{file}: G.726");
        let spoken = body.replace("RTP/AVP 2", "RTP/AVP 8").replace("2 G726-32", "8 PCMA");
        let answered = answer(spoken.as_bytes(), ours).expect(file);
        assert_eq!(answered.1.to_string(), remote, "{file}");
    }
}
