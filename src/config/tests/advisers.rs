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

#[test]
fn shared_phones_that_nobody_could_use_are_found() {
    let amy = "[agent.cai]\nname = \"Cai\"\npassword = \"c\"\n";
    let phone = |name: &str| format!("[phone.{name}]\npassword = \"d\"\n");
    let pin = format!("{amy}extension = \"201\"\npin = \"4711\"\n");
    assert_eq!(found(&format!("{pin}{}", phone("desk-12"))), [""; 0]);
    assert_eq!(
        found(&phone("desk-12")),
        ["nobody can sign in at shared phones: no agent has a `pin`"]
    );
    assert_eq!(
        found(&format!("{amy}pin = \"4711\"\n")),
        ["nobody could key in who it is whose PIN this is"]
    );
    assert_eq!(
        found(&format!("{amy}extension = \"201\"\npin = \"47\"\n")),
        ["this cannot be a PIN (not shown)"]
    );
    let none = "[agent.eve]\nname = \"Eve\"\nextension = \"205\"\npin = \"9876\"\n";
    assert_eq!(found(&format!("{none}{}", phone("desk-12"))), [""; 0], "a phone is enough");
    for other in ["cai", "201", "434343"] {
        let taken = format!("`{other}` is the name or number of somebody else");
        assert_eq!(found(&format!("{pin}{}", phone(other))), [taken]);
    }
    assert_eq!(
        found(&format!("{pin}[phone.desk-12]\nsrtp = \"off\"\n")),
        ["agent `desk-12` has no phone: neither `password` nor `ha1` nor `contacts`"]
    );
    let codes = "[star_codes]\nsign_out = \"*7599\"\n";
    assert_eq!(found(codes), ["`*7599` is the code of `sit_down` too"]);
    // Whoever proves to be the one would be taken for the other.
    let trunk = "[trunk.carrier]\nhosts = [\"sip:192.0.2.10\"]\nnumber = \"01708434343\"\n\
                 inbound = \"digest\"\nusername = \"desk-12\"\npassword = \"p\"\n";
    let twice = found(&format!("{pin}{}{trunk}", phone("desk-12")));
    let told = "`desk-12` is the user name of a shared phone too".to_owned();
    assert!(twice.contains(&told), "{twice:?}");
}

#[test]
fn phones_that_never_ring_and_bounds_that_keep_no_line_are_found() {
    let queue = "[queue.waste]\ntitle = \"W\"\nring_s = 20\n";
    let agent = |more: &str| {
        let contacts = "contacts = [\"sip:1@10.0.0.1\", \"sip:1@10.0.0.2\", \"sip:1@10.0.0.3\"]";
        found(&format!("{queue}[agent.cai]\nname = \"Cai\"\n{contacts}\n{more}\n"))
    };
    assert_eq!(agent("next_phone_s = 9\nmax_calls = 1"), [""; 0]);
    assert_eq!(
        agent("next_phone_s = 10"),
        ["the last phone would ring after 20 s, and no queue lets them ring for so long"]
    );
    assert_eq!(
        agent("next_phone_s = 0\nmax_calls = 0"),
        ["calls at once must not be 0", "the time until the next phone rings must not be 0"]
    );
    let trunk = |more: &str| {
        found(&format!(
            "[trunk.a]\nhosts = [\"192.0.2.1\"]\nnumber = \"434343\"\ncalls = 4\n{more}\n"
        ))
    };
    assert_eq!(trunk("outbound_calls = 3"), trunk(""));
    let kept = trunk("outbound_calls = 4");
    assert!(kept.contains(&"no line is kept for callers".to_owned()), "{kept:?}");
    let role = "[outbound.role.housing]\nlines = 0\n[outbound.flow.main]\nlines = 2\n";
    assert_eq!(found(role), ["calls at once must not be 0", "calls of flows are not counted"]);
}
