//! Opening hours with bank holidays and exceptions, in the organisation's time zone.

use serde::{Deserialize, Serialize};

/// Opening hours as the settings file writes them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalendarSettings {
    /// By day of the week (`mon` to `sun`): one or more spans `"08:45-17:00"`. A day that is not
    /// named is closed.
    pub week: std::collections::BTreeMap<String, Vec<String>>,
    /// By date (`2026-12-24`): spans that replace the day's; none for closed.
    pub exceptions: std::collections::BTreeMap<String, Vec<String>>,
    /// Closed on bank holidays of this division of the GOV.UK feed (`england-and-wales`), read from
    /// the file `bank-holidays.json` beside the settings.
    pub bank_holidays: Option<String>,
}

/// Opening hours, checked.
#[derive(Debug, Clone)]
pub struct Calendar {}
