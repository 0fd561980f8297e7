//! A resident has something done by keys alone, over real sockets, with the shipped flows: what they
//! reported is found in the council's back end. With the back end down they come to a person.

use std::time::Duration;

use switchboard::sim::caller::{Otherwise, Step};
use switchboard::sim::ear::Expect;
use switchboard::sim::tone::Sound;

use crate::peers::council::{Council, entered, noted, over, reported, serve};
use crate::server::{NUMBER, Server};
use crate::street::Street;

const LONG: Duration = Duration::from_secs(20);
const CARD: &str = "4111111111111111";

/// Rings, and presses keys one group after the other, each as soon as the flow has come to the node
/// that asks for them.
fn resident(street: &mut Street, server: &Server, keys: &[(&str, &str)]) -> usize {
    let sound = Step::UntilHears { what: Expect::Sound, within: LONG, otherwise: Otherwise::Fail };
    let steps = vec![
        Step::Ring(NUMBER.to_owned()),
        Step::UntilAnswered { within: LONG },
        sound,
        Step::Wait(Duration::from_secs(600)),
    ];
    let tone = |phone: &mut switchboard::sim::phone::PhoneSettings| {
        phone.sound = Sound::Tone(440);
    };
    let resident = street.caller("01632960001", server.sip, tone, steps);
    for (node, keys) in keys {
        let at = |wanted: bool| entered(server).last().is_some_and(|at| at == node) == wanted;
        let comes = street.live(LONG, |_| at(true));
        assert!(comes, "never at {node}: {:#?}\n{}", street.diary(resident), server.story());
        // What must be heard to its end takes no key before that: they try again.
        let taken = (0..8).any(|_| {
            street.press(resident, keys);
            street.live(Duration::from_secs(4), |_| at(false))
        });
        assert!(taken, "nothing comes after {node}: {}", server.story());
    }
    resident
}

/// The way to a missed bin, up to what is read back.
const MISSED_BIN: [(&str, &str); 6] = [
    ("main/services", "1"),
    ("main/bins", "1"),
    ("missed-bin/which-bin", "1"),
    ("address/postcode", "761323#"),
    ("address/house", "14#"),
    ("missed-bin/place", "1"),
];

#[test]
fn a_missed_bin_is_reported_by_keys_and_found_in_the_back_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let council = Council::open(folder.path());
    let server = serve(folder.path(), council.at, "");
    let mut street = Street::new();
    let resident = resident(&mut street, &server, &MISSED_BIN);
    let report = reported(&mut street, &server, &council);
    let reference = report["reference"].as_str().expect("a reference");
    let (_, page) = council.get("/");
    assert!(page.contains(reference) && page.contains("<td>Missed bin</td>"), "{page}");
    assert_eq!(noted(&server, "Address").as_deref(), Some("14 Acacia Avenue, RM1 3BD"));
    over(street, resident, server);
}

#[test]
fn a_reference_is_sent_to_a_mobile_and_the_text_is_found_at_the_provider() {
    let folder = tempfile::tempdir().expect("a folder");
    let council = Council::open(folder.path());
    let server = serve(folder.path(), council.at, "");
    let mut street = Street::new();
    // They ring from a landline, so they are asked for a mobile.
    let text = [("reference/tell", "3"), ("text/mobile", "07700900123#1")];
    let keys: Vec<(&str, &str)> = MISSED_BIN.into_iter().chain(text).collect();
    let resident = resident(&mut street, &server, &keys);
    let sent = |_: &Street| entered(&server).iter().any(|at| at == "text/sent");
    assert!(street.live(LONG, sent), "{}", server.story());
    let reported = noted(&server, "Missed bin").expect("noted for an adviser");
    let reference = reported.strip_prefix("rubbish, reported as ").expect("a reference");
    let words = format!("Its reference is {reference}. See what");
    let there = |_: &Street| {
        let (_, page) = council.get("/");
        page.contains("+447700900123") && page.contains(&words)
    };
    assert!(street.live(LONG, there), "{}\n{}", council.get("/").1, server.story());
    let counted = |_: &Street| {
        let line = "switchboard_notifications_total{template=\"report\",outcome=\"sent\"} 1";
        server.get("/metrics").contains(line)
    };
    assert!(street.live(LONG, counted), "{}", server.get("/metrics"));
    over(street, resident, server);
}

#[test]
fn with_the_back_end_down_a_resident_is_told_and_comes_to_a_person() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut council = Council::open(folder.path());
    council.close();
    let server = serve(folder.path(), council.at, "");
    let mut street = Street::new();
    let resident = resident(&mut street, &server, &MISSED_BIN[..5]);
    let waits = |_: &Street| {
        let live = server.live();
        let queues = live["queues"].as_array().cloned().unwrap_or_default();
        queues.iter().any(|queue| queue["queue"] == "waste" && queue["waiting"] == 1)
    };
    assert!(street.live(LONG, waits), "{}", server.story());
    let words = entered(&server).iter().any(|node| node == "sorry/words");
    assert!(words, "told before the music: {}", server.story());
    assert_eq!(noted(&server, "System").as_deref(), Some("did not answer"));
    over(street, resident, server);
}

#[test]
fn a_permit_is_paid_for_and_the_card_is_kept_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut council = Council::open(folder.path());
    let server = serve(folder.path(), council.at, "");
    let mut street = Street::new();
    let card = format!("{CARD}#");
    let keys = [
        ("main/services", "4"),
        ("main/anything-else", "1"),
        ("permit-renewal/permit", "304182"),
        ("permit-renewal/offer", "1"),
        ("permit-renewal/card", &card),
        ("permit-renewal/expiry", "0829"),
        ("permit-renewal/code", "737#"),
        ("permit-renewal/confirm", "1"),
    ];
    let resident = resident(&mut street, &server, &keys);
    let told = |_: &Street| entered(&server).last().is_some_and(|at| at == "reference/tell");
    assert!(street.live(LONG, told), "{}", server.story());
    let (_, permit) = council.get("/permits/304182");
    assert!(permit.contains("\"ends\":\"2027-12-05\""), "{permit}");
    let paid = noted(&server, "Paid").expect("noted");
    assert!(paid.starts_with("£65.00, reference R-"), "{paid}");
    over(street, resident, server);
    council.close();
    let mut looked_at = 0;
    let mut folders = vec![folder.path().to_owned()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            looked_at += 1;
            let bytes = std::fs::read(&path).expect("a file");
            for secret in [CARD, &CARD[..8], "\"737\""] {
                let found = bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes());
                assert!(!found, "{} has {secret}", path.display());
            }
        }
    }
    assert!(looked_at > 3, "the journal, the log, a recording and the back end's file");
}
