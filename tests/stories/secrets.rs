//! Passwords, what can be computed from them, and keys are in nobody's print-out.

use std::fmt::Debug;

use switchboard::config::settings::{Ha1Settings, Role, Secret, TokenSettings};
use switchboard::media::command::Encryption;
use switchboard::sim::adviser::Habits;
use switchboard::sim::caller::Step;
use switchboard::sip::digest::{Algorithm, ha1};

use crate::encrypted::INSISTS;
use crate::town::*;

const PASSWORD: &str = "correct-horse-battery-staple";
const TRUNK_PASSWORD: &str = "tr0ub4dor-and-three";
const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Everything that must not be found.
fn secrets() -> Vec<String> {
    let mut secrets = vec![PASSWORD.to_owned(), TRUNK_PASSWORD.to_owned(), TOKEN.to_owned()];
    for algorithm in Algorithm::ALL {
        for (user, password) in [("amy", PASSWORD), ("ben", "ben's")] {
            secrets.push(ha1(algorithm, user, "switchboard", password));
        }
    }
    // Of digests: the proof. Of SDP: the key. Of both as bytes, too.
    for text in ["response=", "inline:"] {
        secrets.push(text.to_owned());
        let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
        secrets.push(bytes.join(", "));
    }
    secrets
}

#[track_caller]
fn holds_no_secret(what: &str, printed: &dyn Debug) {
    let text = format!("{printed:?}");
    for secret in secrets() {
        if let Some(at) = text.find(&secret) {
            let from = text.floor_char_boundary(at.saturating_sub(200));
            let to = text.ceil_char_boundary(at + secret.len() + 60);
            panic!("{what} shows {secret}: ...{}...", &text[from..to]);
        }
    }
}

#[test]
fn nothing_that_is_printed_shows_a_secret() {
    let mut settings = None;
    let mut town = town_with(|change| {
        let amy = change.settings.agents.get_mut("amy").expect("Amy");
        amy.password = Some(Secret::from(PASSWORD));
        amy.srtp = Encryption::Required;
        let ben = change.settings.agents.get_mut("ben").expect("Ben");
        let hash = |algorithm| Some(Secret::from(&*ha1(algorithm, "ben", "switchboard", "ben's")));
        ben.password = None;
        ben.ha1 = Some(Ha1Settings { md5: hash(Algorithm::Md5), sha256: hash(Algorithm::Sha256) });
        change.settings.tokens.push(TokenSettings {
            actor: "Sue Green".to_owned(),
            role: Role::Supervisor,
            agent: None,
            sha256: Secret::from(TOKEN),
        });
        let trunk = format!(
            "hosts = [\"192.0.2.9\"]\nusername = \"council\"\npassword = \"{TRUNK_PASSWORD}\"\n"
        );
        let trunk = toml::from_str(&trunk).expect("a trunk");
        change.settings.trunks.insert("carrier".into(), trunk);
        settings = Some(change.settings.clone());
    });
    let settings = settings.expect("settings");
    holds_no_secret("the settings", &settings);
    holds_no_secret("the settings as TOML", &toml::to_string(&settings).expect("writes"));
    holds_no_secret("the settings as JSON", &serde_json::to_string(&settings).expect("writes"));

    let amy = town.adviser(
        "amy",
        PASSWORD,
        Habits { signs_in: Some("*70".to_owned()), ..picks_up_after(secs(2)) },
        |phone| phone.secrecy = INSISTS,
    );
    let look = |town: &Town, when: &str| {
        holds_no_secret(when, town.engine());
    };
    for _ in 0..25 {
        town.run_for(millis(200));
        look(&town, "the engine while a phone registers and signs in");
    }
    town.ben(picks_up_after(secs(2)));
    let resident = town.caller(
        "01632960001",
        |phone| phone.secrecy = INSISTS,
        into_the_queue().then([Step::Wait(secs(8)), Step::HangUp]),
    );
    let mut talked = false;
    for _ in 0..100 {
        town.run_for(millis(150));
        look(&town, "the engine during a call");
        talked |= town.person(amy).phone().is_busy();
    }
    assert!(talked, "{}", town.story());
    town.see_off(resident);
    look(&town, "the engine after a call");
    holds_no_secret("media", town.plane());
    holds_no_secret("the journal", &town.journal());
    let journal = serde_json::to_string(town.journal()).expect("writes");
    holds_no_secret("the journal as JSON", &journal);
}
