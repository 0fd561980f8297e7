//! What a simulation leaves behind: `calls_out.csv`, `intervals.csv`, `summary.json`.

use crate::stats::table;

use super::{Fate, Report, Summary};

impl Report {
    /// `calls_out.csv`: a line for each call, in the order in which they were given.
    pub fn calls_out(&self) -> Vec<u8> {
        let rows = self.fates.iter().map(|(call, fate)| {
            let (wait_ms, agent) = match fate {
                Fate::Answered { wait_ms, agent } => (wait_ms.to_string(), agent.to_string()),
                Fate::Abandoned { wait_ms } => (wait_ms.to_string(), String::new()),
                Fate::Closed | Fate::LeftMenu | Fate::ClosedInMenu | Fate::Overflowed => {
                    (String::new(), String::new())
                }
            };
            [call.clone(), fate.as_str().to_owned(), wait_ms, agent]
        });
        table::csv(["call_id", "outcome", "wait_ms", "agent_id"], rows)
    }

    /// `intervals.csv`.
    pub fn intervals_csv(&self) -> Vec<u8> {
        table::csv(table::COLUMNS, self.intervals.iter().map(table::values))
    }

    /// `summary.json`.
    pub fn summary(&self) -> Summary {
        let figures = &self.figures;
        Summary {
            offered: figures.offered,
            answered: figures.answered,
            abandoned: figures.abandoned,
            short_abandons: figures.short_abandons,
            answered_within_standard: figures.answered_within_standard,
            asa_s: figures.asa_s,
            longest_wait_s: figures.longest_wait_s,
            max_queue_length: self.max_queue_length,
            answered_within_of_offered: figures.answered_within_of_offered,
            answered_within_of_answered: figures.answered_within_of_answered,
            excluding_short_abandons: figures.excluding_short_abandons,
            excluding_abandons_within: figures.excluding_abandons_within,
        }
    }
}
