//! Request methods (RFC 3261 section 7.1). Names are case-sensitive and never unescaped.

use std::fmt;

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A request's method.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method {
            $($(#[$doc])* $variant,)*
            /// Any other token, as received.
            Other(Box<str>),
        }

        impl Method {
            /// The method of a token; none if the bytes are not a token.
            pub fn from_bytes(bytes: &[u8]) -> Option<Method> {
                $(if bytes == $name.as_bytes() {
                    return Some(Method::$variant);
                })*
                if bytes.is_empty() || !bytes.iter().all(|b| super::header::scan::is_token(*b)) {
                    return None;
                }
                std::str::from_utf8(bytes).ok().map(|name| Method::Other(name.into()))
            }

            /// The name on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Method::$variant => $name,)*
                    Method::Other(name) => name,
                }
            }

            /// The name for counters: bounded, whatever peers send.
            pub fn label(&self) -> &'static str {
                match self {
                    $(Method::$variant => $name,)*
                    Method::Other(_) => "OTHER",
                }
            }
        }
    };
}

methods! {
    /// Begins or changes a session.
    Invite = "INVITE";
    /// Acknowledges the final response to an INVITE.
    Ack = "ACK";
    /// Ends a session.
    Bye = "BYE";
    /// Withdraws an INVITE.
    Cancel = "CANCEL";
    /// Asks for capabilities; in practice, whether we live.
    Options = "OPTIONS";
    /// Binds a contact to an address of record.
    Register = "REGISTER";
    /// Acknowledges a reliable provisional response (RFC 3262).
    Prack = "PRACK";
    /// Changes a session before it is answered (RFC 3311).
    Update = "UPDATE";
    /// Carries application data within a session (RFC 6086).
    Info = "INFO";
    /// Asks the recipient to contact a third party (RFC 3515).
    Refer = "REFER";
    /// Reports an event (RFC 6665).
    Notify = "NOTIFY";
    /// Asks for events (RFC 6665).
    Subscribe = "SUBSCRIBE";
    /// An instant message (RFC 3428).
    Message = "MESSAGE";
    /// Publishes event state (RFC 3903).
    Publish = "PUBLISH";
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_case_sensitive_tokens_and_never_unescaped() {
        assert_eq!(Method::from_bytes(b"INVITE"), Some(Method::Invite));
        assert_eq!(Method::from_bytes(b"invite"), Some(Method::Other("invite".into())));
        assert_eq!(Method::from_bytes(b"RE%47IST%45R"), Some(Method::Other("RE%47IST%45R".into())));
        assert_eq!(Method::from_bytes(b"IN VITE"), None);
        assert_eq!(Method::from_bytes(b""), None);
        assert_eq!(Method::Other("FROB".into()).label(), "OTHER");
    }
}
