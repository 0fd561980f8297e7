//! Lost, repeated and reordered datagrams: every call still comes to the same end.

use std::time::Duration;

use proptest::prelude::*;

use super::super::*;
use super::network::*;

/// One whole call; what each side was told.
fn whole_call(pair: &mut Pair, caller_hangs_up: bool) -> [Vec<String>; 2] {
    let caller = pair.call();
    let mut called = None;
    let mut user = |end: &mut Endpoint, side: usize, event: &SipEvent, now: Time| match event {
        SipEvent::Invite(invite) => {
            called = Some(invite.leg);
            end.provisional(now, invite.leg, 180, None);
            end.answer(now, invite.leg, ANSWER);
        }
        SipEvent::Acknowledged { leg, .. } if !caller_hangs_up => end.hang_up(now, *leg),
        SipEvent::Answered { leg, .. } if caller_hangs_up => end.hang_up(now, *leg),
        _ => assert!(side < 2),
    };
    pair.run_with(Duration::from_secs(120), &mut user);
    // A side whose peer's BYE never came would wait for ever: its user looks after that.
    pair.do_at(0, |end, now| end.hang_up(now, caller));
    if let Some(called) = called {
        pair.do_at(1, |end, now| end.hang_up(now, called));
    }
    pair.run_out();
    let words = |side: usize| -> Vec<String> {
        pair.told(side)
            .iter()
            .map(|event| match event {
                SipEvent::Invite(_) => "invite".to_owned(),
                SipEvent::Acknowledged { .. } => "acknowledged".to_owned(),
                SipEvent::Progress { .. } => "ringing".to_owned(),
                SipEvent::Answered { .. } => "answered".to_owned(),
                SipEvent::Ended { end, .. } => format!("ended {end:?}"),
                SipEvent::Failed { status, .. } => format!("failed {status}"),
                SipEvent::Change { .. }
                | SipEvent::Changed { .. }
                | SipEvent::ChangeRefused { .. }
                | SipEvent::ProvisionalAcknowledged { .. }
                | SipEvent::Redirected { .. }
                | SipEvent::Refer { .. }
                | SipEvent::Key { .. }
                | SipEvent::Response { .. }
                | SipEvent::Registered { .. }
                | SipEvent::Guard(_)
                | SipEvent::Unregistered { .. } => panic!("{event:?}"),
            })
            .collect()
    };
    [words(0), words(1)]
}

#[test]
fn the_first_of_any_kind_of_message_may_be_lost() {
    for kind in ["INVITE", "100 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"] {
        for lost in [1, 2, 3] {
            let mut pair = Pair::losing(kind, lost);
            let [caller, called] = whole_call(&mut pair, true);
            assert_eq!(caller.last().map(String::as_str), Some("answered"), "{kind} {lost}");
            assert_eq!(called.first().map(String::as_str), Some("invite"), "{kind} {lost}");
            assert_eq!(called.last().map(String::as_str), Some("ended Bye"), "{kind} {lost}");

            let mut pair = Pair::losing(kind, lost);
            let [caller, called] = whole_call(&mut pair, false);
            assert_eq!(caller.last().map(String::as_str), Some("ended Bye"), "{kind} {lost}");
            assert_eq!(called, ["invite", "acknowledged"], "{kind} {lost}");
        }
    }
}

#[test]
fn a_lost_ringing_is_not_repeated_and_not_missed() {
    let mut pair = Pair::losing("180 INVITE", 1);
    let [caller, called] = whole_call(&mut pair, true);
    assert_eq!(caller, ["answered"]);
    assert_eq!(called.last().map(String::as_str), Some("ended Bye"));
}

#[test]
fn lost_refusals_and_cancels_are_repeated_until_they_arrive() {
    for kind in ["486 INVITE", "ACK", "CANCEL", "200 CANCEL", "487 INVITE"] {
        for lost in [1, 3] {
            let mut refused = Pair::losing(kind, lost);
            let caller = refused.call();
            refused.run_for(Duration::from_millis(300));
            let called = refused.arrived().leg;
            refused.do_at(1, |end, now| end.reject(now, called, 486, None));
            refused.run_out();
            let failed = SipEvent::Failed { leg: caller, status: 486, cause: None };
            assert_eq!(refused.told(0), [&failed], "{kind} {lost}");

            // Without a transaction: each repetition of the INVITE is refused anew.
            let mut at_once = Pair::losing(kind, lost);
            at_once.call();
            at_once.run_with(Duration::from_secs(60), &mut |end, _, event, now| {
                if let SipEvent::Invite(invite) = event {
                    end.reject(now, invite.leg, 486, None);
                    assert_eq!(end.load().transactions, 0);
                }
            });
            at_once.run_out();
            assert_eq!(at_once.told(0), [&failed], "{kind} {lost}");
            let losses = if kind == "486 INVITE" { lost as usize } else { 0 };
            assert_eq!(at_once.count(1, "486 INVITE"), 1 + losses);

            let mut cancelled = Pair::losing(kind, lost);
            let caller = cancelled.call();
            cancelled.run_for(Duration::from_millis(100));
            cancelled.do_at(0, |end, now| end.hang_up(now, caller));
            cancelled.run_out();
            assert_eq!(cancelled.told(0), [] as [&SipEvent; 0], "{kind} {lost}");
            assert_eq!(cancelled.told(1).len(), 2, "{kind} {lost}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the network does, nobody is told twice of an end, and nothing is left.
    #[test]
    fn a_rough_network_changes_no_call_s_end(seed in any::<u8>(), caller_hangs_up in any::<bool>()) {
        let mut pair = Pair::rough(seed);
        let [caller, called] = whole_call(&mut pair, caller_hangs_up);
        for words in [&caller, &called] {
            let ends = words.iter().filter(|word| word.starts_with("ended") || word.starts_with("failed"));
            prop_assert!(ends.count() <= 1, "{caller:?} {called:?}");
        }
        prop_assert!(called.iter().filter(|word| *word == "invite").count() <= 1);
    }

    #[test]
    fn the_same_seed_gives_the_same_datagrams(seed in any::<u8>()) {
        let run = || {
            let mut pair = Pair::rough(seed);
            whole_call(&mut pair, true);
            pair.log
        };
        prop_assert_eq!(run(), run());
    }
}
