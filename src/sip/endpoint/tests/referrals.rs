//! REFER: blind, attended, refused; what the peer is told of it. INVITEs that replace a dialog.

use super::super::*;
use super::network::ANSWER;
use super::peer::{Desk, Got, LEG, methods, reply, ring, statuses};
use crate::sip::header::HeaderName;
use crate::sip::method::Method;

/// A REFER in the dialog with this tag of ours; the answers, and what we were told.
fn refer(desk: &mut Desk, seq: u32, tag: &str, lines: &str) -> (Vec<Got>, Vec<SipEvent>) {
    let head = desk.head_in("REFER", "a", seq, tag);
    let got = desk.send(&format!("{head}\nContact: <sip:ann@192.0.2.2>\n{lines}"));
    (got, desk.events())
}

/// What a NOTIFY says: event, state, status line.
fn told(notify: &Got) -> [String; 3] {
    assert_eq!(notify.message.method(), Some(&Method::Notify));
    assert_eq!(notify.text(HeaderName::ContentType), "message/sipfrag;version=2.0");
    [
        notify.text(HeaderName::Event),
        notify.text(HeaderName::SubscriptionState),
        String::from_utf8_lossy(notify.message.body()).trim_end().to_owned(),
    ]
}

const BLIND: &str = "Refer-To: <sip:01632960002@192.0.2.1;method=INVITE?X-Y=z>
    Referred-By: <sip:amy@192.0.2.2>";

#[test]
fn a_blind_transfer_is_accepted_and_the_peer_told_until_its_end() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    let (got, events) = refer(&mut desk, 2, &tag, BLIND);
    assert!(got.is_empty());
    let target = "sip:01632960002@192.0.2.1".to_owned();
    let referred_by = Some("<sip:amy@192.0.2.2>".to_owned());
    let expected = Refer { target, replaces: None, referred_by };
    assert_eq!(events, [SipEvent::Refer { leg, refer: expected }]);
    desk.end.accept_refer(desk.now, leg);
    let got = desk.got();
    assert_eq!(
        (got[0].status(), got[0].text(HeaderName::Contact)),
        (202, "<sip:192.0.2.1:5060>".into())
    );
    assert_eq!(told(&got[1]), ["refer;id=2", "active;expires=180", "SIP/2.0 100 Trying"]);
    desk.now += Duration::from_secs(2);
    desk.end.notify_refer(desk.now, leg, 180);
    desk.end.notify_refer(desk.now, leg, 180);
    let got = desk.got();
    assert_eq!(got.len(), 1);
    assert_eq!(told(&got[0]), ["refer;id=2", "active;expires=178", "SIP/2.0 180 Ringing"]);
    // A second one must wait for the end of the first.
    assert_eq!(statuses(&refer(&mut desk, 3, &tag, BLIND).0), [491]);
    desk.end.notify_refer(desk.now, leg, 200);
    let end = ["refer;id=2", "terminated;reason=noresource", "SIP/2.0 200 OK"];
    assert_eq!(told(&desk.got()[0]), end);
    desk.end.notify_refer(desk.now, leg, 486);
    assert!(desk.got().is_empty());
    assert_eq!(refer(&mut desk, 4, &tag, BLIND).1.len(), 1);
    desk.end.reject_refer(desk.now, leg, 603);
    assert_eq!(statuses(&desk.got()), [603]);
    desk.end.hang_up(desk.now, leg);
    desk.run_out();
}

#[test]
fn an_attended_transfer_names_a_leg_of_ours_or_a_dialog_elsewhere() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    let (other, other_tag) = desk.talk("b@x");
    let replaces = format!("Replaces=b%40x%3Bto-tag%3D{other_tag}%3Bfrom-tag%3Dp1");
    let lines = format!("Refer-To: <sip:01632960002@192.0.2.1?{replaces}&Require=replaces>");
    let (_, events) = refer(&mut desk, 2, &tag, &lines);
    let Some(SipEvent::Refer { refer: Refer { replaces: Some(found), target, .. }, .. }) =
        events.first()
    else {
        panic!("{events:?}")
    };
    assert_eq!((found.leg, target.as_str()), (Some(other), "sip:01632960002@192.0.2.1"));
    desk.end.reject_refer(desk.now, leg, 603);
    desk.got();
    let elsewhere =
        "Refer-To: <sip:bob@192.0.2.9?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2%3Bearly-only>";
    let (_, events) = refer(&mut desk, 3, &tag, elsewhere);
    let dialog = Replaces {
        call_id: "c".to_owned(),
        to_tag: "1".to_owned(),
        from_tag: "2".to_owned(),
        early_only: true,
    };
    let refer = Refer {
        target: "sip:bob@192.0.2.9".to_owned(),
        replaces: Some(ReplacedDialog { leg: None, dialog }),
        referred_by: None,
    };
    assert_eq!(events, [SipEvent::Refer { leg, refer }]);
}

#[test]
fn refers_that_cannot_be_carried_out_are_refused() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    for (nth, (lines, status)) in [
        ("X: y", 400),
        ("Refer-To: <sip:a@b>\nRefer-To: <sip:c@d>", 400),
        ("Refer-To: <sip:a@b>, <sip:c@d>", 400),
        ("Refer-To: sip:a@b?Replaces=x", 400),
        ("Refer-To: <sip:a@b?Replaces=x>", 400),
        ("Refer-To: <sip:a@b?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2&Replaces=y>", 400),
        ("Refer-To: <sip:a@b>\nReferred-By: <sip:a@b>\nReferred-By: <sip:c@d>", 400),
        ("Refer-To: <sip:a@b;method=BYE>", 403),
        ("Refer-To: <http://www.example.com/>", 416),
    ]
    .into_iter()
    .enumerate()
    {
        let (got, events) = refer(&mut desk, 2 + nth as u32, &tag, lines);
        assert_eq!((statuses(&got), events), (vec![status], vec![]), "{lines}");
    }
    let stranger = desk.head("REFER", "z", 1) + "\nRefer-To: <sip:a@b>";
    assert_eq!(desk.statuses(&stranger), [403]);
    let unknown = desk.head_in("REFER", "z", 2, "nobody") + "\nRefer-To: <sip:a@b>";
    assert_eq!(desk.statuses(&unknown), [481]);
    // Nobody talks yet.
    let early = desk.ring("b");
    desk.end.provisional(desk.now, early, 180, None);
    let tag = desk.got().pop().unwrap().to_tag();
    let early = desk.head_in("REFER", "b", 2, &tag) + "\nRefer-To: <sip:a@b>";
    assert_eq!(desk.statuses(&early), [491]);
    desk.end.accept_refer(desk.now, leg);
    desk.end.notify_refer(desk.now, leg, 200);
    assert!(desk.got().is_empty());
}

#[test]
fn a_peer_that_wants_no_subscription_gets_none() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    let lines = format!("{BLIND}\nRefer-Sub: false\nRequire: norefersub");
    refer(&mut desk, 2, &tag, &lines);
    desk.end.accept_refer(desk.now, leg);
    let got = desk.got();
    assert_eq!(statuses(&got), [202]);
    assert_eq!(got[0].message.named("Refer-Sub").next(), Some(&b"false"[..]));
    desk.end.notify_refer(desk.now, leg, 200);
    assert!(desk.got().is_empty());
    assert_eq!(refer(&mut desk, 3, &tag, BLIND).1.len(), 1);
}

#[test]
fn a_subscription_ends_with_its_leg_its_time_or_a_notify_that_is_refused() {
    let accepted = || {
        let mut desk = Desk::new();
        let (leg, tag) = desk.talk("a");
        refer(&mut desk, 2, &tag, BLIND);
        desk.end.accept_refer(desk.now, leg);
        let notify = desk.got().pop().unwrap();
        (desk, leg, tag, notify)
    };
    let last =
        |state: &str| ["refer;id=2".to_owned(), state.to_owned(), "SIP/2.0 100 Trying".to_owned()];
    let (mut desk, leg, ..) = accepted();
    desk.end.hang_up(desk.now, leg);
    let got = desk.got();
    assert_eq!(methods(&got), [Method::Notify, Method::Bye]);
    assert_eq!(told(&got[0]), last("terminated;reason=noresource"));
    desk.run_out();

    let (mut desk, _, tag, _) = accepted();
    let bye = desk.head_in("BYE", "a", 3, &tag);
    let got = desk.send(&bye);
    assert_eq!((got[0].status(), told(&got[1])), (200, last("terminated;reason=noresource")));
    desk.run_out();

    let (mut desk, leg, _, notify) = accepted();
    desk.send(&reply(&notify, 481, "", ""));
    desk.end.notify_refer(desk.now, leg, 200);
    assert!(desk.got().is_empty());

    let (mut desk, _, _, notify) = accepted();
    desk.send(&reply(&notify, 200, "", ""));
    desk.now += Duration::from_secs(180);
    desk.end.handle_timeout(desk.now);
    assert_eq!(told(&desk.got()[0]), last("terminated;reason=timeout"));

    // Not answered yet: the REFER is.
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    refer(&mut desk, 2, &tag, BLIND);
    desk.end.hang_up(desk.now, leg);
    let got = desk.got();
    assert_eq!((got[0].status(), got[1].message.method()), (481, Some(&Method::Bye)));
    desk.run_out();
}

/// An INVITE that replaces; what came of it: a refusal's status, or none yet.
fn replace(desk: &mut Desk, nth: u32, lines: &str) -> (u16, Option<Option<LegId>>) {
    let head = desk.head("INVITE", &format!("r{nth}"), 1);
    let got = desk.send(&format!("{head}\nContact: <sip:bob@192.0.2.2>\n{lines}"));
    let replaced = desk.events().into_iter().find_map(|event| match event {
        SipEvent::Invite(invite) => Some(invite.replaces),
        _ => None,
    });
    (got.first().map_or(0, Got::status), replaced)
}

#[test]
fn an_invite_may_take_the_place_of_a_dialog_that_we_have() {
    let mut desk = Desk::new();
    let (leg, tag) = desk.talk("a");
    let ok = format!("Require: replaces\nReplaces: a;to-tag={tag};from-tag=p1");
    assert_eq!(replace(&mut desk, 1, &ok), (0, Some(Some(leg))));
    assert_eq!(replace(&mut desk, 2, "X: y"), (0, Some(None)));
    let early = format!("Replaces: a;to-tag={tag};from-tag=p1;early-only");
    for (nth, (lines, status)) in [
        (early.as_str(), 486),
        ("Replaces: a;to-tag=x;from-tag=p1", 481),
        ("Replaces: nonsense", 400),
        ("Replaces: a;to-tag=1;from-tag=2\nReplaces: b;to-tag=1;from-tag=2", 400),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(replace(&mut desk, 3 + nth as u32, lines), (status, None), "{lines}");
    }
    // A call that rings here is the caller's (section 3).
    let ringing = desk.ring("b");
    desk.end.provisional(desk.now, ringing, 180, None);
    let early = desk.got().pop().unwrap().to_tag();
    let early = format!("Replaces: b;to-tag={early};from-tag=p1");
    assert_eq!(replace(&mut desk, 10, &early), (481, None));
    // One that is ending is not to be had.
    desk.end.hang_up(desk.now, leg);
    desk.got();
    assert_eq!(replace(&mut desk, 11, &ok), (603, None));
    // Only an INVITE outside a dialog can replace.
    let misplaced = desk.head("OPTIONS", "o", 1) + "\nReplaces: a;to-tag=1;from-tag=2";
    assert_eq!(desk.statuses(&misplaced), [400]);
}

#[test]
fn our_own_invite_can_replace_a_dialog_elsewhere() {
    let mut desk = Desk::new();
    let mut invite = super::peer::outgoing(&desk);
    invite.extras.replaces = Replaces::parse(b"c;to-tag=1;from-tag=2").ok();
    invite.extras.referred_by = Some("<sip:amy@192.0.2.2>".to_owned());
    desk.end.invite(desk.now, invite);
    let sent = desk.got().pop().unwrap();
    assert_eq!(sent.text(HeaderName::Replaces), "c;to-tag=1;from-tag=2");
    assert_eq!(sent.text(HeaderName::Require), "replaces");
    assert_eq!(sent.text(HeaderName::ReferredBy), "<sip:amy@192.0.2.2>");
}

#[test]
fn phones_that_rang_are_told_that_another_answered() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    desk.send(&reply(&invite, 180, "one", ""));
    desk.end.hang_up_because(desk.now, LEG, Cause::ANSWERED_ELSEWHERE);
    let cancel = desk.got().pop().unwrap();
    let elsewhere = "SIP;cause=200;text=\"Call completed elsewhere\"";
    assert_eq!(cancel.message.method(), Some(&Method::Cancel));
    assert_eq!(cancel.text(HeaderName::Reason), elsewhere);
    let (leg, tag) = desk.talk("a");
    desk.end.hang_up_because(desk.now, leg, Cause { protocol: CauseProtocol::Q850, code: 16 });
    assert_eq!(desk.got().pop().unwrap().text(HeaderName::Reason), "Q.850;cause=16");
    let _ = (tag, ANSWER);
    let (leg, tag) = desk.talk("b");
    let bye = desk.head_in("BYE", "b", 2, &tag) + "\nReason: SIP;cause=200;text=\"x\"";
    desk.send(&bye);
    let cause = Some(Cause::ANSWERED_ELSEWHERE);
    assert_eq!(desk.events(), [SipEvent::Ended { leg, end: LegEnd::Bye, cause }]);
}

#[test]
fn a_redirection_is_our_users_to_follow() {
    let mut desk = Desk::new();
    let invite = ring(&mut desk);
    let lines = "\nContact: <sip:b@192.0.2.9>;q=0.5, <sip:a@192.0.2.9;transport=tcp>\nContact: <tel:+441632960001>;q=0.7";
    let ack = desk.send(&reply(&invite, 302, "x", lines));
    assert_eq!(methods(&ack), [Method::Ack]);
    let contacts = ["sip:a@192.0.2.9;transport=tcp", "tel:+441632960001", "sip:b@192.0.2.9"];
    let contacts = contacts.map(str::to_owned).to_vec();
    assert_eq!(desk.events(), [SipEvent::Redirected { leg: LEG, status: 302, contacts }]);
    assert_eq!(desk.end.load().legs, 0);
    desk.run_out();
}
