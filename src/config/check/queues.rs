//! Queues: what each says of itself, whether anybody can serve it, and whether everybody is served.

use crate::acd::settings::{
    Choose, LEAST_RING_S, LONGEST_LAST_AGENT_H, MOST_AT_ONCE, QueueSettings,
    default_last_agent_within_h, default_ring_at_most,
};
use crate::config::problem::Problem;
use crate::id::{Ability, QueueName, all_met};

use super::Check;

/// No network rings for longer (RFC 3261 section 16.6, timer C), in seconds.
pub(super) const LONGEST_RING_S: u64 = 180;
/// Whoever was not reached so often is rung back no more.
const MOST_RETRIES: u32 = 20;

impl Check<'_> {
    pub(super) fn queues(&mut self) {
        let settings = self.settings;
        for (name, queue) in &settings.queues {
            let at = |key: &'static str| ["queue", name.as_str(), key];
            if name.as_str() == "all" {
                self.key_error(&["queue", "all"], Problem::QueueOfAll);
            }
            self.text(&at("title"), "the queue's title", &queue.title);
            if let Some(short) = &queue.short_title {
                self.text(&at("short_title"), "the queue's short title", short);
            }
            self.not_zero(&at("standard_s"), "the standard", u64::from(queue.standard_s));
            let ring_s = u64::from(queue.ring_s);
            self.within(&at("ring_s"), "the ringing time", ring_s, LONGEST_RING_S);
            let after = u64::from(queue.not_ready_after);
            self.not_zero(&at("not_ready_after"), "the number of offers", after);
            self.rung_at_once(name, queue);
            self.last_agent(name, queue);
            if let Some(max) = queue.max_waiting {
                self.not_zero(&at("max_waiting"), "the number who may wait", max as u64);
            }
            if let Some(max) = queue.max_wait_s {
                self.not_zero(&at("max_wait_s"), "the longest wait", u64::from(max));
            }
            self.not_zero(&at("max_messages"), "open messages", queue.max_messages as u64);
            let alert_s = u64::from(queue.message_alert_s);
            self.not_zero(&at("message_alert_s"), "the time for a message", alert_s);
            let callback = &queue.callback;
            for (key, what, value) in [
                ("most", "open calls back", callback.most as u64),
                ("retry_after_s", "the time to the next try", u64::from(callback.retry_after_s)),
                ("late_after_s", "the time for a call back", u64::from(callback.late_after_s)),
            ] {
                self.not_zero(&["queue", name.as_str(), "callback", key], what, value);
            }
            let at_callback = |key: &'static str| ["queue", name.as_str(), "callback", key];
            if callback.ring_s < LEAST_RING_S {
                let ring_s = callback.ring_s;
                self.error(&at_callback("ring_s"), Problem::RingsTooShort { ring_s });
            } else {
                let (path, ring_s) = (at_callback("ring_s"), u64::from(callback.ring_s));
                self.within(&path, "the ringing time", ring_s, LONGEST_RING_S);
            }
            if callback.retries > MOST_RETRIES {
                let (value, most) = (callback.retries.into(), MOST_RETRIES.into());
                let what = "the number of further tries";
                self.error(&at_callback("retries"), Problem::TooMuch { what, value, most });
            }
            let music = queue.music.as_str();
            let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
            let named = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
            if !music.split('/').all(plain) || !music.bytes().all(named) {
                self.error(&at("music"), Problem::BadPromptName { name: music.to_owned() });
            }
            self.wrap_up_of(name, queue);
            self.preface(name, queue);
            self.hours(name, queue);
            self.skills(name, queue);
            self.relaxations(name, queue);
        }
    }

    fn rung_at_once(&mut self, name: &QueueName, queue: &QueueSettings) {
        let (path, rung) = (["queue", name.as_str(), "ring_at_most"], queue.ring_at_most);
        if !(1..=MOST_AT_ONCE).contains(&rung) {
            self.error(&path, Problem::RungAtOnce { rung, most: MOST_AT_ONCE });
        } else if queue.choose != Choose::RingAll && rung != default_ring_at_most() {
            self.value_warning(&path, Problem::RingsOne);
        }
    }

    fn last_agent(&mut self, name: &QueueName, queue: &QueueSettings) {
        let at = |key: &'static str| ["queue", name.as_str(), key];
        let (hours, longest) = (queue.last_agent_within_h, LONGEST_LAST_AGENT_H);
        if !(1..=longest).contains(&hours) {
            self.error(&at("last_agent_within_h"), Problem::RememberedTooLong { hours, longest });
        }
        let Some(wait_s) = queue.last_agent_s else {
            if hours != default_last_agent_within_h() {
                self.value_warning(&at("last_agent_within_h"), Problem::RemembersForNothing);
            }
            return;
        };
        let path = at("last_agent_s");
        self.not_zero(&path, "the wait for one agent", u64::from(wait_s));
        if let Some(max_wait_s) = queue.max_wait_s.filter(|max| *max <= wait_s) {
            self.error(&path, Problem::NeverWaitsForOne { wait_s, max_wait_s });
        } else if wait_s >= queue.standard_s {
            let standard_s = queue.standard_s;
            self.value_warning(&path, Problem::WaitsForOneTooLong { wait_s, standard_s });
        }
    }

    /// Whether somebody has what is needed, at that level.
    fn skills(&mut self, name: &QueueName, queue: &QueueSettings) {
        let at = |key: &'static str| ["queue", name.as_str(), key];
        if !self.somebody_has(&queue.skills) {
            let (queue, skills) = (name.to_string(), listed(&queue.skills));
            self.warning(&at("skills"), Problem::NobodySkilled { queue, skills });
        }
        for (index, one) in queue.prefers.iter().enumerate() {
            if !self.somebody_has(std::slice::from_ref(one)) {
                let path = ["queue", name.as_str(), "prefers", &index.to_string()];
                self.value_warning(&path, Problem::NobodyPreferred { skill: one.to_string() });
            }
        }
    }

    fn somebody_has(&self, skills: &[Ability]) -> bool {
        self.settings.agents.values().any(|agent| all_met(skills, &agent.skills))
    }

    /// Whether every step of `relax` is reached, and lets somebody in.
    fn relaxations(&mut self, name: &QueueName, queue: &QueueSettings) {
        let mut before = 0;
        for (index, step) in queue.relax.iter().enumerate() {
            let index_text = index.to_string();
            let at =
                |key: &'static str| ["queue", name.as_str(), "relax", index_text.as_str(), key];
            let after_s = step.after_s;
            if after_s <= before {
                self.error(&at("after_s"), Problem::RelaxBackwards { after_s, before });
            }
            before = before.max(after_s);
            if let Some(max_wait_s) = queue.max_wait_s.filter(|max| *max <= after_s) {
                self.error(&at("after_s"), Problem::NeverRelaxed { after_s, max_wait_s });
            }
            let sets = || {
                let earlier = queue.relax.iter().take(index).map(|step| &step.skills);
                [&queue.skills].into_iter().chain(earlier)
            };
            let mut may =
                self.settings.agents.values().filter(|a| all_met(&step.skills, &a.skills));
            if !self.somebody_has(&step.skills) {
                let (queue, skills) = (name.to_string(), listed(&step.skills));
                self.value_warning(&at("skills"), Problem::NobodySkilled { queue, skills });
            } else if may.all(|agent| sets().any(|set| all_met(set, &agent.skills))) {
                self.value_warning(&at("skills"), Problem::RelaxesNothing);
            }
        }
    }

    fn hours(&mut self, name: &QueueName, queue: &QueueSettings) {
        let Some(hours) = &queue.hours else { return };
        let path = ["queue", name.as_str(), "hours"];
        let Some(calendar) = self.settings.calendars.get(hours) else {
            let known: Vec<&str> =
                self.settings.calendars.keys().map(|name| name.as_str()).collect();
            return self.no_such(&path, "calendar", hours.as_str(), known.into_iter());
        };
        let mut days = calendar.week.values().chain(calendar.exceptions.values());
        if days.all(Vec::is_empty) {
            let (queue, calendar) = (name.to_string(), hours.to_string());
            self.value_warning(&path, Problem::NeverOpen { queue, calendar });
        }
    }

    /// Whether callers of every priority are served in the end.
    pub(super) fn turns(&mut self) {
        if let Some(ageing_s) = self.settings.turns.ageing_s {
            self.not_zero(&["turns", "ageing_s"], "the time of a step", u64::from(ageing_s));
        }
    }
}

fn listed(skills: &[Ability]) -> String {
    let skills: Vec<String> = skills.iter().map(Ability::to_string).collect();
    skills.join(", ")
}
