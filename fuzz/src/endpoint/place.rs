//! The switchboard under attack: its settings, its listeners, and who is around.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use switchboard::acd::calendar::BankHolidays;
use switchboard::config::settings::Settings;
use switchboard::engine::Plan;
use switchboard::flow::{self, Known};
use switchboard::id::FlowName;
use switchboard::sip::ListenerId;
use switchboard::sip::range::AddressRange;
use switchboard::sip::transport::{Listener, Protocol};

const FLOW: &str = "
start: choices
nodes:
  choices:
    menu: For an adviser press 1. To be rung back press 5.
    keys:
      1: adviser
      5: ring-back
    tries: 1
    otherwise: goodbye
  adviser:
    queue: general
    on_closed: goodbye
    otherwise: goodbye
  ring-back:
    callback: general
    offer: \"We can ring you back at {callback_number}.\"
    ask: Please key in your number.
    then: goodbye
    already: goodbye
    otherwise: adviser
  goodbye:
    hang_up: completed
";

const SETTINGS: &str = r#"
organisation = "Harbourside Council"
[numbers]
"01708434343" = "main"
council = "main"
[queue.general]
title = "General"
extension = "302"
skills = ["general"]
wrap_up_s = 1
ring_s = 5
[agent.amy]
name = "Amy"
extension = "201"
skills = ["general"]
password = "secret"
[agent.ben]
name = "Ben"
extension = "202"
skills = ["general"]
contacts = ["sip:ben@10.0.0.5:5060"]
[agent.chloe]
name = "Chloe"
extension = "203"
skills = ["general"]
password = "secret"
contacts = ["sip:chloe@10.0.0.6:5060;transport=tcp"]
srtp = "optional"
"#;

const TRUNKS: &str = r#"
[trunk.carrier]
hosts = ["10.0.0.9", "10.0.0.10"]
number = "01632 960100"
trusted = true
identity = "pai"
emergency = true
options_s = 120
[trunk.named]
hosts = ["sip.carrier.example"]
username = "441708434343"
password = "secret"
register = { expires_s = 600 }
inbound = "registration"
options_s = 300
[outbound]
trunks = ["carrier", "named"]
calls_per_hour = 1000
calls_at_once = 10
"#;

/// Somebody outside, and the listener that they speak to.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// To whom they speak.
    pub listener: ListenerId,
    /// Where they are.
    pub at: SocketAddr,
    /// As whom they ring.
    pub user: &'static str,
    /// With which password they answer challenges.
    pub password: Option<&'static str>,
}

const UDP: ListenerId = ListenerId(0);
const TCP: ListenerId = ListenerId(1);
const TLS: ListenerId = ListenerId(2);
const UDP6: ListenerId = ListenerId(3);

/// Everybody. The last one is a stranger whom nobody allows anything.
pub fn peers() -> [Peer; 10] {
    let peer = |listener, at: &str, user, password| Peer {
        listener,
        at: at.parse().expect("an address"),
        user,
        password,
    };
    [
        peer(UDP, "10.0.0.2:5060", "07700900123", None),
        peer(UDP, "10.0.0.3:5060", "amy", Some("secret")),
        peer(UDP, "10.0.0.5:5060", "ben", None),
        peer(TCP, "10.0.0.6:5060", "chloe", Some("secret")),
        peer(UDP, "10.0.0.9:5060", "+441632960001", None),
        peer(UDP, "10.0.0.10:5060", "+441632960002", None),
        peer(TLS, "10.0.0.4:40000", "amy", Some("secret")),
        peer(UDP6, "[2001:db8::2]:5060", "07700900456", None),
        peer(UDP, "10.0.0.11:5060", "441708434343", Some("secret")),
        peer(UDP, "203.0.113.7:5060", "100", Some("100")),
    ]
}

/// With the trunks, and without.
pub fn plans() -> &'static (Arc<Plan>, Arc<Plan>) {
    static PLANS: LazyLock<(Arc<Plan>, Arc<Plan>)> = LazyLock::new(|| {
        // Half of the time phones ring together, and who comes again waits for who served them.
        let rules = "[queue.general]\nchoose = \"ring_all\"\nlast_agent_s = 20";
        let together = SETTINGS.replace("[queue.general]", rules);
        (Arc::new(plan(&format!("{together}{TRUNKS}"))), Arc::new(plan(SETTINGS)))
    });
    &PLANS
}

fn plan(text: &str) -> Plan {
    let settings: Settings = toml::from_str(text).expect("settings");
    let known = Known {
        unserved: Vec::new(),
        no_trunk: false,
        queues: vec!["general".into()],
        calendars: Vec::new(),
        skills: vec!["general".into()],
        backends: Vec::new(),
        templates: Default::default(),
        reach: Default::default(),
        entered: Default::default(),
        intents: Default::default(),
        prompts: None,
    };
    let name = FlowName::from("main");
    let flow = flow::load_text(&name, "main.yaml", FLOW, &known).expect("a flow");
    let flows = BTreeMap::from([(name, Arc::new(flow))]);
    let acd = switchboard::config::plan::acd(&settings, &BankHolidays::default()).expect("hours");
    let at = |protocol, at: &str| Listener::new(protocol, at.parse().expect("an address"));
    let listeners = vec![
        at(Protocol::Udp, "10.0.0.1:5060"),
        at(Protocol::Tcp, "10.0.0.1:5060"),
        at(Protocol::Tls, "10.0.0.1:5061"),
        at(Protocol::Udp, "[2001:db8::1]:5060"),
    ];
    let mut plan = Plan::new(&settings, flows, acd, listeners).expect("a plan");
    // The guard is met by the stranger alone: it would end every story after some twenty faults.
    let allowed = peers().into_iter().take(9).map(|peer| AddressRange::host(peer.at.ip()));
    plan.endpoint.guard.allow.extend(allowed);
    plan
}
