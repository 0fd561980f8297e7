//! Kamailio as the session border of the council's carrier: calls come through it, and it stays in
//! their path.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use switchboard::event::EndCause;

use crate::calls::Talk;
use crate::peers::clock::wait_for;
use crate::peers::process::Process;
use crate::place::{Host, Place, listens};
use crate::scenario::{Scenario, Transport};

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in Transport::SIPP {
        let mut add = |feature: &str, caller, phone, end| {
            let feature = format!("session border with Record-Route: {feature}");
            all.push(Scenario::new("Kamailio", over, feature, move |place| {
                let _border = Kamailio::border(place, over);
                Talk::of(caller, phone)
                    .through(Host::Border)
                    .with("direction", "sendonly")
                    .with("address", "[media_ip]")
                    .with("answer", "recvonly")
                    .ends(place, Transport::Udp, end);
            }));
        };
        let (hung_up, by_us) = (EndCause::CallerHungUp, EndCause::AgentHungUp);
        add("call, BYE from the carrier", "call.xml", "phone.xml", hung_up);
        add("call, BYE from us", "call-until-bye.xml", "phone-talks.xml", by_us);
        add("late offer", "late-offer.xml", "phone.xml", hung_up);
        add("re-INVITE from the carrier", "hold-by-caller.xml", "phone.xml", hung_up);
    }
}

/// A running Kamailio.
pub struct Kamailio(Process);

impl Kamailio {
    /// A session border that speaks `over` with the server, and UDP and TCP with everybody else.
    pub fn border(place: &Place, over: Transport) -> Kamailio {
        let (server, at) = (place.at(Host::Server, over), place.sip(Host::Border));
        let tls = place.at(Host::Border, Transport::Tls);
        let own = place.authority().certify("border", at.ip());
        let words = [
            ("listen", format!("listen=udp:{at}\nlisten=tcp:{at}\nlisten=tls:{tls}")),
            ("certificate", own.certificate.display().to_string()),
            ("key", own.key.display().to_string()),
            ("authority", place.authority().file().display().to_string()),
            ("server-ip", server.ip().to_string()),
            ("server", format!("sip:{server};transport={}", over.param())),
            ("carrier", format!("sip:{}", place.sip(Host::Carrier))),
        ];
        let config =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/kamailio/border.cfg");
        let mut text = std::fs::read_to_string(config).expect("Kamailio's settings");
        for (word, value) in words {
            text = text.replace(&format!("{{{word}}}"), &value);
        }
        let folder = place.folder().join("kamailio");
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("border.cfg");
        std::fs::write(&file, text).expect("Kamailio's settings");
        let mut command = Command::new("kamailio");
        // 64 MiB shared and 8 MiB for each process are plenty for one call.
        command.args(["-DD", "-E", "-m", "64", "-M", "8"]);
        command.arg("-f").arg(&file).arg("-w").arg(&folder).arg("-Y").arg(&folder);
        let mut kamailio = Kamailio(Process::start("kamailio", "kamailio", &folder, &mut command));
        let there = wait_for(Duration::from_secs(20), || {
            let up = listens(Transport::Udp, at) && listens(Transport::Tcp, at);
            (up || kamailio.0.ended().is_some()).then_some(up)
        });
        assert_eq!(there, Some(true), "Kamailio is not there:\n{}", kamailio.0.words());
        kamailio
    }
}

impl Drop for Kamailio {
    /// Its processes end with the first only if that is asked politely.
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.0.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
            let _ = wait_for(Duration::from_secs(5), || self.0.ended());
        }
    }
}
