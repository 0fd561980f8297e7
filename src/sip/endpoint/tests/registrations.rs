//! Phones that register: digest, refresh, expiry, removal.

use super::super::*;
use super::network::{LISTENER, settings};
use super::peer::{Desk, Got};
use crate::sip::digest::{Algorithm, ha1, respond};
use crate::sip::header::{Challenge, HeaderName};
use crate::sip::method::Method;

const REALM: &str = "switchboard";
const CONTACT: &str = "<sip:amy@192.0.2.2:5060>";

pub(super) fn with_accounts() -> EndpointSettings {
    let mut settings = settings(1);
    for user in ["amy", "bob"] {
        let account = Account {
            ha1_md5: Some(ha1(Algorithm::Md5, user, REALM, "secret")),
            ha1_sha256: Some(ha1(Algorithm::Sha256, user, REALM, "secret")),
            calls_only: false,
        };
        settings.accounts.insert(user.to_owned(), account);
    }
    settings
}

fn desk(limits: Limits) -> Desk {
    Desk::with(with_accounts(), limits)
}

/// A phone that answers challenges.
pub(super) struct Phone {
    user: &'static str,
    password: &'static str,
    seq: u32,
    pub(super) challenge: Option<Challenge>,
    uses: u32,
    algorithm: Algorithm,
}

impl Phone {
    pub(super) fn new(user: &'static str, password: &'static str) -> Phone {
        let algorithm = Algorithm::Sha256;
        Phone { user, password, seq: 0, challenge: None, uses: 0, algorithm }
    }

    pub(super) fn head(&mut self, desk: &mut Desk, more: &str) -> String {
        self.seq += 1;
        let Phone { user, seq, .. } = self;
        let branch = desk.branch();
        let mut head = format!(
            "REGISTER sip:192.0.2.1 SIP/2.0
            Via: SIP/2.0/UDP 192.0.2.2:5060;branch={branch};rport
            Max-Forwards: 70
            From: <sip:{user}@192.0.2.1>;tag=r
            To: <sip:{user}@192.0.2.1>
            Call-ID: reg-{user}
            CSeq: {seq} REGISTER"
        );
        if let Some(challenge) = &self.challenge {
            self.uses += 1;
            let credentials = respond(
                challenge,
                self.user,
                self.password,
                &Method::Register,
                "sip:192.0.2.1",
                self.uses,
                "c",
            );
            head += &format!("\nAuthorization: {}", credentials.unwrap());
        }
        head + more
    }

    pub(super) fn once(&mut self, desk: &mut Desk, more: &str) -> Got {
        let text = self.head(desk, more);
        desk.send(&text).pop().unwrap()
    }

    /// REGISTERs, answering a challenge if one comes.
    pub(super) fn register(&mut self, desk: &mut Desk, more: &str) -> Got {
        let got = self.once(desk, more);
        if got.status() != 401 {
            return got;
        }
        let fields = got.message.fields(HeaderName::WwwAuthenticate);
        self.challenge = fields
            .filter_map(|value| Challenge::parse(value).unwrap())
            .find(|given| given.algorithm.as_deref() == Some(self.algorithm.as_str()));
        self.uses = 0;
        self.once(desk, more)
    }
}

pub(super) fn contact(more: &str) -> String {
    format!("\nContact: {CONTACT}{more}")
}

fn contacts(got: &Got) -> Vec<String> {
    got.message.fields(HeaderName::Contact).map(crate::sip::header::scan::text).collect()
}

fn names(events: &[SipEvent]) -> Vec<&'static str> {
    events
        .iter()
        .map(|event| match event {
            SipEvent::Registered { .. } => "registered",
            SipEvent::Unregistered { expired: true, .. } => "expired",
            SipEvent::Unregistered { expired: false, .. } => "removed",
            _ => "other",
        })
        .collect()
}

#[test]
fn a_phone_registers_refreshes_asks_and_leaves() {
    for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
        let mut desk = desk(Limits::default());
        let mut phone = Phone { algorithm, ..Phone::new("amy", "secret") };
        let got = phone.register(&mut desk, &contact(";expires=120"));
        assert_eq!((got.status(), contacts(&got)), (200, vec![format!("{CONTACT};expires=120")]));
        let events = desk.events();
        let Some(SipEvent::Registered { user, binding }) = events.first() else {
            panic!("{events:?}")
        };
        assert_eq!((user.as_str(), binding.contact.as_str()), ("amy", "sip:amy@192.0.2.2:5060"));
        assert_eq!((binding.source, binding.listener), (desk.peer, LISTENER));
        assert_eq!(desk.end.bindings("amy"), std::slice::from_ref(binding));
        // The same challenge serves again; the phone now comes from another port.
        desk.now = Time::from_millis(60_000);
        desk.peer.set_port(40_000);
        let got = phone.once(&mut desk, &(contact("") + "\nExpires: 90"));
        assert_eq!((got.status(), contacts(&got)), (200, vec![format!("{CONTACT};expires=90")]));
        assert_eq!(names(&desk.events()), ["registered"]);
        assert_eq!(desk.end.bindings("amy")[0].source.port(), 40_000);
        assert_eq!(contacts(&phone.once(&mut desk, "")).len(), 1);
        assert_eq!(names(&desk.events()), [] as [&str; 0]);
        let got = phone.once(&mut desk, &contact(";expires=0"));
        assert_eq!((got.status(), contacts(&got).len()), (200, 0));
        assert_eq!(names(&desk.events()), ["removed"]);
        desk.run_out();
    }
}

#[test]
fn a_challenge_offers_sha_256_first() {
    let mut desk = desk(Limits::default());
    let got = Phone::new("amy", "secret").once(&mut desk, &contact(""));
    assert_eq!(got.status(), 401);
    let offered: Vec<_> = got
        .message
        .fields(HeaderName::WwwAuthenticate)
        .map(|value| Challenge::parse(value).unwrap().unwrap())
        .map(|challenge| (challenge.algorithm.unwrap(), challenge.stale))
        .collect();
    assert_eq!(offered, [("SHA-256".to_owned(), false), ("MD5".to_owned(), false)]);
    // A challenge is given without keeping anything.
    assert_eq!(desk.end.load(), Load::default());
}

#[test]
fn a_phone_that_breaks_off_at_an_unknown_algorithm_is_offered_md5_alone() {
    for agent in ["baresip v1.0.0 (x86_64/linux)", "JsSIP 3.13.8", "SIP.js/0.21.2"] {
        let mut desk = desk(Limits::default());
        let agent = format!("\nUser-Agent: {agent}");
        let got = Phone::new("amy", "secret").once(&mut desk, &(contact("") + &agent));
        let offered: Vec<_> = got
            .message
            .fields(HeaderName::WwwAuthenticate)
            .map(|value| Challenge::parse(value).unwrap().unwrap().algorithm.unwrap())
            .collect();
        assert_eq!(offered, ["MD5"]);
    }
}

#[test]
fn a_registration_that_is_not_refreshed_expires() {
    let mut desk = desk(Limits::default());
    Phone::new("amy", "secret").register(&mut desk, &contact(";expires=120"));
    desk.events();
    desk.end.handle_timeout(Time::from_millis(119_999));
    assert_eq!(desk.end.bindings("amy").len(), 1);
    desk.end.handle_timeout(Time::from_millis(120_000));
    assert_eq!(names(&desk.events()), ["expired"]);
    assert_eq!(desk.end.load(), Load::default());
}

#[test]
fn wrong_passwords_and_unknown_users_look_alike() {
    let mut answers = Vec::new();
    for phone in [Phone::new("amy", "guess"), Phone::new("zoe", "secret")] {
        let mut desk = desk(Limits::default());
        let mut phone = phone;
        assert_eq!(phone.once(&mut desk, &contact("")).status(), 401);
        let got = phone.register(&mut desk, &contact(""));
        answers.push((got.status(), got.message.iter().count()));
        assert_eq!(desk.end.load(), Load::default());
        assert_eq!(desk.end.counters().rejected["wrong_credentials"], 1);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, 403);
}

#[test]
fn nobody_registers_for_somebody_else() {
    let mut desk = desk(Limits::default());
    let mut phone = Phone::new("amy", "secret");
    phone.register(&mut desk, &contact(""));
    desk.events();
    let text = phone.head(&mut desk, &contact("")).replace("To: <sip:amy@", "To: <sip:bob@");
    assert_eq!(desk.send(&text)[0].status(), 403);
    assert_eq!(desk.events(), []);
}

#[test]
fn a_repeated_register_is_absorbed_and_a_replayed_one_is_stale() {
    let mut desk = desk(Limits::default());
    let mut phone = Phone::new("amy", "secret");
    phone.register(&mut desk, &contact(";expires=120"));
    let text = phone.head(&mut desk, &contact(";expires=0"));
    let first = desk.send(&text).pop().unwrap();
    let again = desk.send(&text).pop().unwrap();
    assert_eq!(first.message.bytes(), again.message.bytes());
    assert_eq!(names(&desk.events()), ["registered", "removed"]);
    // The same credentials in another transaction.
    let replay = text.replace(";branch=", ";branch=z9hG4bKreplay").replace("reg-amy", "reg-eve");
    let got = desk.send(&replay).pop().unwrap();
    assert_eq!(got.status(), 401);
    assert!(got.text(HeaderName::WwwAuthenticate).contains("stale=true"));
    // A nonce that is too old is stale too, and the phone comes back by itself.
    desk.now = Time::from_millis(3_600_000);
    assert_eq!(phone.register(&mut desk, &contact("")).status(), 200);
}

#[test]
fn phones_from_before_a_restart_come_back_without_asking_their_owner() {
    let mut before = desk(Limits::default());
    let mut phone = Phone::new("amy", "secret");
    phone.register(&mut before, &contact(""));
    let binding = before.end.bindings("amy")[0].clone();
    let mut after = desk(Limits::default());
    after.end = Endpoint::new(with_accounts(), crate::id::Entropy::from_seed([77; 32]));
    after.end.restore_binding(after.now, "amy", binding);
    assert_eq!((after.events().len(), after.end.load().bindings), (0, 1));
    let got = phone.once(&mut after, &contact(""));
    assert_eq!(got.status(), 401);
    assert!(got.text(HeaderName::WwwAuthenticate).contains("stale=true"));
    assert_eq!(phone.register(&mut after, &contact("")).status(), 200);
    assert_eq!(after.end.load().bindings, 1);
}

#[test]
fn odd_registers_are_refused_and_change_nothing() {
    let limits = Limits { bindings_per_user: 2, bindings: 3, ..Limits::default() };
    let mut desk = desk(limits);
    let mut phone = Phone::new("amy", "secret");
    let got = phone.register(&mut desk, &contact(";expires=59"));
    assert_eq!((got.status(), got.text(HeaderName::MinExpires).as_str()), (423, "60"));
    for (bad, status) in [
        ("\nContact: *", 400),
        ("\nContact: *\nExpires: 60", 400),
        ("\nContact: *, <sip:amy@192.0.2.2>\nExpires: 0", 400),
        ("\nContact: <tel:+441632960001>", 400),
        ("\nContact: <sip:amy@", 400),
        ("\nContact: <sip:a@x>,<sip:b@x>,<sip:c@x>", 403),
    ] {
        assert_eq!(phone.once(&mut desk, bad).status(), status, "{bad}");
    }
    assert_eq!(desk.events(), []);
    assert_eq!(phone.once(&mut desk, "\nContact: <sip:a@x>,<sip:b@x>").status(), 200);
    let mut other = Phone::new("bob", "secret");
    assert_eq!(other.register(&mut desk, "\nContact: <sip:a@x>").status(), 200);
    let got = other.once(&mut desk, "\nContact: <sip:b@x>");
    assert_eq!((got.status(), got.text(HeaderName::RetryAfter).as_str()), (503, "5"));
    // A star clears one user's contacts only.
    assert_eq!(phone.once(&mut desk, "\nContact: *\nExpires: 0").status(), 200);
    assert_eq!((desk.end.bindings("amy").len(), desk.end.bindings("bob").len()), (0, 1));
    assert_eq!(
        names(&desk.events()),
        ["registered", "registered", "registered", "removed", "removed"]
    );
    desk.run_out();
}

#[test]
fn an_overtaken_register_is_refused() {
    let mut desk = desk(Limits::default());
    let mut phone = Phone::new("amy", "secret");
    phone.register(&mut desk, &contact(""));
    let late = phone.head(&mut desk, &contact(";expires=0"));
    assert_eq!(phone.once(&mut desk, &contact("")).status(), 200);
    assert_eq!(desk.send(&late)[0].status(), 500);
    assert_eq!(desk.end.bindings("amy").len(), 1);
}

#[test]
fn an_invite_carries_who_proved_to_ring() {
    let mut desk = desk(Limits::default());
    let invite = |desk: &mut Desk, seq: u32, credentials: &str| {
        let head = desk.head("INVITE", "a", seq) + "\nContact: <sip:amy@192.0.2.2>" + credentials;
        desk.send(&head);
        match desk.events().pop() {
            Some(SipEvent::Invite(invite)) => invite,
            other => panic!("{other:?}"),
        }
    };
    let first = invite(&mut desk, 1, "");
    assert_eq!(first.authentication, Authentication::None);
    desk.end.challenge(desk.now, first.leg);
    let got = desk.got().pop().unwrap();
    assert_eq!((got.status(), desk.end.load().legs), (401, 0));
    let challenge = got.message.header(HeaderName::WwwAuthenticate).unwrap();
    let challenge = Challenge::parse(challenge).unwrap().unwrap();
    let line = |password, nc| {
        let uri = "sip:01708434343@192.0.2.1";
        let given = respond(&challenge, "amy", password, &Method::Invite, uri, nc, "c").unwrap();
        format!("\nAuthorization: {given}")
    };
    let good = invite(&mut desk, 2, &line("secret", 1));
    assert_eq!(good.authentication, Authentication::User("amy".to_owned()));
    let replayed = invite(&mut desk, 3, &line("secret", 1));
    assert_eq!(replayed.authentication, Authentication::None);
    let wrong = invite(&mut desk, 4, &line("guess", 2));
    assert_eq!(wrong.authentication, Authentication::Wrong);
    let broken = desk.head("INVITE", "a", 5) + "\nContact: <sip:amy@192.0.2.2>";
    let broken = broken + "\nAuthorization: Digest username=\"amy";
    assert_eq!(desk.statuses(&broken), [400]);
}

#[test]
fn an_invite_with_a_nonce_that_is_too_old_is_told_so() {
    let mut desk = desk(Limits::default());
    let mut phone = Phone::new("amy", "secret");
    phone.register(&mut desk, &contact(""));
    desk.run_out();
    let credentials = respond(
        phone.challenge.as_ref().expect("was challenged"),
        "amy",
        "secret",
        &Method::Invite,
        "sip:01708434343@192.0.2.1",
        7,
        "c",
    );
    for (authorization, stale) in
        [(format!("\nAuthorization: {}", credentials.unwrap()), true), (String::new(), false)]
    {
        let head = desk.head("INVITE", if stale { "old" } else { "none" }, 1);
        desk.send(&format!("{head}\nContact: {CONTACT}{authorization}"));
        let leg = desk.events().into_iter().find_map(|event| match event {
            SipEvent::Invite(IncomingInvite { leg, authentication, .. }) => {
                assert_eq!(authentication, Authentication::None);
                Some(leg)
            }
            _ => None,
        });
        desk.end.challenge(desk.now, leg.expect("rings"));
        let got = desk.got().pop().expect("is answered");
        assert_eq!(got.status(), 401);
        let challenge = got.text(HeaderName::WwwAuthenticate);
        assert_eq!(challenge.contains("stale=true"), stale, "{challenge}");
    }
}
