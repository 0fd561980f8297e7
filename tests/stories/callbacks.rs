//! A caller who does not want to wait is rung back: by an adviser who is there, at the place in time that
//! the caller had, and never twice for one promise.

use switchboard::config::settings::Settings;
use switchboard::event::{
    CallEvent, CallbackEvent, CallbackFailure, EndCause, Event, Miss, Outcome, Purpose,
};
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sim::diary::Moment;
use switchboard::sim::ear::Expect;
use switchboard::sim::phone::{PhoneEvent, Quirks};
use switchboard::sim::tone::Sound;
use switchboard::sim::world::PersonId;
use switchboard::time::Time;

use crate::town::*;
use crate::trunks::{CARRIER, carrier};

pub const OFFER: u32 = 1_400;
pub const TAKEN: u32 = 1_450;
const KNOWN: u32 = 1_500;
const ASK: u32 = 1_550;
const COMFORT: u32 = 1_600;
pub const RINGING: u32 = 1_750;
pub const NOT_REACHED: u32 = 1_800;
pub const SORRY: u32 = 1_850;

/// Whom the residents of these stories are.
const RESIDENT: &str = "+441632960001";

pub const FLOW: &str = r#"
start: bins
nodes:
  bins:
    queue: waste
    on_closed: closed
    on_full: offer
    on_waited_too_long: offer
    while_waiting: {say: "To be rung back, press 1.", after_s: 20, keys: {1: offer}, phrases: {1: ring me back}}
    otherwise: closed
  offer:
    callback: waste
    offer: "We can ring you back at {callback_number}."
    ask: Please key in your number.
    then: taken
    already: known
    otherwise: closed
  taken: {say: We will ring you back., then: bye}
  known: {say: You are on our list., then: bye}
  bye: {hang_up: callback_taken}
  closed: {say: We are closed., then: shut}
  shut: {hang_up: closed}
"#;

pub const TRUNK: &str = "[carrier]\nhosts = [\"10.2.0.1\"]\nnumber = \"01708 434343\"\n";

/// A town with a way out, and a flow that promises to ring back.
pub fn town_that_rings(change: impl FnOnce(&mut Settings)) -> Town {
    town(false, change)
}

/// The same, where callers are listened to.
pub fn town_that_hears() -> Town {
    town(true, |_| {})
}

fn town(hears: bool, change: impl FnOnce(&mut Settings)) -> Town {
    let trunks = toml::from_str(TRUNK).expect("settings");
    town_with(|town| {
        town.hears = hears;
        town.settings.trunks = trunks;
        town.settings.transfers.own_call_s = 60;
        town.flow = FLOW;
        town.sounds = vec![
            ("bins", SPOKEN),
            ("main/offer", OFFER),
            ("main/offer-ask", ASK),
            ("main/bins-meanwhile", COMFORT),
            ("main/taken", TAKEN),
            ("main/known", KNOWN),
            ("callback/ringing", RINGING),
            ("callback/not-reached", NOT_REACHED),
            ("callback/sorry", SORRY),
        ];
        change(&mut town.settings);
    })
}

/// Rings, waits with music, presses 1, takes what is offered and hears that it is promised.
pub fn takes_it() -> Vec<Step> {
    ring().then([
        hear(MUSIC),
        press("1"),
        hear(OFFER),
        press("1"),
        hear(TAKEN),
        Step::UntilEnded { within: secs(10) },
    ])
}

/// An adviser comes, who may be rung as soon as they have signed in.
pub fn comes(town: &mut Town, who: &str, habits: Habits) -> PersonId {
    let (password, hz) = if who == "amy" { ("amy's", AMY) } else { ("ben's", BEN) };
    let habits = Habits { signs_in: Some("*70".to_owned()), ..habits };
    town.adviser(who, password, habits, |phone| phone.sound = Sound::Tone(hz))
}

pub fn taken(town: &mut Town) {
    let resident = town.resident(takes_it());
    town.see_off(resident);
}

pub fn told(town: &Town) -> Vec<CallbackEvent> {
    town.journal()
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Callback { event, .. } => Some(event.clone()),
            Event::Call { .. }
            | Event::Agent { .. }
            | Event::Message { .. }
            | Event::Notification { .. }
            | Event::System { .. } => None,
        })
        .collect()
}

pub fn failed(town: &Town) -> Vec<CallbackFailure> {
    let events = told(town).into_iter();
    events
        .filter_map(|event| match event {
            CallbackEvent::Failed { why, .. } => Some(why),
            _ => None,
        })
        .collect()
}

pub fn missed(town: &Town) -> Vec<Miss> {
    let events = told(town).into_iter();
    events
        .filter_map(|event| match event {
            CallbackEvent::Missed { miss } => Some(miss),
            _ => None,
        })
        .collect()
}

pub fn is_kept(town: &Town) -> bool {
    told(town).iter().any(|event| matches!(event, CallbackEvent::Kept { .. }))
}

pub fn is_rung(moment: &Moment) -> bool {
    matches!(moment, Moment::Phone(PhoneEvent::Incoming { .. }))
}

pub fn rings(town: &Town, id: PersonId) -> usize {
    town.person(id).diary().iter().filter(|(_, moment)| is_rung(moment)).count()
}

/// When somebody's phone rang for the first time.
pub fn rung_at(town: &Town, id: PersonId) -> Time {
    let mut diary = town.person(id).diary().iter();
    diary.find_map(|(at, moment)| is_rung(moment).then_some(*at)).expect("it rang")
}

pub fn outcomes(town: &Town) -> Vec<Outcome> {
    let calls = town.calls().into_iter();
    calls
        .filter_map(|(_, event)| match event {
            CallEvent::QueueLeft { outcome, .. } => Some(*outcome),
            _ => None,
        })
        .collect()
}

/// Whether somebody hears a tone within a time.
pub fn hears(town: &mut Town, id: PersonId, hz: u32, within: u64) -> bool {
    let expect = Expect::Tone(hz);
    town.run_until(secs(within), |world| {
        world.person(id).phone().voice().ear().hears(world.now(), &expect)
    })
}

#[test]
fn who_takes_a_call_back_is_rung_by_an_adviser_who_holds_the_line() {
    let mut town = town_that_rings(|_| {});
    taken(&mut town);
    assert_eq!(town.causes(), [EndCause::CallbackTaken]);
    assert_eq!(outcomes(&town), [Outcome::CallbackTaken]);
    let open = town.live().callbacks;
    let [promise] = &open[..] else { panic!("{}", town.story()) };
    assert_eq!((promise.number.as_str(), promise.tries), (RESIDENT, 0));
    let home = carrier(&mut town, 1, Quirks::default());
    let amy = comes(&mut town, "amy", Habits::default());
    assert!(hears(&mut town, amy, RINGING, 20), "{}", town.story());
    assert!(hears(&mut town, home, AMY, 20), "{}", town.story());
    // She picks up after two seconds, before anything rings at the resident's.
    let (hers, theirs) = (rung_at(&town, amy), rung_at(&town, home));
    assert!(theirs - hers >= secs(2), "{hers:?} {theirs:?}");
    assert!(hears(&mut town, amy, CARRIER, 5));
    let display = "Call back, Waste: 01632960001".to_owned();
    let incoming = PhoneEvent::Incoming { display, user: "01632960001".to_owned() };
    assert_eq!(town.person(amy).diary().times(&incoming), 1, "{:#?}", town.person(amy).diary());
    town.adviser_mut(home, |home, now| home.hang_up(now));
    let town = town.close();
    assert!(is_kept(&town), "{}", town.story());
    assert_eq!(town.causes(), [EndCause::CallbackTaken, EndCause::CalledBack]);
    let today = town.today();
    assert_eq!((today.offered, today.callbacks, today.answered, today.difference()), (1, 1, 0, 0));
    let waste = town.queue("waste").callbacks;
    assert_eq!((waste.open, waste.taken_total, waste.kept_total), (0, 1, 1));
    let presented = |event: &CallEvent| {
        matches!(event, CallEvent::Connected { purpose: Purpose::CallBack, .. })
    };
    assert_eq!((town.count(presented), rings(&town, home)), (1, 1));
}

#[test]
fn nothing_is_promised_where_no_trunk_takes_calls() {
    let mut town = town_that_rings(|settings| settings.trunks.clear());
    let steps = ring().then([hear(MUSIC), press("1"), hear(MUSIC), Step::Wait(secs(2))]);
    let resident = town.resident(steps.then([Step::HangUp]));
    town.see_off(resident);
    let town = town.close();
    assert_eq!((told(&town), outcomes(&town)), (vec![], vec![Outcome::Abandoned]));
}

#[test]
fn who_does_not_want_it_waits_on_and_who_waits_is_told_of_it() {
    let mut town = town_that_rings(|_| {});
    let steps = ring().then([
        hear(MUSIC),
        hear_within(COMFORT, secs(30)),
        hear(MUSIC),
        press("1"),
        hear(OFFER),
        press("3"),
        hear(MUSIC),
        hear_within(AMY, secs(60)),
        Step::HangUp,
    ]);
    let resident = town.resident(steps);
    town.run_for(secs(60));
    comes(&mut town, "amy", Habits::default());
    town.see_off(resident);
    let town = town.close();
    assert_eq!(outcomes(&town), [Outcome::Answered], "one visit, never left");
    assert!(town.waits_us()[0] > 50_000_000, "since the first entry: {:?}", town.waits_us());
    assert_eq!(told(&town), []);
}

#[test]
fn an_adviser_who_is_free_in_the_middle_of_the_offer_is_who_answers() {
    let mut town = town_that_rings(|_| {});
    let steps = ring().then([
        hear(MUSIC),
        press("1"),
        hear(OFFER),
        hear_within(AMY, secs(30)),
        press("1"),
        Step::Wait(secs(2)),
        Step::HangUp,
    ]);
    let resident = town.resident(steps);
    town.run_for(secs(3));
    comes(&mut town, "amy", picks_up_after(millis(100)));
    town.see_off(resident);
    let town = town.close();
    assert_eq!((outcomes(&town), told(&town)), (vec![Outcome::Answered], vec![]));
}

#[test]
fn who_takes_it_while_an_advisers_phone_rings_is_rung_back_by_that_adviser() {
    let mut town = town_that_rings(|_| {});
    let home = carrier(&mut town, 1, Quirks::default());
    let resident = town.resident(ring().then([
        hear(MUSIC),
        press("1"),
        hear(OFFER),
        Step::Wait(secs(8)),
        press("1"),
        hear(TAKEN),
        Step::HangUp,
    ]));
    town.run_for(secs(3));
    let amy = comes(&mut town, "amy", picks_up_after(secs(12)));
    town.see_off(resident);
    assert!(hears(&mut town, home, AMY, 60), "{}", town.story());
    town.adviser_mut(home, |home, now| home.hang_up(now));
    let town = town.close();
    assert_eq!((rings(&town, amy), rings(&town, home)), (2, 1), "{}", town.story());
    assert_eq!(outcomes(&town), [Outcome::CallbackTaken]);
}

#[test]
fn a_second_request_for_the_same_number_is_told_so_and_the_limit_is_held() {
    let mut town = town_that_rings(|settings| {
        settings.queues.get_mut("waste").expect("the queue").callback.most = 1;
    });
    taken(&mut town);
    let again = ring().then([hear(MUSIC), press("1"), hear(KNOWN)]);
    let again = town.resident(again.then([Step::UntilEnded { within: secs(10) }]));
    town.see_off(again);
    // Another number finds no room, and waits on.
    let steps = ring().then([hear(MUSIC), press("1"), hear(MUSIC), Step::Wait(secs(3))]);
    let other = town.caller("07700900002", |_| {}, steps.then([Step::HangUp]));
    town.see_off(other);
    town.run_for(secs(1));
    assert_eq!((town.live().callbacks.len(), told(&town).len()), (1, 1));
    let expected = [Outcome::CallbackTaken, Outcome::CallbackTaken, Outcome::Abandoned];
    assert_eq!(outcomes(&town), expected, "{}", town.story());
    assert_eq!(town.queue("waste").callbacks.taken_total, 1);
}

#[test]
fn a_full_queue_and_a_wait_that_is_too_long_lead_to_the_offer_too() {
    let mut town = town_that_rings(|settings| {
        let waste = settings.queues.get_mut("waste").expect("the queue");
        (waste.max_waiting, waste.max_wait_s) = (Some(1), Some(30));
    });
    let waits = ring().then([hear(MUSIC), hear_within(OFFER, secs(40)), press("1"), hear(TAKEN)]);
    let waits = town.resident(waits.then([Step::HangUp]));
    town.run_for(secs(5));
    let steps = ring().then([hear(OFFER), press("1"), hear(TAKEN), Step::HangUp]);
    let full = town.caller("07700900002", |_| {}, steps);
    town.see_off(full);
    town.see_off(waits);
    let open = town.live().callbacks;
    assert_eq!(open.len(), 2, "{}", town.story());
    // Nobody of them is on the line: there is room for one who is.
    let third = town.caller("07700900003", |_| {}, ring().then([hear(MUSIC), Step::HangUp]));
    town.see_off(third);
    assert_eq!(town.today().difference(), 0);
    assert_eq!(town.causes()[..2], [EndCause::CallbackTaken, EndCause::CallbackTaken]);
    // Who waited since before the other has the place before them.
    let first = open.iter().min_by_key(|promise| promise.since).expect("one");
    assert_eq!(first.number, RESIDENT);
}

#[test]
fn another_number_is_rung_and_one_that_costs_more_is_not() {
    let mut town = town_that_rings(|_| {});
    let steps = ring().then([
        hear(MUSIC),
        press("1"),
        hear(OFFER),
        press("2"),
        hear(ASK),
        press("09098790123#"),
        hear(ASK),
        press("02079460123#"),
        hear(OFFER),
        press("1"),
        hear(TAKEN),
        Step::HangUp,
    ]);
    let resident = town.resident(steps);
    town.see_off(resident);
    let open = town.live().callbacks;
    assert_eq!(open[0].number, "+442079460123");
    assert_eq!(open[0].name, None, "whose it is, nobody has told");
}
