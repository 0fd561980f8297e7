//! An agent rings a number outside that they may not ring, or for which there is no line: they are told so before the call is answered
//! (RFC 3960), and then it is refused.

use crate::event::{EndCause, OutboundRefusal, TransferOutcome};
use crate::id::PromptName;
use crate::time::Time;

use super::dial::Goal;
use super::{Call, SipAction};

const NOT_ALLOWED: &str = "outbound/not-allowed";
const TOO_MANY: &str = "outbound/too-many";
const LINES_TAKEN: &str = "outbound/lines-taken";

/// Every prompt that is heard then.
pub fn prompts() -> [PromptName; 3] {
    [NOT_ALLOWED, TOO_MANY, LINES_TAKEN].map(PromptName::from)
}

impl Call {
    /// A number may not be rung for the agent.
    pub fn dial_forbidden(&mut self, now: Time, why: OutboundRefusal) {
        let Some(dialling) = self.take_asking() else { return };
        let (offer, early) = match dialling.goal {
            Goal::OwnCall { offer, early } => (offer, early),
            goal @ (Goal::Transfer(_) | Goal::Recall | Goal::CallBack | Goal::Flow(_)) => {
                let outcome = match why.status() {
                    403 => TransferOutcome::NotAllowed,
                    _ => TransferOutcome::Unreachable,
                };
                return self.dial_failed(now, goal, outcome, why.status());
            }
        };
        let caller = self.caller_leg.id;
        self.forbidden = Some(why);
        // Without their description they can be told nothing.
        let described = match (offer, early) {
            (Some(offer), None) => self.caller_leg.answer(&offer, None).ok(),
            (Some(_) | None, _) => None,
        };
        let Some(sdp) = described else {
            self.forbidden_told(now);
            return;
        };
        self.sip(SipAction::Provisional(caller, 183, Some(sdp)));
        self.negotiate(caller);
        self.play(vec![PromptName::from(match why {
            OutboundRefusal::TooMany | OutboundRefusal::AtOnce => TOO_MANY,
            OutboundRefusal::RoleFull | OutboundRefusal::TrunkFull => LINES_TAKEN,
            OutboundRefusal::NotAllowed
            | OutboundRefusal::NoTrunk
            | OutboundRefusal::TrunksDown => NOT_ALLOWED,
        })]);
    }

    /// They have been told: the call is refused. False if there was nothing to be told.
    pub(super) fn forbidden_told(&mut self, now: Time) -> bool {
        let Some(why) = self.forbidden.take() else { return false };
        self.sip(SipAction::Forbid(self.caller_leg.id, why));
        self.end(now, EndCause::AgentCallFailed);
        true
    }
}
