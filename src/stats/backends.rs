//! How other systems were asked, and how they stand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Exchange, Standing};
use crate::id::BackendName;

/// Every back end that was ever asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BackendBook {
    /// By name.
    pub all: BTreeMap<BackendName, BackendFigures>,
}

/// One back end since the journal began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BackendFigures {
    /// Questions by the first digit of the answer's status (`2xx`), or by why there was none.
    pub outcomes: BTreeMap<String, u64>,
    /// How long answers took together, in microseconds.
    pub took_us: u64,
    /// Whether it is left alone now because it has failed too often.
    pub open: bool,
}

impl BackendBook {
    pub(super) fn asked(&mut self, exchange: &Exchange) {
        let figures = self.all.entry(exchange.backend.clone()).or_default();
        let outcome = match (exchange.status, exchange.failed) {
            (Some(status), _) => format!("{}xx", status / 100),
            (None, Some(failed)) => failed.as_str().to_owned(),
            (None, None) => return,
        };
        *figures.outcomes.entry(outcome).or_default() += 1;
        figures.took_us = figures.took_us.saturating_add(exchange.took_us);
    }

    pub(super) fn stands(&mut self, backend: &BackendName, standing: Standing) {
        let open = match standing {
            Standing::Closed => false,
            Standing::Open | Standing::HalfOpen => true,
        };
        self.all.entry(backend.clone()).or_default().open = open;
    }
}
