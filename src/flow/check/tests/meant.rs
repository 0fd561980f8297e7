//! What reads well and is hardly meant: warnings.

use super::*;

const FLOW: &str = "\
start: first
adviser: person
nodes:
  first: {say: \"This is the council.\", then: menu}
  menu:
    menu: For bins, press 1. For the website, press star.
    keys:
      1: bins
      \"*\": account
    no_input: {say: \"For a person, press 0.\"}
    otherwise: person
  account:
    collect: Your account?
    as: account
    then: look
    otherwise: person
  look:
    request: tax
    path: /a/{account}
    answer: {balance: money}
    then: bins
    otherwise: person
  bins:
    queue: waste
    otherwise: end
    while_waiting:
      say: To hang up, press 2.
      keys: {2: end}
  person: {queue: housing, otherwise: end}
  end: {hang_up: completed}
";

fn warnings(text: &str) -> Vec<String> {
    warnings_of(text, &known())
}

fn warnings_of(text: &str, known: &Known) -> Vec<String> {
    let file = FlowFile { name: "main".into(), shown: "main.yaml".into(), text: text.to_owned() };
    match crate::flow::load(&[file], known) {
        Ok(loaded) => loaded.warnings.iter().map(ToString::to_string).collect(),
        Err(faults) => faults.iter().map(|fault| format!("error: {fault}")).collect(),
    }
}

#[test]
fn what_is_hardly_meant_is_warned_of_at_its_place() {
    assert_eq!(warnings(FLOW), [""; 0]);
    let mut missed = Vec::new();
    for (from, to, wanted) in [
        ("press 1.", "press 3.", "6:11: \"press 3\" is said here, and there is no key `3`"),
        ("press 1.", "press 3.", "6:11: no words say what the key `1` is for"),
        ("press 1.", "press two.", "6:11: \"press two\" is said here, and there is no key `2`"),
        ("press star", "press hash", "6:11: \"press hash\" is said here, and there is no key `#`"),
        ("adviser: person\n", "", "9:21: \"press 0\" is said here, and there is no key `0`"),
        (
            "      1: bins",
            "      1: bins\n      4: bins",
            "6:11: no words say what the key `4` is for",
        ),
        (
            "menu: For bins, press 1. For the website, press star.",
            "menu: {en: \"For bins, press 1 or star.\", cy: \"Am finiau, gwasgwch 2.\"}",
            "6:50: no words say what the key `1` is for in `cy`",
        ),
        (
            "menu: For bins, press 1. For the website, press star.",
            "menu: {en: \"For bins, press 1 or star.\", cy: \"Am finiau, gwasgwch 2.\"}",
            "6:50: \"gwasgwch 2\" is said here, and there is no key `2`",
        ),
        ("      1: bins", "      A: bins", "error: main.yaml:8:7: `A` is not a key of a telephone"),
        ("      1: bins", "      1: bins\n      #: account", "9:7: this line is a remark"),
        (
            "      say: To hang up, press 2.\n",
            "      position: You are next.\n",
            "23:3: `while_waiting` has `keys:`",
        ),
        ("To hang up, press 2.", "To hang up, press 3.", "27:12: \"press 3\" is said here"),
        (
            "say: To hang up, press 2.\n      keys: {2: end}",
            "worse: It takes long.",
            "error: main.yaml:2",
        ),
        (
            "collect: Your account?",
            "collect: Your #1 account?",
            "13:14: the text ends here: YAML takes \"#1 account?\" for a remark",
        ),
        (
            "    as: account",
            "    as: account\n    ends_with: 1",
            "15:16: `1` ends the answer, and can be part of it",
        ),
        (
            "    as: account",
            "    as: account\n    form: money\n    ends_with: \"*\"",
            "16:16: `*` ends the answer",
        ),
        (
            "/a/{account}",
            "/a/{account}#x",
            "19:11: what stands behind the `#` of a path is never sent",
        ),
        ("    answer:", "    body: {a: 1}\n    answer:", "20:"),
        ("adviser: person", "adviser: end", "2:10: whoever asks for a person comes to `end`"),
    ] {
        assert!(FLOW.contains(from), "{from}");
        let found = warnings(&FLOW.replacen(from, to, 1));
        let wanted = match wanted.strip_prefix("error: ") {
            Some(_) => wanted.to_owned(),
            None => format!("main.yaml:{wanted}"),
        };
        if !found.iter().any(|line| line.starts_with(&wanted)) {
            missed.push((wanted, found));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_is_meant_is_not_warned_of() {
    for (from, to) in [
        // Said before, in words, or not at all in another language's digits.
        ("This is the council.", "For bins, press 4."),
        ("press 1.", "press one."),
        ("For bins, press 1. For the website", "Bins are one, the website"),
        (
            "menu: For bins, press 1. For the website, press star.",
            "menu: {en: \"For bins, press 1 or star.\", pl: \"Odpady: naciśnij jeden.\"}",
        ),
        ("collect: Your account?", "collect: \"Your account?\"  # eight digits"),
        ("collect: Your account?", "# What it is:\n    collect: Your account?"),
    ] {
        let text = FLOW.replacen(from, to, 1);
        let text = match to.contains("press 4") {
            true => text.replace("      1: bins", "      1: bins\n      4: bins"),
            false => text,
        };
        assert_eq!(warnings(&text), [""; 0], "{to}");
    }
}

#[test]
fn a_flow_that_a_number_leads_to_has_nothing_to_return_to() {
    let text = FLOW.replace("hang_up: completed", "return: done");
    assert_eq!(warnings(&text), [""; 0]);
    let entered = [("main".into(), "01708434343".to_owned())].into();
    let found = warnings_of(&text, &Known { entered, ..known() });
    assert_eq!(
        found,
        [
            "main.yaml:30:17: the number 01708434343 leads to this flow: there is nothing that `return` could go back to"
        ]
    );
}
