//! CSeq: the order of requests within a dialog (RFC 3261 section 20.16).

use std::fmt;

use super::scan::{self, Scan};
use crate::sip::error::Why;
use crate::sip::method::Method;

/// A sequence number and the method that it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// The number.
    pub seq: u32,
    /// The request's method.
    pub method: Method,
}

impl CSeq {
    /// Reads the header's value.
    pub fn parse(value: &[u8]) -> Result<CSeq, Why> {
        let mut scan = Scan::new(scan::trim(value));
        let digits = scan.take_while(|b| b.is_ascii_digit());
        let seq = u32::try_from(scan::number(digits, u64::from(u32::MAX))?);
        if scan.take_while(scan::is_lws).is_empty() {
            return Err(Why::Syntax);
        }
        Ok(CSeq {
            seq: seq.map_err(|_| Why::Range)?,
            method: Method::from_bytes(scan.rest()).ok_or(Why::Syntax)?,
        })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seq, self.method)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn number_and_method_may_be_folded_apart() {
        let cseq = CSeq::parse(b" 0009\r\n  INVITE ");
        assert_eq!(cseq, Ok(CSeq { seq: 9, method: Method::Invite }));
        assert_eq!(CSeq::parse(b"1INVITE"), Err(Why::Syntax));
        assert_eq!(CSeq::parse(b"1"), Err(Why::Syntax));
        assert_eq!(CSeq::parse(b"-1 INVITE"), Err(Why::Syntax));
        assert_eq!(CSeq::parse(b"1 IN VITE"), Err(Why::Syntax));
        assert_eq!(CSeq::parse(b"36893488147419103232 REGISTER"), Err(Why::Range));
    }

    proptest! {
        #[test]
        fn a_printed_number_and_method_read_back_the_same(seq: u32, method in "[A-Za-z0-9!%*_+`'~.-]{1,12}") {
            let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::Bye);
            let cseq = CSeq { seq, method };
            prop_assert_eq!(CSeq::parse(cseq.to_string().as_bytes()), Ok(cseq));
        }
    }
}
