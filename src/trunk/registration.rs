//! Our registration with a trunk (RFC 3261 section 10.2): asked for, refreshed before it ends, tried
//! at the next server when one fails, and after a growing pause when all have (RFC 5626 section 4.5).

use std::time::Duration;

use crate::id::Entropy;
use crate::sip::endpoint::{RequestId, Response};
use crate::time::Time;

use super::servers::Place;

/// The pause after all servers have failed: doubled with each round, up to the second, and of that
/// between a half and all.
const BASE: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(1_800);
/// Nobody registers for longer than a day.
const LONGEST_EXPIRES_S: u32 = 86_400;
/// A server may find our time too brief so often.
const MOST_BRIEF: u32 = 2;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask a server for so many seconds.
    Ask {
        /// Which.
        place: Place,
        /// For how long.
        expires_s: u32,
    },
    /// Begin a new round at this instant.
    At(Time),
}

/// How far a registration is.
#[derive(Debug)]
pub struct Registration {
    /// All registrations of a contact have one Call-ID.
    pub call_id: String,
    /// The next CSeq number.
    pub cseq: u32,
    /// The REGISTER that waits for its answer.
    pub asking: Option<RequestId>,
    wanted_s: u32,
    /// Where it is asked for now.
    at: Option<Place>,
    /// Servers that are left in this round.
    left: Vec<Place>,
    brief: u32,
    failures: u32,
    bound: Option<(Place, Time)>,
}

impl Registration {
    /// One that is to last `wanted_s` seconds.
    pub fn new(wanted_s: u32, entropy: &mut Entropy) -> Self {
        Registration {
            call_id: format!("{}{}", entropy.token(), entropy.token()),
            cseq: 1,
            asking: None,
            wanted_s,
            at: None,
            left: Vec::new(),
            brief: 0,
            failures: 0,
            bound: None,
        }
    }

    /// Where we are registered now.
    pub fn bound(&self, now: Time) -> Option<Place> {
        self.bound.filter(|(_, until)| *until > now).map(|(place, _)| place)
    }

    /// When the binding ends.
    pub fn bound_until(&self) -> Option<Time> {
        self.bound.map(|(_, until)| until)
    }

    /// Begins a round over `servers`, the one where we are registered first.
    pub fn round(&mut self, now: Time, mut servers: Vec<Place>, entropy: &mut Entropy) -> Step {
        if let Some(home) = self.bound(now)
            && let Some(at) = servers.iter().position(|place| *place == home)
        {
            servers[..=at].rotate_right(1);
        }
        servers.reverse();
        self.left = servers;
        self.next(now, None, entropy)
    }

    /// The final answer to the REGISTER.
    pub fn answered(&mut self, now: Time, response: &Response, entropy: &mut Entropy) -> Step {
        self.asking = None;
        self.cseq = response.cseq.wrapping_add(1).max(1);
        let Some(place) = self.at else { return self.next(now, None, entropy) };
        match response.status {
            200..300 => {
                let granted_s = response.expires_s.unwrap_or(self.wanted_s);
                if granted_s == 0 {
                    return self.pause(now, None, entropy);
                }
                self.failures = 0;
                self.brief = 0;
                self.left.clear();
                let granted = Duration::from_secs(u64::from(granted_s.min(LONGEST_EXPIRES_S)));
                self.bound = Some((place, now + granted));
                Step::At(now + granted.mul_f64(0.9))
            }
            423 => {
                let longer = response.min_expires_s.filter(|min| *min > self.wanted_s);
                match longer.filter(|min| *min <= LONGEST_EXPIRES_S && self.brief < MOST_BRIEF) {
                    Some(longer) => {
                        self.brief += 1;
                        self.wanted_s = longer;
                        Step::Ask { place, expires_s: longer }
                    }
                    None => self.pause(now, None, entropy),
                }
            }
            // What speaks for one server only (RFC 3263 section 4.3, and servers that are ill).
            408 | 500 | 502..=504 => self.next(now, response.retry_after_s, entropy),
            // What speaks for the account: other servers would say the same.
            _ => {
                self.bound = None;
                self.pause(now, response.retry_after_s, entropy)
            }
        }
    }

    fn next(&mut self, now: Time, retry_after_s: Option<u32>, entropy: &mut Entropy) -> Step {
        match self.left.pop() {
            Some(place) => {
                self.at = Some(place);
                Step::Ask { place, expires_s: self.wanted_s }
            }
            None => self.pause(now, retry_after_s, entropy),
        }
    }

    fn pause(&mut self, now: Time, retry_after_s: Option<u32>, entropy: &mut Entropy) -> Step {
        self.at = None;
        self.left.clear();
        self.brief = 0;
        self.failures = self.failures.saturating_add(1);
        let most = BASE.saturating_mul(1 << self.failures.min(7)).min(LONGEST);
        let half_ms = u32::try_from(most.as_millis() / 2).unwrap_or(u32::MAX);
        let drawn = Duration::from_millis(u64::from(half_ms) + u64::from(entropy.below(half_ms)));
        let asked = Duration::from_secs(u64::from(retry_after_s.unwrap_or(0))).min(LONGEST);
        Step::At(now + drawn.max(asked))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::sip::transport::Protocol;

    fn place(last: u8) -> Place {
        (Protocol::Udp, SocketAddr::from(([192, 0, 2, last], 5060)))
    }

    fn secs(s: u64) -> Time {
        Time::from_millis(s * 1_000)
    }

    fn response(status: u16) -> Response {
        Response { status, cseq: 7, ..Response::default() }
    }

    fn ask(last: u8, expires_s: u32) -> Step {
        Step::Ask { place: place(last), expires_s }
    }

    struct Case {
        registration: Registration,
        entropy: Entropy,
    }

    impl Case {
        fn new() -> Case {
            let mut entropy = Entropy::from_seed([3; 32]);
            Case { registration: Registration::new(600, &mut entropy), entropy }
        }

        fn round(&mut self, now: u64, servers: &[u8]) -> Step {
            let servers = servers.iter().map(|last| place(*last)).collect();
            self.registration.round(secs(now), servers, &mut self.entropy)
        }

        fn answered(&mut self, now: u64, response: &Response) -> Step {
            self.registration.answered(secs(now), response, &mut self.entropy)
        }
    }

    #[test]
    fn it_is_refreshed_when_nine_tenths_are_over_with_a_higher_number() {
        let mut case = Case::new();
        assert_eq!(case.round(0, &[1, 2]), ask(1, 600));
        let granted = Response { expires_s: Some(100), ..response(200) };
        assert_eq!(case.answered(1, &granted), Step::At(secs(91)));
        assert_eq!(case.registration.cseq, 8);
        assert_eq!(case.registration.bound(secs(100)), Some(place(1)));
        assert_eq!(case.registration.bound(secs(101)), None);
        assert_eq!(case.answered(91, &response(200)), Step::At(secs(91 + 540)), "as we asked");
    }

    #[test]
    fn a_server_that_fails_makes_the_next_one_be_asked_and_the_home_comes_first() {
        let mut case = Case::new();
        assert_eq!(case.round(0, &[1, 2, 3]), ask(1, 600));
        assert_eq!(case.answered(0, &response(503)), ask(2, 600));
        assert_eq!(case.answered(0, &response(408)), ask(3, 600));
        assert_eq!(case.answered(0, &response(200)), Step::At(secs(540)));
        assert_eq!(case.round(540, &[1, 2, 3]), ask(3, 600), "where the binding is");
        assert_eq!(case.answered(540, &response(503)), ask(1, 600));
    }

    #[test]
    fn a_time_that_is_too_brief_is_made_longer_but_not_for_ever() {
        let mut case = Case::new();
        case.round(0, &[1]);
        let brief = |min| Response { min_expires_s: Some(min), ..response(423) };
        assert_eq!(case.answered(0, &brief(900)), ask(1, 900));
        assert_eq!(case.answered(0, &brief(1_800)), ask(1, 1_800));
        assert!(matches!(case.answered(0, &brief(3_600)), Step::At(_)));
        case.round(100, &[1]);
        assert!(
            matches!(case.answered(100, &brief(1_800)), Step::At(_)),
            "it asks for what we asked"
        );
        case.round(200, &[1]);
        assert!(matches!(case.answered(200, &brief(1_000_000)), Step::At(_)));
    }

    #[test]
    fn pauses_grow_with_every_round_that_fails_and_end_with_success() {
        let mut case = Case::new();
        let mut longest = Vec::new();
        for round in 0..8_u64 {
            let now = round * 10_000;
            case.round(now, &[1]);
            let Step::At(at) = case.answered(now, &response(403)) else { panic!("a pause") };
            longest.push((at - secs(now)).as_secs());
        }
        let most = [60, 120, 240, 480, 960, 1_800, 1_800, 1_800];
        for (pause, most) in longest.iter().zip(most) {
            assert!((most / 2..=most).contains(pause), "{longest:?}");
        }
        case.round(100_000, &[1]);
        case.answered(100_000, &response(200));
        case.round(100_540, &[1]);
        let wait = Response { retry_after_s: Some(90), ..response(503) };
        assert_eq!(case.answered(100_540, &wait), Step::At(secs(100_630)), "as the server asks");
        assert!(matches!(case.round(0, &[]), Step::At(_)), "nobody to ask");
    }

    #[test]
    fn a_refusal_of_the_account_ends_the_binding_and_a_sick_server_does_not() {
        let mut case = Case::new();
        case.round(0, &[1]);
        case.answered(0, &response(200));
        case.round(540, &[1]);
        case.answered(540, &response(503));
        assert_eq!(case.registration.bound(secs(541)), Some(place(1)));
        case.round(570, &[1]);
        case.answered(570, &response(403));
        assert_eq!(case.registration.bound(secs(571)), None);
    }
}
