//! The live figures: one JSON document, or the same as a stream of server-sent events that is
//! written once a second for all who look.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::stats::live::Live;

use super::serve::App;

/// How often the snapshot is read for the stream.
const EVERY: Duration = Duration::from_secs(1);
/// After how many readings without a change a `beat` is sent. The page takes five seconds of
/// silence for a fault.
const BEAT_AFTER: u32 = 2;

/// What every client has in common.
#[derive(Debug, Clone, Default)]
struct Frame {
    /// The whole event with the newest figures.
    figures: Bytes,
    /// Counts the changes of the figures.
    version: u64,
    /// The event that tells that nothing changed.
    beat: Bytes,
    /// No more will come.
    closed: bool,
}

/// The shared end of the stream. Reads the snapshot only while somebody looks.
pub(super) struct Hub {
    live: Arc<dyn Fn() -> Arc<Live> + Send + Sync>,
    zone: TimeZone,
    frames: watch::Sender<Frame>,
    writer: Mutex<Writer>,
}

/// The state of the one task that writes.
#[derive(Debug, Default)]
struct Writer {
    running: bool,
    /// The figures sent last, without what changes with the clock only.
    last: Value,
    quiet: u32,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("clients", &self.frames.receiver_count())
            .finish_non_exhaustive()
    }
}

impl Hub {
    pub(super) fn new(live: Arc<dyn Fn() -> Arc<Live> + Send + Sync>, zone: TimeZone) -> Self {
        Hub { live, zone, frames: watch::Sender::default(), writer: Mutex::default() }
    }

    /// Ends every stream.
    pub(super) fn close(&self) {
        self.frames.send_modify(|frame| frame.closed = true);
    }

    /// A new client. The first starts the writing; it ends with the last.
    fn subscribe(self: &Arc<Self>) -> watch::Receiver<Frame> {
        let (receiver, start) = {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            (self.frames.subscribe(), !std::mem::replace(&mut writer.running, true))
        };
        if start {
            self.publish();
            let hub = Arc::clone(self);
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(EVERY);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                // The first tick is at once, and has just been published.
                ticks.tick().await;
                loop {
                    ticks.tick().await;
                    if !hub.still_needed() {
                        return;
                    }
                    hub.publish();
                }
            });
        }
        receiver
    }

    fn still_needed(&self) -> bool {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.running = self.frames.receiver_count() > 0 && !self.frames.borrow().closed;
        writer.running
    }

    /// Reads the snapshot and tells the clients if something changed, or that nothing did.
    fn publish(&self) {
        let live = (self.live)();
        let mut figures = document(&live);
        let clock = clock(&live, &self.zone);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // The clock and the journal's position move on without a figure changing.
        figures.remove("at");
        figures.remove("seq");
        let figures = Value::Object(figures);
        writer.quiet += 1;
        let changed = figures != writer.last;
        if changed {
            writer.last = figures;
        } else if writer.quiet < BEAT_AFTER {
            return;
        }
        writer.quiet = 0;
        let (at, seq) = (live.at.0, live.seq);
        let beat = Value::Object(clock.clone());
        let beat = Bytes::from(format!("id: {seq}\nevent: beat\ndata: {beat}\n\n"));
        // Written anew even when only the clock moved: a client that comes now gets the clock too.
        let mut whole = writer.last.clone();
        if let Value::Object(whole) = &mut whole {
            whole.extend(clock);
            whole.insert("seq".to_owned(), json!(seq));
            whole.insert("at".to_owned(), json!(at));
        }
        let event = Bytes::from(format!("id: {seq}\nevent: figures\ndata: {whole}\n\n"));
        drop(writer);
        self.frames.send_modify(|frame| {
            frame.figures = event;
            frame.beat = beat;
            frame.version += u64::from(changed);
        });
    }
}

/// The snapshot as JSON, without anything personal.
fn document(live: &Live) -> Map<String, Value> {
    match serde_json::to_value(live) {
        Ok(Value::Object(figures)) => figures,
        // A struct is an object; if it cannot be written the document is empty and says so by it.
        Ok(_) | Err(_) => Map::new(),
    }
}

/// The snapshot's instant as people read it.
fn clock(live: &Live, zone: &TimeZone) -> Map<String, Value> {
    let shown = live.at.zoned(zone);
    Map::from_iter([
        ("at".to_owned(), json!(live.at.0)),
        ("local_time".to_owned(), json!(shown.strftime("%H:%M:%S").to_string())),
        ("local_date".to_owned(), json!(shown.strftime("%A %-d %B %Y").to_string())),
        ("time_zone".to_owned(), json!(zone.iana_name().unwrap_or("UTC"))),
    ])
}

/// `GET /api/v1/live`: JSON, or a stream of events for whoever accepts `text/event-stream`.
pub(super) async fn live(State(app): State<App>, headers: HeaderMap) -> Response {
    let wants_stream = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.to_ascii_lowercase().contains("text/event-stream"));
    let mut response = if wants_stream {
        let body = Body::from_stream(events(app.hub.subscribe()));
        let mut response = body.into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        // A proxy that collects events until its buffer is full would make the page look dead.
        response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    } else {
        let live = (app.web.live)();
        let mut figures = document(&live);
        figures.extend(clock(&live, &app.web.zone));
        axum::Json(figures).into_response()
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// One client's stream: the figures at once, then each change, or a beat. A client that reads
/// slowly skips to the newest; nothing is kept for it. What `Last-Event-ID` says does not matter,
/// since every event carries all figures.
fn events(
    frames: watch::Receiver<Frame>,
) -> impl stream::Stream<Item = Result<Bytes, Infallible>> + Send {
    stream::unfold((frames, None), |(mut frames, seen)| async move {
        if seen.is_some() && frames.changed().await.is_err() {
            return None;
        }
        let frame = frames.borrow_and_update().clone();
        if frame.closed {
            return None;
        }
        let event = match seen {
            None => {
                let mut first = b"retry: 2000\n\n".to_vec();
                first.extend_from_slice(&frame.figures);
                first.into()
            }
            Some(version) if version == frame.version => frame.beat,
            Some(_) => frame.figures,
        };
        Some((Ok(event), (frames, Some(frame.version))))
    })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;
    use crate::time::UnixMicros;

    fn hub() -> (Hub, Arc<Mutex<Live>>) {
        let now = Arc::new(Mutex::new(crate::web::tests::live()));
        let source = Arc::clone(&now);
        let live = move || Arc::new(source.lock().expect("not poisoned").clone());
        (Hub::new(Arc::new(live), TimeZone::UTC), now)
    }

    /// A second passes, and perhaps something happens in it.
    fn second(now: &Mutex<Live>, happens: impl FnOnce(&mut Live)) {
        let mut live = now.lock().expect("not poisoned");
        live.at = UnixMicros(live.at.0 + 1_000_000);
        happens(&mut live);
    }

    async fn next(
        stream: &mut (impl stream::Stream<Item = Result<Bytes, Infallible>> + Unpin),
    ) -> String {
        let bytes = stream.next().await.expect("the stream goes on").expect("infallible");
        String::from_utf8(bytes.to_vec()).expect("UTF-8")
    }

    #[tokio::test]
    async fn a_client_gets_the_figures_then_changes_then_a_beat_when_nothing_changes() {
        let (hub, now) = hub();
        hub.publish();
        let mut stream = Box::pin(events(hub.frames.subscribe()));
        assert!(next(&mut stream).await.contains("event: figures\n"));
        second(&now, |live| live.calls_active = 9);
        hub.publish();
        let event = next(&mut stream).await;
        assert!(event.starts_with("id: 41\nevent: figures\n"), "{event}");
        assert!(
            event.contains(r#""calls_active":9"#) && event.contains(r#""local_time":"12:00:01""#)
        );
        assert!(!event.contains("amy"), "{event}");
        // The journal's position moves on, no figure does.
        second(&now, |live| live.seq = 42);
        hub.publish();
        second(&now, |_| {});
        hub.publish();
        let event = next(&mut stream).await;
        assert!(event.starts_with("id: 42\nevent: beat\n"), "{event}");
        assert!(
            event.contains(r#""local_time":"12:00:03""#) && !event.contains("queues"),
            "{event}"
        );
    }

    #[tokio::test]
    async fn a_client_that_missed_a_change_gets_the_newest_figures_and_not_the_beat() {
        let (hub, now) = hub();
        hub.publish();
        let mut stream = Box::pin(events(hub.frames.subscribe()));
        next(&mut stream).await;
        second(&now, |live| live.calls_active = 9);
        hub.publish();
        for _ in 0..2 {
            second(&now, |_| {});
            hub.publish();
        }
        let event = next(&mut stream).await;
        assert!(
            event.contains("event: figures") && event.contains(r#""calls_active":9"#),
            "{event}"
        );
        assert!(event.contains(r#""local_time":"12:00:03""#), "{event}");
    }

    #[tokio::test]
    async fn all_clients_share_one_event_and_a_closed_hub_ends_them() {
        let (hub, _now) = hub();
        hub.publish();
        let (mut one, mut two) = (hub.frames.subscribe(), hub.frames.subscribe());
        assert_eq!(
            one.borrow_and_update().figures.as_ptr(),
            two.borrow_and_update().figures.as_ptr()
        );
        let mut stream = Box::pin(events(one));
        next(&mut stream).await;
        hub.close();
        assert!(stream.next().await.is_none());
        assert!(Box::pin(events(two)).next().await.is_none());
        assert!(!hub.still_needed());
    }

    #[tokio::test]
    async fn nothing_is_written_once_nobody_looks() {
        let (hub, _now) = hub();
        let hub = Arc::new(hub);
        let client = hub.subscribe();
        assert!(hub.still_needed());
        drop(client);
        assert!(!hub.still_needed());
        assert!(!hub.writer.lock().expect("not poisoned").running);
    }
}
