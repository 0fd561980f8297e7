//! What callers who wait are told of their place and of the wait.

use super::*;
use crate::event::{Outlook, WaitRange};

const FLOW: &str = "\
start: bins
nodes:
  bins:
    queue: waste
    while_waiting:
      position: You are number {queue_position}.
      next: You are next.
      estimate: About {wait_least} to {wait_most} minutes.
      soon: Within {wait_most} minutes.
      worse: It takes longer than we said.
      comfort: [We are on the web too., Thank you for waiting.]
      say: To be rung back, press 1.
      after_s: 20
      every_s: 60
      keys: {1: gone}
    after_call: how-was-it
    otherwise: gone
  how-was-it:
    survey: How satisfied are you, from 1 to 5?
    as: satisfied
    tries: 2
    then: thanks
    otherwise: bye
  thanks: {say: Thank you., then: bye}
  bye: {hang_up: completed}
  gone: {hang_up: busy}
";

pub(super) fn walk() -> Walk {
    Walk::through(Arc::new(
        load_text(&"main".into(), "main.yaml", FLOW, &known()).expect("is good"),
    ))
}

pub(super) fn outlooks() -> impl Strategy<Value = Outlook> {
    let range = (0_u32..90, 0_u32..90)
        .prop_map(|(least_min, more)| WaitRange { least_min, most_min: least_min + more });
    let position = proptest::option::of(1_u64..20_000);
    (position, proptest::option::of(range), any::<bool>())
        .prop_map(|(position, wait, worse)| Outlook { position, wait, worse })
}

fn waiting() -> Walk {
    let mut walk = walk();
    walk.on(Notice::Started);
    assert_eq!(walk.on(Notice::Waiting), "timer 20");
    walk
}

fn outlook(position: Option<u64>, wait: Option<(u32, u32)>, worse: bool) -> Notice {
    let wait = wait.map(|(least_min, most_min)| WaitRange { least_min, most_min });
    Notice::Outlook(Outlook { position, wait, worse })
}

const ASKED: &str = "ask outlook OutlookWords { position: true, wait: true, worse: true }";

#[test]
fn who_waits_hears_place_wait_comfort_and_what_else_they_can_do() {
    let mut walk = waiting();
    assert_eq!(walk.on(Notice::TimerDone), ASKED);
    let told = walk.on(outlook(Some(3), Some((4, 8)), false));
    let words = "play bins-position+say/n-3+bins-estimate-1+say/n-4+bins-estimate-2+say/n-8\
                 +bins-estimate-3+bins-comfort-1+bins-meanwhile";
    assert_eq!(told, words);
    assert_eq!(walk.on(Notice::Played), "music, timer 60");
    assert_eq!(walk.on(Notice::TimerDone), ASKED);
    let told = walk.on(outlook(Some(1), Some((0, 3)), false));
    let words = "play bins-next+bins-soon-1+say/n-3+bins-soon-2+bins-comfort-2+bins-meanwhile";
    assert_eq!(told, words);
    walk.on(Notice::Played);
    walk.on(Notice::TimerDone);
    let told = walk.on(outlook(Some(2), None, true));
    assert_eq!(told, "play bins-worse+bins-position+say/n-2+bins-comfort-1+bins-meanwhile");
}

#[test]
fn while_nothing_is_known_the_rest_is_said() {
    let mut walk = waiting();
    walk.on(Notice::TimerDone);
    assert_eq!(walk.on(outlook(None, None, false)), "play bins-comfort-1+bins-meanwhile");
}

#[test]
fn an_outlook_that_comes_too_late_is_not_told() {
    let mut walk = waiting();
    walk.on(Notice::TimerDone);
    walk.on(Notice::QueueLeft(QueueReturn::Full));
    assert_eq!(walk.on(outlook(Some(1), None, false)), "");
}

#[test]
fn who_is_still_there_after_the_call_is_asked_how_it_was() {
    let mut walk = waiting();
    walk.on(Notice::TimerDone);
    walk.on(Notice::Joined);
    assert_eq!(walk.on(Notice::CallOver), ">how-was-it, play how-was-it");
    assert_eq!(walk.on(key('7')), "stop, play how-was-it");
    assert_eq!(walk.on(Notice::Played), "timer 8");
    let rated = "no timer, chose 4 at how-was-it, satisfied is 4, >thanks, play thanks";
    assert_eq!(walk.on(key('4')), rated);
    assert_eq!(walk.on(Notice::Played), ">bye, hang up Completed");
    assert_eq!(walk.on(Notice::CallOver), "", "nobody is there twice");
}

#[test]
fn who_does_not_want_to_say_how_it_was_is_let_go() {
    let mut walk = waiting();
    walk.on(Notice::Joined);
    walk.on(Notice::CallOver);
    for _ in 0..2 {
        walk.on(Notice::Played);
        walk.on(Notice::TimerDone);
    }
    assert_eq!(walk.on(Notice::Played), "");
}

#[test]
fn who_is_sent_on_by_the_adviser_waits_there_and_is_told_as_before() {
    let mut walk = waiting();
    walk.on(Notice::Joined);
    assert_eq!(walk.on(Notice::Waiting), "timer 20");
    assert_eq!(walk.on(Notice::TimerDone), ASKED);
    let left = Notice::QueueLeft(QueueReturn::Full);
    assert_eq!(walk.on(left), "stop, no timer, >gone, hang up Limit");
}

#[test]
fn who_talks_has_nothing_left_of_what_was_asked_before() {
    let mut walk = waiting();
    walk.on(key('1'));
    let mut walk = waiting();
    walk.on(Notice::TimerDone);
    walk.on(Notice::Joined);
    assert_eq!(walk.on(key('1')), "", "a key in a conversation is none of ours");
    assert_eq!(walk.on(outlook(Some(1), None, false)), "");
    assert_eq!(walk.on(Notice::QueueLeft(QueueReturn::Closed)), ">gone, hang up Limit");
}
