//! What can be wrong with what advisers hear, say and may dial.

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "each variant's text says what it is; fields are what the text names"
)]
pub enum AdviserProblem {
    #[error("`{number}` is no number that people can ring back")]
    NotPresentable { number: String },
    #[error("`{number}` is none of our numbers")]
    NotOurNumber { number: String },
    #[error("no line is kept for callers")]
    NoLineKept,
    #[error("calls of flows are not counted")]
    NoLimitOfFlows,
    #[error("this names a value that is not there")]
    BadBraces { greeting: bool },
    #[error("`{code}` cannot be the name of a code")]
    BadWrapUpCode { code: String },
    #[error("{what} is more than {most} s")]
    TooLong { what: &'static str, most: u32 },
    #[error("`{reason}` cannot be the name of a reason")]
    BadReason { reason: String },
    #[error("nobody chooses `{reason}`: it follows from a call, or from nothing being said")]
    NotChosen { reason: String },
    #[error("`{key}` cannot be dialled behind the star code for not ready")]
    BadReasonKey { key: String },
    #[error("the reason `{other}` has the same key")]
    ReasonKeyTwice { other: String },
    #[error("`{dialled}` says something else already")]
    ReasonKeyTaken { dialled: String },
    #[error("this cannot be a PIN (not shown)")]
    BadPin,
    #[error("a PIN can be said in the settings file only")]
    PinOfFile,
    #[error("nobody could key in who it is whose PIN this is")]
    PinOfNobody,
    #[error("the last phone would ring after {last_s} s, and no queue lets them ring for so long")]
    NeverRings { last_s: u64 },
    #[error("`{phone}` cannot be the name of a phone")]
    BadPhone { phone: String },
    #[error("`{phone}` is the name or number of somebody else")]
    PhoneIsElse { phone: String },
    #[error("nobody can sign in at shared phones: no agent has a `pin`")]
    NobodySits,
    #[error("the recording `{prompt}` is missing: until it is there {instead}")]
    Unspoken { prompt: String, instead: &'static str },
    #[error("no adviser could give the code that is wanted here")]
    NoCodeToGive { codes: usize },
}

impl AdviserProblem {
    /// What would be right.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            AdviserProblem::NotPresentable { .. } => {
                "write a geographic, 03, mobile or freephone number in full, as in 01708 434343"
            }
            AdviserProblem::NotOurNumber { .. } => {
                "people ring back what they see: enter it in [numbers], and show no number that the \
                 organisation does not have"
            }
            AdviserProblem::NoLineKept => "write less than the trunk's `calls`",
            AdviserProblem::NoLimitOfFlows => "leave it out; it is for roles",
            AdviserProblem::BadBraces { greeting: true } => {
                "the only value of a greeting is {adviser}"
            }
            AdviserProblem::BadBraces { greeting: false } => "write the words without braces",
            AdviserProblem::BadWrapUpCode { .. } => {
                "write small letters, digits and hyphens, as in missed-bin"
            }
            AdviserProblem::BadPin => "write four to twelve digits in quotes",
            AdviserProblem::PinOfFile => "leave it out, or declare the agent in the file",
            AdviserProblem::PinOfNobody => "give the agent an `extension`",
            AdviserProblem::NeverRings { .. } => "write less, or let queues ring for longer",
            AdviserProblem::BadPhone { .. } => "use letters, digits and - _ . only",
            AdviserProblem::PhoneIsElse { .. } => "call the phone something else, as in desk-12",
            AdviserProblem::NobodySits => {
                "give those a `pin` who are to sit there: four to twelve digits"
            }
            AdviserProblem::BadReason { .. } => {
                "write small letters, digits and hyphens, as in lunch"
            }
            AdviserProblem::NotChosen { .. } => "leave it out; a title and a limit can be given",
            AdviserProblem::BadReasonKey { .. } => {
                "write one to three digits in quotes, as in \"1\""
            }
            AdviserProblem::ReasonKeyTwice { .. } | AdviserProblem::ReasonKeyTaken { .. } => {
                "write other digits"
            }
            AdviserProblem::TooLong { .. } => "write less",
            AdviserProblem::Unspoken { .. } => {
                "run `switchboard prompts render` where the server's settings and data are, or record it"
            }
            AdviserProblem::NoCodeToGive { codes: 0 } => "declare codes in [wrap_up.codes]",
            AdviserProblem::NoCodeToGive { .. } => {
                "give the queue a `wrap_up_s`, time to give it in"
            }
        }
    }
}
