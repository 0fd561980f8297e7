//! Agents who are rung by name, and calls of their own.

use super::*;

impl World {
    fn reserve(&mut self, number: u128, agent: &str, queue: Option<&str>) -> Vec<AcdEffect> {
        let (call, agent, queue) = (call(number), agent.into(), queue.map(QueueName::from));
        self.apply(AcdInput::Reserve { call, agent, queue, ring_for: secs(20) })
    }

    fn engage(&mut self, number: u128, agent: &str) -> Vec<AcdEffect> {
        self.apply(AcdInput::Engage { agent: agent.into(), call: call(number), queue: None })
    }
}

fn refusal(effects: &[AcdEffect]) -> Option<ReserveError> {
    effects.iter().find_map(|effect| match effect {
        AcdEffect::ReserveRefused { why, .. } => Some(*why),
        _ => None,
    })
}

#[test]
fn an_agent_on_a_call_of_their_own_is_offered_nobody_and_is_ready_after_it() {
    let mut world = World::council();
    world.ready("amy");
    world.engage(9, "amy");
    assert_eq!(world.state("amy"), AgentState::Talking);
    assert_eq!(offers(&world.enter(1, "waste")), []);
    assert_eq!(offers(&world.talk_ended(9, "amy")), offer(1, "amy"));
}

#[test]
fn an_offer_under_way_is_taken_back_from_an_agent_who_dials() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    let effects = world.engage(9, "amy");
    assert_eq!(cancelled(&effects), [(1, "amy".to_owned(), OfferOutcome::Withdrawn)]);
    assert_eq!(offers(&world.ready("ben")), offer(1, "ben"), "the caller kept the place");
}

#[test]
fn whoever_is_signed_in_and_on_no_call_can_be_rung_by_name() {
    for (prepare, refused) in [
        ("signed_out", Some(ReserveError::Unavailable)),
        ("unknown", Some(ReserveError::Unavailable)),
        ("no_phone", Some(ReserveError::Unavailable)),
        ("talking", Some(ReserveError::Busy)),
        ("own_call", Some(ReserveError::Busy)),
        ("own_call_signed_out", Some(ReserveError::Unavailable)),
        ("offered", Some(ReserveError::Busy)),
        ("rung_by_name", Some(ReserveError::Busy)),
        ("not_ready", None),
        ("ready", None),
        ("wrap_up", None),
    ] {
        let mut world = World::council();
        let agent = if prepare == "unknown" { "nobody" } else { "amy" };
        if !["signed_out", "unknown", "own_call_signed_out"].contains(&prepare) {
            world.ready("amy");
        }
        match prepare {
            "no_phone" => {
                world.apply(AcdInput::Reachable { agent: "amy".into(), reachable: false });
            }
            "talking" | "wrap_up" => {
                world.enter(1, "waste");
                world.claim(1, "amy");
            }
            "own_call" | "own_call_signed_out" => {
                world.engage(9, "amy");
            }
            "offered" => {
                world.enter(1, "waste");
            }
            "rung_by_name" => {
                world.reserve(8, "amy", None);
            }
            "not_ready" => {
                world.choose("amy", AgentChoice::NotReady);
            }
            _ => {}
        }
        if prepare == "wrap_up" {
            world.talk_ended(1, "amy");
            assert_eq!(world.state("amy"), AgentState::WrapUp);
        }
        assert_eq!(refusal(&world.reserve(7, agent, None)), refused, "{prepare}");
    }
}

#[test]
fn ringing_that_comes_to_nothing_leaves_the_agent_as_they_were() {
    for outcome in [OfferOutcome::NoAnswer, OfferOutcome::Rejected, OfferOutcome::CallerLeft] {
        let mut world = World::council();
        world.ready("amy");
        world.pass(secs(5));
        world.ready("ben");
        world.reserve(7, "amy", None);
        world.apply(AcdInput::Ringing { call: call(7), agent: "amy".into() });
        assert_eq!(world.state("amy"), AgentState::Ringing);
        world.pass(secs(5));
        world.fails(7, "amy", outcome);
        assert_eq!(world.state("amy"), AgentState::Ready);
        assert_eq!(offers(&world.enter(1, "waste")), offer(1, "amy"), "with the same idle time");
    }
}

#[test]
fn the_rest_of_a_wrap_up_follows_a_colleagues_call() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    world.claim(1, "amy");
    world.talk_ended(1, "amy");
    world.pass(secs(10));
    world.reserve(7, "amy", None);
    world.claim(7, "amy");
    assert_eq!(world.state("amy"), AgentState::Talking);
    world.pass(secs(15));
    world.talk_ended(7, "amy");
    assert_eq!(world.state("amy"), AgentState::WrapUp);
    world.pass(secs(4));
    assert_eq!(world.state("amy"), AgentState::WrapUp);
    world.pass(secs(1));
    assert_eq!(world.state("amy"), AgentState::Ready);
}

#[test]
fn two_calls_are_a_consultation_and_wrap_up_follows_the_last_of_them() {
    let mut world = World::council();
    world.ready("amy");
    world.ready("ben");
    world.enter(1, "waste");
    world.claim(1, "amy");
    world.engage(9, "amy");
    assert_eq!(world.state("amy"), AgentState::Consulting);
    world.reserve(9, "ben", None);
    world.claim(9, "ben");
    let (from, to) = (call(9), call(1));
    let queue = Some(queue_name("waste"));
    world.apply(AcdInput::Moved { agent: "ben".into(), from, to, queue });
    world.talk_ended(9, "amy");
    assert_eq!(world.state("amy"), AgentState::Talking);
    world.talk_ended(1, "amy");
    assert_eq!((world.state("amy"), world.state("ben")), (AgentState::WrapUp, AgentState::Talking));
    world.talk_ended(1, "ben");
    assert_eq!(world.state("ben"), AgentState::WrapUp, "who took the caller has work too");
}

#[test]
fn a_reservation_that_is_never_told_of_again_ends_by_itself() {
    let mut world = World::council();
    world.ready("amy");
    world.reserve(7, "amy", None);
    let effects = world.pass(secs(31));
    assert_eq!(cancelled(&effects), [(7, "amy".to_owned(), OfferOutcome::Withdrawn)]);
    assert_eq!(world.state("amy"), AgentState::Unreachable);
}

#[test]
fn whoever_is_not_at_work_may_telephone_and_is_not_at_work_for_it() {
    let mut world = World::council();
    world.engage(9, "amy");
    assert_eq!(world.state("amy"), AgentState::SignedOut);
    world.choose("amy", AgentChoice::SignIn);
    assert_eq!(world.state("amy"), AgentState::Talking);
    world.choose("amy", AgentChoice::Ready);
    assert_eq!(offers(&world.enter(1, "waste")), [], "not while the call is on");
    assert_eq!(offers(&world.talk_ended(9, "amy")), offer(1, "amy"));
}

#[test]
fn a_full_queue_takes_back_whom_nobody_else_took() {
    let queues = [waste_with(|queue| queue.max_waiting = Some(1))];
    let mut world = World::new(&queues, &[("amy", "waste")]);
    world.enter(1, "waste");
    assert_eq!(returned(&world.enter(2, "waste")).len(), 1);
    let wish = ("waste", "", Priority::default(), AtClosing::Serve);
    let effects = world.apply(entering(3, wish, Some(Time::ZERO), true));
    assert!(matches!(effects.first(), Some(AcdEffect::Entered { .. })), "{effects:?}");
}

#[test]
fn whoever_holds_the_line_shows_it_and_is_as_busy_as_before() {
    let mut world = World::council();
    world.ready("amy");
    world.enter(1, "waste");
    world.claim(1, "amy");
    let hold = |number, held| AcdInput::Hold { agent: "amy".into(), call: call(number), held };
    assert_eq!(world.apply(hold(9, true)), [], "not their call");
    let effects = world.apply(hold(1, true));
    assert_eq!(changes(&effects), [("amy".to_owned(), AgentState::Hold, StateReason::Call)]);
    assert_eq!(world.apply(hold(1, true)), []);
    assert_eq!(offers(&world.enter(2, "waste")), []);
    world.engage(9, "amy");
    assert_eq!(world.state("amy"), AgentState::Consulting);
    world.talk_ended(9, "amy");
    assert_eq!(world.state("amy"), AgentState::Hold, "the caller still waits");
    world.apply(hold(1, false));
    assert_eq!(world.state("amy"), AgentState::Talking);
    world.apply(hold(1, true));
    world.talk_ended(1, "amy");
    assert_ne!(world.state("amy"), AgentState::Hold);
}
