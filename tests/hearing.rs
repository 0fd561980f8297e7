//! How well callers are understood: spoken by Debian's voices, through our own codecs, our own voice
//! activity detection and the embedded recogniser. Prints the table of docs/hearing.md.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use switchboard::assistant::{File, Understanding, utterance};
use switchboard::call::command::{Question, Utterance};
use switchboard::config::settings::{EngineName, SpeechSettings};
use switchboard::id::Entropy;
use switchboard::media::codec::{Decoder, Encoder, MAX_BYTES, MAX_SAMPLES};
use switchboard::media::command::{Codec, OpusSettings};
use switchboard::media::rate::Rate;
use switchboard::media::tap::{self, FRAME_SAMPLES};
use switchboard::server::speech::expected::is_yes;
use switchboard::server::speech::{Deaf, Expected, Hearing, Listening, Spelling, Verdict};
use switchboard::time::Time;

const VOICES: [&str; 4] = ["awb", "rms", "slt", "kal"];
/// The formant voice is nobody's at 8 kHz: it is heard at 16 kHz only.
const FORMANT: &str = "espeak-ng";
/// Durations, as parts of the voice's own.
const SPEEDS: [&str; 3] = ["0.85", "1.0", "1.2"];

/// All of them, or the voice's own only if `QUICK` is set: a third of the time.
fn speeds() -> &'static [&'static str] {
    match std::env::var_os("QUICK") {
        Some(_) => &SPEEDS[1..2],
        None => &SPEEDS,
    }
}

const YES_NO: [&str; 12] = [
    "yes",
    "no",
    "yes please",
    "no thank you",
    "yeah",
    "nope",
    "that's right",
    "that's wrong",
    "correct",
    "no thanks",
    "yes it is",
    "no it isn't",
];
const DIGITS: [&str; 9] = [
    "seven four zero two two five",
    "seven nine two one nine three",
    "zero five nine six one four",
    "two eight four eight seven two",
    "one eight nine six five three",
    "oh seven eight five four eight",
    "three three six oh nine one",
    "four six one zero five seven",
    "nine two eight three six zero",
];
const MENU: [&str; 16] = [
    "missed bin",
    "my bin was not collected",
    "bulky waste",
    "council tax",
    "pay my council tax",
    "housing repair",
    "fly tipping",
    "parking permit",
    "blue badge",
    "planning",
    "register a birth",
    "rent",
    "speak to an adviser",
    "something else",
    "book an appointment",
    "opening hours",
];
const POSTCODES: [&str; 3] = ["r m one three b b", "s w one a two a a", "m one seven x y"];
/// What is none of the menu's phrases.
const NONSENSE: [&str; 9] = [
    "what time does the library close",
    "is that you margaret",
    "hang on a minute",
    "the dog has eaten it",
    "good morning",
    "i was told to ring this number",
    "turn the radio down",
    "where is my parcel",
    "can you hear me",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    YesNo,
    Digits,
    DigitsOfAnyNumber,
    Menu,
    Postcode,
    Nonsense,
}

impl Kind {
    const ALL: [Kind; 6] = [
        Kind::YesNo,
        Kind::Digits,
        Kind::DigitsOfAnyNumber,
        Kind::Menu,
        Kind::Postcode,
        Kind::Nonsense,
    ];

    fn texts(self) -> &'static [&'static str] {
        match self {
            Kind::YesNo => &YES_NO,
            Kind::Digits | Kind::DigitsOfAnyNumber => &DIGITS,
            Kind::Menu => &MENU,
            Kind::Postcode => &POSTCODES,
            Kind::Nonsense => &NONSENSE,
        }
    }

    fn expected(self) -> Expected {
        match self {
            Kind::YesNo => Expected::YesNo,
            Kind::Digits => Expected::Digits { least: 6, most: 6 },
            Kind::DigitsOfAnyNumber => Expected::Digits { least: 3, most: 10 },
            Kind::Menu | Kind::Nonsense => Expected::Phrases(MENU.map(str::to_owned).to_vec()),
            Kind::Postcode => Expected::Spelt(Spelling::Postcode),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Kind::YesNo => "yes or no",
            Kind::Digits => "six digits, by words",
            Kind::DigitsOfAnyNumber => "three to ten digits, by words",
            Kind::Menu => "16 phrases of a menu",
            Kind::Postcode => "postcodes, by letters and digits",
            Kind::Nonsense => "none of the menu",
        }
    }

    /// How much of it was understood, and of how much.
    fn score(self, said: &str, heard: &str) -> (usize, usize) {
        match self {
            Kind::YesNo => (usize::from(is_yes(said) == is_yes(heard)), 1),
            Kind::Menu => (usize::from(said == heard), 1),
            Kind::Nonsense => (0, 1),
            Kind::Digits | Kind::DigitsOfAnyNumber | Kind::Postcode => {
                let (said, heard) = (units(said), units(heard));
                (said.len().saturating_sub(differences(&said, &heard)), said.len())
            }
        }
    }
}

fn units(text: &str) -> Vec<String> {
    let mut units = Vec::new();
    let mut times = 1;
    for word in text.split_whitespace() {
        match word {
            "double" => times = 2,
            "triple" => times = 3,
            "oh" => {
                units.extend(std::iter::repeat_n("zero".to_owned(), std::mem::take(&mut times)))
            }
            word => units.extend(std::iter::repeat_n(word.to_owned(), times)),
        }
        if !matches!(word, "double" | "triple") {
            times = 1;
        }
    }
    units
}

/// Words to change, leave out or add (Levenshtein).
fn differences(said: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (at, said) in said.iter().enumerate() {
        let mut before = std::mem::replace(&mut row[0], at + 1);
        for (at, heard) in heard.iter().enumerate() {
            let changed = before + usize::from(said != heard);
            before = row[at + 1];
            row[at + 1] = changed.min(before + 1).min(row[at] + 1);
        }
    }
    row[heard.len()]
}

/// A text spoken: samples between -1 and 1, and their rate.
fn spoken(voice: &str, speed: &str, text: &str) -> (Vec<f32>, u32) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hearing");
    std::fs::create_dir_all(&folder).expect("a folder");
    let name = text.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let file = folder.join(format!("{voice}-{speed}-{name}.wav"));
    if !file.exists() {
        let written = file.with_extension("part");
        let mut command = if voice == FORMANT {
            let mut command = Command::new("espeak-ng");
            let pace = 160.0 / speed.parse::<f32>().expect("a number");
            command
                .args(["-v", "en-gb", "-s", &format!("{pace:.0}"), "-w"])
                .arg(&written)
                .arg(text);
            command
        } else {
            let mut command = Command::new("flite");
            let stretch = format!("duration_stretch={speed}");
            command.args(["-voice", voice, "--setf", &stretch, "-t", text, "-o"]).arg(&written);
            command
        };
        let done = command.status().expect("flite and espeak-ng, which .ci/tools installs");
        assert!(done.success(), "{command:?}");
        std::fs::rename(&written, &file).expect("renamed");
    }
    let mut wav = hound::WavReader::open(&file).expect("a WAV file");
    let samples = wav.samples::<i16>().map(|sample| f32::from(sample.expect("one")) / 32_768.0);
    (samples.collect(), wav.spec().sample_rate)
}

/// What comes from the line at a tap: half a second of nobody, the text at -26 dB of full scale, two
/// seconds of nobody; with white noise below it by so many dB; through a codec and back.
fn line(codec: Codec, speech: &(Vec<f32>, u32), snr_db: Option<f64>, seed: u8) -> Vec<i16> {
    let rate = codec.rate();
    let speech =
        soundfile::resample::to_rate(&speech.0, speech.1, rate.hz()).expect("a usable rate");
    let power = speech.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / speech.len() as f64;
    let level = 32_768.0 * 10_f64.powf(-26.0 / 20.0);
    let noise = snr_db.map_or(1.0, |db| level * 10_f64.powf(-db / 20.0));
    let mut entropy = Entropy::from_seed([seed; 32]);
    // Twelve even ones make a normal one.
    let mut normal =
        || (0..12).map(|_| f64::from(entropy.below(1 << 16)) / 65_536.0).sum::<f64>() - 6.0;
    let voice = speech.iter().map(|sample| f64::from(*sample) * level / power.sqrt());
    let nobody = |ms| std::iter::repeat_n(0.0, rate.samples(ms));
    let said: Vec<i16> = (nobody(500).chain(voice).chain(nobody(2_000)))
        .map(|sample| (sample + normal() * noise).round() as i16)
        .collect();
    let opus = OpusSettings { bit_rate_bps: 24_000, fec: false, dtx: false };
    let mut encoder = Encoder::new(codec, rate, opus).expect("an encoder");
    let mut decoder = Decoder::new(codec, Rate::Wide).expect("a decoder");
    let (mut bytes, mut samples) = ([0; MAX_BYTES], [0; MAX_SAMPLES]);
    let mut heard = Vec::new();
    for frame in said.chunks_exact(rate.samples(20)) {
        let length = encoder.encode(frame, &mut bytes).expect("encoded");
        let length = decoder.decode(&bytes[..length], &mut samples).expect("decoded");
        heard.extend(&samples[..length]);
    }
    heard
}

type Told = mpsc::Receiver<Result<Verdict, Deaf>>;

fn listen(hearing: &Hearing, samples: &[i16], expected: Expected) -> (Listening, Told) {
    let (mut writer, reader) = tap::ring(samples.len() / FRAME_SAMPLES + 1);
    for frame in samples.as_chunks().0 {
        assert!(writer.write(Time::ZERO, *frame));
    }
    let (tell, told) = mpsc::channel();
    let tell = move |told| match told {
        switchboard::server::speech::Told::Began => {}
        switchboard::server::speech::Told::Over(verdict) => {
            tell.send(verdict).expect("somebody waits")
        }
    };
    let listening = hearing.listen(reader, || expected, Duration::from_secs(60), tell);
    (listening.expect("room for one more"), told)
}

/// The shipped intents.
fn understanding() -> Understanding {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("ivr-flows/intents");
    let files = std::fs::read_dir(folder).expect("intents").map(|entry| entry.expect("one").path());
    let mut texts: Vec<(String, String)> = files
        .map(|path| (path.display().to_string(), std::fs::read_to_string(path).expect("reads")))
        .collect();
    texts.sort();
    let files: Vec<File<'_>> = texts.iter().map(|(shown, text)| File { shown, text }).collect();
    Understanding::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Phrases that nobody learned from, and what they are about: every so manieth.
fn own_words(step: usize) -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/understanding/phrases.csv");
    let mut rows = csv::Reader::from_path(path).expect("phrases");
    let rows = rows.records().map(|row| row.expect("a row"));
    let rows = rows.map(|row| (row[0].to_owned(), row[1].to_owned()));
    rows.filter(|(text, _)| !text.contains(|c: char| c.is_ascii_digit())).step_by(step).collect()
}

/// What callers want, said in words that are no examples: the share that is understood by text, by voice, and
/// what would be done about it.
#[test]
fn callers_say_what_they_want_in_their_own_words() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let settings = SpeechSettings {
        engine: Some(EngineName::Pocketsphinx),
        timeout_ms: 60_000,
        ..SpeechSettings::default()
    };
    let hearing = Hearing::start(&settings, runtime.handle().clone()).expect("it starts");
    let hearing = hearing.expect("an engine");
    let known = understanding();
    let today = jiff::civil::date(2026, 11, 26);
    let all = std::env::var("HEARING_VERBOSE").is_ok();
    let question = Question::Business(Vec::new());
    let quick = speeds().len() == 1;
    let phrases = own_words(if quick { 24 } else { 6 });
    let nonsense = NONSENSE.map(|text| (text.to_owned(), String::new()));
    println!(
        "| in their own words | as text | by voice | acted on, right | asked back, right | acted on, wrong | nonsense acted on |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let lines = [
        (Codec::Pcma, None, "8 kHz"),
        (Codec::G722, None, "16 kHz"),
        (Codec::Pcma, Some(20.0), "8 kHz, noise"),
        (Codec::G722, Some(20.0), "16 kHz, noise"),
    ];
    let mut by_line = Vec::new();
    for (codec, snr_db, title) in lines.into_iter().take(if quick { 2 } else { 4 }) {
        let mut row = OwnWords::default();
        for (at, (text, intent)) in phrases.iter().chain(&nonsense).enumerate() {
            let speech = spoken(VOICES[at % VOICES.len()], speeds()[at % speeds().len()], text);
            let samples = line(codec, &speech, snr_db, at as u8);
            let (_listening, told) =
                listen(&hearing, &samples, Expected::to(&question, Some(&known)));
            let (heard, sure) = match told.recv().expect("a verdict") {
                Ok(Verdict::Heard(heard)) => (heard.text, true),
                Ok(Verdict::Unsure(heard)) => (heard.text, false),
                Ok(Verdict::NoMatch | Verdict::Silence) | Err(Deaf::LineGone) => Default::default(),
                Err(deaf) => panic!("{deaf}"),
            };
            let of_text = utterance(Some(&known), &question, text, true, today);
            let of_voice = utterance(Some(&known), &question, &heard, sure, today);
            if all {
                let first = of_voice.ranked.first();
                println!("{title} {intent}: `{text}` -> `{heard}` {sure} {first:?}");
            }
            row.add(intent, &of_text, &of_voice);
        }
        let of = |part: usize| 100.0 * part as f64 / phrases.len() as f64;
        println!(
            "| {title} | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {} of {} |",
            of(row.text),
            of(row.voice),
            of(row.acted),
            of(row.asked),
            of(row.wrong),
            row.nonsense,
            nonsense.len()
        );
        by_line.push((of(row.voice), of(row.wrong)));
    }
    for (understood, wrong) in by_line.into_iter().take(2) {
        assert!(understood >= 65.0, "{understood:.1} % of a clean line are understood");
        assert!(wrong <= 5.0, "{wrong:.1} % are acted on and wrong");
    }
}

/// What became of what callers said in their own words.
#[derive(Debug, Default)]
struct OwnWords {
    text: usize,
    voice: usize,
    acted: usize,
    asked: usize,
    wrong: usize,
    nonsense: usize,
}

impl OwnWords {
    /// As a flow takes it: acted on from 80 % on if the words are sure, asked back from 30 % on.
    fn add(&mut self, intent: &str, of_text: &Utterance, of_voice: &Utterance) {
        let is = |understood: &Utterance| {
            let first = understood.ranked.first().filter(|_| understood.meant);
            first.is_some_and(|it| it.intent.as_str() == intent)
        };
        let chance = of_voice.ranked.first().map_or(0, |it| it.chance);
        let acts = of_voice.meant && of_voice.sure && chance >= 800;
        if intent.is_empty() {
            self.nonsense += usize::from(acts);
            return;
        }
        self.text += usize::from(is(of_text));
        self.voice += usize::from(is(of_voice));
        self.acted += usize::from(acts && is(of_voice));
        self.asked += usize::from(!acts && chance >= 300 && is(of_voice));
        self.wrong += usize::from(acts && !is(of_voice));
    }
}

#[derive(Debug, Default)]
struct Row {
    understood: usize,
    of: usize,
    said: usize,
    accepted_right: usize,
    asked_again: usize,
    accepted_wrong: usize,
}

#[test]
fn callers_are_understood() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let settings = SpeechSettings {
        engine: Some(EngineName::Pocketsphinx),
        timeout_ms: 60_000,
        ..SpeechSettings::default()
    };
    let hearing = Hearing::start(&settings, runtime.handle().clone()).expect("it starts");
    let hearing = hearing.expect("an engine");
    let all = std::env::var("HEARING_VERBOSE").is_ok();
    let mut rows: BTreeMap<(Kind, &str), Row> = BTreeMap::new();
    let lines = [
        (Codec::Pcma, None),
        (Codec::Pcma, Some(20.0)),
        (Codec::G722, None),
        (Codec::G722, Some(20.0)),
    ];
    for (codec, snr_db) in lines {
        let title = match (codec.rate(), snr_db) {
            (Rate::Narrow, None) => "8 kHz",
            (Rate::Narrow, Some(_)) => "8 kHz, noise",
            (Rate::Wide, None) => "16 kHz",
            (Rate::Wide, Some(_)) => "16 kHz, noise",
        };
        let formant = Some(FORMANT).filter(|_| codec.rate() == Rate::Wide);
        for (voice_at, voice) in VOICES.into_iter().chain(formant).enumerate() {
            for kind in Kind::ALL {
                for (text_at, text) in kind.texts().iter().enumerate() {
                    let speed = SPEEDS[(text_at + voice_at) % speeds().len()];
                    let speech = spoken(voice, speed, text);
                    let samples = line(codec, &speech, snr_db, (text_at * 5 + voice_at) as u8);
                    let (_listening, told) = listen(&hearing, &samples, kind.expected());
                    let verdict = match told.recv().expect("a verdict") {
                        Ok(verdict) => verdict,
                        // No speech was found before the line ended: a caller would be asked again.
                        Err(Deaf::LineGone) => Verdict::Silence,
                        Err(deaf) => panic!("{deaf}"),
                    };
                    let (heard, accepted) = match &verdict {
                        Verdict::Heard(heard) => (heard.text.as_str(), true),
                        Verdict::Unsure(heard) => (heard.text.as_str(), false),
                        Verdict::NoMatch | Verdict::Silence => ("", false),
                    };
                    let (understood, of) = kind.score(text, heard);
                    let right = understood == of
                        && (kind == Kind::YesNo || units(text).len() == units(heard).len());
                    if all {
                        println!("{title} {voice} {speed} {kind:?} {right} `{text}`: {verdict:?}");
                    }
                    let row = rows.entry((kind, title)).or_default();
                    row.understood += understood;
                    row.of += of;
                    row.said += 1;
                    row.accepted_right += usize::from(accepted && right);
                    row.accepted_wrong += usize::from(accepted && !right);
                    row.asked_again += usize::from(!accepted);
                }
            }
        }
    }
    println!(
        "| what is said | line | understood | accepted, right | asked again | accepted, wrong |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    let percent = |part: usize, of: usize| 100.0 * part as f64 / of as f64;
    let mut totals: BTreeMap<Kind, (usize, usize)> = BTreeMap::new();
    for ((kind, line), row) in &rows {
        let understood = match kind {
            Kind::Nonsense => "-".to_owned(),
            _ => format!("{:.1} %", percent(row.understood, row.of)),
        };
        println!(
            "| {} | {line} | {understood} | {:.1} % | {:.1} % | {:.1} % |",
            kind.title(),
            percent(row.accepted_right, row.said),
            percent(row.asked_again, row.said),
            percent(row.accepted_wrong, row.said),
        );
        let total = totals.entry(*kind).or_default();
        *total = (total.0 + row.understood, total.1 + row.of);
    }
    for (kind, least) in [(Kind::YesNo, 95.0), (Kind::Digits, 90.0), (Kind::Menu, 85.0)] {
        let (understood, of) = totals[&kind];
        let reached = percent(understood, of);
        println!("{}: {reached:.1} % of {of}, {least} % is the target", kind.title());
        assert!(reached >= least, "{}: {reached:.1} %", kind.title());
    }
}
