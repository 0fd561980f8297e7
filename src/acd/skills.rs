//! Sets of skills, as keys of the indexes: those who need or have the same are found together.

use std::sync::Arc;

use crate::id::Skill;

/// A set of skills, sorted. Cheap to copy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct SkillSet(Arc<[Skill]>);

impl FromIterator<Skill> for SkillSet {
    fn from_iter<I: IntoIterator<Item = Skill>>(skills: I) -> Self {
        let mut skills: Vec<Skill> = skills.into_iter().collect();
        skills.sort();
        skills.dedup();
        SkillSet(skills.into())
    }
}

impl SkillSet {
    /// Whether whoever has `self` can serve a call that needs `need`.
    pub(super) fn covers(&self, need: &SkillSet) -> bool {
        let mut have = self.0.iter();
        need.0.iter().all(|skill| have.any(|one| one == skill))
    }

    /// In alphabetical order.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Skill> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> SkillSet {
        text.split_whitespace().map(Skill::from).collect()
    }

    #[test]
    fn a_set_covers_whatever_it_contains() {
        for (have, need, covers) in [
            ("", "", true),
            ("waste", "", true),
            ("waste", "waste", true),
            ("welsh waste housing", "waste welsh", true),
            ("waste", "waste welsh", false),
            ("", "waste", false),
            ("a b d", "a c", false),
            ("waste waste", "waste", true),
        ] {
            assert_eq!(set(have).covers(&set(need)), covers, "{have} / {need}");
        }
    }
}
