//! Who answers whom, over real sockets: skills, priority and ageing decide the order, and who finds a full queue
//! comes to another.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use switchboard::event::{CallEvent, Event};
use switchboard::id::CallId;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::PhoneSettings;
use switchboard::sim::tone::Sound;

use crate::clock::{free_port, wait_for};
use crate::server::Server;
use crate::street::Street;

const ADVISER_HZ: u32 = 620;
/// How long a caller waits.
const PATIENCE: Duration = secs(60);

/// Numbers, and where they lead.
const LINES: [(&str, &str, &str); 5] = [
    ("01708000001", "usual", "queue: waste"),
    ("01708000002", "later", "queue: waste\n    priority: low"),
    ("01708000003", "first", "queue: waste\n    priority: high"),
    ("01708000004", "welsh", "queue: waste\n    skills: [welsh]"),
    ("01708000005", "small", "queue: parks\n    on_full: over"),
];

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn server(folder: &Path) -> Server {
    let flows = folder.join("flows");
    std::fs::create_dir_all(&flows).expect("a folder");
    let mut numbers = String::new();
    for (number, flow, wait) in LINES {
        let text = format!(
            "start: wait\nnodes:\n  wait:\n    {wait}\n    otherwise: gone\n{}  gone:\n    \
             hang_up: busy\n",
            match flow {
                "small" => "  over:\n    queue: waste\n    otherwise: gone\n",
                _ => "",
            }
        );
        std::fs::write(flows.join(format!("{flow}.yaml")), text).expect("the flow");
        numbers += &format!("\"{number}\" = \"{flow}\"\n");
    }
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let (sip, http, voice) = (at(free_port(1)), at(free_port(0)), free_port(40));
    let settings = format!(
        "organisation = \"Harbourside Council\"\n[sip]\nlisten = [{{ bind = \"{sip}\" }}]\n\
         [http]\nbind = \"{http}\"\n[rtp]\nports = \"{voice}-{}\"\n\
         [files]\nflows = \"flows\"\nsounds = \"{}/sounds\"\n[numbers]\n{numbers}\
         [turns]\nageing_s = 1\n\
         [queue.waste]\ntitle = \"Waste\"\nskills = [\"waste\"]\nwrap_up_s = 0\n\
         [queue.parks]\ntitle = \"Parks\"\nskills = [\"parks\"]\nmax_waiting = 1\n\
         [agent.amy]\nname = \"Amy\"\nskills = [\"waste\"]\npassword = \"amy-s3cret\"\n\
         [agent.cai]\nname = \"Cai\"\nskills = [\"waste\", \"welsh\"]\npassword = \"cai-s3cret\"\n",
        voice + 39,
        env!("CARGO_MANIFEST_DIR"),
    );
    Server::with_settings(folder, &settings, &["serve"], sip, http)
}

fn adviser(street: &mut Street, server: &Server, user: &str) {
    let sip = server.sip;
    let phone = |phone: &mut PhoneSettings| {
        phone.server = sip;
        phone.password = Some(format!("{user}-s3cret"));
        phone.sound = Sound::Tone(ADVISER_HZ);
    };
    let habits = Habits { signs_in: Some("*70".to_owned()), ..Habits::default() };
    street.adviser(user, phone, habits);
}

/// Rings a line, and hangs up after hearing an adviser; returns once they wait.
fn rings(street: &mut Street, server: &Server, who: &str, line: usize) -> usize {
    let before = waiting(server);
    let what = Expect::Tone(ADVISER_HZ);
    let steps = vec![
        Step::Ring(LINES[line].0.to_owned()),
        Step::UntilAnswered { within: secs(10) },
        Step::UntilHears { what, within: PATIENCE, otherwise: Otherwise::HangUp },
        Step::HangUp,
    ];
    let one = street.caller(who, server.sip, |_| {}, steps);
    let waits = wait_for(secs(20), || {
        street.live(Duration::from_millis(100), |_| false);
        (waiting(server) == before + 1).then_some(())
    });
    assert!(waits.is_some(), "{}", server.story());
    one
}

fn waiting(server: &Server) -> u64 {
    let live = server.live();
    let queues = live["queues"].as_array().cloned().unwrap_or_default();
    queues.iter().filter_map(|queue| queue["waiting"].as_u64()).sum()
}

/// Who was answered by whom, in order.
fn answers(server: &Server) -> Vec<(String, String)> {
    let mut callers: BTreeMap<CallId, String> = BTreeMap::new();
    let mut answers = Vec::new();
    for event in server.journal() {
        let Event::Call { call, event } = event else { continue };
        if let CallEvent::Arrived { caller, .. } = event {
            callers.insert(call, caller.number.unwrap_or_default());
        } else if let CallEvent::Joined { agent, .. } = event {
            let caller = callers.get(&call).map_or("", |number| &number[number.len() - 1..]);
            answers.push((caller.to_owned(), agent.to_string()));
        }
    }
    answers
}

#[test]
fn skills_priority_and_ageing_decide_who_is_answered_when_and_a_full_queue_leads_to_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = server(folder.path());
    let mut street = Street::new();
    // A step of priority is worth a second: `low` goes ten seconds behind, `high` ten before.
    rings(&mut street, &server, "01632960001", 1);
    let low_came = street.now();
    let welsh = rings(&mut street, &server, "01632960002", 3);
    let parks = rings(&mut street, &server, "01632960003", 4);
    rings(&mut street, &server, "01632960004", 4);
    rings(&mut street, &server, "01632960005", 0);
    rings(&mut street, &server, "01632960006", 2);
    // Whoever comes when the patient one has aged goes behind.
    street.live(secs(30), |street| street.now() >= low_came + secs(11));
    let last = rings(&mut street, &server, "01632960007", 0);
    adviser(&mut street, &server, "amy");
    let through = street.live(secs(90), |street| street.is_done(last));
    assert!(through, "{}", server.story());
    assert!(!street.is_done(welsh), "amy cannot serve them");
    adviser(&mut street, &server, "cai");
    assert!(street.live(secs(60), |street| street.is_done(welsh)), "{}", server.story());
    let by = |agent: &str, callers: &str| -> Vec<(String, String)> {
        callers.chars().map(|caller| (caller.to_string(), agent.to_owned())).collect()
    };
    let expected = [by("amy", "64517"), by("cai", "2")].concat();
    assert_eq!(answers(&server), expected, "{}", server.story());
    assert!(street.live(secs(120), |street| street.is_done(parks)), "gives up at last");
    let calls = server.calls();
    let moved = calls.iter().filter(
        |event| matches!(event, CallEvent::QueueEntered { queue, .. } if queue.as_str() == "parks"),
    );
    assert_eq!(moved.count(), 1, "the second never had a place there: {}", server.story());
    for queue in ["waste", "parks"] {
        let name = format!("switchboard_books_difference{{queue=\"{queue}\"}}");
        assert_eq!(server.metric(&name), 0.0, "{queue}");
    }
    server.stop();
}
