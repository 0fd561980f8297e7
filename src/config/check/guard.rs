//! The attack guard.

use crate::config::problem::Problem;
use crate::sip::range::AddressRange;

use super::Check;

impl Check<'_> {
    pub(super) fn guard(&mut self) {
        let guard = &self.settings.guard;
        for (key, what, value) in [
            ("messages_per_second", "guard.messages_per_second", guard.messages_per_second),
            (
                "known_messages_per_second",
                "guard.known_messages_per_second",
                guard.known_messages_per_second,
            ),
            ("offences", "guard.offences", guard.offences),
            ("window_s", "guard.window_s", guard.window_s),
            ("ban_s", "guard.ban_s", guard.ban_s),
            ("unproven_calls", "guard.unproven_calls", guard.unproven_calls),
            (
                "unproven_calls_per_address",
                "guard.unproven_calls_per_address",
                guard.unproven_calls_per_address,
            ),
        ] {
            self.not_zero(&["guard", key], what, u64::from(value));
        }
        let (ban, longest) = (guard.ban_s, guard.longest_ban_s);
        if ban > longest {
            self.error(&["guard", "longest_ban_s"], Problem::BansCrossed { ban, longest });
        }
        if guard.allow.iter().any(AddressRange::is_everything) {
            self.warning(&["guard", "allow"], Problem::EverybodyAllowed);
        }
    }
}
