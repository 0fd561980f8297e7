//! Skills that are declared, and those that are asked for and had.

use crate::config::problem::Problem;
use crate::config::suggest::closest;
use crate::id::{Ability, Skill};

use super::Check;

impl Check<'_> {
    /// Where skills are declared, one that is not is mistyped most likely.
    pub(super) fn declared_skills(&mut self) {
        let settings = self.settings;
        for (name, skill) in &settings.skills {
            self.text(&["skill", name.as_str(), "title"], "the skill's title", &skill.title);
        }
        if settings.skills.is_empty() {
            return;
        }
        for (name, queue) in &settings.queues {
            for (key, skills) in [("skills", &queue.skills), ("prefers", &queue.prefers)] {
                self.undeclared(&["queue", name.as_str(), key], skills);
            }
            for (index, step) in queue.relax.iter().enumerate() {
                let index = index.to_string();
                self.undeclared(&["queue", name.as_str(), "relax", &index, "skills"], &step.skills);
            }
        }
        for (id, agent) in &settings.agents {
            self.undeclared(&["agent", id.as_str(), "skills"], &agent.skills);
        }
    }

    fn undeclared(&mut self, path: &[&str], skills: &[Ability]) {
        let known = &self.settings.skills;
        for (index, ability) in skills.iter().enumerate() {
            if known.contains_key(&ability.skill) {
                continue;
            }
            let skill = ability.skill.as_str();
            let near = closest(skill, known.keys().map(Skill::as_str)).map(str::to_owned);
            let index = index.to_string();
            let path = [path, &[index.as_str()]].concat();
            let what = Problem::UndeclaredSkill { skill: skill.to_owned(), near };
            self.value_warning(&path, what);
        }
    }
}
