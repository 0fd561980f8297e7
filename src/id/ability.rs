//! Skills with how well they are mastered: what an agent has, and what a call asks for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Skill;

/// How well somebody masters a skill: 1 (is learning it) to 5 (knows all of it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// Of whoever has just begun; what is asked for where no level is.
    pub const LOWEST: Level = Level(1);
    /// Of whoever knows everything; what an agent has where no level is given.
    pub const HIGHEST: Level = Level(5);

    /// A level from 1 to 5.
    pub const fn new(level: u8) -> Option<Level> {
        if level >= Level::LOWEST.0 && level <= Level::HIGHEST.0 {
            Some(Level(level))
        } else {
            None
        }
    }

    /// As a number from 1 to 5.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// A skill, and how well it is or must be mastered. Written `waste`, or with a level `waste:3`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ability {
    /// The skill.
    pub skill: Skill,
    /// The level, if one is written.
    pub level: Option<Level>,
}

impl Ability {
    /// How well whoever has this masters it.
    pub fn mastered(&self) -> Level {
        self.level.unwrap_or(Level::HIGHEST)
    }

    /// How well it must be mastered where this is asked for.
    pub fn at_least(&self) -> Level {
        self.level.unwrap_or(Level::LOWEST)
    }

    /// Whether somebody who can do `have` can do this.
    pub fn is_met_by(&self, have: &[Ability]) -> bool {
        have.iter().any(|one| one.skill == self.skill && one.mastered() >= self.at_least())
    }
}

/// Whether somebody who can do `have` can do all of `need`.
pub fn all_met(need: &[Ability], have: &[Ability]) -> bool {
    need.iter().all(|one| one.is_met_by(have))
}

/// What is not a skill with a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AbilityError {
    /// Nothing before the colon.
    #[error("a skill without a name")]
    NoName,
    /// Something else than 1 to 5 after it.
    #[error("the level of a skill is a number from 1 to 5, as in waste:3")]
    NoLevel,
}

impl std::str::FromStr for Ability {
    type Err = AbilityError;

    fn from_str(text: &str) -> Result<Self, AbilityError> {
        let (skill, level) = match text.split_once(':') {
            Some((skill, level)) => {
                let level = level.parse().ok().and_then(Level::new);
                (skill, Some(level.ok_or(AbilityError::NoLevel)?))
            }
            None => (text, None),
        };
        if skill.is_empty() {
            Err(AbilityError::NoName)
        } else {
            Ok(Ability { skill: skill.into(), level })
        }
    }
}

impl TryFrom<String> for Ability {
    type Error = AbilityError;

    fn try_from(text: String) -> Result<Self, AbilityError> {
        text.parse()
    }
}

impl From<Ability> for String {
    fn from(ability: Ability) -> String {
        ability.to_string()
    }
}

impl From<Skill> for Ability {
    fn from(skill: Skill) -> Self {
        Ability { skill, level: None }
    }
}

/// A skill without a level, whatever its name.
impl From<&str> for Ability {
    fn from(skill: &str) -> Self {
        Skill::from(skill).into()
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "{}:{}", self.skill, level.0),
            None => self.skill.fmt(f),
        }
    }
}

impl fmt::Debug for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_written_behind_a_colon_and_is_from_1_to_5() {
        let read = |text: &str| text.parse::<Ability>();
        let three = read("waste:3").expect("a skill with a level");
        assert_eq!(
            (three.skill.as_str(), three.mastered().get(), three.at_least().get()),
            ("waste", 3, 3)
        );
        let plain = read("waste").expect("a skill");
        assert_eq!(
            (plain.mastered().get(), plain.at_least().get()),
            (5, 1),
            "has all, asks for little"
        );
        for text in ["waste", "waste:1", "waste:5"] {
            assert_eq!(read(text).map(|one| one.to_string()).as_deref(), Ok(text));
        }
        for wrong in ["waste:0", "waste:6", "waste:", "waste:three", "waste:3:4", "waste: 3"] {
            assert_eq!(read(wrong), Err(AbilityError::NoLevel), "{wrong}");
        }
        assert_eq!(read(":3"), Err(AbilityError::NoName));
        assert_eq!(read(""), Err(AbilityError::NoName));
    }

    #[test]
    fn whoever_masters_enough_of_everything_can_serve() {
        let all = |text: &str| -> Vec<Ability> {
            text.split_whitespace().map(|one| one.parse().expect("a skill")).collect()
        };
        for (have, need, met) in [
            ("", "", true),
            ("waste", "waste", true),
            ("waste", "waste:5", true),
            ("waste:2", "waste", true),
            ("waste:2", "waste:3", false),
            ("waste:3 welsh", "waste:3 welsh:1", true),
            ("waste:3", "waste welsh", false),
        ] {
            assert_eq!(all_met(&all(need), &all(have)), met, "{have} / {need}");
        }
    }
}
