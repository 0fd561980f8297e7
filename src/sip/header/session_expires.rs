//! Session-Expires (RFC 4028 section 4).

use std::fmt;

use super::params::Params;
use super::scan::{self, Scan};
use crate::sip::error::Why;

/// Who of a transaction's two sides refreshes the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Whoever sent the request.
    Uac,
    /// Whoever answers it.
    Uas,
}

/// How long a session lives without a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires {
    /// In seconds.
    pub interval_s: u32,
    /// Who refreshes.
    pub refresher: Option<Side>,
}

impl SessionExpires {
    /// Reads a header's value.
    pub fn parse(value: &[u8]) -> Result<SessionExpires, Why> {
        let end = value.iter().position(|b| *b == b';').unwrap_or(value.len());
        let (interval, params) = value.split_at_checked(end).ok_or(Why::Syntax)?;
        let interval = scan::number(interval, u64::from(u32::MAX))?;
        let params = Params::parse(Scan::new(params))?;
        let refresher = match params.get("refresher") {
            None => None,
            Some(side) if side.eq_ignore_ascii_case("uac") => Some(Side::Uac),
            Some(side) if side.eq_ignore_ascii_case("uas") => Some(Side::Uas),
            Some(_) => return Err(Why::Syntax),
        };
        Ok(SessionExpires {
            interval_s: u32::try_from(interval).map_err(|_| Why::Range)?,
            refresher,
        })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.interval_s)?;
        match self.refresher {
            Some(Side::Uac) => f.write_str(";refresher=uac"),
            Some(Side::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_a_refresher_or_none() {
        for (text, refresher, printed) in [
            ("4000", None, "4000"),
            ("1800 ; refresher=UAS", Some(Side::Uas), "1800;refresher=uas"),
            ("90;refresher=uac;x=y", Some(Side::Uac), "90;refresher=uac"),
        ] {
            let read = SessionExpires::parse(text.as_bytes()).unwrap();
            assert_eq!((read.refresher, read.to_string().as_str()), (refresher, printed));
        }
        for broken in ["", "x", "-1", "4294967296", "1800;refresher=both", "1800;;"] {
            assert!(SessionExpires::parse(broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
