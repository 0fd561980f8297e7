//! What advisers hear, say and may dial.

use super::*;

const AMY: &str = "[agent.amy]\nname = \"Amy\"\npassword = \"a\"\n";

/// What is found, without its place.
fn found(settings: &str) -> Vec<String> {
    let all = check_findings(&format!("{settings}\n{AMY}"));
    all.iter().map(|one| one.split_once(' ').map_or("", |(_, what)| what).to_owned()).collect()
}

#[test]
fn codes_that_are_none_or_cannot_be_given_are_found() {
    let codes = "[wrap_up.codes]\nmissed-bin = \"Missed bin\"\n";
    let queue = |more: &str| format!("{codes}[queue.waste]\ntitle = \"W\"\n{more}\n");
    assert_eq!(found(&queue("wrap_up_codes = [\"missed-bin\"]\nwrap_up_required = true")), [""; 0]);
    assert_eq!(
        found(&queue("wrap_up_codes = [\"mised-bin\"]")),
        ["there is no wrap-up code `mised-bin`"]
    );
    let nobody_could = ["no adviser could give the code that is wanted here"];
    assert_eq!(found(&queue("wrap_up_required = true\nwrap_up_s = 0")), nobody_could);
    let none = "[queue.waste]\ntitle = \"W\"\nwrap_up_required = true\n";
    assert_eq!(found(none), nobody_could);
    assert_eq!(
        found("[wrap_up]\nwithin_s = 90000\nrepeat_days = 0\n[wrap_up.codes]\nBin = \"\"\n"),
        [
            "`Bin` cannot be the name of a code",
            "the code's words is empty",
            "the time of a repeat contact must not be 0",
            "the time for a code is more than 86400 s",
        ]
    );
}

#[test]
fn a_reason_to_be_not_ready_that_cannot_be_is_found() {
    let reason =
        |name: &str, more: &str| found(&format!("[not_ready.{name}]\ntitle = \"T\"\n{more}\n"));
    assert_eq!(reason("lunch", "limit_s = 3600\nat_once = 3\nkey = \"1\""), [""; 0]);
    assert_eq!(reason("no-answer", "limit_s = 300"), [""; 0], "what follows from a call");
    assert_eq!(
        reason("no-answer", "key = \"1\""),
        ["nobody chooses `no-answer`: it follows from a call, or from nothing being said"]
    );
    assert_eq!(
        reason("Lunch", "limit_s = 0\nat_once = 0\nkey = \"a\""),
        [
            "`Lunch` cannot be the name of a reason",
            "the time for it must not be 0",
            "how many may be away must not be 0",
            "`a` cannot be dialled behind the star code for not ready",
        ]
    );
    assert_eq!(reason("lunch", "limit_s = 90000"), ["the time for it is more than 86400 s"]);
    let twice = "key = \"1\"\n[not_ready.tea]\ntitle = \"Tea\"\nkey = \"1\"";
    assert_eq!(reason("lunch", twice), ["the reason `lunch` has the same key"]);
    let taken = "key = \"1\"\n[star_codes]\nsign_out = \"*731\"";
    assert_eq!(reason("lunch", taken), ["`*731` says something else already"]);
}

#[test]
fn a_whisper_or_greeting_that_cannot_be_said_is_found() {
    let queue = |more: &str| found(&format!("[queue.waste]\ntitle = \"W\"\n{more}\n"));
    assert_eq!(queue("whisper = true\ngreeting = \"This is {adviser}.\""), [""; 0]);
    assert_eq!(queue("greeting = \"This is {name}.\""), ["this names a value that is not there"]);
    assert_eq!(queue("whisper = \"{adviser}\""), ["this names a value that is not there"]);
    assert_eq!(queue("whisper = \" \""), ["what the adviser is told is empty"]);
}

#[test]
fn a_role_that_is_not_there_and_a_number_that_is_not_ours_are_found() {
    let role = |more: &str| format!("[outbound.role.housing]\n{more}\n");
    let amys = "[agent.ben]\nname = \"Ben\"\npassword = \"b\"\nrole = \"housing\"\n";
    assert_eq!(found(&format!("{}{amys}", role("may_call = [\"mobile\"]"))), [""; 0]);
    assert_eq!(found(amys), ["there is no role `housing`"]);
    assert_eq!(
        found(&role("number = \"01632 960001\"")),
        ["`01632 960001` is none of our numbers"]
    );
    assert_eq!(
        found(&role("number = \"0909 8790001\"")),
        ["`0909 8790001` is no number that people can ring back"]
    );
    assert_eq!(
        found("[outbound.flow.main]\ncalls_per_hour = 3\n"),
        ["calls of flows are not counted"]
    );
}
