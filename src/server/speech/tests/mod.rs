//! Listenings over real sockets, with recognisers that are as they should be, slow, down, wrong or huge.

mod vosk;
mod whisper;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::oneshot;

use super::*;
use crate::media::tap::{self, FRAME_SAMPLES, Writer};
use crate::time::Time;

/// What the shipped menu says, at 16 kHz, with a second of nobody before it and two after it.
pub(super) fn sentence() -> Vec<i16> {
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sounds/en-GB/main/to-an-adviser.wav");
    let mut wav = hound::WavReader::open(file).expect("a prompt");
    assert_eq!(wav.spec().sample_rate, 16_000);
    let nobody = |seconds: usize| std::iter::repeat_n(0, seconds * 16_000);
    let samples: Vec<i16> = wav.samples::<i16>().map(|sample| sample.expect("one")).collect();
    nobody(1).chain(samples).chain(nobody(2)).collect()
}

/// A tap through which samples have come, and the end that goes on writing.
fn heard(samples: &[i16]) -> (Writer, Reader) {
    let (mut writer, reader) = tap::ring(samples.len() / FRAME_SAMPLES + 1);
    for frame in samples.as_chunks::<FRAME_SAMPLES>().0 {
        assert!(writer.write(Time::ZERO, *frame));
    }
    (writer, reader)
}

fn settings(engine: EngineName, url: String) -> SpeechSettings {
    SpeechSettings {
        engine: Some(engine),
        url: Some(url),
        timeout_ms: 10_000,
        at_once: 2,
        ..SpeechSettings::default()
    }
}

fn vosk_at(at: SocketAddr) -> SpeechSettings {
    settings(EngineName::Vosk, format!("ws://{at}"))
}

fn whisper_at(at: SocketAddr) -> SpeechSettings {
    settings(EngineName::Whisper, format!("http://{at}/v1/audio/transcriptions"))
}

fn start(settings: &SpeechSettings) -> Hearing {
    Hearing::start(settings, Handle::current()).expect("it starts").expect("an engine")
}

/// Tells the verdict only.
fn once(tell: oneshot::Sender<Result<Verdict, Deaf>>) -> impl Fn(Told) + Send + Sync + 'static {
    let tell = Mutex::new(Some(tell));
    move |told| match told {
        Told::Began => {}
        Told::Over(verdict) => {
            let tell = tell.lock().expect("no panic").take().expect("one verdict");
            drop(tell.send(verdict));
        }
    }
}

/// What comes of a whole sentence.
async fn verdict(settings: &SpeechSettings, expected: Expected) -> Result<Verdict, Deaf> {
    let (_writer, reader) = heard(&sentence());
    let (tell, told) = oneshot::channel();
    let hearing = start(settings);
    let tell = once(tell);
    let _listening = hearing.listen(reader, || expected, Duration::from_secs(20), tell)?;
    told.await.expect("a verdict")
}

fn phrases() -> Expected {
    Expected::Phrases(vec!["To an adviser".to_owned(), "Council tax".to_owned()])
}

/// An address at which nobody listens.
async fn nobody() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    listener.local_addr().expect("an address")
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_told_and_not_waited_for() {
    let at = nobody().await;
    assert_eq!(verdict(&vosk_at(at), phrases()).await, Err(Deaf::Down));
    assert_eq!(verdict(&whisper_at(at), phrases()).await, Err(Deaf::Down));
}

#[tokio::test]
async fn silence_a_lost_line_and_too_many_are_told_apart() {
    let hearing = start(&vosk_at(nobody().await));
    let listen = |reader, patience_ms| {
        let (tell, told) = oneshot::channel();
        let patience = Duration::from_millis(patience_ms);
        let tell = once(tell);
        hearing
            .listen(reader, || Expected::YesNo, patience, tell)
            .map(|listening| (listening, told))
    };
    let (_silent, reader) = heard(&[0; 16_000]);
    let (_first, silence) = listen(reader, 50).expect("room for one");
    let (gone, reader) = heard(&[0; 16_000]);
    let (second, lost) = listen(reader, 60_000).expect("room for two");
    let (_third, reader) = heard(&[]);
    assert_eq!(listen(reader, 50).map(drop), Err(Deaf::TooMany));
    drop(gone);
    assert_eq!(lost.await.expect("a verdict"), Err(Deaf::LineGone));
    assert_eq!(silence.await.expect("a verdict"), Ok(Verdict::Silence));
    drop(second);
    // Whoever is dropped is told nothing and makes room.
    let (_fourth, reader) = heard(&[]);
    let (fourth, told) = listen(reader, 60_000).expect("room again");
    drop(fourth);
    assert!(told.await.is_err());
}

#[tokio::test]
async fn what_cannot_be_an_address_is_refused_at_the_start() {
    for (engine, url) in [
        (EngineName::Vosk, "http://127.0.0.1:2700"),
        (EngineName::Vosk, ""),
        (EngineName::Vosk, "ws://"),
        (EngineName::Whisper, "nowhere"),
    ] {
        let started = Hearing::start(&settings(engine, url.to_owned()), Handle::current());
        assert!(matches!(started, Err(HearingError::Url(_))), "{url}");
    }
    let none = Hearing::start(&SpeechSettings::default(), Handle::current());
    assert!(none.expect("it starts").is_none());
}

#[test]
fn text_of_any_kind_becomes_plain_words() {
    assert_eq!(plain(" Yes, please! That’s RIGHT.\u{7} "), "yes please that's right");
    assert_eq!(plain("' '' fly-tipping"), "fly tipping");
    assert_eq!(plain(&"a".repeat(5_000)).len(), MOST_TEXT);
    assert_eq!(Heard::whole("...", 1.0), None);
}
