//! Everything that can be wrong with settings: what is wrong, and what would be right.

use crate::acd::calendar::{CalendarError, DAYS};

mod adviser;
mod certificate;
mod finding;
mod hours;
mod secret;

pub use adviser::AdviserProblem;
pub use certificate::CertificateProblem;
pub(super) use finding::{Finding, Path, culprit};
pub use finding::{Told, place_of};
pub use hours::HoursProblem;
pub use secret::SecretProblem;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "each variant's text says what it is; fields are what the text names"
)]
pub enum Problem {
    #[error("the file cannot be read: {error}")]
    Unreadable { error: String },
    #[error("the file is not UTF-8 text")]
    NotText,
    #[error("this is not TOML: {error}")]
    Syntax { error: String },
    #[error("unknown key `{key}`")]
    UnknownKey { key: String, near: Option<String>, known: Vec<String> },
    #[error("`{value}` cannot be said here")]
    UnknownWord { value: String, near: Option<String>, known: Vec<String> },
    #[error("`{key}` is missing")]
    Missing { key: String },
    #[error("the value does not fit: {error}")]
    Value { error: String },
    #[error("the secret here (not shown) is not text")]
    SecretNotText,

    #[error("{what} is empty")]
    Empty { what: &'static str },
    #[error("{what} contains a control character")]
    ControlCharacter { what: &'static str },
    #[error("{what} must not be 0")]
    Zero { what: &'static str },
    #[error("{value} is too much for {what}")]
    TooMuch { what: &'static str, value: u64, most: u64 },
    #[error("there is no {kind} `{name}`")]
    NoSuch { kind: &'static str, name: String, near: Option<String>, known: Vec<String> },

    #[error("`{url}` is not the address of another system")]
    BadBackendUrl { url: String },
    #[error("what is asked of this system can be read on the way")]
    PlainBackend,
    #[error("callers may wait for it for {patience_s} s, {retries} times more than once")]
    ImpatientCallers { patience_s: u32, retries: u32 },

    #[error("nothing would send the template `{template}`")]
    NobodySends { template: String, table: &'static str },
    #[error("the template `{template}` has words of its own and is a template of GOV.UK Notify")]
    TwoTexts { template: String },
    #[error("the template `{template}` says nothing")]
    NoText { template: String },
    #[error("`{id}` is not the id of a template of GOV.UK Notify")]
    BadTemplateId { id: String },
    #[error("`{name}` cannot be the name of what stands in a template")]
    BadTemplateField { name: String },
    #[error("`{address}` is not an e-mail address")]
    BadAddress { address: String },
    #[error("`{key}` is of no use without `{other}`")]
    Alone { key: &'static str, other: &'static str },
    #[error("what is sent through this mail server can be read on the way")]
    PlainMail,

    #[error("no number leads anywhere")]
    NoNumbers,
    #[error("`{number}` cannot be dialled")]
    BadNumber { number: String },
    #[error("`{number}` is the same number as `{other}` and leads elsewhere")]
    NumberTwice { number: String, other: String },
    #[error("`{number}` is the same number as `{other}`")]
    NumberAgain { number: String, other: String },
    #[error("`{zone}` is not a time zone")]
    BadTimeZone { zone: String, near: Option<String> },

    #[error("nothing to listen on")]
    NoListener,
    #[error("`{address}` is listened on twice")]
    ListenTwice { address: String },
    #[error("more than {most} listeners")]
    TooManyListeners { most: usize },
    #[error("`{address}` means every address: nobody can be told to reach it")]
    AdvertiseUnspecified { address: String },
    #[error("nothing is spoken at this address")]
    NoTransport,
    #[error("TLS needs a certificate")]
    NoTls,
    #[error("`{host}` cannot be the name of a host")]
    BadHostName { host: String },
    #[error("{0}")]
    Certificate(CertificateProblem),
    #[error("{0}")]
    SecretFile(SecretProblem),
    #[error("a session of {session_s} s is not possible: {least} to {most} s are")]
    SessionOutOfRange { session_s: u32, least: u32, most: u32 },
    #[error("the shortest registration ({min} s) is longer than the longest ({max} s)")]
    ExpiresCrossed { min: u32, max: u32 },
    #[error("pages are served at {address} already")]
    PagesThere { address: String },
    #[error("`{path}` is no folder")]
    NoFolder { path: String },
    #[error(
        "the last bank holiday that is known was on {last}: the lines are open on all later ones"
    )]
    HolidaysOver { last: String },
    #[error("the last bank holiday that is known is on {last}")]
    HolidaysEnd { last: String },
    #[error("no queue can be called `all`: so tables call all queues together")]
    QueueOfAll,
    #[error("the realm contains a quote, a backslash or a control character")]
    BadRealm,
    #[error("the range has no pair of an even port and the odd one above")]
    NoPortPair,
    #[error("the range has room for {pairs} legs; {calls} calls need {needed}")]
    FewPorts { pairs: usize, calls: usize, needed: usize },
    #[error("the SIP listener's port {port} is in the range of RTP ports")]
    SipPortInRange { port: u16 },

    #[error("recordings are kept in one place")]
    TwoStores,
    #[error("recordings are not encrypted on the disk")]
    PlainRecordings,
    #[error("nothing says where the recogniser is")]
    NoRecogniser { schemes: &'static [&'static str] },
    #[error("`{url}` is not where a recogniser of this kind is spoken to")]
    BadRecogniser { url: String, schemes: &'static [&'static str] },
    #[error("`{url}` is not where a language model is")]
    BadModel { url: String },
    #[error("`{url}` is not where a voice is")]
    BadVoice { url: String },
    #[error("this program was built without PocketSphinx")]
    WithoutPocketSphinx,
    #[error("how sure a recogniser is lies between 0 and 1")]
    NotAProbability,
    #[error("`{trunk}` cannot be a trunk's name")]
    BadTrunkName { trunk: String },
    #[error("no listener speaks {protocol}")]
    NotSpoken { protocol: &'static str },
    #[error("the trunk's `{missing}` is missing")]
    HalfAnAccount { missing: &'static str },
    #[error("nothing says where the trunk is")]
    NoHost,
    #[error("we do not register with this trunk")]
    NotRegistered,
    #[error("a registration of less than {least} s")]
    TooBrief { least: u32 },
    #[error("more often than every {least} s")]
    TooOften { least: u32 },
    #[error("nothing says which name the trunk's certificate has")]
    NoCertificateName,
    #[error("calls without credentials are taken as anybody's, not as this trunk's")]
    TakenForStrangers,
    #[error("every address would be the trunk's")]
    FromEverywhere,
    #[error("these addresses are those of trunk `{other}` too")]
    SameAddresses { other: String },
    #[error("`{user}` is the user name of {other} too")]
    UserTwice { user: String, other: String },
    #[error("keys of the encryption would travel in the clear")]
    KeysInClear,
    #[error(
        "the keys of agent `{agent}` can be read in the signalling, and with them the audio decrypted"
    )]
    AgentKeysInClear { agent: String },
    #[error("`{number}` is not a full number")]
    NotFullNumber { number: String },
    #[error("`{prefix}` cannot be dialled")]
    BadPrefix { prefix: String },
    #[error("`{domain}` is not a domain")]
    BadDomain { domain: String },
    #[error("the first ban ({ban} s) is longer than the longest ({longest} s)")]
    BansCrossed { ban: u32, longest: u32 },
    #[error("every address is allowed: nobody is limited or banned")]
    EverybodyAllowed,

    #[error("{0}")]
    Calendar(CalendarError),
    #[error(transparent)]
    Hours(HoursProblem),
    #[error("no agent has every skill that queue `{queue}` needs ({skills})")]
    NobodySkilled { queue: String, skills: String },
    #[error("{ring_s} seconds are too short to ring somebody who is rung back")]
    RingsTooShort { ring_s: u32 },
    #[error("no agent has the skill `{skill}` that is preferred here")]
    NobodyPreferred { skill: String },
    #[error("{rung} cannot be rung at once: from 1 to {most} can")]
    RungAtOnce { rung: usize, most: usize },
    #[error("this queue rings one agent at a time, whatever `ring_at_most` is")]
    RingsOne,
    #[error(
        "callers who wait {wait_s} s for one agent are answered after the standard ({standard_s} s)"
    )]
    WaitsForOneTooLong { wait_s: u32, standard_s: u32 },
    #[error("nobody waits {wait_s} s for one agent: after {max_wait_s} s callers leave the queue")]
    NeverWaitsForOne { wait_s: u32, max_wait_s: u32 },
    #[error("{hours} h cannot be remembered: from 1 to {longest} h can")]
    RememberedTooLong { hours: u32, longest: u32 },
    #[error("nobody waits for one agent here, so nothing is remembered")]
    RemembersForNothing,
    #[error("a step after {after_s} s that comes behind one after {before} s")]
    RelaxBackwards { after_s: u32, before: u32 },
    #[error("nobody ever waits for {after_s} s: after {max_wait_s} s callers leave the queue")]
    NeverRelaxed { after_s: u32, max_wait_s: u32 },
    #[error("whoever may serve callers after this step could do so before it")]
    RelaxesNothing,
    #[error(transparent)]
    Adviser(AdviserProblem),
    #[error("queue `{queue}` is never open: calendar `{calendar}` has no hours")]
    NeverOpen { queue: String, calendar: String },
    #[error("callers of queue `{queue}` may wait for ever: flows let others go before them")]
    CanStarve { queue: String },
    #[error("`{name}` cannot be part of a prompt's name")]
    BadPromptName { name: String },

    #[error("agent `{agent}` cannot be a SIP user part")]
    BadAgentId { agent: String },
    #[error("agent `{agent}` has the same name as a number or star code")]
    AgentIsNumber { agent: String },
    #[error("agent `{agent}` has the same name as a queue")]
    AgentIsQueue { agent: String },
    #[error("agent `{agent}` has no phone: neither `password` nor `ha1` nor `contacts`")]
    NoPhone { agent: String },
    #[error("agent `{agent}` has both `password` and `ha1`")]
    TwoSecrets { agent: String },
    #[error("`ha1` has neither `md5` nor `sha256`")]
    EmptyHa1,
    #[error("not {digits} hexadecimal digits")]
    BadHash { digits: usize },
    #[error("{count} agents still have the passwords of the example")]
    ExamplePasswords { count: usize },
    #[error("`{contact}` is not the SIP address of a phone")]
    BadContact { contact: String },
    #[error("`{contact}` is given twice")]
    ContactTwice { contact: String },
    #[error("no address in sip.listen speaks what `{contact}` asks for")]
    NoWayTo { contact: String },

    #[error("`{code}` cannot be a star code")]
    BadStarCode { code: String },
    #[error("`{code}` is the code of `{other}` too")]
    StarCodeTwice { code: String, other: &'static str },
    #[error("`{code}` is a dialled number too")]
    StarCodeIsNumber { code: String },

    #[error("`{number}` reaches the emergency services and cannot lead to a flow")]
    EmergencyNumber { number: String },
    #[error("`{extension}` cannot be an extension")]
    BadExtension { extension: String },
    #[error("`{extension}` is {other} too")]
    ExtensionTwice { extension: String, other: String },

    #[error("a token of role `agent` belongs to no agent")]
    TokenWithoutAgent,
    #[error("a supervisor's token belongs to no single agent")]
    TokenWithAgent,
    #[error("the same token is given twice")]
    TokenTwice,

    #[error("bank holidays: {error}")]
    BankHolidays { error: String },

    #[error("no skill `{skill}` is declared, and others are")]
    UndeclaredSkill { skill: String, near: Option<String> },
    #[error("`{place}` declares it, and what a file declares is changed there")]
    Declared { place: String },
    #[error("the password of agent `{agent}` was given for another realm than `{realm}`")]
    OtherRealm { agent: String, realm: String },
}

impl Problem {
    /// What would be right.
    pub fn remedy(&self) -> Option<String> {
        let text = match self {
            Problem::Unreadable { .. } => {
                "name the settings file with --config FILE, or make it readable"
            }
            Problem::NotText => "save it as UTF-8",
            Problem::Syntax { .. } => "a setting is written `key = value`, text in \"quotes\"",
            Problem::UnknownKey { near, known, .. }
            | Problem::UnknownWord { near, known, .. }
            | Problem::NoSuch { near, known, .. } => return Some(instead(near.as_deref(), known)),
            Problem::Missing { key } => return Some(format!("add `{key} = ...`")),
            Problem::Value { .. } => "docs/settings.md tells what each key takes",
            Problem::SecretNotText => "write it in quotes",
            Problem::Empty { .. } | Problem::ControlCharacter { .. } => "write some printable text",
            Problem::Zero { .. } => "write 1 or more",
            Problem::TooMuch { most, .. } => return Some(format!("write {most} or less")),
            Problem::BadBackendUrl { .. } => {
                "write it as in https://tax.example.gov.uk/api, without `?` and `#`; a flow's `path` follows it"
            }
            Problem::PlainBackend => "use https, or a system on this machine",
            Problem::ImpatientCallers { .. } => {
                "make `timeout_ms` or `retries` smaller: callers who hear nothing but music hang up"
            }
            Problem::NobodySends { table, .. } => return Some(format!("add [{table}]")),
            Problem::TwoTexts { .. } => "keep `notify` with `fields`, or `subject` and `text`",
            Problem::NoText { .. } => {
                "a text needs `notify`, the id of a template of GOV.UK Notify; an e-mail needs that, or `subject` and `text`"
            }
            Problem::BadTemplateId { .. } => {
                "copy it from the template's page there: 32 hexadecimal digits in five groups"
            }
            Problem::BadTemplateField { .. } => {
                "small letters, digits and `_`, as in `{reference}`"
            }
            Problem::BadAddress { .. } => {
                "write it as in `Harbourside Council <no-reply@harbourside.example>`"
            }
            Problem::Alone { other, .. } => return Some(format!("add `{other} = ...`")),
            Problem::PlainMail => "use `tls` or `starttls`, or a server on this machine",
            Problem::NoNumbers => {
                "name at least one under [numbers], as in `\"434343\" = \"main\"`"
            }
            Problem::BadNumber { .. } => {
                "write what the network sends as the user part: letters, digits and + - _ . * #"
            }
            Problem::NumberTwice { .. } => {
                "keep one of them: however a number is written, it is the same"
            }
            Problem::NumberAgain { .. } => "one of them is enough",
            Problem::TwoStores => "name a `folder` or a `bucket`",
            Problem::PlainRecordings => {
                "make a key with `openssl rand -hex 32 > config/recording.key` and name it as \
                 `key_file`, unless the disk itself is encrypted"
            }
            Problem::NoRecogniser { schemes } | Problem::BadRecogniser { schemes, .. } => {
                return Some(format!(
                    "write `url = \"{}...\"`",
                    schemes.join("...\"` or `url = \"")
                ));
            }
            Problem::BadModel { .. } => {
                "write `url = \"http://host:8000/v1/chat/completions\"`, or leave it out to ask none"
            }
            Problem::BadVoice { .. } => {
                "write `url = \"http://host:8000/v1/audio/speech\"`, or leave it out to use espeak-ng"
            }
            Problem::WithoutPocketSphinx => {
                "build with `cargo build --features pocketsphinx` (Debian: libpocketsphinx-dev \
                 pocketsphinx-en-us), or take another `engine`"
            }
            Problem::NotAProbability => "write a number such as 0.5",
            Problem::BadTrunkName { .. } => "use letters, digits and - _ . only",
            Problem::NotSpoken { .. } => {
                "add a listener for it under [sip], or name another `transport`"
            }
            Problem::HalfAnAccount { .. } => {
                "give the account that the carrier has sent: `username` and `password`"
            }
            Problem::NoHost => {
                "add `hosts = [\"sip.carrier.example\"]`, or `from` for one that only calls us"
            }
            Problem::NotRegistered => {
                "add `register = {}`, or choose another `inbound`: address, digest, certificate, none"
            }
            Problem::TooBrief { .. } => "3600 is usual",
            Problem::TooOften { .. } => "60 is usual; 0 never asks",
            Problem::NoCertificateName => "add `certificate = [\"sbc.carrier.example\"]`",
            Problem::TakenForStrangers => {
                "add `from`, so that whoever calls from there is asked for credentials, or set \
                 sip.anonymous_calls = false"
            }
            Problem::FromEverywhere => "write the carrier's own addresses",
            Problem::SameAddresses { .. } => {
                "tell them apart by address, or by `inbound = \"digest\"` or \"certificate\""
            }
            Problem::UserTwice { .. } => "give each its own",
            Problem::KeysInClear => "reach the trunk over TLS: `;transport=tls`",
            Problem::AgentKeysInClear { .. } => {
                "give [sip.tls] a certificate, let phones register over TLS, and end the addresses of \
                 `contacts` with `;transport=tls`"
            }
            Problem::NotFullNumber { .. } => {
                "write it with its area code, as in \"01708 434343\" or \"+441708434343\""
            }
            Problem::BadPrefix { .. } => "write digits, as in \"9\"",
            Problem::BadDomain { .. } => "write a name, as in sip.carrier.example",
            Problem::BadTimeZone { near: Some(near), .. } => {
                return Some(format!("did you mean `{near}`?"));
            }
            Problem::BadTimeZone { near: None, .. } => {
                "write a name of the IANA time zone database, as in Europe/London"
            }
            Problem::NoListener => "add `listen = [{ bind = \"0.0.0.0:5060\" }]`, or leave it out",
            Problem::ListenTwice { .. } => "take one of the two out",
            Problem::TooManyListeners { .. } => "take some out",
            Problem::AdvertiseUnspecified { .. } => {
                "write the address under which phones and the trunk reach this machine"
            }
            Problem::NoTransport => "name at least one of udp, tcp, tls, ws, wss",
            Problem::NoTls => {
                "add `certificate` and `private_key` under [sip.tls], or as `tls = { ... }` here"
            }
            Problem::BadHostName { .. } => {
                "write the name that the certificate carries, as in sbc.harbourside.example"
            }
            Problem::Certificate(problem) => problem.remedy(),
            Problem::SecretFile(problem) => problem.remedy(),
            Problem::SessionOutOfRange { .. } => "leave it out for half an hour",
            Problem::PagesThere { .. } => "take another port, here or in http.bind",
            Problem::NoFolder { .. } => "name a folder, or where one can be made",
            Problem::HolidaysOver { .. } | Problem::HolidaysEnd { .. } => {
                "get the newest: curl -fsS https://www.gov.uk/bank-holidays.json -o \
                 config/bank-holidays.json"
            }
            Problem::QueueOfAll => "choose another name; the title may be any",
            Problem::ExpiresCrossed { .. } => "make min_expires_s the smaller of the two",
            Problem::BansCrossed { .. } => "make ban_s the smaller of the two",
            Problem::EverybodyAllowed => {
                "name the trunk's addresses, as in allow = [\"127.0.0.0/8\", \"192.0.2.10\"]"
            }
            Problem::BadRealm => "write a plain word, as in `switchboard`",
            Problem::NoPortPair => "write a wider range, as in 20000-29999",
            Problem::FewPorts { .. } => {
                "widen rtp.ports or lower limits.calls (a call has a caller's leg and an agent's)"
            }
            Problem::SipPortInRange { .. } => "move the one or the other",
            Problem::Calendar(error) => return Some(calendar_remedy(error)),
            Problem::Hours(problem) => return Some(problem.remedy()),
            Problem::NobodyPreferred { .. } => {
                "give it to an agent, ask for a lower level, or leave it out"
            }
            Problem::RungAtOnce { .. } => "ring a few: all but one of them are disturbed in vain",
            Problem::RingsOne => "add `choose = \"ring_all\"`, or leave it out",
            Problem::WaitsForOneTooLong { .. } => {
                "let them wait for a part of the standard only, so that somebody else can meet it"
            }
            Problem::NeverWaitsForOne { .. } => "make one of the two times fit the other",
            Problem::RememberedTooLong { .. } => {
                "remember what callers did for no longer than it serves them"
            }
            Problem::RemembersForNothing => "add `last_agent_s`, or leave it out",
            Problem::RelaxBackwards { .. } => {
                "write the steps in the order of their times, from 1 s on"
            }
            Problem::NeverRelaxed { .. } => "make `max_wait_s` longer, or leave the step out",
            Problem::RelaxesNothing => {
                "ask for a lower level than before, or for a skill of agents who could not serve \
                 these callers until then"
            }
            Problem::Adviser(problem) => problem.remedy(),
            Problem::NeverOpen { .. } => "give the calendar hours, or the queue another calendar",
            Problem::CanStarve { .. } => {
                "add `[turns]` with `ageing_s = 60`: a caller then counts as one step more urgent for \
                 every 60 s of waiting"
            }
            Problem::NobodySkilled { .. } => {
                "give the skills to an agent, or callers wait for ever"
            }
            Problem::RingsTooShort { .. } => {
                "ring for 15 seconds at least, as Ofcom asks of whoever rings people"
            }
            Problem::BadPromptName { .. } => {
                "write the path below sounds/ without .wav, as in music/hold"
            }
            Problem::BadAgentId { .. } => "use letters, digits and - _ . only",
            Problem::AgentIsNumber { .. } | Problem::AgentIsQueue { .. } => "rename one of the two",
            Problem::EmergencyNumber { .. } => "take it out",
            Problem::BadExtension { .. } => {
                "write two to twenty digits that are no emergency number, as in \"201\""
            }
            Problem::ExtensionTwice { .. } => "choose another extension",
            Problem::NoPhone { .. } => {
                "add `password = \"...\"` for phones that register, or `contacts = \
                 [\"sip:1001@10.0.0.7\"]` for one at a fixed address"
            }
            Problem::TwoSecrets { .. } => "keep one of them",
            Problem::EmptyHa1 => "add `md5`, `sha256` or both",
            Problem::BadHash { digits: 32 } => "write the MD5 of ID:REALM:PASSWORD in hexadecimal",
            Problem::BadHash { .. } => {
                "write a SHA-256 in hexadecimal, as printed by `printf %s TOKEN | sha256sum`"
            }
            Problem::ExamplePasswords { .. } => {
                "everybody can read them: set others before a phone outside can reach this machine"
            }
            Problem::BadContact { .. } => {
                "write sip:USER@ADDRESS or sip:USER@ADDRESS:PORT with a numeric address, as in \
                 sip:1001@10.0.0.7:5060"
            }
            Problem::NoWayTo { .. } => {
                "add an address of its family (IPv4 or IPv6) with its transport to sip.listen"
            }
            Problem::ContactTwice { .. } => "take one of the two out",
            Problem::BadStarCode { .. } => "write a star and digits, as in *72",
            Problem::StarCodeTwice { .. } | Problem::StarCodeIsNumber { .. } => {
                "choose another code"
            }
            Problem::TokenWithoutAgent => {
                "add `agent = \"...\"`: the one whose state it may change"
            }
            Problem::TokenWithAgent => "take `agent` out, or make the role `agent`",
            Problem::TokenTwice => "give each actor a token of their own",
            Problem::BankHolidays { .. } => {
                "put a copy of https://www.gov.uk/bank-holidays.json beside the settings file"
            }
            Problem::UndeclaredSkill { skill, near: None } => {
                return Some(format!("add [skill.{skill}], or PUT /api/v1/skills/{skill}"));
            }
            Problem::UndeclaredSkill { near: Some(near), .. } => {
                return Some(format!("did you mean `{near}`?"));
            }
            Problem::Declared { .. } => "change it there, or choose another name",
            Problem::OtherRealm { .. } => {
                "their phones cannot register: give the password again, or sip.realm its old value"
            }
        };
        Some(text.to_owned())
    }
}

fn instead(near: Option<&str>, known: &[String]) -> String {
    match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "nothing can be said here".to_owned(),
        None => format!("there is: {}", known.join(", ")),
    }
}

fn calendar_remedy(error: &CalendarError) -> String {
    match error {
        CalendarError::UnknownDay { .. } => format!("there is: {}", DAYS.join(", ")),
        CalendarError::BadDate { .. } => {
            "write the year, month and day, as in \"2026-12-24\"".to_owned()
        }
        CalendarError::BadSpan { .. } => {
            "write two times of day, as in \"08:45-17:00\"; a day ends at 24:00".to_owned()
        }
        CalendarError::Backwards { .. } => {
            "write a span over midnight as two: up to 24:00, and from 00:00 on the next day"
                .to_owned()
        }
        CalendarError::Overlap { .. } => "join them into one span".to_owned(),
        CalendarError::UnknownDivision { .. } => {
            "there is: england-and-wales, scotland, northern-ireland".to_owned()
        }
    }
}
