//! Header names: known ones as an enum, compact forms and letter case forgotten.

use std::fmt;

macro_rules! header_names {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// The name of a header (RFC 3261 section 20 and the registry of its extensions).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum HeaderName {
            $($(#[$doc])* $variant,)*
            /// Any other; see [`Message::named`](crate::sip::message::Message::named).
            Other,
        }

        impl HeaderName {
            /// Every known name.
            pub const KNOWN: &'static [HeaderName] = &[$(HeaderName::$variant,)*];

            /// The long form in its usual spelling; `header` for [`HeaderName::Other`].
            pub fn as_str(self) -> &'static str {
                match self {
                    $(HeaderName::$variant => $name,)*
                    HeaderName::Other => "header",
                }
            }
        }
    };
}

header_names! {
    /// Media types that may come back.
    Accept = "Accept";
    /// Methods that are supported.
    Allow = "Allow";
    /// Events that are supported (RFC 6665).
    AllowEvents = "Allow-Events";
    /// Credentials for a user agent (RFC 7616).
    Authorization = "Authorization";
    /// The call's identity, with the tags.
    CallId = "Call-ID";
    /// Where the sender can be reached directly.
    Contact = "Contact";
    /// How the body is to be taken.
    ContentDisposition = "Content-Disposition";
    /// How the body is encoded.
    ContentEncoding = "Content-Encoding";
    /// The body's length in bytes.
    ContentLength = "Content-Length";
    /// The body's media type.
    ContentType = "Content-Type";
    /// Orders requests within a dialog.
    CSeq = "CSeq";
    /// When it was sent.
    Date = "Date";
    /// Which redirections a call took (RFC 5806).
    Diversion = "Diversion";
    /// Which event (RFC 6665).
    Event = "Event";
    /// How long it holds, in seconds.
    Expires = "Expires";
    /// Who sends.
    From = "From";
    /// Which retargetings a call took (RFC 7044).
    HistoryInfo = "History-Info";
    /// How many hops are left.
    MaxForwards = "Max-Forwards";
    /// The shortest acceptable registration, in seconds.
    MinExpires = "Min-Expires";
    /// The shortest acceptable session interval, in seconds (RFC 4028).
    MinSe = "Min-SE";
    /// Who it is, as the network asserts (RFC 3325).
    PAssertedIdentity = "P-Asserted-Identity";
    /// Which identity the sender prefers (RFC 3325).
    PPreferredIdentity = "P-Preferred-Identity";
    /// Extra addresses of a request (RFC 3327).
    Path = "Path";
    /// What the network must withhold (RFC 3323).
    Privacy = "Privacy";
    /// A proxy's challenge.
    ProxyAuthenticate = "Proxy-Authenticate";
    /// Credentials for a proxy.
    ProxyAuthorization = "Proxy-Authorization";
    /// Extensions that proxies must support.
    ProxyRequire = "Proxy-Require";
    /// Acknowledges a provisional response (RFC 3262).
    RAck = "RAck";
    /// Why a request was sent (RFC 3326).
    Reason = "Reason";
    /// Proxies that stay in the dialog's path.
    RecordRoute = "Record-Route";
    /// On whose behalf a REFER is (RFC 3892).
    ReferredBy = "Referred-By";
    /// Whom to contact (RFC 3515).
    ReferTo = "Refer-To";
    /// Which dialog is to be replaced (RFC 3891).
    Replaces = "Replaces";
    /// Extensions that the recipient must support.
    Require = "Require";
    /// When to try again, in seconds.
    RetryAfter = "Retry-After";
    /// Proxies to be visited.
    Route = "Route";
    /// Numbers a reliable provisional response (RFC 3262).
    RSeq = "RSeq";
    /// What answers.
    Server = "Server";
    /// How long a session lives without refresh (RFC 4028).
    SessionExpires = "Session-Expires";
    /// What it is about.
    Subject = "Subject";
    /// The state of a subscription (RFC 6665).
    SubscriptionState = "Subscription-State";
    /// Extensions that are supported.
    Supported = "Supported";
    /// When it was sent, for round-trip times.
    Timestamp = "Timestamp";
    /// To whom it is addressed.
    To = "To";
    /// Extensions that are not supported.
    Unsupported = "Unsupported";
    /// What sends.
    UserAgent = "User-Agent";
    /// The path that the request took, and the response's way back.
    Via = "Via";
    /// What went wrong, in words.
    Warning = "Warning";
    /// A user agent's challenge.
    WwwAuthenticate = "WWW-Authenticate";
}

impl HeaderName {
    /// The header that a name on the wire means, in any case and also in its compact form.
    pub fn from_bytes(name: &[u8]) -> HeaderName {
        use HeaderName::*;
        let candidates: &[HeaderName] = match name.len() {
            1 => return compact(name),
            2 => &[To],
            3 => &[Via],
            4 => &[From, CSeq, Date, Path, RAck, RSeq],
            5 => &[Allow, Route, Event],
            6 => &[Accept, Server, Reason, MinSe],
            7 => &[Contact, CallId, Expires, Require, Privacy, Subject, Warning],
            8 => &[ReferTo, Replaces],
            9 => &[Supported, Diversion, Timestamp],
            10 => &[UserAgent],
            11 => &[RetryAfter, MinExpires, Unsupported, ReferredBy],
            12 => &[MaxForwards, ContentType, RecordRoute, HistoryInfo, AllowEvents],
            13 => &[Authorization, ProxyRequire],
            14 => &[ContentLength],
            15 => &[SessionExpires],
            16 => &[WwwAuthenticate, ContentEncoding],
            18 => &[ProxyAuthenticate, SubscriptionState],
            19 => &[ProxyAuthorization, PAssertedIdentity, ContentDisposition],
            20 => &[PPreferredIdentity],
            _ => &[],
        };
        // The first letter decides nearly always, and is cheaper than a comparison.
        let initial = name.first().map(u8::to_ascii_lowercase);
        candidates
            .iter()
            .copied()
            .find(|known| {
                let known = known.as_str().as_bytes();
                initial == known.first().map(u8::to_ascii_lowercase)
                    && name.eq_ignore_ascii_case(known)
            })
            .unwrap_or(Other)
    }
}

/// RFC 3261 section 7.3.3 and the registry's later one-letter names.
fn compact(name: &[u8]) -> HeaderName {
    match name.first().map(u8::to_ascii_lowercase) {
        Some(b'b') => HeaderName::ReferredBy,
        Some(b'c') => HeaderName::ContentType,
        Some(b'e') => HeaderName::ContentEncoding,
        Some(b'f') => HeaderName::From,
        Some(b'i') => HeaderName::CallId,
        Some(b'k') => HeaderName::Supported,
        Some(b'l') => HeaderName::ContentLength,
        Some(b'm') => HeaderName::Contact,
        Some(b'o') => HeaderName::Event,
        Some(b'r') => HeaderName::ReferTo,
        Some(b's') => HeaderName::Subject,
        Some(b't') => HeaderName::To,
        Some(b'u') => HeaderName::AllowEvents,
        Some(b'v') => HeaderName::Via,
        Some(b'x') => HeaderName::SessionExpires,
        _ => HeaderName::Other,
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_in_any_case() {
        for name in HeaderName::KNOWN {
            assert_eq!(HeaderName::from_bytes(name.as_str().as_bytes()), *name);
            assert_eq!(HeaderName::from_bytes(name.as_str().to_uppercase().as_bytes()), *name);
            assert_eq!(HeaderName::from_bytes(name.as_str().to_lowercase().as_bytes()), *name);
        }
    }

    #[test]
    fn compact_forms_mean_their_long_names_and_escapes_are_not_undone() {
        assert_eq!(HeaderName::from_bytes(b"v"), HeaderName::Via);
        assert_eq!(HeaderName::from_bytes(b"M"), HeaderName::Contact);
        assert_eq!(HeaderName::from_bytes(b"z"), HeaderName::Other);
        assert_eq!(HeaderName::from_bytes(b"C%6Fntact"), HeaderName::Other);
    }
}
