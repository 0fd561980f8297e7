//! What is on the wire, as Wireshark reads it: voice without loss or doubt, reports that add up, and a
//! goodbye.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use switchboard::event::EndCause;

use crate::baresip::{adviser_who, fixed};
use crate::calls::LONG;
use crate::peers::clock::wait_for;
use crate::place::{Host, Place, assert_ended};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, NUMBER, Wishes};

/// Long enough for reports, which come every 2.5 to 7.5 seconds.
const PACKETS: f64 = 800.0;

pub fn scenarios(all: &mut Vec<Scenario>) {
    let feature = "RTP without a gap, RTCP reports and BYE, nothing malformed";
    all.push(Scenario::new("Wireshark", Transport::Udp, feature, on_the_wire));
}

/// tshark, listening in on what goes to and from the server's ports for voice.
struct Capture {
    tshark: Child,
    file: PathBuf,
}

impl Capture {
    fn start(folder: &Path, server: IpAddr) -> Capture {
        let file = folder.join("wire.pcapng");
        let filter = format!("host {server} and udp portrange 31000-32767");
        let mut tshark = Command::new("tshark");
        tshark.args(["-q", "-i", "lo", "-f", &filter, "-w"]).arg(&file);
        tshark.stdout(Stdio::null()).stderr(Stdio::null());
        let tshark = tshark.spawn().expect("tshark: apt-get install tshark");
        let capture = Capture { tshark, file };
        let listens = wait_for(LONG, || capture.file.exists().then_some(()));
        assert!(listens.is_some(), "tshark may capture on lo (run as root)");
        capture
    }

    /// Ends the capture.
    fn end(mut self) -> PathBuf {
        let id = nix::unistd::Pid::from_raw(self.tshark.id().cast_signed());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGINT).expect("tshark runs");
        self.tshark.wait().expect("tshark ends");
        self.file.clone()
    }
}

/// What tshark says of a capture, a line for each packet or stream. Packets are looked at before ports: by
/// its port alone voice may be another protocol's.
fn read(file: &Path, words: &[&str]) -> Vec<String> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(file).args(["-o", "udp.try_heuristic_first:TRUE"]);
    tshark.args(["-o", "rtp.heuristic_rtp:TRUE"]);
    tshark.args(["-o", "rtcp.heuristic_rtcp:TRUE"]).args(words);
    let output = tshark.output().expect("tshark");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn on_the_wire(place: &Place) {
    let over = Transport::Udp;
    let server = settings::start(place, over, Wishes::default());
    let ip = place.ip(Host::Server);
    let _adviser = adviser_who(place, &server, over, place.plain(0), ("", ""), 620);
    let resident = fixed(place, over, place.plain(1), "01632960001", 440);
    let capture = Capture::start(place.folder(), ip);
    resident.command("dial", NUMBER);
    server.until_agents("talking", 1);
    let heard = || server.metric("switchboard_rtp_packets_total{direction=\"in\"}");
    let before = heard();
    let enough = wait_for(LONG, || (heard() > before + PACKETS).then_some(()));
    assert!(enough.is_some(), "{} packets of voice", heard() - before);
    resident.command("hangup", "");
    assert_ended(&server, &[EndCause::StarCodeDone, EndCause::CallerHungUp]);
    let goodbye = || read_while(&capture.file, "rtcp.pt == 203").len();
    let said = wait_for(Duration::from_secs(10), || (goodbye() >= 2).then_some(()));
    let file = capture.end();
    assert!(said.is_some(), "a BYE on each leg");

    let own = ip.to_string();
    let streams = read(&file, &["-q", "-z", "rtp,streams"]);
    let of_ours: Vec<&String> =
        streams.iter().filter(|line| line.split_whitespace().nth(2) == Some(&own)).collect();
    assert_eq!(of_ours.len(), 2, "one stream for each phone: {streams:#?}");
    for stream in of_ours {
        assert!(stream.contains("g711A") && stream.contains("0 (0.0%)"), "{stream}");
        assert!(!stream.trim_end().ends_with('X'), "tshark finds a problem: {stream}");
    }
    let reports =
        read(&file, &["-Y", &format!("rtcp.pt == 200 && rtcp.sdes.type == 1 && ip.src == {own}")]);
    assert!(reports.len() >= 3, "sender reports with a CNAME: {reports:#?}");
    let malformed = read(&file, &["-Y", "_ws.malformed || _ws.expert.severity == error"]);
    assert!(malformed.is_empty(), "{malformed:#?}");
}

/// The packets of a capture under way that pass a filter; its last one may be cut.
fn read_while(file: &Path, filter: &str) -> Vec<String> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(file).args(["-o", "udp.try_heuristic_first:TRUE"]);
    tshark.args(["-o", "rtcp.heuristic_rtcp:TRUE", "-Y", filter]);
    let output = tshark.stderr(Stdio::null()).output().expect("tshark");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
