//! Names, health and registrations.

use super::*;

fn addresses(last: &[u8]) -> Records {
    Records::Addresses(last.iter().map(|last| IpAddr::from([192, 0, 2, *last])).collect())
}

fn status(status: u16) -> Response {
    Response { status, ..Response::default() }
}

#[test]
fn a_name_is_looked_up_by_srv_and_its_servers_are_asked_and_rung() {
    let mut case = Case::new("[trunk.carrier]\nhosts = [\"sip:carrier.example;transport=tls\"]");
    assert_eq!(case.dial("01632960001"), Err(OutboundRefusal::TrunksDown), "not known yet");
    let record =
        |target: &str| SrvRecord { priority: 1, weight: 1, port: 5099, target: target.to_owned() };
    case.tell("_sips._tcp.carrier.example", Records::Srv(vec![record("a.carrier.example")]));
    case.tell("a.carrier.example", addresses(&[7]));
    case.at(secs(1));
    assert_eq!(case.requests.len(), 1);
    let options = case.answer(&status(200));
    assert_eq!(options.method, OutOfDialogMethod::Options);
    assert_eq!(options.to, SocketAddr::from(([192, 0, 2, 7], 5099)));
    assert_eq!(options.uri, "sip:carrier.example;transport=tls");
    assert_eq!(case.names.get(&options.to).map(|name| &**name), Some("carrier.example"));
    let attempts = case.dial("01632960001").expect("a way");
    assert_eq!(places(&attempts), [options.to]);
    assert_eq!(attempts[0].uri, "sip:+441632960001@carrier.example;transport=tls;user=phone");
}

#[test]
fn names_that_lead_nowhere_keep_the_servers_known_last() {
    let mut case = Case::new("[trunk.carrier]\nhosts = [\"carrier.example:5060\"]\noptions_s = 0");
    case.tell("carrier.example", addresses(&[7]));
    assert_eq!(places(&case.dial("101").expect("a way")), [udp(7).1]);
    case.at(secs(3_601));
    let query = case.queries.remove(0);
    case.trunks.resolved(case.now, &query, Err(ResolveError::Absent));
    assert_eq!(places(&case.dial("101").expect("a way")), [udp(7).1]);
    case.at(secs(3_662));
    case.tell("carrier.example", addresses(&[8]));
    assert_eq!(places(&case.dial("101").expect("a way")), [udp(8).1]);
}

#[test]
fn our_own_name_stands_in_the_question_whether_a_server_lives() {
    let text = "[trunk.teams]\nhosts = [\"sip:192.0.2.1:5061;transport=tls\"]";
    let mut plan = plan(text);
    if let Some(tls) = plan.listeners.get_mut(2) {
        tls.host = Some("sbc.harbourside.example".to_owned());
        tls.advertised.set_port(5061);
    }
    let mut trunks = Trunks::new(Time::ZERO, plan, Entropy::from_seed([5; 32]));
    trunks.handle_timeout(Time::ZERO);
    let sent: Vec<OutOfDialog> = std::iter::from_fn(|| trunks.poll_output())
        .filter_map(|output| match output {
            TrunkOutput::Request(request) => Some(request),
            TrunkOutput::Resolve(_) | TrunkOutput::Names(_) | TrunkOutput::Changed(_) => None,
        })
        .collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].from_uri, "sip:sbc.harbourside.example:5061;transport=tls");
    assert_eq!(sent[0].contact_user, "", "a Contact without a user");
    assert_eq!(sent[0].uri, "sip:192.0.2.1:5061;transport=tls");
}

#[test]
fn a_server_is_down_after_two_bad_answers_and_up_after_two_good_ones() {
    let mut case = Case::new(TWO);
    assert_eq!(case.sent().len(), 2);
    case.answer_all(200);
    let up = |server: &str, up, status| Change::Server {
        trunk: "carrier".into(),
        server: server.to_owned(),
        up,
        status,
    };
    assert_eq!(
        case.changes,
        [up("udp:192.0.2.1:5060", true, 200), up("udp:192.0.2.2:5060", true, 200)]
    );
    case.changes.clear();
    let asked_at = case.until_asked(udp(1));
    assert!((54..=60).contains(&asked_at), "once a minute, a little sooner: {asked_at}");
    case.answer(&status(503));
    assert!(case.changes.is_empty());
    let again_at = case.until_asked(udp(1));
    assert!((asked_at + 4..=asked_at + 6).contains(&again_at), "the doubtful one, soon");
    case.answer(&status(503));
    assert_eq!(case.changes, [up("udp:192.0.2.1:5060", false, 503)]);
    assert_eq!(places(&case.dial("101").expect("a way")), [udp(2).1]);
    assert_eq!(case.trunks.status(case.now)[0].servers[0].1, Life::Down);
    case.changes.clear();
    let later = case.until_asked(udp(1));
    assert!(later - again_at > 50, "no sooner than others");
    case.answer(&status(200));
    assert!(case.changes.is_empty());
    case.until_asked(udp(1));
    case.answer(&status(404));
    assert_eq!(case.changes, [up("udp:192.0.2.1:5060", true, 404)]);
}

#[test]
fn a_server_that_never_answers_is_down_long_before_sip_gives_up() {
    let mut case = Case::new("[trunk.carrier]\nhosts = [\"192.0.2.1\"]");
    case.at(secs(9));
    assert!(matches!(case.changes[..], [Change::Server { up: false, status: 408, .. }]));
    case.at(secs(10));
    let late = case.answer(&status(408));
    assert_eq!(late.to, udp(1).1);
    assert_eq!(case.changes.len(), 1, "what comes later is no news");
    assert_eq!(case.dial("101"), Err(OutboundRefusal::TrunksDown));
}

#[test]
fn a_registration_is_kept_refreshed_and_given_up() {
    let text = r#"
[trunk.carrier]
hosts = ["192.0.2.1", "192.0.2.2"]
options_s = 0
username = "harbourside"
password = "secret"
domain = "carrier.example"
register = { expires_s = 600, contact = "council" }
inbound = "registration"
"#;
    let mut case = Case::new(text);
    let register = case.answer(&status(503));
    assert_eq!((register.method, register.to), (OutOfDialogMethod::Register, udp(1).1));
    assert_eq!(register.uri, "sip:carrier.example");
    assert_eq!(register.from_uri, "sip:harbourside@carrier.example");
    assert_eq!((register.contact_user.as_str(), register.expires_s), ("council", Some(600)));
    assert!(register.login.is_some());
    let second = case.answer(&Response { expires_s: Some(300), ..status(200) });
    assert_eq!(second.to, udp(2).1, "the next server at once");
    assert_eq!(second.call_id, register.call_id);
    assert!(second.cseq > register.cseq);
    let registered =
        |registered, status| Change::Registered { trunk: "carrier".into(), registered, status };
    assert_eq!(case.changes, [registered(true, 200)]);
    case.at(secs(269));
    assert!(case.requests.is_empty());
    case.at(secs(270));
    let refresh = case.answer(&status(403));
    assert_eq!(refresh.to, udp(2).1, "where the binding is");
    assert_eq!(case.changes, [registered(true, 200), registered(false, 403)]);
    case.at(secs(299));
    assert!(case.requests.is_empty(), "it does not hammer");
    case.at(secs(331));
    case.answer(&status(200));
    assert_eq!(case.trunks.status(case.now)[0].registered, Some(true));
    case.trunks.close(case.now);
    case.collect();
    let farewell = case.answer(&status(200));
    assert_eq!((farewell.method, farewell.expires_s), (OutOfDialogMethod::Register, Some(0)));
    case.at(secs(100_000));
    assert!(case.requests.is_empty(), "closed for good");
    assert_eq!(case.trunks.held(), (0, 0));
}

#[test]
fn a_reload_keeps_what_stays_and_drops_what_goes() {
    let mut case = Case::new(TWO);
    case.answer_all(200);
    let other = TWO.replace("calls = 3", "calls = 9");
    case.trunks.reconfigure(case.now, plan(&other));
    case.collect();
    assert!(case.requests.is_empty(), "what is known of the servers is kept");
    assert_eq!(case.trunks.status(case.now)[0].servers.len(), 2);
    let moved = TWO.replace("192.0.2.2", "192.0.2.3");
    case.trunks.reconfigure(case.now, plan(&moved));
    case.at(case.now);
    assert_eq!(case.sent(), [(OutOfDialogMethod::Options, udp(3).1)]);
    case.trunks.reconfigure(case.now, plan(""));
    assert!(case.trunks.status(case.now).is_empty());
    case.answer_all(200);
    assert_eq!((case.trunks.held(), case.trunks.poll_timeout()), ((0, 0), None));
}
