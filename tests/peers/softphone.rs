//! baresip as an adviser's softphone: registers with digest, answers, plays a tone and records
//! what it hears.

use std::fmt::Write;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use switchboard::sim::tone::{self, Sound};

use super::clock::{free_port, wait_for};
use super::process::Process;

/// Debian's package.
const PACKAGE: &str = "baresip-core";
const MODULES: [&str; 3] = [
    "/usr/lib/baresip/modules",
    "/usr/local/lib/baresip/modules",
    "/usr/lib/x86_64-linux-gnu/baresip/modules",
];

/// How baresip is to behave.
pub struct Setup<'a> {
    pub user: &'a str,
    pub password: &'a str,
    pub server: SocketAddr,
    /// Where it listens, over UDP and TCP; for TLS the port above.
    pub at: SocketAddr,
    /// What it registers over: `udp`, `tcp` or `tls`.
    pub transport: &'a str,
    /// Further lines of its settings, and parameters of its account, each with its semicolon.
    pub config: &'a str,
    pub account: &'a str,
    /// Registers; otherwise it only waits to be rung.
    pub registers: bool,
    /// Picks up by itself; otherwise it rings until it is told to or cancelled.
    pub answers: bool,
    /// The tone that it plays, in hertz.
    pub tone_hz: u32,
}

impl Setup<'_> {
    /// An address for a phone that has no network of its own.
    pub fn any_address() -> SocketAddr {
        ([127, 0, 0, 1], free_port(1)).into()
    }
}

/// A running baresip.
pub struct Softphone {
    process: Process,
    folder: PathBuf,
    control: SocketAddr,
    /// Where it is rung.
    pub signalling: SocketAddr,
}

impl Softphone {
    /// Starts baresip with a folder of its own below `folder`, and waits until it is ready.
    pub fn start(folder: &Path, setup: &Setup<'_>) -> Self {
        let folder = folder.join(format!("baresip-{}", setup.user));
        std::fs::create_dir_all(&folder).expect("a folder");
        let modules = MODULES.into_iter().find(|path| Path::new(path).join("g711.so").exists());
        let modules = modules.unwrap_or_else(|| {
            panic!("baresip's modules are not there. Install them with: apt-get install {PACKAGE}")
        });
        let signalling = setup.at;
        let control = SocketAddr::new(signalling.ip(), free_port(0));
        let voice = free_port(20);
        let place = folder.display();
        let mut config = String::new();
        for (key, value) in [
            ("sip_listen", signalling.to_string()),
            ("net_interface", signalling.ip().to_string()),
            ("rtp_ports", format!("{voice}-{}", voice + 20)),
            ("call_max_calls", "1".to_owned()),
            ("call_local_timeout", "120".to_owned()),
            ("audio_source", format!("aufile,{place}/tone.wav")),
            ("audio_player", format!("aufile,{place}/played.wav")),
            ("audio_alert", format!("aufile,{place}/alert.wav")),
            ("ausrc_srate", "8000".to_owned()),
            ("auplay_srate", "8000".to_owned()),
            ("ausrc_channels", "1".to_owned()),
            ("auplay_channels", "1".to_owned()),
            ("snd_path", place.to_string()),
            ("module_path", modules.to_owned()),
            ("module", "g711.so".to_owned()),
            ("module", "aufile.so".to_owned()),
            // Records both directions: `dump-...-dec.wav` is what was heard.
            ("module", "sndfile.so".to_owned()),
            ("module_tmp", "account.so".to_owned()),
            ("module_app", "menu.so".to_owned()),
            ("module_app", "ctrl_tcp.so".to_owned()),
            ("ctrl_tcp_listen", control.to_string()),
        ] {
            writeln!(config, "{key} {value}").expect("text");
        }
        config.push_str(setup.config);
        let Setup { user, password, server, transport, registers, answers, tone_hz, .. } = *setup;
        let (interval, mode) =
            (if registers { 60 } else { 0 }, if answers { "auto" } else { "manual" });
        let codecs = match setup.account.contains("audio_codecs=") {
            true => "",
            false => ";audio_codecs=pcma/8000/1,pcmu/8000/1",
        };
        let account = format!(
            "<sip:{user}@{server};transport={transport}>;auth_user={user};auth_pass={password};answermode={mode};\
             regint={interval}{codecs};ptime=20{}\n",
            setup.account
        );
        std::fs::write(folder.join("config"), config).expect("the settings");
        std::fs::write(folder.join("accounts"), account).expect("the account");
        std::fs::write(folder.join("contacts"), "").expect("no contacts");
        tone_file(&folder.join("tone.wav"), tone_hz, 60);
        let mut command = Command::new("baresip");
        command.args(["-4", "-v", "-s", "-f"]).arg(&folder);
        let process = Process::start("baresip", PACKAGE, &folder, &mut command);
        let phone = Softphone { process, folder, control, signalling };
        phone.says("baresip is ready");
        phone
    }

    /// Waits until it has said something.
    pub fn says(&self, words: &str) {
        let said = wait_for(Duration::from_secs(20), || {
            self.process.words().contains(words).then_some(())
        });
        assert!(said.is_some(), "baresip never said `{words}`:\n{}", self.process.words());
    }

    /// Does what a person at its keyboard would, and waits for something that it says because of it.
    pub fn does(&self, command: &str, params: &str, then_says: &str) {
        let said = self.process.words().len();
        self.command(command, params);
        let answered = wait_for(Duration::from_secs(20), || {
            self.process.words().get(said..)?.contains(then_says).then_some(())
        });
        assert!(
            answered.is_some(),
            "baresip never said `{then_says}` after `{command}`:\n{}",
            self.process.words()
        );
    }

    /// Does what a person at its keyboard would: `accept`, `hangup`, `dial <uri>`.
    pub fn command(&self, command: &str, params: &str) {
        let mut stream = TcpStream::connect(self.control).expect("baresip's control port");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out");
        let json = format!(r#"{{"command":"{command}","params":"{params}","token":"t"}}"#);
        // Netstrings both ways; events come between.
        write!(stream, "{}:{json},", json.len()).expect("is told");
        let answer = loop {
            let text = netstring(&mut stream);
            if text.contains("\"response\":true") {
                break text;
            }
        };
        assert!(answer.contains("\"ok\":true"), "baresip refused `{command}`: {answer}");
    }

    /// The dominating frequency of what it heard in the `s` seconds of its last call in which it
    /// heard the most, and its share of the energy.
    pub fn heard(&self, s: f64) -> Option<(f64, f64)> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.folder)
            .expect("its folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        files.sort();
        let (samples, rate) = samples(files.last()?)?;
        let window = (s * f64::from(rate)) as usize;
        let loudest = samples
            .windows(window.min(samples.len()).max(1))
            .step_by((rate / 10) as usize)
            .max_by(|a, b| tone::level(a).total_cmp(&tone::level(b)))?;
        tone::dominating(loudest, rate)
    }

    /// Whether it heard a tone of `hz` for half a second anywhere in its last call.
    pub fn heard_tone(&self, hz: u32) -> bool {
        self.recordings().iter().any(|path| {
            let Some((samples, rate)) = samples(path) else { return false };
            let window = (rate / 2) as usize;
            samples.windows(window).step_by(window / 5).any(|part| {
                tone::level(part) > 100.0 && tone::share(part, f64::from(hz), rate) > 0.8
            })
        })
    }

    /// What it recorded of all its calls.
    pub fn recordings(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.folder)
            .expect("its folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        files.sort();
        files
    }

    /// Plays prompts in its next call instead of its tone, again and again.
    pub fn speaks(&self, prompts: &[&str]) {
        let root = env!("CARGO_MANIFEST_DIR");
        let files = prompts.iter().map(|name| format!("{root}/sounds/en-GB/{name}.wav"));
        let mut sox = Command::new("sox");
        sox.args(files)
            .args(["-r", "8000", "-c", "1", "-b", "16"])
            .arg(self.folder.join("tone.wav"));
        let made = sox.args(["repeat", "5"]).status();
        assert!(made.is_ok_and(|status| status.success()), "sox joins {prompts:?}");
    }

    /// Everything it said.
    pub fn words(&self) -> String {
        self.process.words()
    }
}

fn netstring(stream: &mut TcpStream) -> String {
    let mut byte = [0];
    let mut length = 0;
    loop {
        stream.read_exact(&mut byte).expect("baresip answers");
        match byte[0] {
            b':' => break,
            digit => length = length * 10 + usize::from(digit - b'0'),
        }
    }
    let mut text = vec![0; length + 1];
    stream.read_exact(&mut text).expect("baresip answers to the end");
    text.pop();
    String::from_utf8_lossy(&text).into_owned()
}

/// A WAV file of a tone.
pub fn tone_file(path: &Path, hz: u32, seconds: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: tone::RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("a sound file");
    for at in 0..u64::from(seconds * tone::RATE_HZ) {
        writer.write_sample(Sound::Tone(hz).sample(at)).expect("a sample");
    }
    writer.finalize().expect("a whole sound file");
}

/// The samples of a recording, of the first channel, and how many there are in a second.
pub fn samples(path: &Path) -> Option<(Vec<i16>, u32)> {
    let mut reader = hound::WavReader::open(path).ok()?;
    let (rate, channels) = (reader.spec().sample_rate, usize::from(reader.spec().channels.max(1)));
    Some((reader.samples::<i16>().map_while(Result::ok).step_by(channels).collect(), rate))
}
