//! The call machine by itself: what it asks for, whatever happens in whatever order.

use std::net::SocketAddr;

use super::*;
use crate::call::command::{Command, QueueReturn};
use crate::event::{EndCause, Outcome, Party};
use crate::id::Entropy;
use crate::sdp;
use crate::sip::ListenerId;
use crate::sip::endpoint::LegEnd;

mod keys;
mod offers;

const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
                     m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

impl Call {
    /// Every leg that the call holds now, the caller's first.
    fn legs(&self) -> Vec<LegId> {
        let mut legs = vec![self.caller_leg.id];
        match &self.state {
            State::Offering(offers) => {
                legs.extend(offers.iter().flat_map(|one| one.ringing.leg_ids()));
            }
            State::Dialling(dialling) => {
                legs.extend(dialling.ringing().into_iter().flat_map(|ringing| ringing.leg_ids()));
            }
            State::Talking(talk) => legs.push(talk.leg.id),
            State::Arriving { .. } | State::InFlow | State::Queued | State::Ended => {}
        }
        legs
    }
}

fn keyring() -> Keyring {
    Keyring::new(sdp::Terms::default(), &mut Entropy::from_seed([4; 32]))
}

struct Case {
    call: Call,
    ids: Entropy,
    now: Time,
    log: Vec<Action>,
}

impl Case {
    fn arrived() -> Case {
        let mut ids = Entropy::from_seed([3; 32]);
        let now = Time::from_millis(1_000);
        let arrival = Arrival {
            leg: ids.leg_id(),
            source: address(5060).ip(),
            caller: Caller { number: Some("01632960001".into()), name: None, withheld: false },
            called: "01708434343".into(),
            flow: Some("main".into()),
            by: None,
            through: None,
            to: None,
            beside: None,
            offer: Some(Bytes::from_static(OFFER.as_bytes())),
            keyring: keyring(),
            hops_left: 69,
            longest: Duration::from_secs(3_600),
            recorded: Default::default(),
            recording: crate::id::RecordingId(1),
        };
        Case { call: Call::arrive(now, arrival), ids, now, log: Vec::new() }
    }

    fn caller(&self) -> LegId {
        self.call.caller_leg.id
    }

    /// What is asked for since the last look.
    fn asked(&mut self) -> Vec<Action> {
        let actions = self.call.take_actions();
        self.log.extend(actions.clone());
        actions
    }

    fn in_flow() -> Case {
        let mut case = Case::arrived();
        let leg = case.caller();
        case.call.media_opened(case.now, leg, address(20_000));
        case.call.acknowledged(case.now, leg, None);
        case.asked();
        case
    }

    fn queued() -> Case {
        let mut case = Case::in_flow();
        case.enter("waste");
        case.asked();
        case
    }

    fn enter(&mut self, queue: &str) {
        let music = "music/hold".into();
        self.call.queued(self.now, queue.into(), Default::default(), Default::default(), music);
    }

    /// An offer to `phones` phones, each of which has its ports.
    fn offering(phones: u16) -> (Case, Vec<LegId>) {
        let mut case = Case::queued();
        case.now += Duration::from_secs(10);
        case.offer("amy", phones);
        let legs: Vec<LegId> = case.call.legs().into_iter().skip(1).collect();
        for (at, leg) in legs.iter().enumerate() {
            case.call.media_opened(case.now, *leg, address(20_010 + 2 * at as u16));
        }
        case.asked();
        (case, legs)
    }

    fn offer(&mut self, agent: &str, phones: u16) {
        self.offer_in(Manner::Together, agent, phones);
    }

    fn offer_in(&mut self, manner: Manner, agent: &str, phones: u16) {
        let targets = (0..phones)
            .map(|at| Target {
                uri: format!("sip:{agent}@127.0.0.1:{}", 6_000 + at),
                to: address(6_000 + at),
                listener: ListenerId(0),
                terms: sdp::Terms::default(),
                trunk: None,
            })
            .collect();
        let ring_for = Duration::from_secs(20);
        self.call.offer(
            self.now,
            &mut self.ids,
            "waste".into(),
            agent.into(),
            "Waste",
            (manner, targets),
            ring_for,
            Default::default(),
        );
    }

    fn answer(&mut self, leg: LegId) {
        let local = sdp::Local { rtp: address(7_000), session_id: 1, version: 1 };
        let answer = sdp::offer(&local, &mut keyring(), sdp::Beside::default());
        self.call.phone_answered(self.now, leg, &Bytes::from(answer), address(6_000));
    }

    fn ends(&self) -> Vec<EndCause> {
        self.log
            .iter()
            .filter_map(|action| match action {
                Action::Record(CallEvent::Ended { cause, .. }) => Some(*cause),
                _ => None,
            })
            .collect()
    }

    fn recorded(&self, wanted: impl Fn(&CallEvent) -> bool) -> usize {
        self.log
            .iter()
            .filter(|action| matches!(action, Action::Record(event) if wanted(event)))
            .count()
    }

    /// Every leg for which media were opened has been closed.
    fn holds_nothing(&self) -> bool {
        let mut open = std::collections::BTreeSet::new();
        for action in &self.log {
            match action {
                Action::Media(media::Command::Open { leg, .. }) => {
                    open.insert(*leg);
                }
                Action::Media(media::Command::Close { leg }) => {
                    open.remove(leg);
                }
                _ => {}
            }
        }
        open.is_empty() && matches!(self.log.last(), Some(Action::Over))
    }
}

fn hung_up(actions: &[Action]) -> Vec<LegId> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Sip(SipAction::HangUp(leg) | SipAction::HangUpBecause(leg, _)) => Some(*leg),
            _ => None,
        })
        .collect()
}

#[test]
fn a_call_rings_then_answers_and_its_flow_begins_with_the_acknowledgement() {
    let mut case = Case::arrived();
    let leg = case.caller();
    let asked = case.asked();
    assert!(asked.contains(&Action::Sip(SipAction::Provisional(leg, 180, None))));
    case.call.media_opened(case.now, leg, address(20_000));
    let asked = case.asked();
    assert!(asked.iter().any(|a| matches!(a, Action::Sip(SipAction::Answer(l, _)) if *l == leg)));
    assert!(!asked.contains(&Action::Notify(Notice::Started)));
    // An INVITE may be forged: nothing flows to where its SDP says.
    let flows = |action: &Action| matches!(action, Action::Media(media::Command::Negotiate { .. }));
    assert!(!asked.iter().any(flows));
    case.call.acknowledged(case.now, leg, None);
    let asked = case.asked();
    assert!(asked.len() == 2 && flows(&asked[0]), "{asked:?}");
    // Who it is, nobody has said.
    let vouched = |action: &Action| {
        matches!(action, Action::Media(media::Command::Negotiate { negotiated, .. })
            if !negotiated.stranger)
    };
    assert!(!vouched(&asked[0]));
    assert_eq!(asked[1], Action::Notify(Notice::Started));
    case.call.acknowledged(case.now, leg, None);
    assert_eq!(case.asked(), [], "a repeated ACK begins nothing again");
}

#[test]
fn a_caller_who_leaves_while_phones_ring_is_abandoned_and_frees_everything() {
    let (mut case, legs) = Case::offering(2);
    let leg = case.caller();
    case.call.leg_ended(case.now, leg, LegEnd::Bye);
    let asked = case.asked();
    let hung = hung_up(&asked);
    assert!(legs.iter().all(|leg| hung.contains(leg)));
    assert!(asked.contains(&Action::Queue(QueueAction::Leave)));
    assert_eq!(case.ends(), [EndCause::CallerAbandoned]);
    let abandoned = |e: &CallEvent| {
        matches!(e, CallEvent::QueueLeft { outcome: Outcome::Abandoned, wait_us: 10_000_000, .. })
    };
    assert_eq!(case.recorded(abandoned), 1);
    let left = |e: &CallEvent| {
        matches!(e, CallEvent::OfferEnded { outcome: OfferOutcome::CallerLeft, .. })
    };
    assert_eq!(case.recorded(left), 1);
    assert!(case.holds_nothing());
}

#[test]
fn the_first_phone_that_answers_claims_and_the_others_stop_ringing() {
    let (mut case, legs) = Case::offering(3);
    case.answer(legs[1]);
    assert_eq!(case.asked(), [Action::Queue(QueueAction::Claim("amy".into()))]);
    // A second phone at the same moment is hung up, whatever becomes of the claim.
    case.answer(legs[2]);
    assert_eq!(hung_up(&case.asked()), [legs[2]]);
    case.call.join(case.now, &"amy".into(), Caller::default(), "music/hold".into());
    let asked = case.asked();
    assert_eq!(hung_up(&asked), [legs[0]]);
    let caller = case.caller();
    assert!(asked.contains(&Action::Media(media::Command::Bridge { a: caller, b: legs[1] })));
    let joined = |e: &CallEvent| matches!(e, CallEvent::Joined { wait_us: 10_000_000, .. });
    assert_eq!(case.recorded(joined), 1);
    case.now += Duration::from_secs(5);
    case.call.leg_ended(case.now, legs[1], LegEnd::Bye);
    case.asked();
    assert_eq!(case.ends(), [EndCause::AgentHungUp]);
    assert!(case.holds_nothing());
}

#[test]
fn an_unanswered_offer_gives_the_caller_back_to_the_same_place() {
    let (mut case, legs) = Case::offering(1);
    case.call.phone_ringing(legs[0], None);
    assert_eq!(case.asked(), [Action::Queue(QueueAction::Ringing("amy".into()))]);
    case.now += Duration::from_secs(20);
    case.call.ring_timed_out(case.now);
    let asked = case.asked();
    let failed = QueueAction::OfferFailed("amy".into(), OfferOutcome::NoAnswer);
    assert_eq!(asked.last(), Some(&Action::Queue(failed)));
    assert_eq!(hung_up(&asked), legs);
    // The next offer's answer counts from the first entry.
    case.now += Duration::from_secs(30);
    case.offer("ben", 1);
    let leg = case.call.legs()[1];
    case.call.media_opened(case.now, leg, address(20_020));
    case.answer(leg);
    case.call.join(case.now, &"ben".into(), Caller::default(), "music/hold".into());
    case.asked();
    let joined = |e: &CallEvent| matches!(e, CallEvent::Joined { wait_us: 60_000_000, .. });
    assert_eq!(case.recorded(joined), 1);
}

#[test]
fn a_caller_told_at_closing_time_was_ended_by_the_system_even_if_they_hang_up_first() {
    let mut case = Case::queued();
    case.now += Duration::from_secs(30);
    case.call.returned(case.now, QueueReturn::Closed);
    assert_eq!(case.asked().last(), Some(&Action::Notify(Notice::QueueLeft(QueueReturn::Closed))));
    case.now += Duration::from_secs(4);
    let leg = case.caller();
    case.call.leg_ended(case.now, leg, LegEnd::Bye);
    case.asked();
    let left = |e: &CallEvent| {
        let ended = Outcome::EndedBySystem;
        matches!(e, CallEvent::QueueLeft { outcome, wait_us: 30_000_000, .. } if *outcome == ended)
    };
    assert_eq!(case.recorded(left), 1);
    assert_eq!(case.ends(), [EndCause::CallerLeftFlow]);
}

#[test]
fn a_caller_moved_to_another_queue_keeps_the_first_entry_and_is_offered_once() {
    let mut case = Case::queued();
    let first_at = case.now;
    case.now += Duration::from_secs(30);
    case.call.returned(case.now, QueueReturn::WaitedTooLong);
    let (queue, at_closing) = ("general".into(), AtClosing::Serve);
    let (skills, prefers, priority) = Default::default();
    let to = Command::Queue { queue, skills, prefers, priority, at_closing, after_call: false };
    case.call.command(case.now, to);
    let since = case.asked().into_iter().find_map(|action| match action {
        Action::Queue(QueueAction::Enter { since, .. }) => since,
        _ => None,
    });
    assert_eq!(since, Some(first_at));
    case.enter("general");
    case.asked();
    let moved = |e: &CallEvent| matches!(e, CallEvent::QueueLeft { outcome: Outcome::Moved, .. });
    assert_eq!(case.recorded(moved), 1);
    let first = |e: &CallEvent| matches!(e, CallEvent::QueueEntered { first: true, .. });
    assert_eq!(case.recorded(first), 1);
}

#[test]
fn a_withheld_number_stays_withheld_on_the_agents_display() {
    let mut case = Case::queued();
    case.call.caller =
        Caller { number: Some("07700900123".into()), name: Some("Sam".into()), withheld: true };
    case.offer("amy", 1);
    let leg = case.call.legs()[1];
    case.call.media_opened(case.now, leg, address(20_020));
    let invite = case.asked().into_iter().find_map(|action| match action {
        Action::Sip(SipAction::Invite(invite)) => Some(invite),
        _ => None,
    });
    let invite = invite.expect("rings");
    assert_eq!(invite.extras.hops_left, Some(69));
    assert_eq!(invite.from_display, "Waste: number withheld");
    assert_eq!(invite.from_user, "anonymous");
}

#[test]
fn hold_gives_the_caller_music_and_is_not_talk() {
    let (mut case, legs) = Case::offering(1);
    case.answer(legs[0]);
    case.call.join(case.now, &"amy".into(), Caller::default(), "music/hold".into());
    case.asked();
    let hold = OFFER.to_owned() + "a=sendonly\r\n";
    case.now += Duration::from_secs(10);
    case.call.changed(case.now, legs[0], Some(Bytes::from(hold)));
    let asked = case.asked();
    let caller = case.caller();
    assert!(
        asked.iter().any(
            |a| matches!(a, Action::Media(media::Command::Music { leg, .. }) if *leg == caller)
        )
    );
    case.now += Duration::from_secs(7);
    case.call.changed(case.now, legs[0], Some(Bytes::from_static(OFFER.as_bytes())));
    assert!(
        case.asked().contains(&Action::Media(media::Command::Bridge { a: caller, b: legs[0] }))
    );
    case.now += Duration::from_secs(3);
    case.call.leg_ended(case.now, caller, LegEnd::Bye);
    case.asked();
    let parted = |e: &CallEvent| {
        matches!(
            e,
            CallEvent::Parted { talk_us: 13_000_000, hold_us: 7_000_000, by: Party::Caller, .. }
        )
    };
    assert_eq!(case.recorded(parted), 1);
}

#[test]
fn a_change_that_leaves_the_offer_to_us_takes_effect_with_its_acknowledgement() {
    let (mut case, legs) = Case::offering(1);
    let (caller, phone) = (case.caller(), legs[0]);
    case.answer(phone);
    case.call.join(case.now, &"amy".into(), Caller::default(), "music/hold".into());
    for (leg, port) in [(phone, 7_002), (caller, 7_004)] {
        case.call.changed(case.now, leg, None);
        case.asked();
        let local = sdp::Local { rtp: address(port), session_id: 1, version: 2 };
        let moved = sdp::offer(&local, &mut keyring(), sdp::Beside::default());
        let held = moved.replace("a=sendrecv", "a=sendonly");
        case.call.acknowledged(case.now, leg, Some(Bytes::from(held)));
        let asked = case.asked();
        let negotiated = asked.iter().find_map(|action| match action {
            Action::Media(media::Command::Negotiate { leg: l, negotiated }) if *l == leg => {
                Some(negotiated.remote)
            }
            _ => None,
        });
        assert_eq!(negotiated, Some(address(port)), "{asked:?}");
        let other = if leg == phone { caller } else { phone };
        let music = Action::Media(media::Command::Music { leg: other, music: "music/hold".into() });
        assert!(asked.contains(&music), "{asked:?}");
        case.call.changed(case.now, leg, None);
        case.call.acknowledged(case.now, leg, Some(Bytes::from(moved)));
        let joined = Action::Media(media::Command::Bridge { a: caller, b: phone });
        assert!(case.asked().contains(&joined));
    }
}

#[test]
fn whatever_ends_a_call_it_ends_once_and_holds_nothing() {
    for stage in 0..5 {
        let mut case = match stage {
            0 => Case::arrived(),
            1 => Case::in_flow(),
            2 => Case::queued(),
            3 => Case::offering(2).0,
            _ => {
                let (mut case, legs) = Case::offering(2);
                case.answer(legs[0]);
                case.call.join(case.now, &"amy".into(), Caller::default(), "music/hold".into());
                case
            }
        };
        // What the case itself asked for is in its log; the rest must follow from the end.
        case.asked();
        case.call.end(case.now, EndCause::Shutdown);
        case.call.end(case.now, EndCause::CallerHungUp);
        let leg = case.caller();
        case.call.leg_ended(case.now, leg, LegEnd::Bye);
        case.call.ring_timed_out(case.now);
        case.call.returned(case.now, QueueReturn::Closed);
        case.asked();
        assert_eq!(case.ends(), [EndCause::Shutdown], "stage {stage}");
        assert!(case.holds_nothing(), "stage {stage}");
    }
}

#[test]
fn a_silent_side_of_a_conversation_is_gone_but_a_caller_who_listens_is_given_longer() {
    let mut case = Case::queued();
    let caller = case.caller();
    case.call.media_silent(case.now, caller, 299_999, true);
    case.call.media_silent(case.now, caller, 900_000, false);
    case.asked();
    assert_eq!(case.ends(), []);
    case.call.media_silent(case.now, caller, 300_000, true);
    case.asked();
    assert_eq!(case.ends(), [EndCause::CallerSilent]);

    let (mut case, legs) = Case::offering(1);
    case.answer(legs[0]);
    case.call.join(case.now, &"amy".into(), Caller::default(), "music/hold".into());
    let caller = case.caller();
    case.call.media_silent(case.now + Duration::from_secs(1), caller, 300_000, false);
    case.asked();
    assert_eq!(case.ends(), [], "they may not have begun to speak");
    case.call.media_silent(case.now + Duration::from_secs(60), legs[0], 60_000, true);
    case.asked();
    assert_eq!(case.ends(), [EndCause::AgentSilent]);
}

#[test]
fn whoever_holds_the_line_may_be_silent_and_whoever_is_held_listens() {
    let (mut case, legs) = Case::offering(1);
    case.answer(legs[0]);
    case.call.join(case.now, &"amy".into(), Caller::default(), "music/hold".into());
    let caller = case.caller();
    case.now += Duration::from_secs(30);
    let hold = Bytes::from(OFFER.to_owned() + "a=sendonly\r\n");
    case.call.changed(case.now, legs[0], Some(hold));
    case.now += Duration::from_secs(600);
    case.call.media_silent(case.now, legs[0], 600_000, true);
    case.call.media_silent(case.now, caller, 60_000, true);
    case.call.changed(case.now, legs[0], Some(Bytes::from_static(OFFER.as_bytes())));
    // Told of the time on hold, a moment after the phone is back and before it has said a word.
    case.call.media_silent(case.now + Duration::from_secs(1), legs[0], 601_000, true);
    case.asked();
    assert_eq!(case.ends(), []);
    case.call.media_silent(case.now + Duration::from_secs(60), legs[0], 60_000, true);
    case.asked();
    assert_eq!(case.ends(), [EndCause::AgentSilent]);
}

#[test]
fn a_phone_that_comes_back_with_a_reinvite_without_an_offer_is_off_hold_by_its_ack() {
    let (mut case, legs) = Case::offering(1);
    case.answer(legs[0]);
    case.call.join(case.now, &"amy".into(), Caller::default(), "music/hold".into());
    let hold = Bytes::from(OFFER.to_owned() + "a=sendonly\r\n");
    case.call.changed(case.now, legs[0], Some(hold));
    case.asked();
    case.call.changed(case.now, legs[0], None);
    let asked = case.asked();
    assert!(
        matches!(&asked[..], [Action::Sip(SipAction::AcceptChange(leg, _))] if *leg == legs[0])
    );
    let answer = Some(Bytes::from_static(OFFER.as_bytes()));
    case.call.acknowledged(case.now, legs[0], answer);
    let (a, b) = (case.caller(), legs[0]);
    let asked = case.asked();
    assert!(
        matches!(&asked[0], Action::Media(media::Command::Negotiate { leg, .. }) if *leg == b),
        "{asked:?}"
    );
    let back = Action::Queue(QueueAction::Hold("amy".into(), false));
    assert_eq!(asked[1..], [Action::Media(media::Command::Bridge { a, b }), back]);
}

#[test]
fn when_both_hold_and_one_comes_back_that_one_hears_the_music() {
    let (mut case, legs) = Case::offering(1);
    case.answer(legs[0]);
    case.call.join(case.now, &"amy".into(), Caller::default(), "music/hold".into());
    let (caller, phone) = (case.caller(), legs[0]);
    let hold = Bytes::from(OFFER.to_owned() + "a=sendonly\r\n");
    let back = Bytes::from_static(OFFER.as_bytes());
    case.call.changed(case.now, phone, Some(hold.clone()));
    case.call.changed(case.now, caller, Some(hold));
    case.asked();
    case.call.changed(case.now, phone, Some(back.clone()));
    let asked = case.asked();
    let music = media::Command::Music { leg: phone, music: "music/hold".into() };
    assert!(asked.contains(&Action::Media(media::Command::Quiet { leg: caller })), "{asked:?}");
    let amy = Action::Queue(QueueAction::Hold("amy".into(), false));
    assert!(asked.ends_with(&[Action::Media(music), amy]), "{asked:?}");
    case.call.changed(case.now, caller, Some(back));
    let bridge = media::Command::Bridge { a: caller, b: phone };
    assert_eq!(case.asked().last(), Some(&Action::Media(bridge)));
}

#[test]
fn the_queue_is_told_that_a_phone_rings_even_if_another_has_refused() {
    let (mut case, legs) = Case::offering(2);
    case.call.phone_refused(case.now, legs[0], 486);
    case.asked();
    case.call.phone_ringing(legs[1], None);
    case.call.phone_ringing(legs[1], None);
    assert_eq!(case.asked(), [Action::Queue(QueueAction::Ringing("amy".into()))]);
}
