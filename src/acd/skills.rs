//! Sets of skills, as keys of the indexes: those who need or have the same are found together.

use std::sync::Arc;

use crate::id::{Ability, Level, Skill};

use super::settings::QueueSettings;

/// Skills with levels, sorted, each once. Cheap to copy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct SkillSet(Arc<[(Skill, Level)]>);

impl SkillSet {
    /// What somebody has.
    pub(super) fn have(abilities: &[Ability]) -> Self {
        SkillSet::sorted(abilities.iter().map(|one| (one.skill.clone(), one.mastered())))
    }

    /// What somebody asks for.
    pub(super) fn need<'a>(abilities: impl IntoIterator<Item = &'a Ability>) -> Self {
        SkillSet::sorted(abilities.into_iter().map(|one| (one.skill.clone(), one.at_least())))
    }

    /// Of a skill that is named twice the higher level holds.
    fn sorted(skills: impl Iterator<Item = (Skill, Level)>) -> Self {
        let mut skills: Vec<(Skill, Level)> = skills.collect();
        skills.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        skills.dedup_by(|next, kept| next.0 == kept.0);
        SkillSet(skills.into())
    }

    /// Whether whoever has `self` can serve a call that needs `need`.
    pub(super) fn covers(&self, need: &SkillSet) -> bool {
        let mut have = self.0.iter();
        need.0.iter().all(|(skill, least)| have.any(|(one, level)| one == skill && level >= least))
    }

    /// What of `need` whoever has `self` lacks.
    pub(super) fn lacks(&self, need: &SkillSet) -> Vec<Ability> {
        let has = |wanted: &&(Skill, Level)| {
            !self.0.iter().any(|(skill, level)| *skill == wanted.0 && *level >= wanted.1)
        };
        need.0.iter().filter(has).map(ability).collect()
    }

    /// How many of `wanted` whoever has `self` meets.
    pub(super) fn meets(&self, wanted: &SkillSet) -> u32 {
        let met = wanted.0.iter().filter(|(skill, least)| {
            self.0.iter().any(|(one, level)| one == skill && level >= least)
        });
        u32::try_from(met.count()).unwrap_or(u32::MAX)
    }

    /// The sum of the levels at which whoever has `self` masters what `need` names.
    fn levels(&self, need: &SkillSet) -> u32 {
        let named = |one: &&(Skill, Level)| need.0.iter().any(|(skill, _)| *skill == one.0);
        self.0.iter().filter(named).map(|(_, level)| u32::from(level.get())).sum()
    }
}

fn ability((skill, least): &(Skill, Level)) -> Ability {
    let level = Some(*least).filter(|least| *least > Level::LOWEST);
    Ability { skill: skill.clone(), level }
}

/// What a call needs: one of these sets, the first being what it is meant to get. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need(Arc<[SkillSet]>);

impl Need {
    /// Of a call with skills of its own that has waited for the first `relaxed` steps of the
    /// queue's `relax`. Its own skills are needed whatever happens.
    pub(super) fn of(queue: &QueueSettings, own: &[Ability], relaxed: usize) -> Self {
        let steps = queue.relax.iter().take(relaxed).map(|step| &step.skills);
        let sets = [&queue.skills].into_iter().chain(steps);
        Need(sets.map(|skills| SkillSet::need(skills.iter().chain(own))).collect())
    }

    /// Whether whoever has `have` can serve the call.
    pub(super) fn is_met_by(&self, have: &SkillSet) -> bool {
        self.0.iter().any(|set| have.covers(set))
    }

    /// How well: which of the sets is met, and the sum of the levels of what that names.
    pub(super) fn met_how(&self, have: &SkillSet) -> Option<(usize, u32)> {
        let met = self.0.iter().position(|set| have.covers(set))?;
        self.0.get(met).map(|set| (met, have.levels(set)))
    }

    /// What whoever has `have` lacks for what the call is meant to get.
    pub(super) fn lacked_by(&self, have: &SkillSet) -> Vec<Ability> {
        self.0.first().map(|set| have.lacks(set)).unwrap_or_default()
    }

    /// What the call is meant to get, in alphabetical order.
    pub(super) fn first(&self) -> Vec<Ability> {
        self.0.first().map(|set| set.0.iter().map(ability).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abilities(text: &str) -> Vec<Ability> {
        text.split_whitespace().map(|one| one.parse().expect("a skill")).collect()
    }

    #[test]
    fn a_set_covers_whatever_it_contains_at_the_level() {
        for (have, need, covers) in [
            ("", "", true),
            ("waste", "", true),
            ("waste", "waste", true),
            ("welsh waste housing", "waste welsh", true),
            ("waste", "waste welsh", false),
            ("", "waste", false),
            ("a b d", "a c", false),
            ("waste waste", "waste", true),
            ("waste:3", "waste:3", true),
            ("waste:2", "waste:3", false),
            ("waste", "waste:5", true),
            ("waste:1", "waste", true),
            ("waste:2 waste:4", "waste:4", true),
            ("waste:3", "waste:2 waste:4", false),
        ] {
            let sets = (SkillSet::have(&abilities(have)), SkillSet::need(&abilities(need)));
            assert_eq!(sets.0.covers(&sets.1), covers, "{have} / {need}");
            assert_eq!(sets.0.lacks(&sets.1).is_empty(), covers, "{have} / {need}");
        }
    }

    #[test]
    fn what_is_lacked_and_preferred_is_counted() {
        let have = SkillSet::have(&abilities("waste:2 welsh"));
        let need = SkillSet::need(&abilities("waste:3 welsh:4 housing"));
        assert_eq!(have.lacks(&need), abilities("housing waste:3"));
        assert_eq!((have.meets(&need), have.levels(&need)), (1, 7));
    }
}
