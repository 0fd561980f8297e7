//! Phones that register: SIPp with digest, as whom the adviser's calls then reach.

use crate::calls::LONG;
use crate::place::{Host, Place};
use crate::scenario::{Scenario, Transport};
use crate::settings::{self, Wishes};

pub fn scenarios(all: &mut Vec<Scenario>) {
    for over in Transport::SIPP {
        let mut add = |feature: &str, run: fn(&Place, Transport)| {
            all.push(Scenario::new("SIPp", over, feature, move |place| run(place, over)));
        };
        add("REGISTER: digest with MD5, refresh, Expires: 0", |place, over| {
            let _server = settings::start(place, over, Wishes::default());
            register(place, over, "registers.xml", "chloe-s3cret");
        });
        add("REGISTER: 403 for a wrong password", |place, over| {
            let _server = settings::start(place, over, Wishes::default());
            register(place, over, "registers-wrongly.xml", "guessed");
        });
        add("REGISTER: 423 for a time too short, with Min-Expires", |place, over| {
            let _server = settings::start(place, over, Wishes::default());
            register(place, over, "registers-briefly.xml", "chloe-s3cret");
        });
    }
}

/// A phone, at an address that the settings do not name, registers as Chloe.
fn register(place: &Place, over: Transport, scenario: &str, password: &str) {
    let phone = place.sipp(scenario).at(Host::Caller).over(over);
    phone.with("user", "chloe").with("password", password).start().succeed(LONG);
}
