//! Callers who are put through to somebody.

use super::*;
use crate::flow::Reach;

const FLOW: &str = "\
start: first
nodes:
  first: {menu: Police or Amy?, keys: {1: police, 2: amy}, otherwise: amy}
  police: {transfer: 101, ring_s: 40, on_busy: busy, on_no_answer: nobody, otherwise: gone}
  amy: {transfer: amy, otherwise: gone}
  busy: {say: Engaged., then: first}
  nobody: {say: Nobody., then: gone}
  gone: {hang_up: busy}
";

pub(super) fn walk() -> Walk {
    let known = Known { reach: Reach::new(|_, _| Ok(())), ..known() };
    let flow = load_text(&"main".into(), "main.yaml", FLOW, &known).expect("is good");
    Walk::through(Arc::new(flow))
}

#[test]
fn a_caller_who_is_put_through_hears_music_and_why_nobody_came() {
    for (why, said) in [
        (TransferOutcome::Rejected, "stop, >busy, play busy"),
        (TransferOutcome::NoAnswer, "stop, >nobody, play nobody"),
        (TransferOutcome::Unreachable, "stop, >gone, hang up Limit"),
        (TransferOutcome::NotAllowed, "stop, >gone, hang up Limit"),
    ] {
        let mut walk = walk();
        walk.on(Notice::Started);
        let said_before = walk.on(key('1'));
        assert_eq!(said_before, "stop, chose 1 at first, >police, music, connect 101 for 40");
        assert_eq!(walk.on(key('5')), "", "nobody hears keys");
        assert_eq!(walk.on(Notice::NotConnected(why)), said);
        assert_eq!(walk.on(Notice::NotConnected(why)), "", "once");
    }
}

#[test]
fn who_comes_back_from_whom_they_were_put_through_to_begins_anew() {
    let mut walk = walk();
    walk.on(Notice::Started);
    walk.on(key('2'));
    assert_eq!(walk.on(Notice::Joined), "");
    assert_eq!(walk.on(Notice::CameBack), ">first, play first");
}

#[test]
fn whoever_they_talked_with_may_send_them_to_a_queue_that_does_not_keep_them() {
    let mut walk = walk();
    walk.on(Notice::Started);
    walk.on(key('2'));
    walk.on(Notice::Joined);
    assert_eq!(walk.on(Notice::Waiting), "", "the queue's music, and no words of ours");
    let left = Notice::QueueLeft(QueueReturn::WaitedTooLong);
    assert_eq!(walk.on(left), ">first, play first");
}
