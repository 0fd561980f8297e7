//! Calendars: hours that can be read, and that leave nobody before a closed door by mistake.

use crate::acd::calendar::{BankHolidays, Calendar, CalendarError, CalendarSettings, Hole};
use crate::config::problem::{HoursProblem, Problem};

use super::Check;

impl Check<'_> {
    pub(super) fn calendars(&mut self, bank_holidays: &BankHolidays) {
        let settings = self.settings;
        for (name, calendar) in &settings.calendars {
            let name = name.as_str();
            let Err(error) = Calendar::new(calendar, bank_holidays) else {
                self.holes(name, calendar);
                continue;
            };
            let what = Problem::Calendar(error.clone());
            match error {
                CalendarError::UnknownDay { day } => {
                    self.key_error(&["calendar", name, "week", &day], what);
                }
                CalendarError::BadDate { day } => {
                    self.key_error(&["calendar", name, "exceptions", &day], what);
                }
                CalendarError::BadSpan { exception, day, index, .. }
                | CalendarError::Backwards { exception, day, index, .. }
                | CalendarError::Overlap { exception, day, index, .. } => {
                    let table = if exception { "exceptions" } else { "week" };
                    self.error(&["calendar", name, table, &day, &index.to_string()], what);
                }
                CalendarError::UnknownDivision { division } => {
                    let known = bank_holidays.divisions();
                    let path = ["calendar", name, "bank_holidays"];
                    self.no_such(&path, "division of bank holidays", &division, known);
                }
            }
        }
    }

    fn holes(&mut self, name: &str, calendar: &CalendarSettings) {
        for hole in calendar.holes() {
            match hole {
                Hole::Day(day) => {
                    let path = ["calendar", name, "week"];
                    self.warning(&path, Problem::Hours(HoursProblem::NotNamed { day }));
                }
                Hole::Minutes { exception, day, index, from, to } => {
                    let table = if exception { "exceptions" } else { "week" };
                    let path = ["calendar", name, table, &day, &index.to_string()];
                    self.value_warning(&path, Problem::Hours(HoursProblem::Gap { from, to }));
                }
            }
        }
    }
}
