//! The toll guard: what may be dialled at the council's cost, by whom and how often.
//!
//! A call to the outside is made for an agent who has proved to be one, or for a flow of the
//! settings; for nobody else. What a rule forbids is forbidden whatever another allows. Emergency
//! numbers are never refused: neither a list nor a limit stands in their way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, FlowName, LegId};
use crate::number::Number;
use crate::number::class::Class;
use crate::time::Time;

use super::settings::{CallingSettings, OutboundSettings};

/// Calls of an agent are counted over this long.
const WINDOW: Duration = Duration::from_secs(3_600);

/// A kind of numbers, or the beginning of a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Rule {
    /// `geographic`, `mobile` ...
    Class(Class),
    /// The number in full, or its beginning: `+441708`, `01708`, `101`.
    Begins(String),
}

impl Rule {
    /// What people ring in this country without a surcharge.
    pub fn usual() -> Vec<Rule> {
        [Class::Geographic, Class::UkWide, Class::Mobile, Class::Freephone, Class::ShortCode]
            .map(Rule::Class)
            .to_vec()
    }

    fn covers(&self, number: &str, class: Class) -> bool {
        match self {
            Rule::Class(own) => *own == class,
            // A short code is meant whole: 11 is not the beginning of 118500.
            Rule::Begins(digits) if digits.starts_with('+') => number.starts_with(digits),
            Rule::Begins(digits) => number == digits,
        }
    }
}

impl TryFrom<String> for Rule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(class) = Class::named(&text).filter(|class| *class != Class::Unknown) {
            return Ok(Rule::Class(class));
        }
        let written: String =
            text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
        let begins = match (written.strip_prefix('+'), written.strip_prefix("00")) {
            (Some(digits), _) | (None, Some(digits)) => format!("+{digits}"),
            (None, None) => match written.strip_prefix('0') {
                Some(digits) => format!("+44{digits}"),
                None => written.clone(),
            },
        };
        let digits = begins.strip_prefix('+').unwrap_or(&begins);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            let classes: Vec<&str> = Class::ALL
                .into_iter()
                .filter(|class| *class != Class::Unknown)
                .map(Class::as_str)
                .collect();
            return Err(format!(
                "`{text}` is neither a kind of numbers nor the beginning of one; write one of {} or \
                 as in \"+441708\"",
                classes.join(", ")
            ));
        }
        Ok(Rule::Begins(begins))
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> String {
        match rule {
            Rule::Class(class) => class.as_str().to_owned(),
            Rule::Begins(digits) => digits,
        }
    }
}

/// For whom a call to the outside is made. Nobody else can have one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnBehalf {
    /// An agent who proved to be one.
    Agent(AgentId),
    /// A flow.
    Flow(FlowName),
}

impl fmt::Display for OnBehalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OnBehalf::Agent(agent) => write!(f, "agent {agent}"),
            OnBehalf::Flow(flow) => write!(f, "flow {flow}"),
        }
    }
}

/// Why the guard refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// Not on the list of what may be dialled, or on that of what may not.
    Destination,
    /// As many calls in an hour as the limit allows.
    TooMany,
    /// As many calls at once as the limit allows.
    AtOnce,
}

/// The memory of the guard.
#[derive(Debug, Default)]
pub struct Guard {
    begun: BTreeMap<AgentId, VecDeque<Time>>,
    up: BTreeMap<AgentId, BTreeSet<LegId>>,
}

impl Guard {
    /// Whether a number may be dialled now, for an agent or a flow with `own` settings; counts it if
    /// so.
    pub fn pass(
        &mut self,
        now: Time,
        settings: &OutboundSettings,
        own: Option<&CallingSettings>,
        who: &OnBehalf,
        number: &Number,
    ) -> Result<Class, Forbidden> {
        let class = self.allows(settings, own, number)?;
        if let OnBehalf::Agent(agent) = who
            && class != Class::Emergency
        {
            let own_limit = |limit: fn(&CallingSettings) -> Option<u32>| own.and_then(limit);
            let at_once = own_limit(|own| own.calls_at_once).unwrap_or(settings.calls_at_once);
            let an_hour = own_limit(|own| own.calls_per_hour).unwrap_or(settings.calls_per_hour);
            let up = self.up.get(agent).map_or(0, BTreeSet::len);
            if up >= usize::try_from(at_once).unwrap_or(usize::MAX) {
                return Err(Forbidden::AtOnce);
            }
            let begun = self.begun.entry(agent.clone()).or_default();
            while begun.front().is_some_and(|at| now.since(*at) >= WINDOW) {
                begun.pop_front();
            }
            if begun.len() >= usize::try_from(an_hour).unwrap_or(usize::MAX) {
                return Err(Forbidden::TooMany);
            }
            begun.push_back(now);
        }
        Ok(class)
    }

    /// Whether the lists let a number be dialled, however often it was.
    pub fn allows(
        &self,
        settings: &OutboundSettings,
        own: Option<&CallingSettings>,
        number: &Number,
    ) -> Result<Class, Forbidden> {
        let class = Class::of(number);
        if class == Class::Emergency {
            return Ok(class);
        }
        let written = number.canonical();
        let covered = |rules: &[Rule]| rules.iter().any(|rule| rule.covers(&written, class));
        let forbidden =
            covered(&settings.never_call) || own.is_some_and(|own| covered(&own.never_call));
        let may = own.and_then(|own| own.may_call.as_ref()).unwrap_or(&settings.may_call);
        match forbidden || class == Class::Unknown || !covered(may) {
            true => Err(Forbidden::Destination),
            false => Ok(class),
        }
    }

    /// A call that was let through has begun.
    pub fn began(&mut self, who: &OnBehalf, leg: LegId) {
        if let OnBehalf::Agent(agent) = who {
            self.up.entry(agent.clone()).or_default().insert(leg);
        }
    }

    /// It is over.
    pub fn ended(&mut self, who: &OnBehalf, leg: LegId) {
        if let OnBehalf::Agent(agent) = who
            && let Some(up) = self.up.get_mut(agent)
        {
            up.remove(&leg);
            if up.is_empty() {
                self.up.remove(agent);
            }
        }
    }

    /// How many calls are up of agents who are meant.
    pub fn up(&self, meant: impl Fn(&AgentId) -> bool) -> usize {
        let of = self.up.iter().filter(|(agent, _)| meant(agent));
        of.map(|(_, legs)| legs.len()).sum()
    }

    /// Forgets agents who are no longer there.
    pub fn retain(&mut self, known: impl Fn(&AgentId) -> bool) {
        self.begun.retain(|agent, _| known(agent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Vec<Rule> {
        texts.iter().map(|text| Rule::try_from((*text).to_owned()).expect(text)).collect()
    }

    fn amy() -> OnBehalf {
        OnBehalf::Agent("amy".into())
    }

    fn ask(settings: &OutboundSettings, own: Option<&CallingSettings>, number: &str) -> bool {
        Guard::default().pass(Time::ZERO, settings, own, &amy(), &Number::read(number)).is_ok()
    }

    #[test]
    fn what_is_usual_may_be_dialled_and_what_costs_more_may_not() {
        let settings = OutboundSettings::default();
        for number in ["01632960001", "03069990123", "07700900123", "08001111", "101", "116123"] {
            assert!(ask(&settings, None, number), "{number}");
        }
        for number in [
            "09098790123",
            "08441234567",
            "07012345678",
            "07640123456",
            "118500",
            "07797712345",
            "0033123456789",
            "+14155552671",
            "05612345678",
            "434343",
            "*21*01632960001#",
            "amy",
        ] {
            assert!(!ask(&settings, None, number), "{number}");
        }
    }

    #[test]
    fn a_list_of_ones_own_takes_the_place_of_the_general_one_and_deny_wins() {
        let settings = OutboundSettings {
            never_call: rules(&["premium", "01632960666"]),
            ..OutboundSettings::default()
        };
        let own = CallingSettings {
            may_call: Some(rules(&["+33", "0163", "premium", "159"])),
            never_call: rules(&["+3312345"]),
            ..CallingSettings::default()
        };
        for (number, may) in [
            ("0033612345678", true),
            ("0033123456789", false),
            ("01632960001", true),
            ("01632960666", false),
            ("07700900123", false),
            ("09098790123", false),
            ("159", true),
            ("101", false),
            ("+34123456789", false),
        ] {
            assert_eq!(ask(&settings, Some(&own), number), may, "{number}");
        }
    }

    #[test]
    fn an_emergency_is_never_refused() {
        let settings = OutboundSettings {
            may_call: Vec::new(),
            never_call: rules(&["999", "112", "emergency", "short_code"]),
            calls_per_hour: 0,
            calls_at_once: 0,
            ..OutboundSettings::default()
        };
        for number in ["999", "112", "18000", "+44999"] {
            for _ in 0..100 {
                assert!(ask(&settings, None, number), "{number}");
            }
        }
        assert!(!ask(&settings, None, "01632960001"));
    }

    #[test]
    fn an_agent_has_so_many_calls_in_an_hour_and_at_once() {
        let settings =
            OutboundSettings { calls_per_hour: 3, calls_at_once: 2, ..OutboundSettings::default() };
        let mut guard = Guard::default();
        let number = Number::read("01632960001");
        let pass = |guard: &mut Guard, s: u64| {
            guard.pass(Time::from_millis(s * 1_000), &settings, None, &amy(), &number)
        };
        assert!(pass(&mut guard, 0).is_ok());
        guard.began(&amy(), LegId(1));
        assert!(pass(&mut guard, 10).is_ok());
        guard.began(&amy(), LegId(2));
        assert_eq!(pass(&mut guard, 20), Err(Forbidden::AtOnce));
        guard.ended(&amy(), LegId(1));
        assert!(pass(&mut guard, 30).is_ok());
        assert_eq!(pass(&mut guard, 3_599), Err(Forbidden::TooMany));
        assert!(pass(&mut guard, 3_600).is_ok(), "the first is an hour ago");
        assert_eq!(pass(&mut guard, 3_601), Err(Forbidden::TooMany));
        let flow = OnBehalf::Flow("main".into());
        assert!(guard.pass(Time::ZERO, &settings, None, &flow, &number).is_ok());
    }

    #[test]
    fn a_role_says_what_its_agents_may_dial_and_an_agents_own_lists_go_before_it() {
        let settings = OutboundSettings::default();
        let role = CallingSettings {
            may_call: Some(rules(&["geographic", "+33"])),
            never_call: rules(&["01632960666"]),
            number: Some("01708 434001".to_owned()),
            calls_per_hour: Some(1),
            calls_at_once: None,
            lines: None,
        };
        let plain = CallingSettings::default().with(Some(&role));
        assert_eq!(plain, role);
        let own = CallingSettings {
            may_call: Some(rules(&["mobile", "geographic"])),
            never_call: rules(&["07700900666"]),
            ..CallingSettings::default()
        };
        assert_eq!(own.clone().with(None), own);
        let own = own.with(Some(&role));
        assert_eq!((own.number.as_deref(), own.calls_per_hour), (Some("01708 434001"), Some(1)));
        for (calling, number, may) in [
            (&plain, "01632960001", true),
            (&plain, "07700900123", false),
            (&plain, "0033612345678", true),
            (&plain, "01632960666", false),
            (&own, "07700900123", true),
            (&own, "0033612345678", false),
            (&own, "01632960666", false),
            (&own, "07700900666", false),
            (&own, "999", true),
        ] {
            assert_eq!(ask(&settings, Some(calling), number), may, "{number}");
        }
        let mut guard = Guard::default();
        let mut pass = |number: &str| {
            let number = Number::read(number);
            guard.pass(Time::ZERO, &settings, Some(&plain), &amy(), &number)
        };
        assert!(pass("01632960001").is_ok());
        assert_eq!(pass("01632960001"), Err(Forbidden::TooMany), "one in an hour");
        assert!(pass("999").is_ok());
    }

    #[test]
    fn a_rule_that_cannot_be_read_says_what_can() {
        for text in ["", "abroad", "unknown", "+", "+44x", "*70"] {
            let error = Rule::try_from(text.to_owned()).expect_err(text);
            assert!(error.contains("geographic"), "{error}");
        }
        assert_eq!(rules(&["0044 1708", "01708"]), rules(&["+44 1708", "+441708"]));
        assert_eq!(String::from(Rule::Class(Class::UkWide)), "uk_wide");
    }
}
