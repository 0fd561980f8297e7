//! Anything may come over the wire: nothing panics, and ten minutes later nothing is left.

use std::time::Duration;

use proptest::prelude::*;

use super::super::*;
use super::network::{ANSWER, LISTENER, OFFER, settings};
use super::peer::Desk;
use crate::id::Entropy;

/// What our user does next.
#[derive(Debug, Clone, Copy)]
enum Whim {
    Ring,
    EarlyMedia,
    Answer,
    Reject,
    Challenge,
    HangUp,
    AcceptChange,
    RejectChange,
    Change,
    AcceptRefer,
    RejectRefer,
    NotifyRefer(u16),
    Ask,
    Call,
    Wait(u16),
}

#[derive(Debug, Clone)]
enum Step {
    /// A message of the corpus, spoilt in some bytes.
    Spoilt {
        nth: usize,
        edits: Vec<(usize, Edit)>,
    },
    /// Plain garbage.
    Garbage(Vec<u8>),
    /// What we sent, thrown back at us.
    Echo {
        nth: usize,
    },
    Whim(Whim),
}

#[derive(Debug, Clone)]
enum Edit {
    Set(u8),
    Remove(u8),
    Insert(Vec<u8>),
    Double,
}

fn whim() -> impl Strategy<Value = Whim> {
    prop_oneof![
        Just(Whim::Ring),
        Just(Whim::EarlyMedia),
        Just(Whim::Answer),
        Just(Whim::Reject),
        Just(Whim::Challenge),
        Just(Whim::HangUp),
        Just(Whim::AcceptChange),
        Just(Whim::RejectChange),
        Just(Whim::Change),
        Just(Whim::AcceptRefer),
        Just(Whim::RejectRefer),
        any::<u16>().prop_map(Whim::NotifyRefer),
        Just(Whim::Ask),
        Just(Whim::Call),
        any::<u16>().prop_map(Whim::Wait),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        any::<u8>().prop_map(Edit::Set),
        any::<u8>().prop_map(Edit::Remove),
        proptest::collection::vec(any::<u8>(), 0..12).prop_map(Edit::Insert),
        Just(Edit::Insert(b"\r\n".to_vec())),
        Just(Edit::Insert(b";tag=".to_vec())),
        Just(Edit::Insert(b"<sip:\",%".to_vec())),
        Just(Edit::Double),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let edits = proptest::collection::vec((any::<usize>(), edit()), 0..4);
    prop_oneof![
        6 => (any::<usize>(), edits).prop_map(|(nth, edits)| Step::Spoilt { nth, edits }),
        1 => proptest::collection::vec(any::<u8>(), 0..200).prop_map(Step::Garbage),
        2 => any::<usize>().prop_map(|nth| Step::Echo { nth }),
        4 => whim().prop_map(Step::Whim),
    ]
}

fn apply(edits: &[(usize, Edit)], bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, edit) in edits {
        let at = at % (bytes.len() + 1);
        match edit {
            Edit::Set(byte) => bytes.iter_mut().skip(at).take(1).for_each(|b| *b = *byte),
            Edit::Remove(count) => {
                let end = (at + usize::from(*count)).min(bytes.len());
                bytes.drain(at..end);
            }
            Edit::Insert(more) => {
                bytes.splice(at..at, more.iter().copied());
            }
            Edit::Double => {
                let tail = bytes.split_off(at);
                let again = tail.clone();
                bytes.extend(tail);
                bytes.extend(again);
            }
        }
    }
    bytes
}

/// Sound messages of every kind in the dialog with this tag of ours.
fn corpus(desk: &mut Desk, tag: &str) -> Vec<String> {
    let crlf = |text: String| {
        let lines: Vec<_> = text.lines().map(str::trim_start).collect();
        lines.join("\r\n") + "\r\n\r\n"
    };
    let mut messages = Vec::new();
    for call_id in ["a", "b"] {
        for seq in 1..4 {
            let invite = desk.head("INVITE", call_id, seq) + "\nContact: <sip:ann@192.0.2.2>";
            messages.push(crlf(invite.clone()));
            messages.push(crlf(invite.replace("INVITE", "CANCEL")));
            messages.push(crlf(invite.replace("INVITE", "ACK")));
            for method in ["INVITE", "ACK", "BYE", "UPDATE", "INFO", "OPTIONS", "CANCEL", "REFER"] {
                let more = "\nContact: <sip:ann@192.0.2.2>\nRecord-Route: <sip:192.0.2.8;lr>";
                messages.push(crlf(desk.head_in(method, call_id, seq, tag) + more));
            }
            let refer = "\nRefer-To: <sip:bob@192.0.2.9?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3Dp1>";
            messages.push(crlf(desk.head_in("REFER", call_id, seq, tag) + refer));
            let replaces = format!("\nReplaces: b;to-tag={tag};from-tag=p1");
            messages.push(crlf(invite.clone() + &replaces));
            messages.push(crlf(invite + "\nRequire: 100rel\nSession-Expires: 91;refresher=uac"));
            let prack = "\nRAck: 1 1 INVITE";
            messages.push(crlf(desk.head_in("PRACK", call_id, seq, tag) + prack));
        }
        let offered = desk.head("INVITE", call_id, 9) + "\nContact: <sip:ann@192.0.2.2>";
        let offered = offered + "\nContent-Type: application/sdp";
        messages.push(crlf(offered) + OFFER);
        messages.push(crlf(desk.head("REGISTER", call_id, 1) + "\nContact: <sip:ann@192.0.2.2>"));
        messages.push(crlf(desk.head("OPTIONS", call_id, 5)));
        messages.push(crlf(desk.head("SUBSCRIBE", call_id, 6)));
    }
    messages
}

fn act(end: &mut Endpoint, now: &mut Time, whim: Whim, legs: &mut Vec<LegId>, calls: &mut u64) {
    let leg = legs.last().copied().unwrap_or(LegId(0));
    match whim {
        Whim::Ring => end.provisional(*now, leg, 180, None),
        Whim::EarlyMedia => end.provisional(*now, leg, 183, Some(ANSWER)),
        Whim::Answer => end.answer(*now, leg, ANSWER),
        Whim::Reject => end.reject(*now, leg, 486, None),
        Whim::Challenge => end.challenge(*now, leg),
        Whim::HangUp => end.hang_up(*now, leg),
        Whim::AcceptChange => end.accept_change(*now, leg, ANSWER),
        Whim::RejectChange => end.reject_change(*now, leg, 488),
        Whim::Change => end.change(*now, leg, OFFER),
        Whim::AcceptRefer => end.accept_refer(*now, leg),
        Whim::RejectRefer => end.reject_refer(*now, leg, 603),
        Whim::NotifyRefer(status) => end.notify_refer(*now, leg, status % 800),
        Whim::Ask => {
            *calls += 1;
            end.request_outside(*now, super::trunks::registration(*calls));
        }
        Whim::Call => {
            *calls += 1;
            let leg = LegId(*calls);
            legs.push(leg);
            end.invite(
                *now,
                OutgoingInvite {
                    leg,
                    listener: LISTENER,
                    uri: "sip:amy@192.0.2.2".to_owned(),
                    to: SocketAddr::from(([192, 0, 2, 2], 5060)),
                    from_display: "x".to_owned(),
                    from_user: "y".to_owned(),
                    offer: OFFER.to_owned(),
                    extras: Box::default(),
                },
            );
        }
        Whim::Wait(millis) => {
            let until = *now + Duration::from_millis(u64::from(millis));
            while let Some(due) = end.poll_timeout().filter(|due| *due <= until) {
                *now = due;
                end.handle_timeout(due);
            }
            *now = until;
        }
    }
}

/// Lets the steps happen; every transmitted datagram must be readable.
fn play(steps: &[Step]) -> Vec<Bytes> {
    let mut desk = Desk::new();
    desk.ring("a");
    let leg = desk.ring("b");
    desk.end.answer(desk.now, leg, ANSWER);
    let tag = desk.got().pop().unwrap().to_tag();
    let corpus = corpus(&mut desk, &tag);
    let (mut legs, mut sent, mut calls) = (vec![leg], Vec::new(), 100);
    let mut ended = std::collections::BTreeSet::new();
    for step in steps {
        match step {
            Step::Spoilt { nth, edits } => {
                let message = corpus[nth % corpus.len()].as_bytes();
                desk.end.handle_datagram(
                    desk.now,
                    LISTENER,
                    desk.peer,
                    apply(edits, message).into(),
                );
            }
            Step::Garbage(bytes) => {
                desk.end.handle_datagram(desk.now, LISTENER, desk.peer, bytes.clone().into());
            }
            Step::Echo { nth } if !sent.is_empty() => {
                let bytes: &Bytes = &sent[nth % sent.len()];
                desk.end.handle_datagram(desk.now, LISTENER, desk.peer, bytes.clone());
            }
            Step::Echo { .. } => {}
            Step::Whim(whim) => act(&mut desk.end, &mut desk.now, *whim, &mut legs, &mut calls),
        }
        for event in desk.events() {
            match event {
                SipEvent::Invite(invite) => legs.push(invite.leg),
                SipEvent::Ended { leg, .. }
                | SipEvent::Failed { leg, .. }
                | SipEvent::Redirected { leg, .. } => {
                    assert!(ended.insert(leg), "{leg} ended twice");
                }
                SipEvent::Acknowledged { leg, .. }
                | SipEvent::Change { leg, .. }
                | SipEvent::Changed { leg, .. }
                | SipEvent::ChangeRefused { leg, .. }
                | SipEvent::ProvisionalAcknowledged { leg, .. }
                | SipEvent::Refer { leg, .. }
                | SipEvent::Key { leg, .. }
                | SipEvent::Progress { leg, .. }
                | SipEvent::Answered { leg, .. } => {
                    assert!(!ended.contains(&leg), "{leg} spoke after its end");
                }
                SipEvent::Response { .. } => {}
                SipEvent::Registered { .. }
                | SipEvent::Unregistered { .. }
                | SipEvent::Guard(_) => {
                    panic!("nobody can register or be banned");
                }
            }
        }
        sent.extend(desk.got().into_iter().map(|got| got.message.bytes().clone()));
    }
    for leg in desk.end.legs.keys().copied().collect::<Vec<_>>() {
        desk.end.hang_up(desk.now, leg);
    }
    sent.extend(desk.run_out().into_iter().map(|got| got.message.bytes().clone()));
    let end = &desk.end;
    assert!(
        end.dialogs.is_empty()
            && end.accepted.is_empty()
            && end.requests.is_empty()
            && end.poll_timeout().is_none()
    );
    assert_eq!(end.merges.len(), 0, "merges leaked");
    sent
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_comes_nothing_panics_and_nothing_is_left(
        steps in proptest::collection::vec(step(), 0..60)
    ) {
        play(&steps);
    }

    #[test]
    fn the_same_noise_gives_the_same_bytes(steps in proptest::collection::vec(step(), 0..30)) {
        prop_assert_eq!(play(&steps), play(&steps));
    }
}

#[test]
fn an_endpoint_is_built_from_its_seed_alone() {
    let mut ends = [0, 1].map(|_| Endpoint::new(settings(1), Entropy::from_seed([3; 32])));
    for end in &mut ends {
        let mut calls = 0;
        act(end, &mut Time::ZERO.clone(), Whim::Call, &mut Vec::new(), &mut calls);
    }
    let [a, b] = ends.map(|mut end| end.poll_transmit());
    assert_eq!(a, b);
}
