//! `switchboard calls` and `switchboard why`: calls, and a call's time in queues, read from the journal.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::event::{CallEvent, Entry, Event};
use crate::id::CallId;
use crate::stats::calls::CallLine;
use crate::stats::why::{Line, why};

use super::store::{Reader, StoreError};

/// How many entries of other calls are read at most: a wait of an hour on a busy day.
const MOST: u32 = 50_000;

/// Why a call was answered by whom it was, and when; empty for a call that the journal does not know.
pub async fn read(reader: &Reader, call: CallId) -> Result<Vec<Line>, StoreError> {
    let own = reader.read_call(call).await?;
    let is = |entry: &&Entry, waits: bool| match &entry.event {
        Event::Call { event, .. } if waits => matches!(event, CallEvent::QueueEntered { .. }),
        Event::Call { event, .. } => matches!(event, CallEvent::QueueLeft { .. }),
        Event::Agent { .. }
        | Event::Message { .. }
        | Event::Callback { .. }
        | Event::Notification { .. }
        | Event::System { .. } => false,
    };
    let first = own.iter().find(|entry| is(entry, true)).map(|entry| entry.seq);
    let last = own.iter().rfind(|entry| is(entry, false)).map(|entry| entry.seq);
    let meanwhile = match (first, last.or(own.last().map(|entry| entry.seq))) {
        (Some(first), Some(last)) => {
            let count = u32::try_from(last.saturating_sub(first)).unwrap_or(MOST);
            reader.read_from(first, count.min(MOST)).await?
        }
        (None, _) | (_, None) => Vec::new(),
    };
    Ok(why(call, &own, &meanwhile))
}

/// Calls as a person reads them, with the times of this machine's zone.
pub fn listed(lines: &[CallLine]) -> String {
    let mut out = format!(
        "{:<36}  {:<19}  {:<15}  {:<14}  {:>7}  {:<12}  {:>7}  {}\n",
        "call", "came", "caller", "queue", "wait", "adviser", "talk", "ended"
    );
    let zone = TimeZone::system();
    let spent = |us: Option<u64>| {
        us.map_or("-".to_owned(), |us| {
            let s = us / 1_000_000;
            format!("{}:{:02}", s / 60, s % 60)
        })
    };
    for line in lines {
        let came = line.at.zoned(&zone).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let _ = writeln!(
            out,
            "{:<36}  {came:<19}  {:<15}  {:<14}  {:>7}  {:<12}  {:>7}  {}",
            line.call.to_string(),
            line.caller.as_deref().unwrap_or("withheld"),
            line.queue.as_ref().map_or("-", |queue| queue.as_str()),
            spent(line.wait_us),
            line.agent.as_ref().map_or("-", |agent| agent.as_str()),
            spent(line.talk_us),
            line.ended.map_or("under way", |cause| cause.as_str()),
        );
    }
    out
}

/// The lines as a person reads them: the time since the call came, and what happened.
pub fn drawn(call: CallId, lines: &[Line]) -> String {
    let mut out = format!("call {call}\n");
    for Line { after_us, text, .. } in lines {
        let tenths = after_us / 100_000;
        let (minutes, seconds) = (tenths / 600, tenths / 10 % 60);
        let _ = writeln!(out, "{minutes:>4}:{seconds:02}.{}  {text}", tenths % 10);
    }
    out
}
