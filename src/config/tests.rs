//! Broken settings, and what is said of them.

use miette::Report;

use crate::acd::calendar::BankHolidays;

use super::check::{check, check_numbers, is_error};
use super::load::load;
use super::settings::Settings;
use super::source::Source;

mod advisers;
mod hours;
mod language_model;
mod notifications;
mod queues;
mod speech;
mod trunks;
mod voice;

const SHIPPED: &str = include_str!("../../config/switchboard.toml");
const FEED: &str = include_str!("../../config/bank-holidays.json");

/// The least that reads.
const LEAST: &str = "organisation = \"Test Council\"\n\n[numbers]\n\"434343\" = \"main\"\n";

fn feed() -> BankHolidays {
    BankHolidays::parse(FEED).expect("reads")
}

fn read(text: &str) -> (Settings, Source) {
    load(text, "switchboard.toml").unwrap_or_else(|findings| panic!("{}", shown(&findings)))
}

/// Findings as a person without colours sees them.
fn shown(findings: &[Report]) -> String {
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none());
    let mut text = String::new();
    for finding in findings {
        handler.render_report(&mut text, finding.as_ref()).expect("renders");
    }
    text
}

/// `line:column what` for each finding.
fn brief(findings: &[Report], text: &str) -> Vec<String> {
    findings
        .iter()
        .map(|finding| {
            let label = finding.labels().and_then(|mut labels| labels.next());
            let before = label.and_then(|label| text.get(..label.offset())).unwrap_or("");
            let column = before.rsplit('\n').next().unwrap_or("").len() + 1;
            format!("{}:{column} {finding}", before.matches('\n').count() + 1)
        })
        .collect()
}

fn load_findings(text: &str) -> Vec<String> {
    match load(text, "switchboard.toml") {
        Ok(_) => Vec::new(),
        Err(findings) => brief(&findings, text),
    }
}

/// Findings about `LEAST` and `more` below it.
fn check_findings(more: &str) -> Vec<String> {
    let text = format!("{LEAST}{more}");
    let (settings, source) = read(&text);
    brief(&check(&settings, &source, &feed()), &text)
}

#[test]
fn the_shipped_settings_are_right_apart_from_their_example_passwords() {
    let (settings, source) = read(SHIPPED);
    let findings = check(&settings, &source, &feed());
    assert!(!findings.iter().any(is_error), "{}", shown(&findings));
    let texts: Vec<String> = findings.iter().map(Report::to_string).collect();
    assert_eq!(texts, ["4 agents still have the passwords of the example"]);
    assert!(check_numbers(&settings, &source, &["main".into()]).is_empty());
    assert_eq!(settings.numbers.len(), 3);
    let plan = super::plan::acd(&settings, &feed()).expect("is right");
    assert_eq!((plan.queues.len(), plan.agents.len(), plan.calendars.len()), (4, 4, 1));
}

#[test]
fn what_the_shipped_settings_spell_out_is_what_is_left_out_elsewhere() {
    let (shipped, _) = read(SHIPPED);
    let (least, _) = read(LEAST);
    assert_eq!(shipped.sip, least.sip);
    assert_eq!(shipped.rtp, least.rtp);
    assert_eq!(shipped.http, least.http);
    assert_eq!(shipped.files, least.files);
    assert_eq!(shipped.limits, least.limits);
    assert_eq!(shipped.guard, least.guard);
    assert_eq!(shipped.star_codes, least.star_codes);
    assert_eq!(shipped.time_zone, least.time_zone);
}

#[test]
fn an_unknown_key_is_shown_with_its_place_and_the_key_that_was_meant() {
    let text = format!("{LEAST}\n[queue.waste]\ntitle = \"Waste\"\nstandart_s = 60\n");
    let findings = load(&text, "config/switchboard.toml").expect_err("is wrong");
    let shown = shown(&findings);
    assert!(shown.contains("unknown key `standart_s`"), "{shown}");
    assert!(shown.contains("config/switchboard.toml:8:1"), "{shown}");
    assert!(shown.contains("did you mean `standard_s`?"), "{shown}");
    assert!(shown.contains("standart_s = 60"), "{shown}");
}

#[test]
fn everything_that_does_not_read_is_found_at_once() {
    let text = "organisation = \"x\"\ncolour = 1\n[numbers]\n[sip]\nrealmm = \"y\"\n\
                listen = [{ bind = \"here\" }]\n[rtp]\nports = \"5\"\n[queue.waste]\nring_s = -1\n";
    let findings = load_findings(text);
    assert_eq!(
        findings,
        [
            "2:1 unknown key `colour`",
            "5:1 unknown key `realmm`",
            "6:20 the value does not fit: it is not an address and port; write one as in 0.0.0.0:5060",
            "8:9 the value does not fit: `5` is not a port range; write FIRST-LAST, as in 20000-29999",
            "9:1 `title` is missing",
            "10:10 the value does not fit: found integer `-1`, expected a whole number, 0 or more",
        ]
    );
}

#[test]
fn what_is_no_toml_is_shown_at_its_place() {
    assert!(load_findings("organisation = Test\n")[0].starts_with("1:16 this is not TOML"));
    let twice = format!("{LEAST}\"434343\" = \"other\"\n");
    assert!(load_findings(&twice)[0].starts_with("5:1 this is not TOML: duplicate key"));
    assert_eq!(load_findings(""), ["1:1 `organisation` is missing"]);
}

#[test]
fn a_secret_is_never_shown_whatever_is_wrong_around_it() {
    let secret = "hunter2";
    for agent in [
        format!("password = \"{secret}\"\ncolour = 1"),
        format!("pasword = \"{secret}\""),
        format!("password = {secret}"),
        format!("password = \"{secret}"),
        format!("password = [\"{secret}\"]"),
        format!("ha1 = {{ md5 = \"{secret}\" }}"),
        format!("ha1 = {{ mdfive = \"{secret}\" }}"),
        format!("ha1 = \"{secret}\""),
        format!("password = \"{secret}\"\nha1.sha256 = \"{secret}\""),
    ] {
        let text = format!("{LEAST}[agent.amy]\nname = \"Amy\"\n{agent}\n");
        let findings = match load(&text, "switchboard.toml") {
            Ok((settings, source)) => {
                assert!(!format!("{settings:?}").contains(secret));
                check(&settings, &source, &feed())
            }
            Err(findings) => findings,
        };
        let shown = shown(&findings);
        assert!(!findings.is_empty(), "{agent}");
        assert!(!shown.contains(secret), "{agent}:\n{shown}");
    }
    let text = format!("{LEAST}[agent.amy]\nname = \"Amy\"\npassword = 90210\n");
    let findings = load_findings(&text);
    assert_eq!(findings, ["7:12 the secret here (not shown) is not text"]);
}

#[test]
fn references_to_what_is_not_there_are_found() {
    let found = check_findings(
        "[calendar.main]\n[queue.waste]\ntitle = \"Waste\"\nskills = [\"waste\"]\nhours = \"mian\"\n\
         [[token]]\nactor = \"x\"\nrole = \"agent\"\nagent = \"amy\"\nsha256 = \"00\"\n",
    );
    assert_eq!(
        found,
        [
            "9:9 there is no calendar `mian`",
            "8:1 no agent has every skill that queue `waste` needs (waste)",
            "14:10 not 64 hexadecimal digits",
            "13:9 there is no agent `amy`",
        ]
    );
    let (settings, source) = read(LEAST);
    let findings = check_numbers(&settings, &source, &["mein".into()]);
    assert_eq!(brief(&findings, LEAST), ["4:12 there is no flow `main`"]);
    assert!(shown(&findings).contains("did you mean `mein`?"));
}

#[test]
fn calendars_are_checked_to_the_span() {
    let found = check_findings(
        "[calendar.a]\nbank_holidays = \"england\"\n[calendar.b.week]\nmonday = []\n\
         [calendar.c.week]\nmon = [\"08:45-12:00\", \"11:00-17:00\"]\n\
         [calendar.d.exceptions]\n\"24/12/2026\" = []\n\
         [calendar.e.exceptions]\n2026-12-24 = [\"9-5\"]\n",
    );
    assert_eq!(
        found,
        [
            "6:17 there is no division of bank holidays `england`",
            "8:1 `monday` is not a day of the week",
            "10:23 `11:00-17:00` overlaps `08:45-12:00`",
            "12:1 `24/12/2026` is not a date",
            "14:15 `9-5` is not a span of hours",
        ]
    );
}

#[test]
fn agents_need_exactly_one_secret_or_a_phone_at_a_fixed_address() {
    let md5 = "0123456789abcdef0123456789abcdef";
    let found = check_findings(&format!(
        "[agent.amy]\nname = \"Amy\"\n[agent.ben]\nname = \" \"\npassword = \"x\"\n\
         ha1 = {{ md5 = \"{md5}\", sha256 = \"{md5}\" }}\n[agent.chloe]\nname = \"Chloe\"\n\
         contacts = [\"sip:1001@10.0.0.7\", \"sip:1001@phone.example\", \"sip:1001@10.0.0.7\"]\n\
         [agent.\"dev p\"]\nname = \"Dev\"\npassword = \"\"\n[agent.434343]\nname = \"Ed\"\n\
         ha1 = {{}}\n"
    ));
    assert_eq!(
        found,
        [
            "17:8 agent `434343` has the same name as a number or star code",
            "19:1 `ha1` has neither `md5` nor `sha256`",
            "5:8 agent `amy` has no phone: neither `password` nor `ha1` nor `contacts`",
            "8:8 the agent's name is empty",
            "10:1 agent `ben` has both `password` and `ha1`",
            "10:60 not 64 hexadecimal digits",
            "13:34 `sip:1001@phone.example` is not the SIP address of a phone",
            "13:60 `sip:1001@10.0.0.7` is given twice",
            "14:8 agent `dev p` cannot be a SIP user part",
            "16:12 the password is empty",
        ]
    );
}

#[test]
fn keys_that_everybody_could_read_are_told() {
    let agent = "[agent.amy]\nname = \"Amy\"\npassword = \"x\"\nsrtp = \"required\"\n";
    let told =
        "the keys of agent `amy` can be read in the signalling, and with them the audio decrypted";
    assert_eq!(check_findings(agent), [format!("8:1 {told}")]);
    let tls = "[sip]\ntls = { certificate = \"a.pem\", private_key = \"b.pem\" }\n";
    assert_eq!(check_findings(&format!("{agent}{tls}")), Vec::<String>::new());
    let fixed = format!("{agent}contacts = [\"sip:1001@10.0.0.7\"]\n{tls}");
    assert_eq!(check_findings(&fixed), [format!("8:1 {told}")]);
    let over_tls = fixed.replace("10.0.0.7", "10.0.0.7;transport=tls");
    assert_eq!(check_findings(&over_tls), Vec::<String>::new());
    assert!(check_findings(&agent.replace("required", "optional")).is_empty());
    assert_eq!(
        load_findings(&format!("{LEAST}{}", agent.replace("required", "yes"))),
        ["8:8 `yes` cannot be said here"]
    );
}

#[test]
fn sizes_that_cannot_work_are_found() {
    let found = check_findings(
        "[queue.waste]\ntitle = \"Waste\\n\"\nstandard_s = 0\nring_s = 0\nmax_waiting = 0\n\
         max_wait_s = 0\nmusic = \"../hold\"\n[limits]\ncalls = 0\n[rtp]\nports = \"5001-5002\"\n\
         silence_s = 0\n",
    );
    let texts: Vec<&str> = found.iter().filter_map(|one| Some(one.split_once(' ')?.1)).collect();
    assert_eq!(
        texts,
        [
            "rtp.silence_s must not be 0",
            "the range has no pair of an even port and the odd one above",
            "limits.calls must not be 0",
            "the queue's title contains a control character",
            "the standard must not be 0",
            "the ringing time must not be 0",
            "the number who may wait must not be 0",
            "the longest wait must not be 0",
            "`../hold` cannot be part of a prompt's name",
            "no agent has every skill that queue `waste` needs ()",
        ]
    );
}

#[test]
fn addresses_and_ports_that_collide_are_found() {
    let found = check_findings(
        "[sip]\nlisten = [{ bind = \"0.0.0.0:5060\" }, { bind = \"0.0.0.0:5060\", advertise = \
         \"0.0.0.0\" }, { bind = \"127.0.0.1:20000\" }]\nrealm = \"a\\\"b\"\nmin_expires_s = 99\n\
         max_expires_s = 60\nsession_s = 60\n[rtp]\nports = \"20000-20099\"\n",
    );
    assert_eq!(
        found,
        [
            "6:47 `0.0.0.0:5060` is listened on twice",
            "6:75 `0.0.0.0` means every address: nobody can be told to reach it",
            "6:97 the SIP listener's port 20000 is in the range of RTP ports",
            "7:9 the realm contains a quote, a backslash or a control character",
            "8:17 the shortest registration (99 s) is longer than the longest (60 s)",
            "10:13 a session of 60 s is not possible: 90 to 86400 s are",
            "12:1 the range has room for 50 legs; 2000 calls need 4000",
        ]
    );
    assert_eq!(check_findings("[sip]\nlisten = []\n"), ["6:10 nothing to listen on"]);
    let pages = |sip: &str, http: &str| {
        check_findings(&format!("[http]\nbind = \"{http}\"\n[sip]\nlisten = [{{ {sip} }}]\n"))
    };
    let there = ["8:20 pages are served at 127.0.0.1:8080 already"];
    assert_eq!(pages("bind = \"0.0.0.0:8080\"", "127.0.0.1:8080"), there);
    assert!(pages("bind = \"0.0.0.0:8080\", transports = [\"udp\"]", "127.0.0.1:8080").is_empty());
    assert!(pages("bind = \"127.0.0.2:8080\"", "127.0.0.1:8080").is_empty());
}

#[test]
fn what_is_spoken_at_an_address_is_checked() {
    let listen = |entries: &str| check_findings(&format!("[sip]\nlisten = [\n{entries}\n]\n"));
    assert_eq!(
        listen(
            "{ bind = \"[::]:5060\", transports = [\"udp\", \"tls\"], host = \"sbc_1.example\" },\n\
             { bind = \"[::]:5060\", transports = [\"tcp\"] },\n\
             { bind = \"[::]:5062\", transports = [] }"
        ),
        [
            "7:36 TLS needs a certificate",
            "7:59 `sbc_1.example` cannot be the name of a host",
            "8:10 `[::]:5060` is listened on twice",
            "9:36 nothing is spoken at this address",
        ]
    );
    let own = "tls = { certificate = \"a.pem\", private_key = \"b.pem\" }";
    let good = format!("{{ bind = \"[::]:5060\", transports = [\"udp\", \"wss\"], {own} }}");
    assert!(listen(&good).is_empty());
    assert_eq!(
        load_findings(&format!(
            "{LEAST}[sip]\nlisten = [{{ bind = \"[::]:1\", transports = [\"tsl\"] }}]\n"
        )),
        ["6:44 `tsl` cannot be said here"]
    );
}

#[test]
fn tls_has_its_port_as_soon_as_there_is_a_certificate() {
    let tls = "tls = { certificate = \"a.pem\", private_key = \"b.pem\" }";
    let spoken = |more: &str| -> Vec<String> {
        let (settings, _) = read(&format!("{LEAST}[sip]\n{more}\n"));
        let addresses = settings.sip.addresses();
        addresses.iter().map(|at| format!("{} {:?}", at.bind, at.transports)).collect()
    };
    assert_eq!(spoken(""), ["0.0.0.0:5060 [Udp, Tcp]"]);
    assert_eq!(spoken(tls), ["0.0.0.0:5060 [Udp, Tcp]", "0.0.0.0:5061 [Tls]"]);
    let listen = "listen = [{ bind = \"192.0.2.1:5070\", transports = [\"wss\"] }]";
    assert_eq!(spoken(&format!("{tls}\n{listen}")), ["192.0.2.1:5070 [Wss]"]);
}

#[test]
fn star_codes_numbers_and_the_rest_are_checked() {
    let text = "organisation = \"\"\ntime_zone = \"Europe/Londn\"\n[numbers]\n\"*70\" = \"main\"\n\
                \"a b\" = \"main\"\n[star_codes]\nsign_out = \"71\"\nready = \"*73\"\n";
    let (settings, source) = read(text);
    let findings = check(&settings, &source, &feed());
    assert_eq!(
        brief(&findings, text),
        [
            "1:16 the organisation's name is empty",
            "2:13 `Europe/Londn` is not a time zone",
            "5:1 `a b` cannot be dialled",
            "6:2 `*70` is a dialled number too",
            "7:12 `71` cannot be a star code",
            "6:2 `*73` is the code of `ready` too",
        ]
    );
    assert!(shown(&findings).contains("did you mean `Europe/London`?"));
    let (settings, source) = read("organisation = \"x\"\n[numbers]\n");
    let findings = check(&settings, &source, &feed());
    assert!(findings[0].to_string().contains("no number leads anywhere"));
}

#[test]
fn the_guard_is_checked() {
    assert_eq!(
        check_findings(
            "[guard]\nallow = [\"0.0.0.0/0\"]\noffences = 0\nban_s = 10\nlongest_ban_s = 9\n"
        ),
        [
            "7:12 guard.offences must not be 0",
            "9:17 the first ban (10 s) is longer than the longest (9 s)",
            "6:1 every address is allowed: nobody is limited or banned",
        ]
    );
    let found = load_findings(&format!("{LEAST}[guard]\nallow = [\"10.0.0.0/33\"]\n"));
    assert!(
        found[0].starts_with("6:9 the value does not fit: `10.0.0.0/33` is not a range"),
        "{found:?}"
    );
}

#[test]
fn whatever_agents_dial_leads_to_one_place() {
    let found = check_findings(
        "[transfers]\nring_s = 0\n[queue.amy]\ntitle = \"A\"\nextension = \"201\"\n\
         [agent.amy]\nname = \"Amy\"\npassword = \"x\"\nextension = \"201\"\n\
         [agent.ben]\nname = \"Ben\"\npassword = \"x\"\nextension = \"434343\"\n\
         [agent.chloe]\nname = \"Chloe\"\npassword = \"x\"\nextension = \"999\"\n\
         [agent.dev]\nname = \"Dev\"\npassword = \"x\"\nextension = \"desk\"\n",
    );
    assert_eq!(
        found,
        [
            "10:8 agent `amy` has the same name as a queue",
            "17:13 `434343` is a number of callers too",
            "21:13 `999` cannot be an extension",
            "25:13 `desk` cannot be an extension",
            "9:13 `201` is the extension of agent `amy` too",
            "6:10 the ringing time must not be 0",
        ]
    );
    let text = "organisation = \"x\"\n[numbers]\n\"112\" = \"main\"\n";
    let (settings, source) = read(text);
    let findings = check(&settings, &source, &feed());
    let found = brief(&findings, text);
    assert_eq!(found, ["3:1 `112` reaches the emergency services and cannot lead to a flow"]);
}

#[test]
fn tokens_belong_to_whom_their_role_says() {
    let hash = "ab".repeat(32);
    let found = check_findings(&format!(
        "[agent.amy]\nname = \"Amy\"\npassword = \"x\"\n\
         [[token]]\nactor = \"a\"\nrole = \"agent\"\nsha256 = \"{hash}\"\n\
         [[token]]\nactor = \"\"\nrole = \"supervisor\"\nagent = \"amy\"\nsha256 = \"{}\"\n",
        hash.to_uppercase()
    ));
    assert_eq!(
        found,
        [
            "10:8 a token of role `agent` belongs to no agent",
            "13:9 the actor's name is empty",
            "16:10 the same token is given twice",
            "15:9 a supervisor's token belongs to no single agent",
        ]
    );
    let role = format!("{LEAST}[[token]]\nactor = \"a\"\nrole = \"supervisr\"\nsha256 = \"\"\n");
    assert_eq!(load_findings(&role), ["7:8 `supervisr` cannot be said here"]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_reading_panic(at in 0..SHIPPED.len(), with in "[\\[\\]{}=\"'.,\n#a0é ]{0,6}", cut in 0..40usize) {
        let head = SHIPPED.get(..at).unwrap_or("");
        let tail = SHIPPED.get(at + cut..).unwrap_or("");
        match load(&format!("{head}{with}{tail}"), "switchboard.toml") {
            Ok((settings, source)) => {
                shown(&check(&settings, &source, &BankHolidays::default()));
            }
            Err(findings) => {
                shown(&findings);
            }
        }
    }
}
