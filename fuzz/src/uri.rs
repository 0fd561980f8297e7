//! URIs and addresses: what is read is printed so that it reads the same.

use std::net::SocketAddr;

use switchboard::sip::dialog::next_hop;
use switchboard::sip::header::NameAddr;
use switchboard::sip::uri::Uri;

/// Two URIs, parted by a NUL, or one and an address.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let uris: Vec<Uri> = parts.by_ref().filter_map(|text| Uri::parse(text).ok()).collect();
    for uri in &uris {
        same(uri);
    }
    if let [a, b] = uris.as_slice() {
        assert_eq!(a.equivalent(b), b.equivalent(a), "{a} and {b}");
    }
    if let Ok(address) = NameAddr::parse(data) {
        let text = address.to_string();
        assert_eq!(NameAddr::parse(text.as_bytes()).as_ref(), Ok(&address), "{text}");
        let _ = (address.tag(), address.expires_s(), address.q_millis());
    }
}

fn same(uri: &Uri) {
    let text = uri.to_string();
    assert_eq!(Uri::parse(text.as_bytes()).as_ref(), Ok(uri), "{text}");
    assert!(uri.equivalent(uri), "{text}");
    let _ = (uri.user(), uri.host(), uri.port(), uri.is_loose_router(), uri.scheme());
    let named = NameAddr::new(uri.clone()).with_display("A \"B\" \\ C").with_tag("t");
    let read = NameAddr::parse(named.to_string().as_bytes());
    assert_eq!(read.as_ref(), Ok(&named), "{named}");
    for source in ["198.51.100.7:5060", "10.0.0.7:5060", "[2001:db8::7]:5060"] {
        let source: SocketAddr = source.parse().expect("an address");
        let to = next_hop(uri, source);
        assert_eq!(to.is_ipv4(), source.is_ipv4(), "{text} from {source}");
        assert!(!to.ip().is_multicast() && !to.ip().is_unspecified(), "{text} leads to {to}");
    }
}
