//! What is promised, sent, tried again and given up.

use super::*;
use crate::event::Channel;
use crate::notification::Letter;

fn wall() -> WallClock {
    WallClock::showing(UnixMicros(1_800_000_000_000_000), Time::ZERO)
}

fn at(seconds: u64) -> Time {
    Time::from_millis(seconds * 1_000)
}

fn outbox(more: &str) -> Outbox {
    let text = format!(
        "{more}\n[notify]\n[template.bin]\nby = 'text'\nnotify = 'f33517ff'\nfields = ['reference']"
    );
    let mut outbox = Outbox::default();
    outbox.configure(&toml::from_str(&text).expect("settings"));
    outbox
}

fn wanted(to: &str) -> Notification {
    let fields = [("reference".to_owned(), "W-417\r\n-206".to_owned())].into();
    Notification { template: "bin".into(), to: to.to_owned(), fields }
}

fn call() -> CallId {
    CallId(uuid::Uuid::nil())
}

const ID: NotificationId = NotificationId(7);
const MOBILE: &str = "07700 900123";

fn promise(outbox: &mut Outbox, now: Time, id: u64) -> Result<NotificationEvent, Unpromised> {
    outbox.promise(now, &wall(), NotificationId(id), call(), wanted(MOBILE))
}

/// What is sent.
fn sent(effects: &[Effect]) -> Vec<&Dispatch> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send(dispatch) => Some(dispatch),
            Effect::Record(..) | Effect::Kept(_) => None,
        })
        .collect()
}

/// What is noted.
fn noted(effects: &[Effect]) -> &NotificationEvent {
    let mut noted = effects.iter().filter_map(|effect| match effect {
        Effect::Record(_, event) => Some(event),
        Effect::Send(_) | Effect::Kept(_) => None,
    });
    noted.next().unwrap_or_else(|| panic!("nothing is noted: {effects:?}"))
}

fn bounce(why: SendFault, arrived: bool) -> Result<Option<String>, Bounce> {
    Err(Bounce { why, words: Some("no\nway".to_owned()), arrived })
}

#[test]
fn nothing_is_sent_before_the_journal_has_the_promise() {
    let mut outbox = outbox("");
    let event = promise(&mut outbox, at(0), 7).expect("promised");
    let fields = [("reference".to_owned(), "W-417  -206".to_owned())].into();
    let to = "+447700900123".to_owned();
    let (call, template, by) = (call(), "bin".into(), Channel::Text);
    assert_eq!(event, NotificationEvent::Promised { call, template, by, to, fields });
    assert!(outbox.handle_timeout(at(60), &wall()).is_empty());
    assert_eq!(outbox.poll_timeout(), None);
    let effects = outbox.kept(at(61), &wall(), ID);
    assert_eq!(effects.first(), Some(&Effect::Kept(call)));
    let [dispatch] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert!(!dispatch.perhaps_there && matches!(dispatch.letter, Letter::Notify { .. }));
    let effects = outbox.dispatched(at(62), &wall(), ID, Ok(Some("n-1".to_owned())));
    let receipt = Some("n-1".to_owned());
    assert_eq!(
        *noted(&effects),
        NotificationEvent::Sent { attempts: 1, after_us: 62_000_000, receipt }
    );
    assert!(outbox.is_empty());
    assert!(outbox.dispatched(at(63), &wall(), ID, Ok(None)).is_empty(), "once");
}

#[test]
fn what_may_be_there_is_asked_for_first_and_tried_so_often_and_no_more() {
    let mut outbox = outbox("attempts = 3");
    promise(&mut outbox, at(0), 7).expect("promised");
    outbox.kept(at(0), &wall(), ID);
    let effects = outbox.dispatched(at(1), &wall(), ID, bounce(SendFault::Unreachable, false));
    let words = Some("no way".to_owned());
    let (why, again_us) = (SendFault::Unreachable, 10_000_000);
    let delayed = NotificationEvent::Delayed { why, words: words.clone(), attempts: 1, again_us };
    assert_eq!(*noted(&effects), delayed);
    assert_eq!(outbox.poll_timeout(), Some(at(11)));
    let effects = outbox.handle_timeout(at(11), &wall());
    assert!(!sent(&effects)[0].perhaps_there, "it was never there");
    outbox.dispatched(at(12), &wall(), ID, bounce(SendFault::TimedOut, true));
    let effects = outbox.handle_timeout(at(42), &wall());
    assert!(sent(&effects)[0].perhaps_there);
    let effects = outbox.dispatched(at(43), &wall(), ID, bounce(SendFault::Busy, false));
    let why = SendFault::Busy;
    assert_eq!(*noted(&effects), NotificationEvent::Failed { why, words, attempts: 3 });
    assert_eq!((outbox.len(), outbox.poll_timeout()), (0, None));
}

#[test]
fn what_will_never_go_better_is_not_tried_again() {
    let mut outbox = outbox("");
    promise(&mut outbox, at(0), 7).expect("promised");
    outbox.kept(at(0), &wall(), ID);
    let effects = outbox.dispatched(at(1), &wall(), ID, bounce(SendFault::Refused, false));
    assert!(matches!(noted(&effects), NotificationEvent::Failed { attempts: 1, .. }));
}

#[test]
fn no_more_are_under_way_than_may_be() {
    let mut outbox = outbox("at_once = 2");
    for id in 1..=3 {
        promise(&mut outbox, at(0), id).expect("promised");
    }
    let started: usize =
        (1..=3).map(|id| sent(&outbox.kept(at(0), &wall(), NotificationId(id))).len()).sum();
    assert_eq!((started, outbox.poll_timeout()), (2, None));
    let effects = outbox.dispatched(at(1), &wall(), NotificationId(1), Ok(None));
    assert_eq!(sent(&effects)[0].id, NotificationId(3));
}

#[test]
fn nobody_is_sent_more_in_a_day_than_may_be_and_no_more_wait_than_may() {
    let mut outbox = outbox("a_day = 2\nwaiting = 3");
    assert!(promise(&mut outbox, at(0), 1).is_ok() && promise(&mut outbox, at(60), 2).is_ok());
    assert_eq!(promise(&mut outbox, at(86_399), 3), Err(Unpromised::TooMany));
    assert!(promise(&mut outbox, at(86_400), 3).is_ok(), "a day after the first");
    assert_eq!(promise(&mut outbox, at(86_401), 4), Err(Unpromised::TooMany));
    let other = wanted("07700 900456");
    let full = outbox.promise(at(86_402), &wall(), NotificationId(5), call(), other);
    assert_eq!(full, Err(Unpromised::Full));
}

#[test]
fn who_has_no_mobile_or_no_template_is_promised_nothing() {
    let mut outbox = outbox("");
    let landline = outbox.promise(at(0), &wall(), ID, call(), wanted("01708 434343"));
    assert_eq!(landline, Err(Unpromised::Recipient));
    let unknown = Notification { template: "gone".into(), ..wanted(MOBILE) };
    let unknown = outbox.promise(at(0), &wall(), ID, call(), unknown);
    assert_eq!(unknown, Err(Unpromised::NotSet));
    assert!(outbox.is_empty());
}

#[test]
fn what_an_earlier_run_promised_is_asked_for_and_sent_unless_it_is_too_old() {
    let mut outbox = outbox("");
    let open = |hours: u64| Open {
        call: call(),
        template: "bin".into(),
        to: "+447700900123".to_owned(),
        fields: BTreeMap::new(),
        promised_at: wall().at(at(90_000 - hours * 3_600)),
        attempts: 2,
    };
    outbox.restore(at(90_000), NotificationId(1), open(1));
    outbox.restore(at(90_000), NotificationId(2), open(25));
    let effects = outbox.handle_timeout(at(90_000), &wall());
    let [dispatch] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert!(dispatch.perhaps_there && dispatch.id == NotificationId(1));
    let (why, attempts) = (SendFault::TooOld, 2);
    assert_eq!(*noted(&effects), NotificationEvent::Failed { why, words: None, attempts });
    let effects = outbox.dispatched(at(90_001), &wall(), NotificationId(1), Ok(None));
    assert!(matches!(noted(&effects), NotificationEvent::Sent { attempts: 3, .. }));
}

#[test]
fn a_template_that_is_gone_sends_nothing() {
    let mut outbox = outbox("");
    promise(&mut outbox, at(0), 7).expect("promised");
    outbox.configure(&NotificationSettings::default());
    let effects = outbox.kept(at(0), &wall(), ID);
    assert!(matches!(noted(&effects), NotificationEvent::Failed { why: SendFault::NotSet, .. }));
}
