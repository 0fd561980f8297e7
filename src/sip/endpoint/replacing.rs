//! An INVITE that takes the place of a dialog of ours (RFC 3891 section 3).

use crate::id::LegId;
use crate::sip::header::{HeaderName, Replaces};
use crate::time::Time;

use super::leg::Stage;
use super::response::Inbound;
use super::{Endpoint, Reason};

impl Endpoint {
    /// Which leg an INVITE replaces, if any. `Err` if it was refused.
    pub(super) fn replaced_leg(
        &mut self,
        now: Time,
        request: &Inbound,
    ) -> Result<Option<LegId>, ()> {
        let mut fields = request.message.fields(HeaderName::Replaces);
        let value = match (fields.next(), fields.next()) {
            (None, _) => return Ok(None),
            (Some(value), None) => value,
            (Some(_), Some(_)) => {
                self.refuse_bad(now, request, "More Than One Replaces", Reason::BadHeader);
                return Err(());
            }
        };
        let Ok(replaces) = Replaces::parse(value) else {
            self.refuse_bad(now, request, "Bad Replaces", Reason::BadHeader);
            return Err(());
        };
        match self.replaceable(&replaces) {
            Ok(leg) => Ok(Some(leg)),
            Err(status) => {
                self.refuse(now, request, status, Reason::CannotReplace);
                Err(())
            }
        }
    }

    fn replaceable(&self, replaces: &Replaces) -> Result<LegId, u16> {
        let leg = *self.dialogs.get(&replaces.dialog_id()).ok_or(481_u16)?;
        let found = self.legs.get(&leg).ok_or(481_u16)?;
        match found.stage {
            // Nobody takes over a call that rings here: it is the caller's.
            Stage::Arriving(_) => Err(481),
            Stage::Leaving => Err(603),
            Stage::Calling(_) | Stage::Up if found.quiet => Err(603),
            Stage::Calling(_) => Ok(leg),
            Stage::Up if replaces.early_only => Err(486),
            Stage::Up => Ok(leg),
        }
    }
}
