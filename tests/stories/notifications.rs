//! Callers are sent a text with their reference: after the journal has the promise, once, whatever the
//! provider and the process do.

use std::cell::RefCell;
use std::rc::Rc;

use switchboard::event::{Channel, EndCause, Event, NotificationEvent, SendFault, Unpromised};
use switchboard::notification::{Bounce, Dispatch, Letter};
use switchboard::sim::caller::Step;

use crate::town::*;

const FLOW: &str = "\
start: mobile
nodes:
  mobile:
    collect: Your mobile?
    as: mobile
    form: mobile
    tries: 3
    then: send
    otherwise: gone
  send:
    send: report
    to: mobile
    with: {reference: \"{called}\"}
    then: sent
    otherwise: sorry
  sent: {say: We will send it., then: bye}
  sorry: {say: We cannot., then: bye}
  bye: {hang_up: completed}
  gone: {hang_up: gave_up}
";

const ASKED: u32 = 620;
const SENT: u32 = 740;
const SORRY: u32 = 860;

fn town(more: &'static str) -> Town {
    town_with(|town| {
        town.flow = FLOW;
        town.sounds = vec![("main/mobile", ASKED), ("main/sent", SENT), ("main/sorry", SORRY)];
        let text = format!(
            "{more}\n[notify]\n[template.report]\nby = 'text'\nnotify = 'f33517ff'\nfields = ['reference']"
        );
        town.settings.notifications = toml::from_str(&text).expect("settings");
    })
}

fn wants(then: u32) -> Vec<Step> {
    ring().then([
        hear(ASKED),
        press("07700900123#"),
        hear(then),
        Step::UntilEnded { within: secs(10) },
    ])
}

/// What became of what callers were promised, in order.
fn became(town: &Town) -> Vec<NotificationEvent> {
    let entries = town.journal().iter();
    entries
        .filter_map(|entry| match &entry.event {
            Event::Notification { event, .. } => Some(event.clone()),
            Event::Call { .. } | Event::Agent { .. } | Event::Message { .. } => None,
            Event::Callback { .. } => None,
            Event::System { .. } => None,
        })
        .collect()
}

/// A provider that does this in turn, and then takes everything; what it was given.
fn provider(
    town: &mut Town,
    mut does: Vec<Result<(), SendFault>>,
) -> Rc<RefCell<Vec<(u64, bool)>>> {
    let given = Rc::new(RefCell::new(Vec::new()));
    let note = Rc::clone(&given);
    does.reverse();
    town.provider.set(move |dispatch: &Dispatch| {
        note.borrow_mut().push((dispatch.id.0, dispatch.perhaps_there));
        match does.pop() {
            Some(Err(why)) => {
                let arrived = why == SendFault::TimedOut;
                Err(Bounce { why, words: None, arrived })
            }
            Some(Ok(())) | None => Ok(Some("receipt".to_owned())),
        }
    });
    given
}

#[test]
fn a_caller_is_told_that_a_text_will_come_and_it_comes() {
    let mut town = town("");
    let resident = town.resident(wants(SENT));
    town.see_off(resident);
    assert_eq!(town.causes(), [EndCause::Completed], "{}", town.story());
    let [dispatch] = &town.provider.taken[..] else { panic!("{:?}", town.provider.taken) };
    let Letter::Notify { by: Channel::Text, fields, .. } = &dispatch.letter else { panic!() };
    assert_eq!((dispatch.to.as_str(), dispatch.perhaps_there), ("+447700900123", false));
    assert_eq!(fields["reference"], "01708434343", "as people write it");
    let [NotificationEvent::Promised { to, .. }, NotificationEvent::Sent { attempts: 1, .. }] =
        &became(&town)[..]
    else {
        panic!("{}", town.story())
    };
    assert_eq!(to, "+447700900123");
    let book = town.live().notifications;
    assert_eq!((book.waiting.len(), book.outcomes["report"]["sent"]), (0, 1));
}

#[test]
fn a_landline_is_asked_for_a_mobile_and_never_sent_anything() {
    let mut town = town("");
    let steps = ring().then([
        hear(ASKED),
        press("01632960001#"),
        hear(ASKED),
        press("07700900123#"),
        hear(SENT),
        Step::UntilEnded { within: secs(10) },
    ]);
    let resident = town.resident(steps);
    town.see_off(resident);
    assert_eq!(town.provider.taken.len(), 1);
}

#[test]
fn the_caller_does_not_wait_for_a_provider_that_fails_and_it_is_tried_again() {
    let mut town = town("attempts = 3");
    let given = provider(&mut town, vec![Err(SendFault::Busy), Err(SendFault::TimedOut)]);
    let resident = town.resident(wants(SENT));
    town.see_off(resident);
    assert_eq!(town.causes(), [EndCause::Completed], "the call is over: {}", town.story());
    assert_eq!(town.live().notifications.waiting.len(), 1);
    town.run_for(secs(60));
    let given: Vec<bool> = given.borrow().iter().map(|(_, perhaps_there)| *perhaps_there).collect();
    assert_eq!(given, [false, false, true], "what may be there is asked for first");
    let events = became(&town);
    assert!(
        matches!(events.last(), Some(NotificationEvent::Sent { attempts: 3, .. })),
        "{events:?}"
    );
    assert!(town.live().notifications.waiting.is_empty());
}

#[test]
fn a_provider_that_never_takes_it_is_given_up_and_that_is_seen() {
    let mut town = town("attempts = 2");
    provider(&mut town, vec![Err(SendFault::Broken), Err(SendFault::NotAllowed)]);
    let resident = town.resident(wants(SENT));
    town.see_off(resident);
    town.run_for(secs(60));
    let book = town.live().notifications;
    assert_eq!((book.waiting.len(), book.failed.len()), (0, 1), "{}", town.story());
    assert_eq!(book.failed[0].why, Some(SendFault::NotAllowed));
    assert_eq!((book.delays["broken"], book.outcomes["report"]["not_allowed"]), (1, 1));
}

#[test]
fn what_was_promised_is_sent_after_a_restart_and_once() {
    let mut town = town("");
    let given = provider(&mut town, vec![Err(SendFault::Unreachable)]);
    let resident = town.resident(wants(SENT));
    town.see_off(resident);
    town.restart();
    town.run_for(secs(120));
    let given = given.borrow().clone();
    let [(first, false), (second, true)] = given[..] else { panic!("{given:?}") };
    assert_eq!(first, second, "the provider knows it by the same reference");
    assert!(
        matches!(became(&town).last(), Some(NotificationEvent::Sent { attempts: 2, .. })),
        "{}",
        town.story()
    );
    town.restart();
    town.run_for(secs(120));
    assert_eq!(town.provider.taken.len(), 1, "nor after another");
}

#[test]
fn nobody_is_sent_more_in_a_day_than_may_be() {
    let mut town = town("a_day = 1");
    for told in [SENT, SORRY] {
        let resident = town.resident(wants(told));
        town.see_off(resident);
    }
    assert_eq!(town.provider.taken.len(), 1);
    let refused = became(&town).into_iter().any(|event| {
        matches!(event, NotificationEvent::Unpromised { why: Unpromised::TooMany, .. })
    });
    assert!(refused, "{}", town.story());
}
