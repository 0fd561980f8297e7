//! The four service levels, each with its name. An empty interval has no ratio: never 100 %, never
//! 0 %.

use serde::{Deserialize, Serialize};

/// A service level, named by its formula (`measures.md`). A_T are the calls answered within the
/// standard, O those offered, A those answered, B_T those abandoned within the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// A_T / O: the headline, the harshest and the hardest to flatter.
    AnsweredWithinOfOffered,
    /// A_T / A.
    AnsweredWithinOfAnswered,
    /// A_T / (O - short abandons).
    ExcludingShortAbandons,
    /// A_T / (O - B_T).
    ExcludingAbandonsWithin,
}

impl Formula {
    /// Every formula, the headline first.
    pub const ALL: [Formula; 4] = [
        Formula::AnsweredWithinOfOffered,
        Formula::AnsweredWithinOfAnswered,
        Formula::ExcludingShortAbandons,
        Formula::ExcludingAbandonsWithin,
    ];

    /// The name used in the API, in metrics' labels and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Formula::AnsweredWithinOfOffered => "answered_within_of_offered",
            Formula::AnsweredWithinOfAnswered => "answered_within_of_answered",
            Formula::ExcludingShortAbandons => "excluding_short_abandons",
            Formula::ExcludingAbandonsWithin => "excluding_abandons_within",
        }
    }

    /// The formula in plain words.
    pub const fn words(self) -> &'static str {
        match self {
            Formula::AnsweredWithinOfOffered => {
                "calls answered within the standard, of all calls offered"
            }
            Formula::AnsweredWithinOfAnswered => {
                "calls answered within the standard, of calls answered"
            }
            Formula::ExcludingShortAbandons => {
                "calls answered within the standard, of calls offered without short abandons"
            }
            Formula::ExcludingAbandonsWithin => {
                "calls answered within the standard, of calls offered without those abandoned \
                 within the standard"
            }
        }
    }

    /// The ratio, from 0 to 1; none where nothing is left to divide by.
    pub fn ratio(self, calls: Calls) -> Option<f64> {
        let of = match self {
            Formula::AnsweredWithinOfOffered => calls.offered,
            Formula::AnsweredWithinOfAnswered => calls.answered,
            Formula::ExcludingShortAbandons => calls.offered.saturating_sub(calls.short_abandons),
            Formula::ExcludingAbandonsWithin => {
                calls.offered.saturating_sub(calls.abandoned_within)
            }
        };
        (of > 0).then(|| calls.answered_within as f64 / of as f64)
    }
}

/// What the formulas are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// O.
    pub offered: u64,
    /// A.
    pub answered: u64,
    /// A_T.
    pub answered_within: u64,
    /// Abandoned before the short-abandon bound.
    pub short_abandons: u64,
    /// B_T.
    pub abandoned_within: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_formula_divides_by_what_its_name_says() {
        let calls = Calls {
            offered: 10,
            answered: 7,
            answered_within: 6,
            short_abandons: 1,
            abandoned_within: 2,
        };
        let ratios = Formula::ALL.map(|formula| formula.ratio(calls));
        assert_eq!(ratios, [Some(6.0 / 10.0), Some(6.0 / 7.0), Some(6.0 / 9.0), Some(6.0 / 8.0)]);
    }

    #[test]
    fn an_empty_interval_has_no_ratio() {
        assert!(Formula::ALL.iter().all(|formula| formula.ratio(Calls::default()).is_none()));
    }

    #[test]
    fn only_short_abandons_leave_nothing_to_divide_by_where_they_are_excluded() {
        let calls =
            Calls { offered: 2, short_abandons: 2, abandoned_within: 2, ..Calls::default() };
        assert_eq!(Formula::ALL.map(|formula| formula.ratio(calls)), [Some(0.0), None, None, None]);
    }

    #[test]
    fn every_formula_has_the_name_that_serde_writes() {
        for formula in Formula::ALL {
            assert_eq!(serde_json::to_value(formula).expect("writes"), formula.as_str());
        }
    }
}
