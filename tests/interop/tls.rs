//! TLS itself: versions, certificates of clients, and a new certificate without a restart.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use switchboard::event::EndCause;

use crate::calls::{LONG, Talk};
use crate::certificates::{Authority, Certificate};
use crate::peers::clock::wait_for;
use crate::place::{Host, Place, assert_ended};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, Wishes};

pub fn scenarios(all: &mut Vec<Scenario>) {
    let mut add = |peer, feature: &str, run: fn(&Place)| {
        all.push(Scenario::new(peer, Transport::Tls, feature, run));
    };
    add("OpenSSL", "TLS 1.2 and 1.3, and nothing older", versions);
    add(
        "OpenSSL",
        "client certificates: none, and one of another authority, are refused",
        strangers,
    );
    add("SIPp", "client certificates: a call of one that is certified", certified);
    add("SIPp", "a new certificate on SIGHUP, during a call that goes on", renewed);
}

fn versions(place: &Place) {
    let _server = settings::start(place, Transport::Udp, Wishes::default());
    let at = place.at(Host::Server, Transport::Tls);
    for (version, speaks) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false)] {
        // Debian's openssl itself would not speak the old ones otherwise.
        let words = [version, "-cipher", "DEFAULT@SECLEVEL=0"];
        let said = client(at, place.authority().file(), &words, None);
        assert_eq!(said.contains("Verification: OK"), speaks, "{version}: {said}");
    }
}

/// The settings that ask clients for a certificate of the authority.
fn asks(place: &Place) -> String {
    format!("client_ca = \"{}\"", place.authority().file().display())
}

fn strangers(place: &Place) {
    let tls = asks(place);
    let wishes = Wishes { tls: &tls, ..Wishes::default() };
    let server = settings::start(place, Transport::Udp, wishes);
    let at = place.at(Host::Server, Transport::Tls);
    let other = Authority::new(place.folder(), "another").certify("caller", place.ip(Host::Caller));
    let own = place.authority().certify("caller", place.ip(Host::Caller));
    // With TLS 1.3 a client learns only afterwards what became of its certificate.
    for (certificate, speaks) in [(None, false), (Some(&other), false), (Some(&own), true)] {
        let said = client(at, place.authority().file(), &["-tls1_2"], certificate);
        assert_eq!(said.contains("Verification: OK"), speaks, "{certificate:?}: {said}");
    }
    drop(server);
}

fn certified(place: &Place) {
    let tls = asks(place);
    let wishes = Wishes { tls: &tls, ..Wishes::default() };
    Talk::of("call.xml", "phone.xml").with_wishes(wishes).ends(
        place,
        Transport::Tls,
        EndCause::CallerHungUp,
    );
}

fn renewed(place: &Place) {
    let server = settings::start(place, Transport::Udp, Wishes::default());
    let mut phone = place.sipp("phone.xml").at(Host::Amy).start();
    settings::ready(&server, "amy");
    let mut caller = place.sipp("call-of-some-seconds.xml").over(Transport::Tls).start();
    server.until_agents("talking", 1);

    let successor = Authority::new(place.folder(), "successor");
    let new = successor.certify("switchboard", place.ip(Host::Server));
    let old = place.authority().certificate("switchboard");
    for (from, to) in [(new.certificate, old.certificate), (new.key, old.key)] {
        std::fs::copy(from, to).expect("the files are replaced");
    }
    let at = place.at(Host::Server, Transport::Tls);
    assert!(!client(at, successor.file(), &[], None).contains("Verification: OK"), "too early");
    server.reload();
    let renewed = wait_for(Duration::from_secs(10), || {
        client(at, successor.file(), &[], None).contains("Verification: OK").then_some(())
    });
    assert!(renewed.is_some(), "the old certificate is still shown");

    caller.succeed(LONG);
    phone.succeed(LONG);
    assert_ended(&server, &[EndCause::CallerHungUp]);
}

/// What openssl's client says of a connection.
fn client(
    at: SocketAddr,
    authority: &Path,
    words: &[&str],
    certificate: Option<&Certificate>,
) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-brief", "-connect", &at.to_string(), "-CAfile"]).arg(authority);
    command.args(["-verify_return_error", "-verify_ip", &at.ip().to_string()]).args(words);
    if let Some(Certificate { certificate, key }) = certificate {
        command.arg("-cert").arg(certificate).arg("-key").arg(key);
    }
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{error}. Install openssl"));
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}
