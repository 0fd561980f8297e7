//! From checked settings to what the parts need of them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::acd::AcdPlan;
use crate::acd::calendar::{BankHolidays, Calendar, CalendarError};
use crate::acd::settings::AwaySettings;
use crate::id::CalendarName;

use super::settings::Settings;

/// Settings that were not checked: [`super::check::check`] finds these with their places.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The time zone is none.
    #[error("`{0}` is not a time zone")]
    TimeZone(String),
    /// A calendar is wrong.
    #[error("calendar `{name}`: {error}")]
    Calendar {
        /// Which.
        name: CalendarName,
        /// What is wrong with it.
        error: CalendarError,
    },
}

/// What the queue needs.
pub fn acd(settings: &Settings, bank_holidays: &BankHolidays) -> Result<AcdPlan, PlanError> {
    let mut calendars = BTreeMap::new();
    for (name, calendar) in &settings.calendars {
        let calendar = Calendar::new(calendar, bank_holidays)
            .map_err(|error| PlanError::Calendar { name: name.clone(), error })?;
        calendars.insert(name.clone(), calendar);
    }
    let agents = settings.agents.iter();
    Ok(AcdPlan {
        queues: settings.queues.clone(),
        turns: settings.turns,
        agents: agents.map(|(id, agent)| (id.clone(), agent.skills.clone())).collect(),
        away: AwaySettings::every(&settings.not_ready),
        calendars,
        zone: time_zone(settings)?,
    })
}

/// The organisation's time zone, from the database that is built in.
pub fn time_zone(settings: &Settings) -> Result<TimeZone, PlanError> {
    TimeZone::get(&settings.time_zone).map_err(|_| PlanError::TimeZone(settings.time_zone.clone()))
}
