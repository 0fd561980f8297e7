//! The torture messages of RFC 4475 at the endpoint: which status each is answered with.
//!
//! A REGISTER is challenged before anything else is looked at, as RFC 3261 section 10.3 orders it;
//! what is wrong with one shows once it carries credentials.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use switchboard::id::Entropy;
use switchboard::sip::ListenerId;
use switchboard::sip::endpoint::{Endpoint, EndpointSettings, SipEvent};
use switchboard::sip::guard::GuardSettings;
use switchboard::sip::message::Message;
use switchboard::sip::range::AddressRange;
use switchboard::sip::transport::{Listener, Protocol};
use switchboard::time::Time;

/// What an endpoint must do.
#[derive(Debug, PartialEq, Eq)]
enum Deed {
    /// Answer a request with this status at once, and tell nobody.
    Answer(u16),
    /// Take an INVITE: an event with this user part.
    Ring(&'static str),
    /// Drop it.
    Drop,
}

use Deed::{Answer, Drop, Ring};

/// Every message of the RFC: file, what we do with it, reason.
const TABLE: &[(&str, Deed, &str)] = &[
    ("wsinv", Answer(481), "its To has a tag of a dialog that we do not have"),
    ("intmeth", Answer(501), "a method that nobody defined"),
    ("esc01", Ring("sips:user@example.com"), "escapes in the user part are undone once"),
    ("escnull", Answer(401), "challenged like any REGISTER"),
    ("esc02", Answer(501), "a method's escapes are not undone"),
    ("lwsdisp", Answer(200), "a sound OPTIONS"),
    ("longreq", Ring("user"), "long values are within the limits"),
    ("dblreq", Answer(401), "one request; what follows its end is ignored"),
    ("semiuri", Answer(200), "a sound OPTIONS"),
    ("transports", Answer(200), "other hops' transports do not concern us"),
    ("mpart01", Answer(405), "MESSAGE is not for us"),
    ("unreason", Drop, "a response that nothing waits for"),
    ("noreason", Drop, "a response that nothing waits for"),
    ("badinv01", Answer(400), "Via"),
    ("clerr", Answer(400), "Content-Length beyond the datagram's end"),
    ("ncl", Answer(400), "a negative Content-Length"),
    ("scalar02", Answer(400), "CSeq beyond 32 bits"),
    ("scalarlg", Drop, "a response with a CSeq beyond 32 bits"),
    ("quotbal", Answer(400), "a quoted string that does not end"),
    ("ltgtruri", Answer(400), "brackets around the Request-URI"),
    ("lwsruri", Answer(400), "a space in the Request-URI"),
    ("lwsstart", Answer(400), "two spaces in the request line"),
    ("trws", Answer(400), "spaces after the version"),
    ("escruri", Answer(400), "headers in the Request-URI"),
    ("baddate", Ring("user"), "we need no Date, and section 3.1.2.12 lets us ignore it"),
    ("regbadct", Answer(401), "challenged like any REGISTER"),
    ("badaspec", Answer(400), "spaces between the brackets and the address"),
    ("baddn", Answer(400), "a display name that must be quoted"),
    ("badvers", Answer(505), "SIP/7.0"),
    ("mismatch01", Answer(400), "an OPTIONS that counts INVITEs"),
    ("mismatch02", Answer(400), "an unknown method that counts INVITEs"),
    ("bigcode", Drop, "a response with a status beyond 699"),
    ("badbranch", Answer(200), "a branch of the cookie alone is matched as in RFC 2543"),
    ("insuf", Answer(400), "no From, To and Call-ID"),
    ("unkscm", Answer(416), "a scheme that nobody knows"),
    ("novelsc", Answer(416), "a known scheme that is not SIP's"),
    ("unksm2", Answer(401), "challenged like any REGISTER"),
    ("bext01", Answer(420), "an extension that nobody supports is required"),
    ("invut", Answer(415), "a body of an unknown type"),
    ("regaut01", Answer(401), "an unknown scheme of authorisation counts as none"),
    ("multi01", Answer(400), "From, To, Call-ID and CSeq twice"),
    ("mcl01", Answer(400), "two Content-Lengths"),
    ("bcast", Drop, "a response with a second Via went astray"),
    ("zeromf", Answer(200), "Max-Forwards 0 reached its user agent server"),
    ("cparam01", Answer(401), "challenged like any REGISTER"),
    ("cparam02", Answer(401), "challenged like any REGISTER"),
    ("regescrt", Answer(401), "challenged like any REGISTER"),
    ("sdp01", Answer(406), "the caller takes no SDP"),
    ("inv2543", Ring("UserB"), "a caller of RFC 2543: no branch, From tag, Contact"),
];

const LISTENER: ListenerId = ListenerId(0);

fn endpoint() -> Endpoint {
    let settings = EndpointSettings {
        listeners: vec![Listener::new(Protocol::Udp, SocketAddr::from(([192, 0, 2, 1], 5060)))],
        realm: "switchboard".to_owned(),
        product: "switchboard/test".to_owned(),
        expires_s: (60, 3600),
        session_s: 1800,
        accounts: BTreeMap::new(),
        // Torture is what the guard would end after some twenty of these.
        guard: GuardSettings {
            allow: vec![AddressRange::host([192, 0, 2, 2].into())],
            ..GuardSettings::default()
        },
    };
    Endpoint::new(settings, Entropy::from_seed([4; 32]))
}

fn bytes(name: &str) -> Bytes {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/data/rfc4475", name].iter().collect();
    Bytes::from(std::fs::read(path.with_extension("dat")).expect("the torture messages are here"))
}

fn answers(endpoint: &mut Endpoint) -> Vec<Message> {
    std::iter::from_fn(|| endpoint.poll_transmit())
        .map(|sent| Message::parse(sent.bytes).expect("an answer of ours can be read"))
        .collect()
}

fn deed(endpoint: &mut Endpoint, name: &str) -> Deed {
    let peer = SocketAddr::from(([192, 0, 2, 2], 5060));
    endpoint.handle_datagram(Time::ZERO, LISTENER, peer, bytes(name));
    let statuses: Vec<_> = answers(endpoint).iter().filter_map(Message::status).collect();
    let events: Vec<_> = std::iter::from_fn(|| endpoint.poll_event()).collect();
    match (statuses.as_slice(), events.as_slice()) {
        ([], []) => Drop,
        ([status], []) => Answer(*status),
        ([], [SipEvent::Invite(invite)]) => {
            let called = invite.called.clone();
            endpoint.reject(Time::ZERO, invite.leg, 404, None);
            answers(endpoint);
            Ring(
                TABLE
                    .iter()
                    .find_map(|(_, deed, _)| match deed {
                        Ring(user) if *user == called => Some(*user),
                        _ => None,
                    })
                    .unwrap_or("somebody else"),
            )
        }
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn every_torture_message_is_answered_as_the_rfc_asks() {
    assert_eq!(TABLE.len(), 49);
    for (name, expected, reason) in TABLE {
        assert_eq!(&deed(&mut endpoint(), name), expected, "{name}: {reason}");
    }
}

#[test]
fn torture_messages_in_a_row_leave_nothing_behind() {
    let mut endpoint = endpoint();
    for (name, ..) in TABLE {
        deed(&mut endpoint, name);
    }
    let end = Time::ZERO + Duration::from_secs(600);
    while let Some(due) = endpoint.poll_timeout().filter(|due| *due <= end) {
        endpoint.handle_timeout(due);
        answers(&mut endpoint);
    }
    assert_eq!(endpoint.load(), Default::default());
    let counted: u64 = endpoint.counters().rejected.values().sum();
    let refused = TABLE.iter().filter(|(_, deed, _)| !matches!(deed, Ring(_) | Answer(200 | 401)));
    assert_eq!(counted, refused.count() as u64);
}
