//! What callers answered to surveys' questions.

use prometheus::proto::{MetricFamily, MetricType};

use super::super::live::Live;
use super::{count, family, labelled};

pub(super) fn families(live: &Live) -> Vec<MetricFamily> {
    let by_queue = live.surveys.0.iter().flat_map(|(question, queues)| {
        queues.iter().map(move |(queue, scores)| (question, queue, scores))
    });
    let answers = by_queue.flat_map(|(question, queue, scores)| {
        (1_u8..).zip(scores).map(move |(score, number)| {
            let score = score.to_string();
            labelled(count(*number), &[("question", question), ("queue", queue), ("score", &score)])
        })
    });
    vec![family(
        "switchboard_survey_answers_total",
        "Callers' answers to surveys' questions, by question, by the queue whose adviser had served \
         them, and by score from 1 to 5, the best.",
        MetricType::COUNTER,
        answers.collect(),
    )]
}
