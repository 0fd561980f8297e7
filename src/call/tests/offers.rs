//! How offers fail, and several agents who are rung at once.

use super::*;

#[test]
fn what_phones_say_decides_how_an_offer_failed() {
    for (status, outcome) in [
        (486, OfferOutcome::Rejected),
        (603, OfferOutcome::Rejected),
        (480, OfferOutcome::NoAnswer),
        (404, OfferOutcome::Unreachable),
        (408, OfferOutcome::Unreachable),
        (503, OfferOutcome::Unreachable),
    ] {
        let (mut case, legs) = Case::offering(1);
        case.call.phone_refused(case.now, legs[0], status);
        let failed = Action::Queue(QueueAction::OfferFailed("amy".into(), outcome));
        assert_eq!(case.asked().last(), Some(&failed), "{status}");
    }
}

#[test]
fn a_phone_that_fails_while_it_rings_was_not_left_unanswered() {
    for (status, outcome) in [
        (408, OfferOutcome::NoAnswer),
        (480, OfferOutcome::NoAnswer),
        (486, OfferOutcome::Rejected),
        (500, OfferOutcome::Unreachable),
        // What a connection that closes counts as.
        (503, OfferOutcome::Unreachable),
    ] {
        let (mut case, legs) = Case::offering(1);
        case.call.phone_ringing(legs[0], None);
        case.call.phone_refused(case.now, legs[0], status);
        let failed = Action::Queue(QueueAction::OfferFailed("amy".into(), outcome));
        assert_eq!(case.asked().last(), Some(&failed), "{status}");
    }
    // The other phone did ring.
    let (mut case, legs) = Case::offering(2);
    for leg in &legs {
        case.call.phone_ringing(*leg, None);
    }
    case.call.phone_refused(case.now, legs[0], 503);
    case.now += Duration::from_secs(20);
    case.call.ring_timed_out(case.now);
    let failed = QueueAction::OfferFailed("amy".into(), OfferOutcome::NoAnswer);
    assert!(case.asked().contains(&Action::Queue(failed)));
}

#[test]
fn busy_on_one_phone_leaves_the_others_ringing_but_a_decline_speaks_for_the_agent() {
    let (mut case, legs) = Case::offering(2);
    case.call.phone_refused(case.now, legs[0], 486);
    let asked = case.asked();
    assert!(!asked.iter().any(|a| matches!(a, Action::Queue(QueueAction::OfferFailed(..)))));
    let (mut case, legs) = Case::offering(2);
    case.call.phone_refused(case.now, legs[0], 603);
    let failed = QueueAction::OfferFailed("amy".into(), OfferOutcome::Rejected);
    assert_eq!(case.asked().last(), Some(&Action::Queue(failed)));
}

#[test]
fn an_agent_without_a_phone_costs_the_caller_nothing() {
    let mut case = Case::queued();
    case.offer("amy", 0);
    let failed = QueueAction::OfferFailed("amy".into(), OfferOutcome::Unreachable);
    assert_eq!(case.asked().last(), Some(&Action::Queue(failed)));
    assert!(matches!(case.call.state, State::Queued));
}

/// Amy, Ben and Chloe are rung at once, with a phone each; a second later for each.
fn several() -> (Case, Vec<LegId>) {
    let (mut case, _) = Case::offering(1);
    for agent in ["ben", "chloe"] {
        case.now += Duration::from_secs(1);
        case.offer(agent, 1);
    }
    let legs: Vec<LegId> = case.call.legs().into_iter().skip(1).collect();
    for (at, leg) in legs.iter().enumerate().skip(1) {
        case.call.media_opened(case.now, *leg, address(20_010 + 2 * at as u16));
        case.call.phone_ringing(*leg, None);
    }
    case.call.phone_ringing(legs[0], None);
    let asked = case.asked();
    let rings = |agent: &str| Action::Queue(QueueAction::Ringing(agent.into()));
    assert!(["amy", "ben", "chloe"].iter().all(|agent| asked.contains(&rings(agent))));
    (case, legs)
}

fn ended(case: &Case) -> Vec<(&str, OfferOutcome)> {
    let ends = case.log.iter().filter_map(|action| match action {
        Action::Record(CallEvent::OfferEnded { agent, outcome, .. }) => {
            Some((agent.as_str(), *outcome))
        }
        _ => None,
    });
    ends.collect()
}

/// Legs that are told that the call was completed elsewhere.
fn told_why(actions: &[Action]) -> Vec<LegId> {
    let told = actions.iter().filter_map(|action| match action {
        Action::Sip(SipAction::HangUpBecause(leg, Cause::ANSWERED_ELSEWHERE)) => Some(*leg),
        _ => None,
    });
    told.collect()
}

#[test]
fn of_several_agents_one_talks_and_the_others_are_told_why_they_ring_no_longer() {
    let (mut case, legs) = several();
    case.answer(legs[1]);
    assert_eq!(case.asked(), [Action::Queue(QueueAction::Claim("ben".into()))]);
    // A second at the same moment: whose claim holds is the queue's to decide.
    case.answer(legs[2]);
    assert_eq!(case.asked(), [Action::Queue(QueueAction::Claim("chloe".into()))]);
    let elsewhere = OfferOutcome::AnsweredElsewhere;
    for agent in ["amy", "chloe"] {
        case.call.offer_withdrawn(case.now, &agent.into(), elsewhere);
    }
    case.call.join(case.now, &"ben".into(), Caller::default(), "music/hold".into());
    let asked = case.asked();
    assert_eq!(told_why(&asked), [legs[0], legs[2]]);
    let caller = case.caller();
    assert!(asked.contains(&Action::Media(media::Command::Bridge { a: caller, b: legs[1] })));
    let accepted = OfferOutcome::Accepted;
    assert_eq!(ended(&case), [("amy", elsewhere), ("chloe", elsewhere), ("ben", accepted)]);
    // What crosses on the way is hung up, and changes nothing.
    case.answer(legs[0]);
    assert_eq!(hung_up(&case.asked()), [legs[0]]);
    case.call.leg_ended(case.now, legs[1], LegEnd::Bye);
    case.asked();
    assert!(case.holds_nothing());
}

#[test]
fn nobody_rings_on_once_a_claim_holds_whatever_the_queue_has_said() {
    let (mut case, legs) = several();
    case.answer(legs[0]);
    case.call.join(case.now, &"amy".into(), Caller::default(), "music/hold".into());
    assert_eq!(told_why(&case.asked()), legs[1..]);
    case.call.end(case.now, EndCause::SupervisorEnded);
    case.asked();
    assert!(case.holds_nothing());
}

#[test]
fn each_of_several_rings_for_the_whole_time_and_fails_alone() {
    let (mut case, legs) = several();
    let timer = |actions: &[Action]| {
        let mut timers = actions.iter().filter_map(|action| match action {
            Action::Timer(CallTimer::Ring, at) => Some(*at),
            _ => None,
        });
        timers.next_back().flatten()
    };
    let failed = |asked: &[Action]| {
        let failed = asked.iter().filter_map(|action| match action {
            Action::Queue(QueueAction::OfferFailed(agent, outcome)) => {
                Some((agent.to_string(), *outcome))
            }
            _ => None,
        });
        failed.collect::<Vec<_>>()
    };
    // Amy's phone has rung for two seconds when Chloe's begins.
    let chloes = case.now + Duration::from_secs(20);
    case.now += Duration::from_secs(18);
    case.call.ring_timed_out(case.now);
    let asked = case.asked();
    assert_eq!(failed(&asked), [("amy".to_owned(), OfferOutcome::NoAnswer)]);
    assert_eq!((hung_up(&asked), told_why(&asked)), (vec![legs[0]], vec![]));
    // A decline speaks for Ben and for nobody else.
    case.call.phone_refused(case.now, legs[1], 603);
    let asked = case.asked();
    assert_eq!(failed(&asked), [("ben".to_owned(), OfferOutcome::Rejected)]);
    assert_eq!(timer(&asked), Some(chloes));
    case.call.ring_timed_out(case.now);
    assert_eq!(failed(&case.asked()), []);
    case.call.ring_timed_out(chloes);
    assert_eq!(failed(&case.asked()), [("chloe".to_owned(), OfferOutcome::NoAnswer)]);
    assert!(matches!(case.call.state, State::Queued));
}

#[test]
fn a_caller_who_leaves_stops_every_phone() {
    let (mut case, legs) = several();
    let leg = case.caller();
    case.call.leg_ended(case.now, leg, LegEnd::Bye);
    let asked = case.asked();
    let hung = hung_up(&asked);
    assert!(legs.iter().all(|leg| hung.contains(leg)));
    assert_eq!(told_why(&asked), [], "nobody has answered");
    assert!(ended(&case).iter().all(|(_, outcome)| *outcome == OfferOutcome::CallerLeft));
    assert_eq!(case.ends(), [EndCause::CallerAbandoned]);
    assert!(case.holds_nothing());
}

/// An agent's three phones, of which the next rings after ten seconds: the first has its ports.
fn in_order() -> (Case, LegId) {
    let mut case = Case::queued();
    case.offer_in(Manner::InOrder(Duration::from_secs(10)), "amy", 3);
    let [first] = opened(&mut case).try_into().expect("one phone");
    case.call.media_opened(case.now, first, address(20_010));
    case.asked();
    (case, first)
}

/// The phones that are to be rung since the last look.
fn opened(case: &mut Case) -> Vec<LegId> {
    let opened = case.asked().into_iter().filter_map(|action| match action {
        Action::Media(media::Command::Open { leg, .. }) => Some(leg),
        _ => None,
    });
    opened.collect()
}

#[test]
fn phones_in_order_join_in_one_after_the_other_and_go_on_ringing() {
    let (mut case, first) = in_order();
    case.call.phone_ringing(first, None);
    case.now += Duration::from_millis(9_999);
    case.call.next_phones(case.now);
    assert_eq!(opened(&mut case), []);
    for _ in 0..2 {
        case.now += Duration::from_millis(10_000);
        case.call.next_phones(case.now);
        assert_eq!(opened(&mut case).len(), 1);
    }
    case.now += Duration::from_secs(10);
    case.call.next_phones(case.now);
    assert_eq!(opened(&mut case), [], "there are three");
    let asked = case.log.iter();
    let stopped = asked.filter(|action| matches!(action, Action::Sip(SipAction::HangUp(_))));
    assert_eq!(stopped.count(), 0);
    case.answer(first);
    let claim = Action::Queue(QueueAction::Claim("amy".into()));
    assert!(case.asked().contains(&claim));
}

#[test]
fn a_phone_that_is_out_hands_on_at_once_and_a_decline_speaks_for_all() {
    for status in [404, 486, 503] {
        let (mut case, first) = in_order();
        case.call.phone_refused(case.now, first, status);
        let [second] = opened(&mut case).try_into().expect("the next");
        case.now += Duration::from_secs(9);
        case.call.next_phones(case.now);
        assert_eq!(opened(&mut case), [], "its own ten seconds have begun");
        case.call.phone_refused(case.now, second, status);
        let [third] = opened(&mut case).try_into().expect("the last");
        case.call.phone_refused(case.now, third, status);
        let over = |action: &Action| matches!(action, Action::Queue(QueueAction::OfferFailed(..)));
        assert!(case.asked().iter().any(over), "{status}");
    }
    let (mut case, first) = in_order();
    case.call.phone_refused(case.now, first, 603);
    assert_eq!(opened(&mut case), []);
}
