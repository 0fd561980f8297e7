//! Every input of the queue is tried: one that is added does not compile here until it is named, and
//! fails below until it is generated.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::{Both, rules, step};
use crate::acd::command::AcdInput;

macro_rules! inputs {
    ($($input:ident)+) => {
        const INPUTS: &[&str] = &[$(stringify!($input)),+];

        fn name(input: &AcdInput) -> &'static str {
            match input {
                $(AcdInput::$input { .. } => stringify!($input),)+
            }
        }
    };
}

inputs! {
    Enter Await Leave Ringing PickedUp Claim OfferFailed TalkEnded Engage Reserve Moved Choose CodeOwed
    Hold MoreTime Reachable Restore Timer
}

/// Inputs that were applied.
#[derive(Debug, Default)]
pub(super) struct Tried(BTreeSet<&'static str>);

impl Tried {
    pub(super) fn note(&mut self, input: &AcdInput) {
        self.0.insert(name(input));
    }
}

#[test]
fn every_input_is_tried() {
    let mut runner = TestRunner::deterministic();
    let mut tried = BTreeSet::new();
    for _ in 0..50 {
        let histories = (rules(), vec(step(), 1..150));
        let (rules, steps) = histories.new_tree(&mut runner).expect("is made").current();
        let mut both = Both::new(&rules);
        for step in steps {
            both.step(step);
        }
        tried.extend(both.tried.0);
    }
    assert_eq!(tried, INPUTS.iter().copied().collect());
}
