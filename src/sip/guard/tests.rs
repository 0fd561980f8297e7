//! Who is kept out, and who must never be.

use super::*;
use crate::sip::range::AddressRange;

use Evidence::{Claimed, Proven};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

const STRANGER: &str = "203.0.113.7";
const TRUNK: &str = "198.51.100.1";

fn settings() -> GuardSettings {
    let mut settings = GuardSettings::default();
    settings.allow.push(AddressRange::try_from("198.51.100.0/24".to_owned()).expect("a range"));
    settings
}

fn guard() -> Guard {
    Guard::sized(settings(), &mut Entropy::from_seed([2; 32]), 32, 8)
}

fn seconds(count: u64) -> Time {
    Time::from_millis(count * 1_000)
}

fn notices(guard: &mut Guard) -> Vec<Notice> {
    std::iter::from_fn(|| guard.poll_notice()).collect()
}

/// Offends until the ban comes; how many offences that took.
fn offend(guard: &mut Guard, now: Time, from: &str, offence: Offence, evidence: Evidence) -> u32 {
    for count in 1..=10_000 {
        guard.offence(now, ip(from), offence, evidence);
        if guard.is_banned(ip(from)) {
            return count;
        }
    }
    0
}

#[test]
fn twenty_offences_within_ten_minutes_ban_a_stranger_and_a_scanner_needs_two() {
    let mut guard = guard();
    let now = seconds(1);
    assert_eq!(offend(&mut guard, now, STRANGER, Offence::WrongCredentials, Proven), 20);
    assert_eq!(guard.admit(now, ip(STRANGER), Claimed), Err(TurnedAway::Banned));
    assert_eq!(guard.admit(now, ip("203.0.113.8"), Claimed), Ok(()));
    assert_eq!(offend(&mut guard, now, "203.0.113.9", Offence::Scanner, Claimed), 2);
    let expected = Ban { until: seconds(301), offence: Some(Offence::WrongCredentials), nth: 1 };
    assert_eq!(
        notices(&mut guard).first(),
        Some(&Notice::Banned(Source::of(ip(STRANGER)), expected))
    );
    // One offence every half minute fades as fast as it comes.
    for half_minutes in 0..1_000 {
        let now = seconds(30 * half_minutes);
        guard.offence(now, ip("203.0.113.10"), Offence::UnknownNumber, Claimed);
    }
    assert!(!guard.is_banned(ip("203.0.113.10")));
}

#[test]
fn each_ban_lasts_twice_as_long_up_to_a_day_and_up_to_an_hour_if_the_address_may_be_forged() {
    for (evidence, longest) in [(Proven, 86_400), (Claimed, 3_600)] {
        let mut guard = guard();
        let (mut now, mut lasted) = (seconds(1), Vec::new());
        for _ in 0..12 {
            offend(&mut guard, now, STRANGER, Offence::Malformed, evidence);
            let until = guard.poll_timeout().expect("banned");
            lasted.push((until - now).as_secs());
            guard.handle_timeout(until);
            assert!(!guard.is_banned(ip(STRANGER)));
            now = until;
        }
        let doubled = (0..12).map(|nth| (300_u64 << nth).min(longest)).collect::<Vec<_>>();
        assert_eq!(lasted, doubled);
        let told = notices(&mut guard);
        assert_eq!(told.len(), 24, "one for each ban and one for its end");
        // A week of peace, and the next is a first one.
        let later = now + REMEMBERED;
        offend(&mut guard, later, STRANGER, Offence::Malformed, evidence);
        assert_eq!(guard.poll_timeout(), Some(later + Duration::from_secs(300)));
    }
}

#[test]
fn what_anybody_can_forge_bans_neither_a_trunk_nor_a_phone_nor_a_caller() {
    let mut guard = guard();
    let (phone, caller) = ("203.0.113.20", "203.0.113.21");
    guard.proof(seconds(0), ip(phone), Proof::Credentials(Duration::from_secs(3_600)));
    guard.proof(seconds(0), ip(caller), Proof::Dialog);
    for from in [TRUNK, phone, caller] {
        for offence in
            [Offence::Malformed, Offence::UnknownMethod, Offence::Scanner, Offence::Flood]
        {
            assert_eq!(offend(&mut guard, seconds(1), from, offence, Claimed), 0, "{from}");
        }
        for _ in 0..100_000 {
            let _ = guard.admit(seconds(1), ip(from), Claimed);
        }
        assert!(!guard.is_banned(ip(from)), "{from}");
        let soon = seconds(1) + Duration::from_millis(1);
        assert_eq!(guard.admit(soon, ip(from), Claimed), Ok(()), "{from} is served at once again");
    }
    assert_eq!(notices(&mut guard), []);
    // What they prove to have done themselves does count, at ten times the number.
    for from in [phone, caller] {
        let offences = offend(&mut guard, seconds(1), from, Offence::WrongCredentials, Proven);
        assert_eq!(offences, 200, "{from}");
    }
    assert_eq!(offend(&mut guard, seconds(1), TRUNK, Offence::WrongCredentials, Proven), 0);
    // A proof does not last for ever.
    let mut guard = self::guard();
    guard.proof(seconds(0), ip(caller), Proof::Dialog);
    assert_eq!(offend(&mut guard, seconds(3_601), caller, Offence::Malformed, Claimed), 20);
}

#[test]
fn a_password_that_was_right_in_the_end_forgives_the_wrong_ones() {
    let mut guard = guard();
    for round in 0..100 {
        let now = seconds(round);
        for _ in 0..19 {
            guard.offence(now, ip(STRANGER), Offence::WrongCredentials, Proven);
        }
        guard.proof(now, ip(STRANGER), Proof::Credentials(Duration::ZERO));
    }
    assert!(!guard.is_banned(ip(STRANGER)));
}

#[test]
fn a_stranger_may_send_so_much_and_is_banned_for_much_more() {
    let mut guard = guard();
    let now = seconds(1);
    let admitted = (0..210).filter(|_| guard.admit(now, ip(STRANGER), Claimed).is_ok()).count();
    assert_eq!(admitted, 200);
    assert_eq!(guard.admit(now, ip(STRANGER), Claimed), Err(TurnedAway::Flood));
    let later = seconds(2);
    let admitted = (0..60).filter(|_| guard.admit(later, ip(STRANGER), Claimed).is_ok()).count();
    assert_eq!(admitted, 50);
    assert!(!guard.is_banned(ip(STRANGER)), "slowed down and no more");
    for _ in 0..250 {
        let _ = guard.admit(later, ip(STRANGER), Claimed);
    }
    assert_eq!(guard.admit(later, ip(STRANGER), Claimed), Err(TurnedAway::Banned));
    // All addresses of a subscriber share one allowance.
    let admitted = (0..400_u32)
        .filter(|n| guard.admit(now, ip(&format!("2001:db8:1:2::{n:x}")), Claimed).is_ok())
        .count();
    assert_eq!(admitted, 200);
}

#[test]
fn a_flood_of_invented_sources_fills_neither_the_list_nor_the_journal() {
    let mut guard = Guard::new(settings(), &mut Entropy::from_seed([2; 32]));
    for invented in 0..2_000_u32 {
        let from = IpAddr::from((0x0b00_0000 + invented).to_be_bytes());
        for _ in 0..20 {
            guard.offence(seconds(1), from, Offence::Malformed, Claimed);
        }
    }
    assert_eq!(guard.banned() as u64, CLAIMED_BANS_AT_ONCE);
    // Somebody who really is there is banned all the same.
    assert_eq!(offend(&mut guard, seconds(1), STRANGER, Offence::WrongCredentials, Proven), 20);
    assert_eq!(notices(&mut guard).len() as u64, CLAIMED_BANS_AT_ONCE + 1);
}

#[test]
fn a_full_list_drops_the_ban_that_ends_soonest_and_none_that_somebody_asked_for() {
    let mut guard = guard();
    let source = |n: u8| Source::of(IpAddr::from([203, 0, 113, n]));
    for n in 0..7 {
        guard.ban(seconds(0), source(n), Duration::from_secs(60)).expect("room");
    }
    assert_eq!(offend(&mut guard, seconds(1), "203.0.113.50", Offence::Malformed, Claimed), 20);
    assert_eq!(offend(&mut guard, seconds(2), "203.0.113.51", Offence::Malformed, Claimed), 20);
    assert!(!guard.is_banned(ip("203.0.113.50")));
    let dropped = Notice::Unbanned(source(50), UnbanCause::Dropped);
    assert!(notices(&mut guard).contains(&dropped));
    guard.ban(seconds(3), source(8), Duration::from_secs(60)).expect("room again");
    let refused = guard.ban(seconds(3), source(9), Duration::from_secs(60));
    assert_eq!(refused, Err(BanError::Full));
    assert_eq!(offend(&mut guard, seconds(3), "203.0.113.52", Offence::Malformed, Claimed), 0);
    assert_eq!(guard.banned(), 8);
}

#[test]
fn a_ban_by_request_holds_for_anybody_but_those_that_the_settings_allow_and_can_be_lifted() {
    let mut guard = guard();
    let source = Source::of(ip(STRANGER));
    guard.proof(seconds(0), ip(STRANGER), Proof::Credentials(Duration::ZERO));
    guard.ban(seconds(0), source, Duration::from_secs(60)).expect("banned");
    assert_eq!(guard.admit(seconds(1), ip(STRANGER), Proven), Err(TurnedAway::Banned));
    let trunk = guard.ban(seconds(0), Source::of(ip(TRUNK)), Duration::from_secs(60));
    assert_eq!(trunk, Err(BanError::Allowed));
    assert!(guard.lift(seconds(1), source) && !guard.lift(seconds(1), source));
    assert_eq!(guard.admit(seconds(1), ip(STRANGER), Proven), Ok(()));
    assert_eq!(notices(&mut guard), [], "whoever asked knows");
}

#[test]
fn new_settings_lift_the_bans_of_those_whom_they_allow_and_can_end_automatic_ones() {
    let mut guard = guard();
    offend(&mut guard, seconds(1), STRANGER, Offence::Malformed, Claimed);
    let mut settings = settings();
    settings.allow.push(AddressRange::host(ip(STRANGER)));
    settings.automatic = false;
    guard.reconfigure(settings);
    assert!(!guard.is_banned(ip(STRANGER)));
    let allowed = |from| Notice::Unbanned(Source::of(ip(from)), UnbanCause::Allowed);
    assert_eq!(notices(&mut guard).last(), Some(&allowed(STRANGER)));
    assert_eq!(offend(&mut guard, seconds(1), "203.0.113.9", Offence::Malformed, Claimed), 0);

    // A trunk whose name was looked up.
    let mut guard = self::guard();
    let (old, new) = ("203.0.113.30", "203.0.113.31");
    guard.allow_trunks(vec![AddressRange::host(ip(old))]);
    assert_eq!(offend(&mut guard, seconds(1), old, Offence::Malformed, Proven), 0);
    assert_eq!(offend(&mut guard, seconds(1), new, Offence::Malformed, Proven), 20);
    guard.allow_trunks(vec![AddressRange::host(ip(new))]);
    assert!(!guard.is_banned(ip(new)) && guard.allows(ip(TRUNK)));
    assert_eq!(notices(&mut guard).last(), Some(&allowed(new)));
    assert_eq!(offend(&mut guard, seconds(1), old, Offence::Malformed, Proven), 20);
}

#[test]
fn bans_of_an_earlier_run_go_on_and_are_counted_on() {
    let mut guard = guard();
    let source = |n: u8| Source::of(IpAddr::from([203, 0, 113, n]));
    let ban = |until| Ban { until, offence: Some(Offence::Scanner), nth: 3 };
    guard.restore(seconds(100), source(1), ban(seconds(200)));
    guard.restore(seconds(100), source(2), ban(seconds(100)));
    guard.restore(seconds(100), Source::of(ip(TRUNK)), ban(seconds(200)));
    assert!(guard.is_banned(ip("203.0.113.1")) && guard.banned() == 1);
    assert_eq!(
        notices(&mut guard),
        [
            Notice::Unbanned(source(2), UnbanCause::Over),
            Notice::Unbanned(Source::of(ip(TRUNK)), UnbanCause::Allowed),
        ]
    );
    for n in [1, 2] {
        guard.handle_timeout(seconds(200));
        let from = format!("203.0.113.{n}");
        offend(&mut guard, seconds(200), &from, Offence::Malformed, Claimed);
        assert_eq!(guard.poll_timeout(), Some(seconds(200 + 2_400)), "the fourth: 8 * 300 s");
        guard.lift(seconds(200), source(n));
    }
}

#[test]
fn calls_from_addresses_that_may_be_forged_are_few_until_somebody_acknowledges_one() {
    let mut guard = guard();
    let now = seconds(1);
    let begin = |guard: &mut Guard, from: &str| guard.call_begins(now, ip(from), Claimed);
    let on_trial = (0..12).filter(|_| begin(&mut guard, STRANGER) == Trust::OnTrial).count();
    assert_eq!((on_trial, guard.unproven()), (10, 10));
    assert_eq!(begin(&mut guard, STRANGER), Trust::NoRoom);
    guard.call_settled(ip(STRANGER));
    assert_eq!(begin(&mut guard, STRANGER), Trust::OnTrial);
    for n in 0..19 {
        let from = format!("203.0.113.{}", 100 + n);
        assert!((0..10).all(|_| begin(&mut guard, &from) == Trust::OnTrial), "{from}");
    }
    assert_eq!(begin(&mut guard, "203.0.113.99"), Trust::NoRoom, "200 in all");
    assert_eq!(begin(&mut guard, TRUNK), Trust::Known);
    assert_eq!(guard.call_begins(now, ip("203.0.113.99"), Proven), Trust::Known);
    guard.proof(now, ip(STRANGER), Proof::Dialog);
    assert_eq!(begin(&mut guard, STRANGER), Trust::Known);
    for _ in 0..200 {
        guard.call_settled(ip(STRANGER));
    }
    assert_eq!(guard.unproven(), 0);
}

#[test]
fn sources_have_numbers_of_their_own_and_those_that_are_allowed_share_one() {
    let guard = guard();
    assert_eq!(guard.number(ip(TRUNK)), guard.number(ip("198.51.100.2")));
    assert_ne!(guard.number(ip(STRANGER)), guard.number(ip("203.0.113.8")));
    assert_eq!(guard.number(ip("2001:db8::1")), guard.number(ip("2001:db8::2")));
}
