//! Replaces: which dialog a new one takes the place of (RFC 3891).

use std::fmt;

use super::params::Params;
use super::scan::{self, Scan};
use crate::sip::dialog::DialogId;
use crate::sip::error::Why;

/// The dialog that is to be replaced, from the side of whoever receives the INVITE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaces {
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of whoever receives the INVITE.
    pub to_tag: String,
    /// The tag of its peer.
    pub from_tag: String,
    /// Whether it may be replaced only while nobody has answered it.
    pub early_only: bool,
}

impl Replaces {
    /// Reads a header's value.
    pub fn parse(value: &[u8]) -> Result<Replaces, Why> {
        let value = scan::trim(value);
        let end = value.iter().position(|b| *b == b';').unwrap_or(value.len());
        let (call_id, params) = value.split_at_checked(end).ok_or(Why::Syntax)?;
        let call_id = scan::text(call_id);
        if call_id.is_empty() || call_id.contains(|c: char| c <= ' ' || c == '\u{7f}') {
            return Err(Why::Syntax);
        }
        let params = Params::parse(Scan::new(params))?;
        let tag = |name| params.get(name).map(str::to_owned).ok_or(Why::Syntax);
        // Section 6.1: each tag exactly once.
        let count = |wanted: &str| {
            params.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).count()
        };
        if count("to-tag") != 1 || count("from-tag") != 1 {
            return Err(Why::Syntax);
        }
        Ok(Replaces {
            call_id,
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.has("early-only"),
        })
    }

    /// What names the dialog at the receiver. A tag of `0` stands for none (section 3: a peer of
    /// RFC 2543).
    pub(in crate::sip) fn dialog_id(&self) -> DialogId {
        let remote = if self.from_tag == "0" { "" } else { &self.from_tag };
        DialogId {
            call_id: self.call_id.clone(),
            local_tag: self.to_tag.clone(),
            remote_tag: remote.to_owned(),
        }
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let early = if self.early_only { ";early-only" } else { "" };
        write!(f, "{};to-tag={};from-tag={}{early}", self.call_id, self.to_tag, self.from_tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_3891_section_6_1_are_read_and_printed() {
        for (text, early_only) in [
            ("98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff", false),
            ("12adf2f34456gs5;to-tag=12345;from-tag=54321", false),
            ("87134@171.161.34.23;to-tag=24796;from-tag=0;early-only", true),
        ] {
            let read = Replaces::parse(text.as_bytes()).unwrap();
            assert_eq!(read.early_only, early_only);
            assert_eq!(Replaces::parse(read.to_string().as_bytes()), Ok(read));
        }
        let old = Replaces::parse(b"a;to-tag=1;from-tag=0").unwrap();
        assert_eq!(old.dialog_id().remote_tag, "");
    }

    #[test]
    fn without_call_id_or_both_tags_once_it_is_an_error() {
        for text in [
            "",
            ";to-tag=1;from-tag=2",
            "a;to-tag=1",
            "a;from-tag=1",
            "a;to-tag;from-tag=2",
            "a b;to-tag=1;from-tag=2",
            "a;to-tag=1;to-tag=3;from-tag=2",
        ] {
            assert!(Replaces::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
