//! Who the demo's residents and advisers are, when residents ring and what they do.

use std::io;
use std::time::Duration;

use crate::id::Entropy;
use crate::sim::adviser::{Adviser, Habits};
use crate::sim::caller::{Caller, Otherwise, Step};
use crate::sim::ear::Expect;
use crate::sim::person::Person;
use crate::sim::phone::digest::Algorithm;
use crate::sim::phone::{Phone, PhoneSettings};
use crate::sim::tone::{Law, Sound};
use crate::time::Time;

use super::DemoSettings;
use super::seats::{Seats, sockets};

/// No more residents at once; who would come then stays at home.
const MOST: usize = 80;
/// The share of advisers' time that is kept busy on average: queues form, and dissolve again.
const LOAD: f64 = 0.82;
/// Advisers' voices begin at this tone, in hertz, one for each; nothing else sounds like them.
const FIRST_VOICE_HZ: u32 = 1_130;
const VOICE_STEP_HZ: u32 = 90;
/// How long an adviser's phone rings on average, in seconds.
const RING_S: f64 = 3.0;

const NAMES: [&str; 12] = [
    "A Okafor",
    "B Singh",
    "C Walsh",
    "D Petrova",
    "E Hughes",
    "F Begum",
    "G Mensah",
    "H Novak",
    "I Roberts",
    "J Patel",
    "K Evans",
    "L Costa",
];

/// Residents to come and the advisers who are there.
pub(super) struct Population {
    settings: DemoSettings,
    entropy: Entropy,
    next_at: Time,
    rung: u64,
}

impl Population {
    pub(super) fn new(settings: DemoSettings) -> Self {
        let mut seed = [0; 32];
        for (byte, from) in seed.iter_mut().zip(settings.seed.to_le_bytes()) {
            *byte = from;
        }
        Population { settings, entropy: Entropy::from_seed(seed), next_at: Time::ZERO, rung: 0 }
    }

    /// Seats the advisers, who register one after the other, and lets the first resident come
    /// soon after.
    pub(super) fn switch_on(&mut self, seats: &mut Seats) -> io::Result<()> {
        let mut at = seats.now() + Duration::from_millis(200);
        for (which, (user, password, name)) in
            self.settings.advisers.clone().into_iter().enumerate()
        {
            let sockets = sockets()?;
            let mut phone = PhoneSettings::new(
                &user,
                sockets.signalling_at,
                sockets.voice_at,
                self.settings.server,
            );
            phone.display = Some(name);
            phone.password = Some(password);
            phone.sound = Sound::Tone(voice_of(which));
            // Phones on desks differ: some know MD5 only.
            if which % 2 == 1 {
                phone.algorithms = vec![Algorithm::Md5];
            }
            let habits = Habits {
                registers_s: 120,
                signs_in: Some(self.settings.star_codes.sign_in.clone()),
                picks_up_after: (Duration::from_millis(1_500), Duration::from_millis(4_500)),
                ignores_one_in: 25,
                talks: Some((Duration::from_secs(60), Duration::from_secs(120))),
                recovers: Some((Duration::from_secs(12), self.settings.star_codes.ready.clone())),
                ..Habits::default()
            };
            let phone = Phone::new(phone, self.entropy.fork());
            let adviser = Adviser::new(phone, at, habits, self.entropy.fork());
            seats.take(Person::Adviser(Box::new(adviser)), sockets)?;
            at += Duration::from_millis(150);
        }
        self.next_at = at + Duration::from_millis(500);
        Ok(())
    }

    /// When the next resident rings.
    pub(super) fn next_at(&self) -> Time {
        self.next_at
    }

    /// Seats every resident whose time has come.
    pub(super) fn arrive(&mut self, now: Time, seats: &mut Seats) -> io::Result<()> {
        while self.next_at <= now {
            let gap_s = self.exponential(60.0 / self.settings.calls_per_minute.max(0.01));
            self.next_at += Duration::from_secs_f64(gap_s.clamp(0.05, 600.0));
            if seats.len() >= MOST + self.settings.advisers.len() {
                continue;
            }
            // Out of descriptors: this resident stays at home.
            let Ok(sockets) = sockets() else { continue };
            self.rung += 1;
            let mut phone = PhoneSettings::new(
                &self.number(),
                sockets.signalling_at,
                sockets.voice_at,
                self.settings.server,
            );
            phone.withheld = self.entropy.below(12) == 0;
            phone.display = (self.entropy.below(3) == 0)
                .then(|| NAMES.get(self.entropy.below(12) as usize).map(|name| (*name).to_owned()))
                .flatten();
            // Nobody hums to a flow that may be listening: residents speak with advisers.
            let voice = Sound::Tone(300 + self.entropy.below(300));
            if self.entropy.below(4) == 0 {
                phone.codecs = vec![Law::Mu];
            }
            let phone = Phone::new(phone, self.entropy.fork());
            let caller = Caller::new(phone, now, self.script(voice));
            seats.take(Person::Caller(Box::new(caller)), sockets)?;
        }
        Ok(())
    }

    /// A number that Ofcom keeps for drama: a landline nowhere or a mobile nobody has.
    fn number(&mut self) -> String {
        let last = self.entropy.below(1_000);
        if self.entropy.below(2) == 0 {
            format!("01632960{last:03}")
        } else {
            format!("07700900{last:03}")
        }
    }

    /// What a resident does: most press a key after a while, some too late, wrongly or never; a
    /// few hang up in the menu, and whoever waits has a patience of their own.
    fn script(&mut self, voice: Sound) -> Vec<Step> {
        let within = Duration::from_secs(40);
        let mut steps =
            vec![Step::Ring(self.settings.number.clone()), Step::UntilAnswered { within }];
        let listens = self.between_s(3.0, 14.0);
        steps.push(Step::Wait(listens));
        let way = self.entropy.below(100);
        if way < 3 {
            steps.push(Step::HangUp);
            return steps;
        }
        if (3..9).contains(&way) {
            steps.push(Step::Press("9".to_owned()));
            steps.push(Step::Wait(self.between_s(4.0, 9.0)));
        }
        if (9..19).contains(&way) {
            return self.reports_a_missed_bin(steps);
        }
        if way < 95 {
            let keys = match self.entropy.below(100) {
                ..40 => "13",
                40..62 => "22",
                62..82 => "3",
                _ => "43",
            };
            steps.push(Step::Press(keys.to_owned()));
        }
        let voices = (0..self.settings.advisers.len()).map(voice_of).collect();
        let patience = Duration::from_secs_f64(20.0 + self.exponential(110.0).min(600.0));
        steps.push(Step::UntilHears {
            what: Expect::AnyOf(voices),
            within: patience,
            otherwise: Otherwise::HangUp,
        });
        steps.push(Step::Say(voice));
        let talk = self.talk();
        steps.push(Step::Wait(talk));
        steps.push(Step::HangUp);
        steps
    }

    /// Somebody who knows the way: which bin, the postcode RM1 3BD, a house, and 1 for what is read
    /// back. The rest is listening.
    fn reports_a_missed_bin(&mut self, mut steps: Vec<Step>) -> Vec<Step> {
        let (bin, house) = (1 + self.entropy.below(3), 1 + self.entropy.below(40));
        let keys = [format!("11{bin}"), "761323#".to_owned(), format!("{house}#"), "1".to_owned()];
        for (keys, then_s) in keys.into_iter().zip([2.0, 1.5, 14.0, 22.0]) {
            steps.push(Step::Press(keys));
            steps.push(Step::Wait(self.between_s(then_s, then_s * 1.2)));
        }
        steps.push(Step::HangUp);
        steps
    }

    /// Lognormal, as conversations are; the mean keeps advisers as busy as [`LOAD`] says.
    fn talk(&mut self) -> Duration {
        let advisers = self.settings.advisers.len() as f64;
        let handle_s = LOAD * advisers * 60.0 / self.settings.calls_per_minute.max(0.01);
        let mean_s = (handle_s - self.settings.wrap_up.as_secs_f64() - RING_S).clamp(6.0, 60.0);
        const SIGMA: f64 = 0.5;
        let median_s = mean_s / (SIGMA * SIGMA / 2.0_f64).exp();
        // Twelve even draws make a normal one, near enough.
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        Duration::from_secs_f64((median_s * (SIGMA * normal).exp()).clamp(3.0, 180.0))
    }

    /// Evenly between 0 and 1, never 0.
    fn unit(&mut self) -> f64 {
        (f64::from(self.entropy.u32()) + 1.0) / (f64::from(u32::MAX) + 2.0)
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.unit().ln()
    }

    fn between_s(&mut self, least: f64, most: f64) -> Duration {
        Duration::from_secs_f64(least + (most - least) * self.unit())
    }
}

fn voice_of(adviser: usize) -> u32 {
    FIRST_VOICE_HZ + VOICE_STEP_HZ * u32::try_from(adviser % 20).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn population(calls_per_minute: f64) -> Population {
        Population::new(DemoSettings {
            server: ([127, 0, 0, 1], 5060).into(),
            number: "01708434343".to_owned(),
            advisers: vec![(String::new(), String::new(), String::new()); 6],
            star_codes: crate::config::settings::StarCodes::default(),
            wrap_up: Duration::from_secs(8),
            calls_per_minute,
            seed: 1,
        })
    }

    #[test]
    fn talk_keeps_advisers_as_busy_as_meant() {
        let mut people = population(10.0);
        let talks: Vec<f64> = (0..2_000).map(|_| people.talk().as_secs_f64()).collect();
        let mean = talks.iter().sum::<f64>() / talks.len() as f64;
        // 0.82 x 6 x 6 s less 8 s of wrap-up and 3 s of ringing.
        assert!((17.5..20.0).contains(&mean), "{mean}");
    }

    #[test]
    fn residents_come_at_the_rate_asked_for_and_from_numbers_kept_for_drama() {
        let mut people = population(12.0);
        let gaps: f64 = (0..5_000).map(|_| people.exponential(5.0)).sum::<f64>() / 5_000.0;
        assert!((4.7..5.3).contains(&gaps), "{gaps}");
        for _ in 0..100 {
            let number = people.number();
            assert!(number.len() == 11);
            assert!(number.starts_with("01632960") || number.starts_with("07700900"));
        }
    }
}
