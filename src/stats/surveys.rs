//! What callers answered to surveys' questions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::QueueName;

/// The best score; the worst is 1.
pub const BEST: u8 = 5;

/// Answers since the journal began: by question, then by the queue whose agent had served the caller (or
/// [`NO_QUEUE`]), how many of each score, from 1 to [`BEST`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SurveyBook(pub BTreeMap<String, BTreeMap<String, [u64; BEST as usize]>>);

/// For callers who were asked before anybody served them.
pub const NO_QUEUE: &str = "none";

impl SurveyBook {
    /// Counts an answer; a score out of the scale counts nowhere.
    pub(super) fn count(&mut self, question: &str, queue: Option<&QueueName>, score: u8) {
        let queue = queue.map_or(NO_QUEUE, |queue| queue.as_str());
        let scores = self.0.entry(question.to_owned()).or_default();
        let scores = scores.entry(queue.to_owned()).or_default();
        let place = usize::from(score).checked_sub(1).and_then(|at| scores.get_mut(at));
        if let Some(count) = place {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_question_and_queue() {
        let mut book = SurveyBook::default();
        let waste = QueueName::from("waste");
        for score in [5, 5, 1, 0, 6] {
            book.count("satisfied", Some(&waste), score);
        }
        book.count("satisfied", None, 3);
        assert_eq!(book.0["satisfied"]["waste"], [1, 0, 0, 0, 2]);
        assert_eq!(book.0["satisfied"][NO_QUEUE], [0, 0, 1, 0, 0]);
    }
}
