//! What goes wrong over HTTP, each with its status and its words (RFC 9457): the one place where
//! errors become statuses.

use axum::Json;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::acd::callback::CallbackError;
use crate::acd::command::ChoiceError;
use crate::acd::messages::MessageError;
use crate::acd::wrap_up::WrapUpError;
use crate::call::{SuperviseError, TransferError};
use crate::engine::io::Reply;
use crate::flow::nearest;
use crate::id::AwayReason;
use crate::server::registry::Refusal;
use crate::sip::guard::BanError;

mod registry;

/// Why a request was not carried out. Each says what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// No route.
    NotFound,
    /// The route does not take this method; `Allow` lists those that it takes.
    MethodNotAllowed(Option<HeaderValue>),
    /// `Host` names somebody else.
    WrongHost,
    /// No bearer token where one is needed.
    NoToken,
    /// A bearer token that nobody has.
    BadToken,
    /// An agent's token over somebody else's state.
    NotYours,
    /// An agent's token where a supervisor's is needed.
    SupervisorsOnly,
    /// The body is not said to be JSON.
    NotJson,
    /// The body cannot be read as JSON.
    Malformed(String),
    /// The body is JSON that makes no sense here.
    Invalid(String),
    /// The body is not said to be CSV.
    NotCsv,
    /// The body is longer than this limit, in bytes.
    TooLong(usize),
    /// The request took too long to arrive.
    TooSlow,
    /// A part of the path cannot be read.
    BadPath(&'static str),
    /// The engine refused an agent's choice.
    Choice(ChoiceError),
    /// Nobody can be not ready for this; for what they can be.
    UnknownReason {
        /// What was said.
        reason: AwayReason,
        /// What can be.
        known: Vec<AwayReason>,
    },
    /// The call is not up.
    UnknownCall,
    /// Nothing can be said of the conversation, or not that.
    WrapUp(WrapUpError),
    /// The engine refused a ban.
    Ban(BanError),
    /// The source is not banned.
    NotBanned,
    /// An agent's token over a call that the agent is not part of.
    NotYourCall,
    /// The call is not being recorded.
    NotRecorded,
    /// The call cannot be handed on now.
    Transfer(TransferError),
    /// Nobody can be reached by what was given.
    UnknownDestination,
    /// The agent may not ring that number.
    NotAllowedOutside,
    /// The conversation cannot be supervised so.
    Supervise(SuperviseError),
    /// There are no two conversations to make one of.
    NoConference,
    /// No flow says a message of that name to callers.
    UnknownBulletin,
    /// The message cannot be worked on.
    Message(MessageError),
    /// The promise cannot be taken back.
    Callback(CallbackError),
    /// A queue, agent or skill cannot be changed so, or is not there.
    Registry(Refusal),
    /// The message's recording cannot be read.
    NoSound,
    /// The journal knows of no time that the call spent in a queue.
    NeverWaited,
    /// The journal cannot be read.
    NoJournal,
    /// The engine's reply did not come in time.
    NoReply,
    /// The engine is gone.
    Stopped,
    /// The engine's reply belongs to another request: a defect of ours.
    WrongReply,
}

impl From<Reply> for Problem {
    /// A reply that is not the one hoped for.
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::ChoiceRefused(error) => Problem::Choice(error),
            Reply::UnknownCall => Problem::UnknownCall,
            Reply::WrapUpRefused(WrapUpError::NotYours) => Problem::NotYourCall,
            Reply::WrapUpRefused(error) => Problem::WrapUp(error),
            Reply::BanRefused(error) => Problem::Ban(error),
            Reply::NotBanned => Problem::NotBanned,
            Reply::TransferRefused(error) => Problem::Transfer(error),
            Reply::UnknownDestination => Problem::UnknownDestination,
            Reply::NotAllowedOutside => Problem::NotAllowedOutside,
            Reply::SuperviseRefused(error) => Problem::Supervise(error),
            Reply::NoConference => Problem::NoConference,
            Reply::NotRecorded => Problem::NotRecorded,
            Reply::MessageRefused(error) => Problem::Message(error),
            Reply::CallbackRefused(error) => Problem::Callback(error),
            Reply::UnknownBulletin => Problem::UnknownBulletin,
            Reply::Agent(_) | Reply::Done | Reply::Banned { .. } => Problem::WrongReply,
        }
    }
}

impl Problem {
    /// The last part of `type`, which points to its entry in `/openapi.json`.
    pub(super) fn slug(&self) -> &'static str {
        match self {
            Problem::NotFound => "not-found",
            Problem::MethodNotAllowed(_) => "method-not-allowed",
            Problem::WrongHost => "wrong-host",
            Problem::NoToken => "no-token",
            Problem::BadToken => "bad-token",
            Problem::NotYours => "not-yours",
            Problem::SupervisorsOnly => "supervisors-only",
            Problem::NotJson => "not-json",
            Problem::Malformed(_) => "malformed",
            Problem::Invalid(_) => "invalid",
            Problem::NotCsv => "not-csv",
            Problem::TooLong(_) => "too-long",
            Problem::Registry(refusal) => registry::slug(refusal),
            Problem::TooSlow => "too-slow",
            Problem::BadPath(_) => "bad-path",
            Problem::Choice(ChoiceError::UnknownAgent) => "unknown-agent",
            Problem::Choice(ChoiceError::SignedOut) => "signed-out",
            Problem::Choice(ChoiceError::UnknownReason) | Problem::UnknownReason { .. } => {
                "unknown-reason"
            }
            Problem::Choice(ChoiceError::TooManyAway) => "too-many-away",
            Problem::Choice(ChoiceError::CodeOwed) => "code-owed",
            Problem::Choice(ChoiceError::NotWrappingUp) => "not-wrapping-up",
            Problem::Choice(ChoiceError::NoMoreTime) => "no-more-time",
            Problem::WrapUp(WrapUpError::Unknown) => "unknown-conversation",
            Problem::WrapUp(WrapUpError::NotYours) => "not-your-call",
            Problem::WrapUp(WrapUpError::TooLate) => "wrap-up-too-late",
            Problem::WrapUp(WrapUpError::UnknownCode { .. }) => "unknown-code",
            Problem::WrapUp(WrapUpError::CodeNeeded(_)) => "code-needed",
            Problem::UnknownCall => "unknown-call",
            Problem::Ban(BanError::Allowed) => "source-allowed",
            Problem::Ban(BanError::Full) => "bans-full",
            Problem::NotBanned => "not-banned",
            Problem::NotYourCall => "not-your-call",
            Problem::NotRecorded => "not-recorded",
            Problem::Transfer(TransferError::NotTalking) => "not-talking",
            Problem::Transfer(TransferError::NotAnAgent) => "no-agent",
            Problem::Transfer(TransferError::UnderWay) => "transfer-under-way",
            Problem::UnknownDestination => "unknown-destination",
            Problem::NotAllowedOutside => "destination-not-allowed",
            Problem::Supervise(SuperviseError::NotTalking) => "not-talking",
            Problem::Supervise(SuperviseError::NoAdviser) => "no-agent",
            Problem::Supervise(SuperviseError::Present) => "supervisor-present",
            Problem::Supervise(SuperviseError::Full) => "no-room",
            Problem::Supervise(SuperviseError::NoPhone) => "no-phone",
            Problem::Supervise(SuperviseError::Busy) => "supervisor-busy",
            Problem::Supervise(SuperviseError::Absent) => "no-supervisor",
            Problem::NoConference => "no-conference",
            Problem::UnknownBulletin => "unknown-bulletin",
            Problem::Message(MessageError::Unknown) => "unknown-message",
            Problem::Message(MessageError::Taken(_)) => "message-taken",
            Problem::Message(MessageError::NotServed) => "message-not-served",
            Problem::Callback(CallbackError::Unknown) => "unknown-callback",
            Problem::Callback(CallbackError::UnderWay) => "callback-under-way",
            Problem::NoSound => "no-sound",
            Problem::NeverWaited => "never-waited",
            Problem::NoJournal => "no-journal",
            Problem::NoReply => "no-reply",
            Problem::Stopped => "stopped",
            Problem::WrongReply => "wrong-reply",
        }
    }

    /// The status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Problem::NotFound
            | Problem::UnknownCall
            | Problem::NotBanned
            | Problem::NeverWaited
            | Problem::UnknownBulletin
            | Problem::Message(MessageError::Unknown)
            | Problem::Callback(CallbackError::Unknown)
            | Problem::WrapUp(WrapUpError::Unknown)
            | Problem::Choice(ChoiceError::UnknownAgent) => StatusCode::NOT_FOUND,
            Problem::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Problem::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Problem::NoToken | Problem::BadToken => StatusCode::UNAUTHORIZED,
            Problem::NotYours
            | Problem::SupervisorsOnly
            | Problem::NotYourCall
            | Problem::NotAllowedOutside
            | Problem::WrapUp(WrapUpError::NotYours)
            | Problem::Message(MessageError::NotServed) => StatusCode::FORBIDDEN,
            Problem::NotJson | Problem::NotCsv => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::Registry(refusal) => registry::status(refusal),
            Problem::Malformed(_) | Problem::BadPath(_) => StatusCode::BAD_REQUEST,
            Problem::Invalid(_)
            | Problem::UnknownDestination
            | Problem::UnknownReason { .. }
            | Problem::Choice(ChoiceError::UnknownReason)
            | Problem::WrapUp(WrapUpError::UnknownCode { .. } | WrapUpError::CodeNeeded(_)) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Problem::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Problem::Choice(
                ChoiceError::SignedOut
                | ChoiceError::TooManyAway
                | ChoiceError::CodeOwed
                | ChoiceError::NotWrappingUp
                | ChoiceError::NoMoreTime,
            )
            | Problem::WrapUp(WrapUpError::TooLate)
            | Problem::Ban(BanError::Allowed)
            | Problem::NotRecorded
            | Problem::Message(MessageError::Taken(_))
            | Problem::Callback(CallbackError::UnderWay)
            | Problem::Transfer(_)
            | Problem::Supervise(_)
            | Problem::NoConference => StatusCode::CONFLICT,
            Problem::NoReply => StatusCode::GATEWAY_TIMEOUT,
            Problem::Stopped | Problem::Ban(BanError::Full) => StatusCode::SERVICE_UNAVAILABLE,
            Problem::NoSound | Problem::NoJournal => StatusCode::BAD_GATEWAY,
            Problem::WrongReply => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Problem::NotFound => "There is nothing at this address",
            Problem::MethodNotAllowed(_) => "This address does not take this method",
            Problem::WrongHost => "This server is not the host that was asked for",
            Problem::NoToken => "A token is needed",
            Problem::BadToken => "The token is not known",
            Problem::NotYours => "This is another adviser's state",
            Problem::SupervisorsOnly => "Only supervisors may do this",
            Problem::NotJson => "The body must be JSON",
            Problem::Malformed(_) => "The body cannot be read as JSON",
            Problem::Invalid(_) => "The body does not say what is needed",
            Problem::NotCsv => "The body must be CSV",
            Problem::TooLong(_) => "The body is too long",
            Problem::Registry(refusal) => registry::title(refusal),
            Problem::TooSlow => "The request took too long to arrive",
            Problem::BadPath(_) => "A part of the address cannot be read",
            Problem::Choice(ChoiceError::UnknownAgent) => "There is no such adviser",
            Problem::Choice(ChoiceError::SignedOut) => "The adviser is signed out",
            Problem::Choice(ChoiceError::UnknownReason) | Problem::UnknownReason { .. } => {
                "There is no such reason"
            }
            Problem::Choice(ChoiceError::TooManyAway) => "Too many are not ready for this",
            Problem::Choice(ChoiceError::CodeOwed) => "The last call needs a code first",
            Problem::Choice(ChoiceError::NotWrappingUp) => "No call's work is under way",
            Problem::Choice(ChoiceError::NoMoreTime) => {
                "There is no more time for this call's work"
            }
            Problem::WrapUp(WrapUpError::Unknown) => "There is no such conversation",
            Problem::WrapUp(WrapUpError::NotYours) => "This is another adviser's call",
            Problem::WrapUp(WrapUpError::TooLate) => "The conversation was too long ago",
            Problem::WrapUp(WrapUpError::UnknownCode { .. }) => "There is no such code",
            Problem::WrapUp(WrapUpError::CodeNeeded(_)) => "A code is needed",
            Problem::UnknownCall => "No such call is up",
            Problem::Ban(BanError::Allowed) => "This source is never banned",
            Problem::Ban(BanError::Full) => "There is no room for another ban",
            Problem::NotBanned => "This source is not banned",
            Problem::NotYourCall => "This is another adviser's call",
            Problem::NotRecorded => "The call is not being recorded",
            Problem::Transfer(TransferError::NotTalking | TransferError::NotAnAgent) => {
                "Nobody talks in this call who could hand it on"
            }
            Problem::Transfer(TransferError::UnderWay) => "The call is being handed on already",
            Problem::UnknownDestination => "Nobody can be reached there",
            Problem::NotAllowedOutside => "The adviser may not ring this number",
            Problem::Supervise(SuperviseError::NotTalking | SuperviseError::NoAdviser) => {
                "There is no adviser's conversation in this call"
            }
            Problem::Supervise(SuperviseError::Present) => "The supervisor is in the call already",
            Problem::Supervise(SuperviseError::Full) => "Nobody else can be let in now",
            Problem::Supervise(SuperviseError::NoPhone | SuperviseError::Busy) => {
                "The supervisor cannot be rung"
            }
            Problem::Supervise(SuperviseError::Absent) => "There is no such supervisor in the call",
            Problem::NoConference => "There are no two conversations to make one of",
            Problem::UnknownBulletin => "No flow says a bulletin of that name",
            Problem::Message(MessageError::Unknown) => "No such message is open",
            Problem::Message(MessageError::Taken(_)) => "Somebody else works on the message",
            Problem::Message(MessageError::NotServed) => "This is another queue's message",
            Problem::Callback(CallbackError::Unknown) => "No such call back is promised",
            Problem::Callback(CallbackError::UnderWay) => "The call back is being made",
            Problem::NoSound => "The message cannot be heard now",
            Problem::NeverWaited => "The journal knows of no wait of this call",
            Problem::NoJournal => "The journal cannot be read now",
            Problem::NoReply => "The engine has not confirmed in time",
            Problem::Stopped => "The engine has stopped",
            Problem::WrongReply => "The engine gave an answer that does not fit",
        }
    }

    fn detail(&self) -> String {
        match self {
            Problem::NotFound => "Everything that can be asked for is in /openapi.json.".to_owned(),
            Problem::MethodNotAllowed(_) => {
                "The header Allow lists the methods that it takes.".to_owned()
            }
            Problem::WrongHost => "From this machine, ask for localhost or a loopback address. A \
                proxy in front must add Forwarded or X-Forwarded-For, and a bearer token."
                .to_owned(),
            Problem::NoToken => {
                "Send `Authorization: Bearer TOKEN`. Tokens are entered as [[token]] in the \
                 settings; figures without personal data need none from this machine itself."
                    .to_owned()
            }
            Problem::BadToken => "No [[token]] of the settings has the SHA-256 of this token. \
                Compare with: printf %s TOKEN | sha256sum"
                .to_owned(),
            Problem::NotYours => "A token with the role `agent` sees and changes its own agent's \
                state only. Ask a supervisor."
                .to_owned(),
            Problem::SupervisorsOnly => {
                "Use a token with the role `supervisor`; this one has the role `agent`.".to_owned()
            }
            Problem::NotJson => "Send `Content-Type: application/json`.".to_owned(),
            Problem::Malformed(why) | Problem::Invalid(why) => why.clone(),
            Problem::NotCsv => "Send `Content-Type: text/csv`.".to_owned(),
            Problem::TooLong(most) => format!("At most {most} bytes are taken."),
            Problem::Registry(refusal) => registry::detail(refusal),
            Problem::TooSlow => format!(
                "A request must be complete within {} seconds.",
                super::serve::REQUEST_WITHIN.as_secs()
            ),
            Problem::BadPath(right) => (*right).to_owned(),
            Problem::Choice(ChoiceError::UnknownAgent) => {
                "The settings have no agent of this name. GET /api/v1/agents lists them.".to_owned()
            }
            Problem::Choice(error @ ChoiceError::SignedOut) => {
                format!("{error}: send {{\"state\":\"signed_in\"}}.")
            }
            Problem::UnknownReason { reason, known } => {
                let known: Vec<&str> = known.iter().map(AwayReason::as_str).collect();
                let instead =
                    match (known.is_empty(), nearest(reason.as_str(), known.iter().copied())) {
                        (true, _) => {
                            "The settings have none: declare it as [not_ready.NAME].".to_owned()
                        }
                        (false, Some(near)) => {
                            format!("Did you mean `{near}`? There are: {}.", known.join(", "))
                        }
                        (false, None) => format!("There are: {}.", known.join(", ")),
                    };
                format!("`{reason}` is no reason to be not ready. {instead}")
            }
            Problem::Choice(error @ ChoiceError::UnknownReason) => {
                format!("{error}. GET /api/v1/agents lists them.")
            }
            Problem::Choice(error @ ChoiceError::TooManyAway) => {
                format!("{error}. Wait for somebody to come back, or ask a supervisor.")
            }
            Problem::Choice(error @ ChoiceError::CodeOwed) => {
                format!("{error}: PUT it to /api/v1/calls/CALL/wrap-up, or ask a supervisor.")
            }
            Problem::Choice(error @ ChoiceError::NotWrappingUp) => {
                format!("{error}: choose `not_ready` for a break.")
            }
            Problem::Choice(error @ ChoiceError::NoMoreTime) => {
                format!("{error}: choose `not_ready` for whatever else is to be done.")
            }
            Problem::WrapUp(WrapUpError::UnknownCode { code, near }) => {
                let near = near.as_ref().map(|near| format!(" Did you mean `{near}`?"));
                format!(
                    "`{code}` is not a code of the call's queue.{} GET the same address lists them.",
                    near.unwrap_or_default()
                )
            }
            Problem::WrapUp(error) => {
                format!("{error}. GET /api/v1/agents names each adviser's last one as `wrap_up`.")
            }
            Problem::UnknownCall => "It has ended, or never was.".to_owned(),
            Problem::Ban(error @ BanError::Allowed) => {
                format!("{error}: take it out of `allow` under [guard] first.")
            }
            Problem::Ban(error @ BanError::Full) => format!("{error}: lift one first."),
            Problem::NotBanned => {
                "Its ban is over, or never was. GET /api/v1/bans lists those in force.".to_owned()
            }
            Problem::NotRecorded => {
                "Nothing of it is recorded now, so there is nothing to pause: the rules are in \
                [recording] of the settings."
                    .to_owned()
            }
            Problem::NotYourCall => "A token with the role `agent` changes only calls in which \
                its own agent talks. Ask a supervisor."
                .to_owned(),
            Problem::Transfer(error) => format!("{error}. Look at the call before trying again."),
            Problem::UnknownDestination => {
                "`to` is what an adviser would dial: an adviser's id or \
                extension, a queue's name or extension, a number of [numbers], or a telephone \
                number."
                    .to_owned()
            }
            Problem::NotAllowedOutside => {
                "What advisers may ring is in [outbound] of the settings, by \
                role and by adviser. Ask a supervisor who may."
                    .to_owned()
            }
            Problem::Supervise(error) => format!("{error}. Look at the call before trying again."),
            Problem::NoConference => "The adviser must talk in this call, and in another one in \
                which they have asked somebody to join. One of the calls may be full already."
                .to_owned(),
            Problem::UnknownBulletin => "GET /api/v1/bulletins lists the names.".to_owned(),
            Problem::Message(MessageError::Unknown) => {
                "It is done, or never was. GET /api/v1/messages lists those that are open."
                    .to_owned()
            }
            Problem::Message(error @ MessageError::Taken(_)) => {
                format!("{error}. They can release it, and so can a supervisor.")
            }
            Problem::Message(MessageError::NotServed) => "A token with the role `agent` works on \
                messages of the queues that its agent has the skills for."
                .to_owned(),
            Problem::Callback(CallbackError::Unknown) => "It was kept, has failed, or never was. \
                GET /api/v1/callbacks lists those that are open."
                .to_owned(),
            Problem::Callback(CallbackError::UnderWay) => {
                "An adviser holds the line and the number is dialled. Hang up the call instead."
                    .to_owned()
            }
            Problem::NoSound => "Its recording cannot be read, or where it is kept cannot be \
                reached. The log says why; try again later."
                .to_owned(),
            Problem::NeverWaited => {
                "It never came into a queue, or there never was such a call.".to_owned()
            }
            Problem::NoJournal => "The log says why; try again later.".to_owned(),
            Problem::NoReply => {
                "There was no confirmation in time; the change may still come. Look \
                at the state before trying again."
                    .to_owned()
            }
            Problem::Stopped => {
                "It takes no requests any more. Try again when it is up.".to_owned()
            }
            Problem::WrongReply => "This is a defect; please report it.".to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut body = json!({
            "type": format!("/openapi.json#/components/x-problems/{}", self.slug()),
            "title": self.title(),
            "status": status.as_u16(),
            "detail": self.detail(),
        });
        if let Problem::Registry(refusal) = &self
            && let Some((name, more)) = registry::more(refusal)
        {
            body[name] = more;
        }
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self {
            // RFC 6750 section 3: no error code where no token was shown.
            Problem::NoToken => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static(r#"Bearer realm="switchboard""#),
                );
            }
            Problem::BadToken => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static(
                        r#"Bearer realm="switchboard", error="invalid_token""#,
                    ),
                );
            }
            Problem::MethodNotAllowed(Some(allow)) => {
                headers.insert(ALLOW, allow);
            }
            Problem::Stopped => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Problem::MethodNotAllowed(None)
            | Problem::NotFound
            | Problem::WrongHost
            | Problem::NotYours
            | Problem::SupervisorsOnly
            | Problem::NotJson
            | Problem::Malformed(_)
            | Problem::Invalid(_)
            | Problem::NotCsv
            | Problem::TooLong(_)
            | Problem::Registry(_)
            | Problem::TooSlow
            | Problem::BadPath(_)
            | Problem::Choice(_)
            | Problem::UnknownReason { .. }
            | Problem::UnknownCall
            | Problem::Ban(_)
            | Problem::NotBanned
            | Problem::NotYourCall
            | Problem::WrapUp(_)
            | Problem::NotRecorded
            | Problem::Transfer(_)
            | Problem::UnknownDestination
            | Problem::NotAllowedOutside
            | Problem::Supervise(_)
            | Problem::NoConference
            | Problem::UnknownBulletin
            | Problem::Message(_)
            | Problem::Callback(_)
            | Problem::NoSound
            | Problem::NeverWaited
            | Problem::NoJournal
            | Problem::NoReply
            | Problem::WrongReply => {}
        }
        response
    }
}
