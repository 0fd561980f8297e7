//! One leg: what its peer negotiated, what it hears, and what is known of the stream it sends.

use std::net::SocketAddr;
use std::time::Duration;

use super::FRAME_SAMPLES;
use super::command::{Direction, LegCounters, Negotiated};
use super::latch::Latch;
use super::outgoing::Outgoing;
use super::player::Hears;
use crate::id::{Entropy, LegId};
use crate::rtp::sequence::Reception;
use crate::rtp::telephone_event::Presses;
use crate::time::Time;

/// Mean time between our reports (RFC 3550 section 6.2); each is drawn from half to one and a half
/// of it.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// One leg.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) session: Option<Session>,
    pub(super) out: Outgoing,
    pub(super) hears: Hears,
    /// The leg that hears this one.
    pub(super) heard_by: Option<LegId>,
    /// When a packet of the leg that it hears was passed on last; none since it began to hear it.
    pub(super) relayed_at: Option<Time>,
    pub(super) reception: Reception,
    pub(super) presses: Presses,
    pub(super) counters: LegCounters,
    /// RTCP's name for us on this leg (RFC 7022 section 4.2: random, for this session only).
    pub(super) cname: String,
    /// When RTP of the peer came last, or when it was asked to send.
    heard_at: Time,
    reported_silent_at: Option<Time>,
    pub(super) report_due: Time,
    packets_at_report: u32,
}

/// What was negotiated, and where the peer really is.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) negotiated: Negotiated,
    pub(super) rtp: Latch,
    pub(super) rtcp: Latch,
}

impl Session {
    /// Where our packets may go now.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        match self.negotiated.direction {
            Direction::SendRecv | Direction::SendOnly => self.rtp.destination(),
            Direction::RecvOnly | Direction::Inactive => None,
        }
    }

    /// Whether the peer sends.
    pub(super) fn receives(&self) -> bool {
        match self.negotiated.direction {
            Direction::SendRecv | Direction::RecvOnly => true,
            Direction::SendOnly | Direction::Inactive => false,
        }
    }
}

impl Leg {
    pub(super) fn new(now: Time, entropy: &mut Entropy) -> Self {
        let out = Outgoing::new(entropy);
        let cname = entropy.token();
        Leg {
            session: None,
            out,
            hears: Hears::Nothing,
            heard_by: None,
            relayed_at: None,
            reception: Reception::default(),
            presses: Presses::default(),
            counters: LegCounters::default(),
            cname,
            heard_at: now,
            reported_silent_at: None,
            report_due: next_report(now, entropy),
            packets_at_report: 0,
        }
    }

    /// Takes what was negotiated.
    pub(super) fn negotiate(&mut self, now: Time, negotiated: Negotiated) {
        let Negotiated { remote, remote_rtcp, signalled_from, .. } = negotiated;
        let received_before = self.session.as_ref().is_some_and(Session::receives);
        match &mut self.session {
            Some(session) => {
                session.rtp.renegotiate(remote, signalled_from);
                session.rtcp.renegotiate(remote_rtcp, signalled_from);
                session.negotiated = negotiated;
            }
            None => {
                self.session = Some(Session {
                    negotiated,
                    rtp: Latch::new(remote, signalled_from),
                    rtcp: Latch::new(remote_rtcp, signalled_from),
                });
            }
        }
        if !received_before {
            self.heard(now);
        }
    }

    /// RTP of the peer came.
    pub(super) fn heard(&mut self, now: Time) {
        self.heard_at = now;
        self.reported_silent_at = None;
    }

    /// How long a peer that should send has been silent, if it is time to tell.
    pub(super) fn silent_for(&mut self, now: Time, limit: Duration) -> Option<Duration> {
        if !self.session.as_ref().is_some_and(Session::receives) {
            return None;
        }
        let since = self.reported_silent_at.unwrap_or(self.heard_at);
        if now.since(since) < limit {
            return None;
        }
        self.reported_silent_at = Some(now);
        Some(now.since(self.heard_at))
    }

    /// Whether we have sent since the last report; sets when the next is due.
    pub(super) fn begin_report(&mut self, now: Time, entropy: &mut Entropy) -> bool {
        self.report_due = next_report(now, entropy);
        let sent = self.out.packets != self.packets_at_report;
        self.packets_at_report = self.out.packets;
        sent
    }

    /// Copies the frame that is due at `at` from whatever the leg hears of ours, and says what comes
    /// after it.
    pub(super) fn frame(&mut self, at: Time, frame: &mut [u8; FRAME_SAMPLES]) -> After {
        let Some(session) = &self.session else { return After::GoesOn };
        let codec = session.negotiated.codec;
        match &mut self.hears {
            Hears::Nothing | Hears::Peer(_) => frame.fill(codec.silence()),
            Hears::Music(clip) => super::player::music(clip, codec, at, frame),
            Hears::Prompts(prompts) => {
                if prompts.next(codec, frame) {
                    return After::Played(prompts.play);
                }
            }
        }
        After::GoesOn
    }
}

/// What comes after a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// More of the same.
    GoesOn,
    /// It was the playback's last.
    Played(super::command::PlayId),
}

fn next_report(now: Time, entropy: &mut Entropy) -> Time {
    let mean = REPORT_EVERY.as_micros() as u32;
    now + Duration::from_micros(u64::from(mean / 2 + entropy.below(mean)))
}
