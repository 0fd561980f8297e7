//! Everything that is being recorded: what the rings say becomes files, what the journal says becomes
//! their manifests. It owns no thread and no clock.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::counters::Counters;
use super::manifest::{GapReason, Manifest, State};
use super::sealed::Key;
use super::spool::Spool;
use super::timeline::Timeline;
use super::wav::CHANNELS;
use crate::event::{
    CallEvent, Entry, Event, PauseReason, Peer, RecordingEvent, RecordingFault, RecordingRule,
};
use crate::id::{CallId, Entropy, RecordingId};
use crate::media::recorder::{Record, What};
use crate::time::{Time, UnixMicros};

/// How often what came is written. With the window of [`super::timeline`], a process that dies loses
/// less than a second.
const EVERY: Duration = Duration::from_millis(500);
/// How often it is brought to the disk: so much can be lost if the power fails. A process that dies
/// leaves what it has written to the system.
const TO_DISK: Duration = Duration::from_secs(5);
/// Recordings at once; more than calls are ever up.
const MOST: usize = 20_000;

/// Where recordings are written, and with which keys.
#[derive(Debug, Clone)]
pub struct DeskSettings {
    /// The folder of those under way.
    pub folder: PathBuf,
    /// What they are encrypted with.
    pub key: Option<Key>,
    /// What gaps and manifests are signed with.
    pub signing: Key,
}

/// A recording that is over.
#[derive(Debug)]
pub struct Done {
    /// Which.
    pub recording: RecordingId,
    /// Its file.
    pub path: PathBuf,
    /// What is known of it; yet without checksum and seal.
    pub manifest: Manifest,
}

/// What the engine is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Of which call.
    pub call: CallId,
    /// Which recording.
    pub recording: RecordingId,
    /// What.
    pub what: RecordingEvent,
}

/// See the module.
#[derive(Debug)]
pub struct Desk {
    settings: DeskSettings,
    counters: Arc<Counters>,
    /// Where salts come from.
    entropy: Entropy,
    open: BTreeMap<RecordingId, Open>,
    calls: BTreeMap<CallId, RecordingId>,
    done: VecDeque<Done>,
    news: VecDeque<News>,
}

/// A recording under way.
#[derive(Debug)]
struct Open {
    timeline: Timeline,
    spool: Option<Spool>,
    manifest: Manifest,
    /// What was put into time and is to be written.
    block: Vec<u8>,
    write_at: Time,
    to_disk_at: Time,
    /// When the last packet came.
    heard_at: Time,
    /// Why the pauses that media will tell of.
    reasons: VecDeque<(GapReason, Option<String>)>,
    paused: Option<u64>,
    /// Whether media have said when it began.
    begun: bool,
    /// Bytes of samples for which there was no file yet.
    dropped: u64,
    failed: bool,
}

impl Desk {
    /// A desk on which nothing lies.
    pub fn new(settings: DeskSettings, counters: Arc<Counters>, entropy: Entropy) -> Desk {
        Desk {
            settings,
            counters,
            entropy,
            open: BTreeMap::new(),
            calls: BTreeMap::new(),
            done: VecDeque::new(),
            news: VecDeque::new(),
        }
    }

    /// Whether nothing is being recorded.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// How many are being recorded.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// A recording that is over.
    pub fn poll_done(&mut self) -> Option<Done> {
        self.done.pop_front()
    }

    /// What the engine is to know.
    pub fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// Reads an entry of the journal.
    pub fn note(&mut self, entry: &Entry) {
        let Event::Call { call, event } = &entry.event else { return };
        if let CallEvent::Recording { recording, what: RecordingEvent::Started { rule, .. } } =
            event
            && self.open.len() < MOST
        {
            // A message is none of what happens to the call besides.
            if !matches!(rule, RecordingRule::Message(_)) {
                self.calls.insert(*call, *recording);
            }
            let begun = self.open.entry(*recording).or_insert_with(|| Open::new(entry.time));
            begun.manifest = Manifest::new(*recording, entry.at);
            begun.manifest.call = Some(*call);
        }
        let id = match event {
            CallEvent::Recording { recording, .. } => Some(recording),
            _ => self.calls.get(call),
        };
        let Some(id) = id else { return };
        let Some(open) = self.open.get_mut(id) else { return };
        if open.note(event) {
            open.write_manifest(&self.settings);
        }
    }

    /// Takes what a ring says.
    pub fn take(&mut self, record: &Record<'_>) {
        let Record { recording, at, what } = *record;
        if let What::Begun(_) = what
            && self.open.len() < MOST
        {
            let new = || {
                let mut open = Open::new(at);
                open.manifest = Manifest::new(recording, UnixMicros(0));
                open
            };
            let open = self.open.entry(recording).or_insert_with(new);
            open.begin(at);
        }
        let Some(open) = self.open.get_mut(&recording) else { return };
        match what {
            What::Begun(leg) => open.manifest.leg = leg.to_string(),
            What::Paused => open.pause(at),
            What::Resumed => open.resume(at, &self.settings),
            What::Voice(voice) => {
                if voice.lost > 0 {
                    open.manifest.lost += u64::from(voice.lost);
                    let (from, to) = (open.offset_us(open.heard_at), open.offset_us(at));
                    open.gap(from, to, GapReason::Lost, None, &self.settings.signing);
                    open.tell_gap(from, to, recording, &mut self.news);
                }
                open.heard_at = at;
                open.timeline.take(at, &voice);
            }
            What::Ended => self.end(at, recording),
        }
    }

    /// Writes what is due.
    pub fn handle_timeout(&mut self, now: Time, mut sync: impl FnMut(&Spool)) {
        for (id, open) in &mut self.open {
            if now < open.write_at {
                continue;
            }
            open.write_at = now + EVERY;
            if open.timeline.format().is_none() {
                continue;
            }
            open.timeline.write(now, &mut open.block);
            let written = open.write(*id, &self.settings, &mut self.entropy, &mut self.news);
            open.check(written, *id, &self.counters, &mut self.news);
            if let Some(spool) = &open.spool
                && now >= open.to_disk_at
            {
                open.to_disk_at = now + TO_DISK;
                sync(spool);
            }
        }
    }

    /// Everything ends: nobody writes to the rings any more.
    pub fn end_all(&mut self, now: Time) {
        let all: Vec<RecordingId> = self.open.keys().copied().collect();
        for id in all {
            self.end(now, id);
        }
    }

    fn end(&mut self, at: Time, id: RecordingId) {
        let Some(mut open) = self.open.remove(&id) else { return };
        if let Some(call) = open.manifest.call
            && self.calls.get(&call) == Some(&id)
        {
            self.calls.remove(&call);
        }
        if open.paused.is_some() {
            open.resume(at, &self.settings);
        }
        open.timeline.finish(at, &mut open.block);
        let finished = open
            .write(id, &self.settings, &mut self.entropy, &mut self.news)
            .and_then(|()| open.spool.as_mut().map_or(Ok(()), Spool::finish));
        if let Some((from, to)) = open.spool.as_ref().and_then(Spool::owed) {
            let (from, to) = (open.bytes_us(from), open.bytes_us(to));
            open.gap(from, to, GapReason::Lost, None, &self.settings.signing);
            open.tell_gap(from, to, id, &mut self.news);
        }
        if open.manifest.message
            && let Some(call) = open.manifest.call
        {
            let what = match &finished {
                Ok(()) => RecordingEvent::Written,
                Err(error) => RecordingEvent::Failed { reason: fault(error) },
            };
            self.news.push_back(News { call, recording: id, what });
        }
        open.check(finished, id, &self.counters, &mut self.news);
        open.manifest.lost += open.timeline.lost();
        let Some(spool) = &open.spool else { return };
        open.manifest.length_us = open.bytes_us(spool.samples());
        let path = spool.path().to_owned();
        open.manifest.state = State::Finished;
        open.write_manifest(&self.settings);
        self.done.push_back(Done { recording: id, path, manifest: open.manifest });
    }
}

impl Open {
    fn new(begun: Time) -> Open {
        Open {
            timeline: Timeline::new(begun),
            spool: None,
            manifest: Manifest::new(RecordingId(0), UnixMicros(0)),
            block: Vec::new(),
            write_at: begun + EVERY,
            to_disk_at: begun + EVERY,
            heard_at: begun,
            reasons: VecDeque::new(),
            paused: None,
            begun: false,
            dropped: 0,
            failed: false,
        }
    }

    /// Media say when it began, on their clock.
    fn begin(&mut self, at: Time) {
        if !std::mem::replace(&mut self.begun, true) {
            self.timeline = Timeline::new(at);
            (self.heard_at, self.write_at) = (at, at + EVERY);
        }
    }

    /// Reads what happened to the call; whether the manifest has changed.
    fn note(&mut self, event: &CallEvent) -> bool {
        let manifest = &mut self.manifest;
        let mut add = |agent: &Peer| match agent {
            Peer::Agent(agent) => {
                manifest.agents.push(agent.to_string());
                manifest.agents.dedup();
                true
            }
            Peer::Outside(_) => false,
        };
        match event {
            CallEvent::Recording { what, .. } => match what {
                RecordingEvent::Started { rule, told, with, .. } => {
                    if let Some(agent) = with {
                        add(&Peer::Agent(agent.clone()));
                    }
                    manifest.told = *told;
                    match rule {
                        RecordingRule::Flow(flow) => manifest.flow = Some(flow.to_string()),
                        RecordingRule::Queue(queue) => manifest.queues.push(queue.to_string()),
                        RecordingRule::Message(queue) => {
                            manifest.message = true;
                            manifest.queues.push(queue.to_string());
                        }
                    }
                    true
                }
                RecordingEvent::Paused { reason, by } => {
                    let reason = match reason {
                        PauseReason::Asked => GapReason::Asked,
                        PauseReason::Secret => GapReason::Secret,
                        PauseReason::Policy => GapReason::Policy,
                    };
                    self.reasons.push_back((reason, by.clone()));
                    false
                }
                RecordingEvent::Moved { .. }
                | RecordingEvent::Resumed { .. }
                | RecordingEvent::Ended { .. }
                | RecordingEvent::Written
                | RecordingEvent::Gap { .. }
                | RecordingEvent::Stored { .. }
                | RecordingEvent::Failed { .. }
                | RecordingEvent::Deleted { .. } => false,
            },
            CallEvent::Joined { queue, agent, .. } => {
                add(&Peer::Agent(agent.clone()));
                manifest.queues.push(queue.to_string());
                manifest.queues.dedup();
                true
            }
            CallEvent::Connected { to, .. } => add(to),
            CallEvent::ConferenceJoined { who, .. } => add(who),
            CallEvent::PhoneChanged { agent, .. } | CallEvent::SupervisorJoined { agent, .. } => {
                add(&Peer::Agent(agent.clone()))
            }
            CallEvent::Arrived { .. }
            | CallEvent::LegAnswered { .. }
            | CallEvent::NodeEntered { .. }
            | CallEvent::Chose { .. }
            | CallEvent::Noted { .. }
            | CallEvent::Asked(_)
            | CallEvent::Said(_)
            | CallEvent::Rated { .. }
            | CallEvent::HandedOver { .. }
            | CallEvent::QueueEntered { .. }
            | CallEvent::Told { .. }
            | CallEvent::Relaxed { .. }
            | CallEvent::WaitsForAnybody { .. }
            | CallEvent::TurnedAway { .. }
            | CallEvent::Offered { .. }
            | CallEvent::OfferEnded { .. }
            | CallEvent::QueueLeft { .. }
            | CallEvent::Parted { .. }
            | CallEvent::Dialled { .. }
            | CallEvent::DialEnded { .. }
            | CallEvent::Disconnected { .. }
            | CallEvent::TransferStarted { .. }
            | CallEvent::TransferEnded { .. }
            | CallEvent::TransferRefused { .. }
            | CallEvent::WrappedUp(_)
            | CallEvent::Prefaced { .. }
            | CallEvent::SupervisorAsked { .. }
            | CallEvent::SupervisorChanged { .. }
            | CallEvent::SupervisorLeft { .. }
            | CallEvent::ConferenceLeft { .. }
            | CallEvent::MessageBegan { .. }
            | CallEvent::MessageSpoken { .. }
            | CallEvent::LegClosed { .. }
            | CallEvent::Ended { .. } => false,
        }
    }

    fn create(
        &mut self,
        id: RecordingId,
        key: Option<(&Key, [u8; 16])>,
        settings: &DeskSettings,
    ) -> io::Result<()> {
        let format = self.timeline.format().unwrap_or_default();
        self.manifest.codec = format.as_str().to_owned();
        self.manifest.encrypted = key.is_some();
        let spool = Spool::create(&settings.folder, id, format, key)?;
        let name = spool.path().file_name().map(|name| name.to_string_lossy().into_owned());
        self.manifest.file = name.unwrap_or_default();
        self.spool = Some(spool);
        self.write_manifest(settings);
        Ok(())
    }

    /// Writes what lies ready, into a new file if there is none.
    fn write(
        &mut self,
        id: RecordingId,
        settings: &DeskSettings,
        entropy: &mut Entropy,
        news: &mut VecDeque<News>,
    ) -> io::Result<()> {
        if self.spool.is_none() {
            let mut salt = [0; 16];
            entropy.fill(&mut salt);
            self.create(id, settings.key.as_ref().map(|key| (key, salt)), settings)?;
        }
        let Some(spool) = &mut self.spool else { return Ok(()) };
        spool.owe(std::mem::take(&mut self.dropped));
        let owed = spool.owed();
        spool.append(&self.block)?;
        self.block.clear();
        if let Some((from, to)) = owed {
            let (from, to) = (self.bytes_us(from), self.bytes_us(to));
            self.gap(from, to, GapReason::Lost, None, &settings.signing);
            self.tell_gap(from, to, id, news);
        }
        self.failed = false;
        Ok(())
    }

    /// Counts what the disk refused, and tells of it once until it takes something again.
    fn check(
        &mut self,
        done: io::Result<()>,
        id: RecordingId,
        counters: &Counters,
        news: &mut VecDeque<News>,
    ) {
        let Err(error) = done else { return };
        // The spool knows what it owes, if there is one.
        if self.spool.is_none() {
            self.dropped += self.block.len() as u64;
        }
        self.block.clear();
        let reason = fault(&error);
        counters.failed(reason);
        if !std::mem::replace(&mut self.failed, true) {
            tracing::error!(recording = %id, %error, "a recording cannot be written");
            if let Some(call) = self.manifest.call {
                let what = RecordingEvent::Failed { reason };
                news.push_back(News { call, recording: id, what });
            }
        }
    }

    fn pause(&mut self, at: Time) {
        self.paused = Some(self.offset_us(at));
    }

    fn resume(&mut self, at: Time, settings: &DeskSettings) {
        let Some(from) = self.paused.take() else { return };
        let (reason, by) = self.reasons.pop_front().unwrap_or((GapReason::Policy, None));
        let to = self.offset_us(at);
        self.gap(from, to, reason, by, &settings.signing);
        self.write_manifest(settings);
        self.heard_at = at;
    }

    fn gap(&mut self, from_us: u64, to_us: u64, reason: GapReason, by: Option<String>, key: &Key) {
        self.manifest.gap(key, from_us, to_us, reason, by);
    }

    fn tell_gap(
        &self,
        from_us: u64,
        to_us: u64,
        recording: RecordingId,
        news: &mut VecDeque<News>,
    ) {
        if let Some(call) = self.manifest.call {
            news.push_back(News { call, recording, what: RecordingEvent::Gap { from_us, to_us } });
        }
    }

    fn offset_us(&self, at: Time) -> u64 {
        u64::try_from(self.timeline.offset(at).as_micros()).unwrap_or(u64::MAX)
    }

    fn bytes_us(&self, bytes: u64) -> u64 {
        let format = self.timeline.format().unwrap_or_default();
        let frame = format.sample_bytes() as u64 * u64::from(CHANNELS);
        bytes / frame * 1_000_000 / u64::from(format.rate_hz())
    }

    /// What is known so far, for whoever finds the file if this process dies.
    fn write_manifest(&self, settings: &DeskSettings) {
        if self.spool.is_none() {
            return;
        }
        let path = settings.folder.join(format!("{}.json", self.manifest.recording));
        if let Err(error) = self.manifest.write(&path) {
            tracing::warn!(path = %path.display(), %error, "no manifest could be written");
        }
    }
}

/// What an error of the disk is called.
pub fn fault(error: &io::Error) -> RecordingFault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RecordingFault::DiskFull,
        io::ErrorKind::InvalidData => RecordingFault::Sealed,
        _ => RecordingFault::Disk,
    }
}

#[cfg(test)]
mod tests;
