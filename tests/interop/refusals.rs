//! What is refused, with the status that the RFC names.

use crate::scenario::Scenario;

pub fn scenarios(_all: &mut Vec<Scenario>) {}
