//! Contacts, and the connections that they are reached through.

use super::*;

const LIMITS: RegistrarLimits =
    RegistrarLimits { min_expires_s: 60, max_expires_s: 3600, contacts_per_user: 2, contacts: 3 };

fn uri(text: &str) -> Uri {
    Uri::parse(text.as_bytes()).unwrap()
}

fn wanted(contact: &str, expires_s: u32) -> Wanted {
    Wanted { contact: uri(contact), expires_s, instance: None }
}

fn register<'a>(user: &'a str, cseq: u32, contacts: &[(&str, u32)]) -> Registration<'a> {
    Registration {
        user,
        call_id: "a",
        cseq,
        source: SocketAddr::from(([192, 0, 2, 7], 5062)),
        translated: false,
        connected: false,
        listener: ListenerId(0),
        listeners: &[],
        change: Change::Contacts(contacts.iter().map(|(c, e)| wanted(c, *e)).collect()),
    }
}

fn contacts(registrar: &Registrar, user: &str) -> Vec<String> {
    registrar.bindings(user).iter().map(|b| b.contact.clone()).collect()
}

#[test]
fn contacts_behind_a_connection_last_no_longer_than_it() {
    let mut registrar = Registrar::new();
    let phone = Registration {
        connected: true,
        listener: ListenerId(1),
        ..register("amy", 1, &[("sip:amy@phone.invalid;transport=ws", 100)])
    };
    registrar.apply(Time::ZERO, &LIMITS, &phone).unwrap();
    registrar
        .apply(Time::ZERO, &LIMITS, &register("ben", 1, &[("sip:ben@192.0.2.8", 100)]))
        .unwrap();
    assert_eq!(registrar.bindings("amy")[0].source, phone.source);
    assert!(registrar.closed(ListenerId(0), phone.source).is_empty());
    let events = registrar.closed(ListenerId(1), phone.source);
    assert!(matches!(&events[..],
        [SipEvent::Unregistered { user, expired: true, .. }] if user == "amy"));
    assert_eq!((registrar.len(), registrar.bindings("amy").len()), (1, 0));
}

#[test]
fn a_contact_is_refreshed_in_its_place_and_expires_when_it_is_not() {
    let mut registrar = Registrar::new();
    let (a, b) = ("sip:amy@192.0.2.7:5062", "sip:amy@192.0.2.8");
    registrar.apply(Time::ZERO, &LIMITS, &register("amy", 1, &[(a, 100), (b, 7200)])).unwrap();
    let minute = Time::from_millis(60_000);
    let events = registrar
        .apply(minute, &LIMITS, &register("amy", 2, &[("SIP:amy@192.0.2.7:5062", 100)]))
        .unwrap();
    assert!(matches!(&events[..], [SipEvent::Registered { .. }]));
    assert_eq!(contacts(&registrar, "amy"), ["sip:amy@192.0.2.7:5062", b]);
    assert_eq!(registrar.poll_timeout(), Some(Time::from_millis(160_000)));
    assert_eq!(registrar.expire(Time::from_millis(159_999)), []);
    assert_eq!(
        registrar.expire(Time::from_millis(160_000)),
        [SipEvent::Unregistered { user: "amy".into(), contact: a.into(), expired: true }]
    );
    // What was asked for beyond the longest registration was cut.
    assert_eq!(registrar.poll_timeout(), Some(Time::from_millis(3_600_000)));
}

#[test]
fn a_contact_is_reached_where_it_says_unless_a_translator_stands_between() {
    let listens = |port: u16| SocketAddr::from(([192, 0, 2, 7], port));
    for (contact, translated, expected) in [
        ("sip:amy@192.0.2.7:5080", false, listens(5080)),
        ("sip:amy@192.0.2.7", false, listens(5060)),
        ("sip:amy@192.0.2.9:5080", false, SocketAddr::from(([192, 0, 2, 9], 5080))),
        ("sip:amy@192.0.2.7:5080", true, listens(5062)),
        // A name is not resolved here.
        ("sip:amy@phone.example.org", false, listens(5062)),
    ] {
        let mut registrar = Registrar::new();
        let asked = Registration { translated, ..register("amy", 1, &[(contact, 100)]) };
        registrar.apply(Time::ZERO, &LIMITS, &asked).unwrap();
        assert_eq!(registrar.bindings("amy")[0].source, expected, "{contact} {translated}");
    }
}

#[test]
fn an_overtaken_register_changes_nothing() {
    let mut registrar = Registrar::new();
    let a = "sip:amy@192.0.2.7";
    registrar.apply(Time::ZERO, &LIMITS, &register("amy", 5, &[(a, 100)])).unwrap();
    for late in [register("amy", 5, &[(a, 0)]), register("amy", 4, &[(a, 200)])] {
        assert_eq!(registrar.apply(Time::ZERO, &LIMITS, &late), Err(Refusal::OutOfOrder));
    }
    let mut all = register("amy", 4, &[]);
    all.change = Change::RemoveAll;
    assert_eq!(registrar.apply(Time::ZERO, &LIMITS, &all), Err(Refusal::OutOfOrder));
    // A phone that was restarted counts anew under a new Call-ID.
    let anew = Registration { call_id: "b", ..register("amy", 1, &[(a, 100)]) };
    assert!(registrar.apply(Time::ZERO, &LIMITS, &anew).is_ok());
    assert_eq!(registrar.len(), 1);
}

#[test]
fn a_star_removes_every_contact_and_a_zero_one() {
    let mut registrar = Registrar::new();
    let (a, b) = ("sip:amy@192.0.2.7", "sip:amy@192.0.2.8");
    registrar.apply(Time::ZERO, &LIMITS, &register("amy", 1, &[(a, 100), (b, 100)])).unwrap();
    let one = registrar.apply(Time::ZERO, &LIMITS, &register("amy", 2, &[(b, 0)])).unwrap();
    assert_eq!(
        one,
        [SipEvent::Unregistered { user: "amy".into(), contact: b.into(), expired: false }]
    );
    let mut all = register("amy", 3, &[]);
    all.change = Change::RemoveAll;
    assert_eq!(registrar.apply(Time::ZERO, &LIMITS, &all).map(|e| e.len()), Ok(1));
    assert!(registrar.is_empty() && registrar.poll_timeout().is_none());
}

#[test]
fn limits_refuse_the_whole_request_and_refreshes_are_never_refused() {
    let mut registrar = Registrar::new();
    let hosts = |hosts: &[u8]| -> Vec<Wanted> {
        hosts.iter().map(|h| wanted(&format!("sip:x@192.0.2.{h}"), 100)).collect()
    };
    let with = |user, cseq, of: &[u8]| Registration {
        change: Change::Contacts(hosts(of)),
        ..register(user, cseq, &[])
    };
    assert_eq!(
        registrar.apply(Time::ZERO, &LIMITS, &with("amy", 1, &[1, 2, 3])),
        Err(Refusal::TooManyContacts)
    );
    assert!(registrar.is_empty());
    assert!(registrar.apply(Time::ZERO, &LIMITS, &with("amy", 1, &[1, 2])).is_ok());
    assert!(registrar.apply(Time::ZERO, &LIMITS, &with("bob", 1, &[1])).is_ok());
    assert_eq!(registrar.apply(Time::ZERO, &LIMITS, &with("cat", 1, &[1])), Err(Refusal::Full));
    assert!(registrar.apply(Time::ZERO, &LIMITS, &with("amy", 2, &[1, 2])).is_ok());
    assert_eq!(
        registrar.apply(Time::ZERO, &LIMITS, &register("amy", 3, &[("sip:x@192.0.2.1", 59)])),
        Err(Refusal::TooBrief)
    );
}

#[test]
fn a_restored_binding_is_refreshed_like_any_other() {
    let mut registrar = Registrar::new();
    let binding = Binding {
        contact: "sip:amy@192.0.2.7".to_owned(),
        source: SocketAddr::from(([192, 0, 2, 7], 5060)),
        listener: ListenerId(0),
        call_id: "a".to_owned(),
        cseq: 9,
        expires_at: Time::from_millis(1_000),
        instance: None,
    };
    registrar.restore("amy", binding);
    registrar
        .apply(Time::ZERO, &LIMITS, &register("amy", 10, &[("sip:amy@192.0.2.7", 100)]))
        .unwrap();
    assert_eq!(registrar.len(), 1);
    assert_eq!(registrar.expire(Time::from_millis(1_000)), []);
}

fn instance(reg_id: u32) -> Option<Instance> {
    Some(Instance { id: "<urn:uuid:1>".to_owned(), reg_id })
}

#[test]
fn a_phones_next_connection_takes_the_place_of_its_last() {
    let mut registrar = Registrar::new();
    let mut over = |cseq, port, contact: &str, reg_id| {
        let mut one = wanted(contact, 100);
        one.instance = instance(reg_id);
        let asked = Registration {
            connected: true,
            listener: ListenerId(1),
            source: ([192, 0, 2, 7], port).into(),
            change: Change::Contacts(vec![one]),
            ..register("amy", cseq, &[])
        };
        registrar.apply(Time::ZERO, &LIMITS, &asked).unwrap()
    };
    let (a, b, c) = ("sip:amy@a.invalid", "sip:amy@b.invalid", "sip:amy@c.invalid");
    over(1, 1_000, a, 1);
    // The same contact over a new connection, then another contact.
    assert!(matches!(&over(2, 2_000, a, 1)[..], [SipEvent::Registered { .. }]));
    assert!(matches!(&over(3, 3_000, b, 1)[..],
        [SipEvent::Unregistered { contact, expired: false, .. }, SipEvent::Registered { .. }]
            if contact == a));
    over(4, 4_000, c, 2);
    assert_eq!(contacts(&registrar, "amy"), [b, c]);
    let at = |port: u16| SocketAddr::from(([192, 0, 2, 7], port));
    // The ends of the connections before mean nothing any more.
    for port in [1_000, 2_000] {
        assert!(registrar.closed(ListenerId(1), at(port)).is_empty());
    }
    let with_more = uri("sip:amy@b.invalid;ob");
    assert_eq!(registrar.reached_by(&with_more), Some((ListenerId(1), at(3_000))));
    assert_eq!(registrar.closed(ListenerId(1), at(3_000)).len(), 1);
    assert_eq!(registrar.reached_by(&with_more), None);
    assert_eq!(registrar.closed(ListenerId(1), at(4_000)).len(), 1);
    assert!(
        registrar.is_empty() && registrar.by_flow.is_empty() && registrar.by_contact.is_empty()
    );
}

#[test]
fn a_contact_is_reached_over_the_protocol_that_it_asks_for() {
    let listeners = [Protocol::Udp, Protocol::Tcp]
        .map(|protocol| Listener::new(protocol, ([192, 0, 2, 1], 5060).into()));
    for (contact, translated, expected) in [
        ("sip:amy@192.0.2.7:5080;transport=tcp", false, 1),
        ("sip:amy@192.0.2.7:5080", false, 0),
        // One that we do not speak, and one that nobody can reach.
        ("sip:amy@192.0.2.7:5080;transport=ws", false, 0),
        ("sip:amy@192.0.2.7:5080;transport=tcp", true, 0),
    ] {
        let mut registrar = Registrar::new();
        let asked = Registration {
            translated,
            listeners: &listeners,
            ..register("amy", 1, &[(contact, 100)])
        };
        registrar.apply(Time::ZERO, &LIMITS, &asked).unwrap();
        let listener = registrar.bindings("amy")[0].listener;
        assert_eq!(listener, ListenerId(expected), "{contact} {translated}");
    }
}

#[test]
fn a_telephone_number_at_somebody_elses_address_is_no_contact_unless_it_is_the_users_name() {
    for (contact, taken) in [
        ("sip:+882990001@192.0.2.99", false),
        ("sip:%2B882990001@192.0.2.99:5062", false),
        ("sip:0900%20123%20456@192.0.2.99;user=phone", false),
        ("sip:118500;ext=1@192.0.2.99", false),
        ("sips:999@192.0.2.7;maddr=192.0.2.99", false),
        // A phone behind a proxy, and numbers that lead to the phone itself.
        ("sip:amy@192.0.2.99", true),
        ("sip:line1-4711@192.0.2.99", true),
        ("sip:201@192.0.2.7:6000", true),
        ("sip:01632960001@carrier.example", true),
    ] {
        let mut registrar = Registrar::new();
        let result = registrar.apply(Time::ZERO, &LIMITS, &register("amy", 1, &[(contact, 100)]));
        let expected = if taken { Ok(1) } else { Err(Refusal::SomebodyElses) };
        assert_eq!(result.map(|events| events.len()), expected, "{contact}");
    }
    let named = register("1001", 1, &[("sip:1001@192.0.2.99", 100)]);
    assert!(Registrar::new().apply(Time::ZERO, &LIMITS, &named).is_ok(), "through a proxy");
    let mut gone = register("amy", 1, &[("sip:+882990001@192.0.2.99", 0)]);
    assert!(Registrar::new().apply(Time::ZERO, &LIMITS, &gone).is_ok(), "nobody is rung there");
    gone.translated = true;
    gone.change = Change::Contacts(vec![wanted("sip:+882990001@192.0.2.99", 100)]);
    assert!(Registrar::new().apply(Time::ZERO, &LIMITS, &gone).is_ok(), "the phone itself is rung");
}
