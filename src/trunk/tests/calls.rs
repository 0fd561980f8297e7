//! Calls in both directions.

use super::*;

fn origin(source: [u8; 4]) -> Origin<'static> {
    Origin {
        source: source.into(),
        protocol: Protocol::Udp,
        called: "01708434343",
        user: None,
        certificate: &[],
    }
}

#[test]
fn whose_a_call_is_follows_from_address_registration_credentials_or_certificate() {
    let case = Case::new(
        r#"
[trunk.address]
from = ["198.51.100.0/24"]
[trunk.digest]
inbound = "digest"
from = ["203.0.113.0/24"]
username = "pbx"
password = "secret"
[trunk.one]
hosts = ["192.0.2.1"]
inbound = "registration"
register = {}
username = "first"
password = "secret"
[trunk.two]
hosts = ["192.0.2.1"]
inbound = "registration"
register = {}
username = "second"
password = "secret"
[trunk.teams]
inbound = "certificate"
certificate = ["sip.pstnhub.example"]
hosts = ["192.0.2.9"]
[trunk.out]
inbound = "none"
hosts = ["192.0.2.8"]
"#,
    );
    let trunk = |name: &str| Identified::Trunk(name.into());
    let who = |origin: Origin<'_>| case.trunks.identify(&origin);
    assert_eq!(who(origin([198, 51, 100, 7])), trunk("address"));
    assert_eq!(who(origin([203, 0, 113, 7])), Identified::Unproved);
    let proved = Origin { user: Some("pbx"), ..origin([203, 0, 113, 7]) };
    assert_eq!(who(proved), trunk("digest"));
    assert_eq!(who(Origin { user: Some("pbx"), ..origin([8, 8, 8, 8]) }), trunk("digest"));
    assert_eq!(who(Origin { user: Some("amy"), ..origin([8, 8, 8, 8]) }), Identified::Unknown);
    assert_eq!(who(Origin { called: "second", ..origin([192, 0, 2, 1]) }), trunk("two"));
    assert_eq!(who(origin([192, 0, 2, 1])), trunk("one"));
    let names = ["*.pstnhub.example".to_owned()];
    let tls = Origin { protocol: Protocol::Tls, certificate: &names, ..origin([8, 8, 8, 8]) };
    assert_eq!(who(tls), trunk("teams"));
    assert_eq!(who(origin([192, 0, 2, 9])), Identified::Unknown, "an address is no certificate");
    assert_eq!(who(origin([192, 0, 2, 8])), Identified::Unknown, "it sends us none");
    assert_eq!(who(origin([8, 8, 8, 8])), Identified::Unknown);
}

#[test]
fn a_trunk_takes_as_many_calls_as_its_limits_allow_and_emergencies_beyond() {
    let mut case = Case::new(&TWO.replace("calls = 3", "calls = 2\ncalls_per_second = 2"));
    let carrier = TrunkName::from("carrier");
    let mut admit = |now, leg, emergency| case.trunks.admit(now, &carrier, LegId(leg), emergency);
    assert_eq!(admit(secs(0), 1, false), Ok(()));
    assert_eq!(admit(secs(0), 2, false), Ok(()));
    assert_eq!(admit(secs(0), 3, false), Err(Busy::Full));
    assert_eq!(admit(secs(0), 4, true), Ok(()));
    for leg in [1, 2, 4] {
        case.trunks.release(LegId(leg));
    }
    let mut admit = |now, leg, emergency| case.trunks.admit(now, &carrier, LegId(leg), emergency);
    assert_eq!(admit(secs(0), 5, false), Err(Busy::TooFast));
    assert_eq!(admit(secs(1), 6, false), Ok(()));
    case.trunks.release(LegId(6));
    case.trunks.release(LegId(6));
    assert_eq!(case.trunks.held().0, 0);
}

#[test]
fn what_a_trunk_is_dialled_leads_to_its_own_services() {
    let case = Case::new(
        r#"
[trunk.carrier]
from = ["192.0.2.1"]
[trunk.carrier.numbers]
"01632 960100" = "main"
"+441632960200" = { flow = "district", organisation = "Riverside District Council" }
"#,
    );
    let service = |called: &str| case.trunks.service(&"carrier".into(), called);
    assert_eq!(service("+441632960100"), Some(&Service::from("main")));
    let district = service("01632960200").expect("a service");
    assert_eq!(district.organisation.as_deref(), Some("Riverside District Council"));
    assert_eq!(service("01632960300"), None);
    assert_eq!(case.trunks.service(&"other".into(), "01632960100"), None);
}

#[test]
fn a_call_goes_to_every_server_in_turn_with_the_number_that_we_show() {
    let mut case = Case::new(TWO);
    case.answer_all(200);
    let attempts = case.dial("01632 960001").expect("a way");
    assert_eq!(places(&attempts), [udp(1).1, udp(2).1]);
    let first = &attempts[0];
    assert_eq!(first.uri, "sip:+441632960001@192.0.2.1;user=phone");
    assert_eq!(first.from_user, "+441632960100");
    let asserted = first.extras.asserted.as_ref().map(|one| one.user.as_str());
    assert_eq!(asserted, Some("+441632960100"));
    assert!(!first.extras.withheld);
    let patience = attempts.iter().map(|one| one.extras.patience.is_some()).collect::<Vec<_>>();
    assert_eq!(patience, [true, false], "the last is waited for as long as SIP waits");
    let withheld = case.dial("141 01632 960001").expect("a way");
    assert_eq!((withheld[0].from_user.as_str(), withheld[0].extras.withheld), ("anonymous", true));
    assert_eq!(withheld[0].uri, first.uri);
}

#[test]
fn numbers_are_written_as_the_trunk_wants_them() {
    let text = TWO.replace("calls = 3", "send = \"national\"\nprefix = \"9\"");
    let mut case = Case::new(&text);
    case.answer_all(200);
    let mut user = |number: &str| {
        let attempts = case.dial(number).expect("a way");
        attempts[0].uri.split(['@', ':']).nth(1).map(str::to_owned).expect("a user")
    };
    assert_eq!(user("+441632960001"), "901632960001");
    assert_eq!(user("1800201632960001"), "91800201632960001");
    assert_eq!(user("101"), "9101");
    assert_eq!(user("999"), "999", "nothing in front of an emergency");
}

#[test]
fn a_server_that_fails_a_call_is_passed_over_and_what_the_called_person_says_is_not_its_fault() {
    let mut case = Case::new(TWO);
    case.answer_all(200);
    let first = case.place(1, "101");
    assert_eq!(first.to(), udp(1).1);
    case.trunks.failed(case.now, LegId(1), 486);
    assert_eq!(case.place(2, "101").to(), udp(1).1);
    case.trunks.failed(case.now, LegId(2), 503);
    case.trunks.release(LegId(1));
    case.trunks.release(LegId(2));
    assert_eq!(places(&case.dial("101").expect("a way")), [udp(2).1, udp(1).1]);
    case.at(secs(1));
    assert_eq!(case.sent(), [(OutOfDialogMethod::Options, udp(1).1)], "looked into at once");
    case.answer_all(200);
    case.at(secs(31));
    let rings = case.place(3, "101");
    assert_eq!(rings.to(), udp(1).1, "given another chance");
    case.trunks.progressed(case.now, LegId(3));
    case.trunks.failed(case.now, LegId(3), 408);
    case.trunks.release(LegId(3));
    assert_eq!(case.dial("101").expect("a way")[0].to(), udp(1).1, "nobody answered the phone");
}

#[test]
fn a_full_trunk_gives_its_calls_to_the_next_and_emergencies_go_anywhere() {
    let text = r#"
[trunk.a]
hosts = ["192.0.2.1"]
calls = 1
[trunk.b]
hosts = ["192.0.2.2"]
calls = 1
[trunk.sos]
hosts = ["192.0.2.3"]
calls = 1
emergency = true
[outbound]
trunks = ["a", "b"]
calls_at_once = 10
"#;
    let mut case = Case::new(text);
    case.answer_all(200);
    assert_eq!(case.place(1, "101").to(), udp(1).1);
    assert_eq!(case.place(2, "101").to(), udp(2).1);
    assert_eq!(case.dial("101"), Err(OutboundRefusal::TrunkFull));
    let attempts = case.dial("999").expect("always");
    assert_eq!(places(&attempts), [udp(3).1, udp(1).1, udp(2).1]);
    for (leg, attempt) in attempts.into_iter().enumerate() {
        case.trunks.begin(case.now, LegId(10 + leg as u64), Arc::new(attempt));
    }
    assert!(case.dial("112").is_ok(), "full or not");
    // All of them are down: still better than nothing.
    for _ in 0..3 {
        case.at(case.now + std::time::Duration::from_secs(60));
        case.answer_all(503);
    }
    assert!(case.trunks.status(case.now).iter().all(|one| one.servers[0].1 == Life::Down));
    assert_eq!(case.dial("112").map(|attempts| attempts.len()), Ok(3));
    case.trunks.release(LegId(1));
    assert_eq!(case.dial("101"), Err(OutboundRefusal::TrunksDown));
}

#[test]
fn without_trunks_nobody_is_rung_and_the_guard_speaks_first() {
    let mut case = Case::new("");
    assert_eq!(case.dial("999"), Err(OutboundRefusal::NoTrunk));
    assert_eq!(case.dial("101"), Err(OutboundRefusal::NoTrunk));
    assert_eq!(case.dial("09098790123"), Err(OutboundRefusal::NotAllowed));
    let statuses = OutboundRefusal::ALL.map(OutboundRefusal::status);
    assert_eq!(statuses, [403, 403, 403, 503, 404, 503, 503]);
}

#[test]
fn a_redirection_is_followed_within_the_trunk_and_only_where_the_guard_lets_it() {
    let mut case = Case::new(TWO);
    case.answer_all(200);
    let first = case.place(1, "01632960001");
    let follow = |contact: &str| case.trunks.redirected(LegId(1), &[contact.to_owned()]);
    let next = follow("sip:+441632960002@192.0.2.2").expect("one of ours");
    assert_eq!((next.to(), next.who == first.who), (udp(2).1, true));
    assert_eq!(next.uri, "sip:+441632960002@192.0.2.2;user=phone");
    for contact in [
        "sip:+441632960002@203.0.113.5",
        "sip:+449098790123@192.0.2.2",
        "sip:+33123456789@192.0.2.2",
        "sip:192.0.2.2",
        "tel:+441632960002",
        "mailto:amy@example.com",
        "",
    ] {
        assert_eq!(follow(contact), None, "{contact}");
    }
    let mut last = next;
    for leg in 2..4 {
        case.trunks.begin(case.now, LegId(leg), Arc::new(last.clone()));
        match case.trunks.redirected(LegId(leg), &["sip:+441632960002@192.0.2.1".to_owned()]) {
            Some(next) => last = next,
            None => assert_eq!(leg, 3, "not for ever"),
        }
    }
}
