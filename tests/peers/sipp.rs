//! SIPp: as the caller of a telephone call with keys and tones, and as whatever a scenario file says.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::clock::free_port;
use super::pcap;
use super::process::Process;

/// Debian's package.
const PACKAGE: &str = "sip-tester";

/// What the caller does once the call is answered.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// Lets time pass.
    Wait(Duration),
    /// Presses keys (RFC 4733 events, payload type 96, as SIPp sends them).
    Press(&'static str),
    /// Plays a tone for some seconds; what follows does not wait for its end.
    Tone(u32, u32),
    /// Hangs up.
    HangUp,
    /// Waits for the other side to hang up.
    AwaitBye,
}

/// A running SIPp that makes one call.
pub struct Sipp {
    process: Process,
    /// Where it hears.
    pub voice: SocketAddr,
}

impl Sipp {
    /// Rings `number` at `server`, from `caller`, and does what is asked.
    pub fn call(
        folder: &Path,
        server: SocketAddr,
        caller: &str,
        number: &str,
        acts: &[Act],
    ) -> Self {
        let folder = folder.join(format!("sipp-{caller}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let scenario = folder.join("scenario.xml");
        std::fs::write(&scenario, write(&folder, caller, acts)).expect("the scenario");
        let (port, voice) = (free_port(0), free_port(4));
        let mut command = Command::new("sipp");
        command
            .arg(server.to_string())
            .args(["-sf".as_ref(), scenario.as_os_str()])
            .args(["-s", number, "-i", "127.0.0.1", "-mi", "127.0.0.1"])
            .args(["-p", &port.to_string(), "-mp", &voice.to_string()])
            .args(["-m", "1", "-timeout", "180s", "-recv_timeout", "170s"]);
        Self::start(&folder, &mut command, SocketAddr::from(([127, 0, 0, 1], voice)))
    }

    /// Starts SIPp with these arguments; its traces are left in `folder`.
    pub fn start(folder: &Path, command: &mut Command, voice: SocketAddr) -> Self {
        command.args(["-nostdin", "-trace_err", "-trace_msg"]).current_dir(folder);
        Sipp { process: Process::start("sipp", PACKAGE, folder, command), voice }
    }

    /// What it has said, without its screens.
    pub fn words(&self) -> String {
        let words = self.process.words();
        words
            .split("------------------------------ Scenario Screen")
            .next()
            .unwrap_or_default()
            .into()
    }

    /// Whether it has ended, well or not.
    pub fn has_ended(&mut self) -> bool {
        self.process.ended().is_some()
    }

    /// Waits until the scenario is through; panics with what SIPp said if it went wrong.
    pub fn succeed(&mut self, within: Duration) {
        let status = self.process.wait(within);
        assert!(
            status.success(),
            "SIPp's scenario failed ({status}). It needs root or CAP_NET_RAW to send sound.\n{}",
            self.words()
        );
    }
}

fn write(folder: &Path, caller: &str, acts: &[Act]) -> String {
    let mut text = String::from(HEAD).replace("{caller}", caller);
    for (at, act) in acts.iter().enumerate() {
        match act {
            Act::Wait(time) => {
                writeln!(text, "  <pause milliseconds=\"{}\"/>", time.as_millis()).expect("text");
            }
            Act::Press(keys) => {
                play(&mut text, &format!("play_dtmf=\"{keys}\""));
                // SIPp begins with 400 ms of filling; whatever it plays next would cut keys off. But
                // while it pauses it takes a BYE for an error.
                if !matches!(acts.get(at + 1), Some(Act::AwaitBye)) {
                    let ms = 500 * keys.len() + 700;
                    writeln!(text, "  <pause milliseconds=\"{ms}\"/>").expect("text");
                }
            }
            Act::Tone(hz, seconds) => {
                let file: PathBuf = folder.join(format!("tone-{hz}.pcap"));
                pcap::tone(&file, *hz, *seconds);
                play(&mut text, &format!("play_pcap_audio=\"{}\"", file.display()));
            }
            Act::HangUp => text.push_str(HANG_UP),
            Act::AwaitBye => text.push_str(AWAIT_BYE),
        }
    }
    text.push_str("</scenario>\n");
    text
}

fn play(text: &mut String, what: &str) {
    writeln!(text, "  <nop><action><exec {what}/></action></nop>").expect("text");
}

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="a resident rings">
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}@[local_ip]:[local_port]>;tag=[pid]t[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:{caller}@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 53655765 2353687637 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 96
a=rtpmap:8 PCMA/8000
a=rtpmap:96 telephone-event/8000
a=fmtp:96 0-15
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200" rrs="true" rtd="true"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:{caller}@[local_ip]:[local_port]>;tag=[pid]t[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
"#;

const HANG_UP: &str = r#"  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:caller@[local_ip]:[local_port]>;tag=[pid]t[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
"#;

const AWAIT_BYE: &str = r#"  <recv request="BYE"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"#;
