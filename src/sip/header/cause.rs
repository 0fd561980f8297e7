//! Reason: why a request was sent (RFC 3326).

use std::fmt;

use super::params::Params;
use super::scan::{self, Scan};

/// Whose numbers a cause is given in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CauseProtocol {
    /// A SIP status.
    Sip,
    /// A cause of the telephone network (ITU-T Q.850).
    Q850,
}

impl CauseProtocol {
    fn as_str(self) -> &'static str {
        match self {
            CauseProtocol::Sip => "SIP",
            CauseProtocol::Q850 => "Q.850",
        }
    }
}

/// Why a leg ended or an INVITE was withdrawn, as a Reason header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause {
    /// Whose numbers.
    pub protocol: CauseProtocol,
    /// The number.
    pub code: u16,
}

impl Cause {
    /// Another phone took the call: phones that hear this show no missed call (RFC 3326 section
    /// 3.1).
    pub const ANSWERED_ELSEWHERE: Cause = Cause { protocol: CauseProtocol::Sip, code: 200 };

    /// The first value of a protocol that we know, of all the fields of the header.
    pub(in crate::sip) fn first_of<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<Cause> {
        values.filter_map(Cause::parse).next()
    }

    /// None for another protocol, without a number, or if it cannot be read: a reason is never worth
    /// a refusal.
    fn parse(element: &[u8]) -> Option<Cause> {
        let mut scan = Scan::new(element);
        scan.skip_lws();
        let name = scan.token().ok()?;
        let protocol = [CauseProtocol::Sip, CauseProtocol::Q850]
            .into_iter()
            .find(|known| name.eq_ignore_ascii_case(known.as_str()))?;
        let params = Params::parse(scan).ok()?;
        let code = scan::number(params.get("cause")?.as_bytes(), 999).ok()?;
        Some(Cause { protocol, code: u16::try_from(code).ok()? })
    }

    fn text(self) -> &'static str {
        match (self.protocol, self.code) {
            (CauseProtocol::Sip, 200) => "Call completed elsewhere",
            (CauseProtocol::Sip, status) => crate::sip::write::reason_phrase(status),
            (CauseProtocol::Q850, _) => "",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};cause={}", self.protocol.as_str(), self.code)?;
        match self.text() {
            "" => Ok(()),
            text => {
                f.write_str(";text=")?;
                scan::write_quoted(f, text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<Cause> {
        Cause::first_of(values.iter().map(|value| value.as_bytes()))
    }

    #[test]
    fn the_first_cause_that_we_know_counts_and_broken_ones_do_not() {
        let elsewhere = "SIP ;cause=200 ;text=\"Call completed elsewhere\"";
        assert_eq!(read(&[elsewhere]), Some(Cause::ANSWERED_ELSEWHERE));
        let busy = Cause { protocol: CauseProtocol::Q850, code: 17 };
        assert_eq!(read(&["FreeSWITCH;cause=1", "q.850;cause=17", elsewhere]), Some(busy));
        for broken in ["", "SIP", "SIP;cause=x", "SIP;cause=1000", "SIP;;", "SIP;text=\"x"] {
            assert_eq!(read(&[broken]), None, "{broken}");
        }
    }

    #[test]
    fn a_cause_reads_back_as_printed() {
        for (cause, text) in [
            (Cause::ANSWERED_ELSEWHERE, "SIP;cause=200;text=\"Call completed elsewhere\""),
            (
                Cause { protocol: CauseProtocol::Sip, code: 408 },
                "SIP;cause=408;text=\"Request Timeout\"",
            ),
            (Cause { protocol: CauseProtocol::Q850, code: 16 }, "Q.850;cause=16"),
        ] {
            assert_eq!(cause.to_string(), text);
            assert_eq!(read(&[text]), Some(cause));
        }
    }
}
