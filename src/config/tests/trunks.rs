//! Trunks and numbers that mean nothing, and what is said of them.

use super::*;

#[test]
fn a_trunk_that_cannot_work_is_told_what_would() {
    let found = check_findings(
        r#"
[trunk.nowhere]
[trunk.secure]
hosts = ["sip:carrier.example;transport=tls"]
srtp = "required"
[trunk.half]
hosts = ["192.0.2.1"]
username = "harbourside"
register = { expires_s = 5 }
options_s = 1
number = "434343"
prefix = "nine"
srtp = "required"
domain = "a b"
[trunk.unregistered]
hosts = ["192.0.2.2"]
inbound = "registration"
[trunk.digest]
inbound = "digest"
username = "amy"
password = "x"
[trunk.certificate]
inbound = "certificate"
hosts = ["192.0.2.3"]
[trunk.all]
from = ["0.0.0.0/0"]
[outbound]
trunks = ["half", "haf"]
[agent.amy]
name = "Amy"
password = "x"
"#,
    );
    let said: Vec<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(
        said,
        [
            "30:9 every address would be the trunk's",
            "27:11 no listener speaks tls",
            "27:11 nothing says which name the trunk's certificate has",
            "23:1 calls without credentials are taken as anybody's, not as this trunk's",
            "12:1 the trunk's `password` is missing",
            "13:26 a registration of less than 60 s",
            "14:13 more often than every 5 s",
            "17:1 keys of the encryption would travel in the clear",
            "15:10 `434343` is not a full number",
            "16:10 `nine` cannot be dialled",
            "18:10 `a b` is not a domain",
            "6:8 nothing says where the trunk is",
            "8:10 no listener speaks tls",
            "21:11 we do not register with this trunk",
            "24:12 `amy` is the user name of an agent too",
            "32:19 there is no trunk `haf`",
        ]
    );
}

#[test]
fn trunks_whose_calls_cannot_be_told_apart_are_an_error() {
    let found = check_findings(
        r#"
[trunk.a]
from = ["192.0.2.0/24"]
[trunk.b]
from = ["198.51.100.1", "192.0.2.7"]
[trunk.c]
inbound = "digest"
from = ["192.0.2.7"]
username = "pbx"
password = "x"
[trunk.d]
inbound = "digest"
from = ["192.0.2.8"]
username = "pbx"
password = "x"
"#,
    );
    assert_eq!(
        found,
        [
            "18:12 `pbx` is the user name of trunk `c` too",
            "9:25 these addresses are those of trunk `a` too",
        ]
    );
}

#[test]
fn one_number_leads_to_one_place_however_it_is_written() {
    let found = check_findings(
        r#""01708 434343" = "main"
"+441708434343" = "other"
"00441708434343" = "other"
council = { flow = "main", organisation = "" }
"#,
    );
    assert_eq!(
        found,
        [
            "7:1 `00441708434343` is the same number as `+441708434343`",
            "5:1 `01708 434343` is the same number as `+441708434343` and leads elsewhere",
            "8:43 the organisation's name is empty",
        ]
    );
}

#[test]
fn what_cannot_be_read_is_told_what_can() {
    let found = load_findings(&format!(
        "{LEAST}[trunk.a]\nhosts = [\"sip:user@carrier.example\"]\nfrom = [\"192.0.2\"]\n\
         inbound = \"adress\"\n[outbound]\nmay_call = [\"abroad\"]\n[agent.amy]\nname = \"Amy\"\n\
         password = \"x\"\nnever_call = [\"+44x\"]\n"
    ));
    assert_eq!(found.len(), 5, "{found:#?}");
    for (said, part) in found.iter().zip([
        "6:9 the value does not fit: `sip:user@carrier.example` is not a trunk's host",
        "7:8 the value does not fit: `192.0.2` is not a range of addresses",
        "8:11 `adress` cannot be said here",
        "10:12 the value does not fit: `abroad` is neither a kind of numbers",
        "14:14 the value does not fit: `+44x` is neither",
    ]) {
        assert!(said.starts_with(part), "{said}");
    }
}

#[test]
fn numbers_of_trunks_lead_to_flows_that_are_there() {
    let text = format!(
        "{LEAST}[trunk.a]\nhosts = [\"192.0.2.1\"]\n[trunk.a.numbers]\n\"01632 960100\" = \"mainn\"\n\
         [outbound.flow.other]\nmay_call = [\"mobile\"]\n"
    );
    let (settings, source) = read(&text);
    let found = check_numbers(&settings, &source, &["main".into()]);
    assert_eq!(
        brief(&found, &text),
        ["8:18 there is no flow `mainn`", "9:1 there is no flow `other`"]
    );
    assert!(shown(&found).contains("did you mean `main`?"));
}

#[test]
fn the_examples_of_the_manual_are_right() {
    let manual = include_str!("../../../docs/trunks.md");
    let examples: Vec<&str> = manual
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or(rest))
        .collect();
    assert_eq!(examples.len(), 4);
    for example in examples {
        // The general example speaks of a trunk that stands elsewhere.
        let trunk = match example.contains("[trunk.") {
            true => "",
            false => "[trunk.carrier]\nhosts = [\"192.0.2.1\"]\n",
        };
        let text = format!("{LEAST}{trunk}{example}");
        let (settings, source) = read(&text);
        let found: Vec<_> =
            check(&settings, &source, &feed()).into_iter().filter(is_error).collect();
        assert!(found.is_empty(), "{example}\n{}", shown(&found));
    }
}
