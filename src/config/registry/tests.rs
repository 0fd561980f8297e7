//! Entries beside a file's tables, and sheets of them.

use proptest::prelude::*;
use serde_json::json;

use crate::acd::calendar::BankHolidays;
use crate::config::check::{check, is_error};
use crate::config::load::load;
use crate::config::source::Source;

use super::*;

const FILE: &str = r#"organisation = "Test"
[numbers]
"1" = "main"
[queue.waste]
title = "Waste"
skills = ["waste"]
extension = "301"
[agent.amy]
name = "Amy"
skills = ["waste", "welsh:2"]
password = "s3cret-amy"
[calendar.main.week]
mon = ["08:45-17:00"]
"#;

fn file(text: &str) -> (Settings, Source) {
    load(text, "a.toml").unwrap_or_else(|found| panic!("{found:?}"))
}

fn entry(kind: Kind, body: Value) -> Arc<Entry> {
    let declared = Declared::read(kind, body).unwrap_or_else(|told| panic!("{told}"));
    Arc::new(Entry { version: 1, settings: declared.said(), secret: None })
}

fn merged(text: &str, entries: &Entries) -> (Settings, Vec<String>, Aside) {
    let (mut settings, mut source) = file(text);
    let check =
        |settings: &Settings, source: &Source| check(settings, source, &BankHolidays::default());
    let (findings, aside) = merge(&mut settings, &mut source, entries, |_, _| None, check);
    let errors = findings.iter().filter(|finding| is_error(finding));
    (settings, errors.map(|finding| Told::of(finding).to_string()).collect(), aside)
}

fn one(kind: Kind, name: &str, body: Value) -> Entries {
    Entries::from([(Key::new(kind, name), entry(kind, body))])
}

#[test]
fn entries_stand_beside_the_files_tables() {
    let mut entries = one(Kind::Queue, "benefits", json!({"title": "Benefits", "hours": "main"}));
    let ben = json!({"name": "Ben", "contacts": ["sip:1@10.0.0.7"], "skills": ["waste:3"]});
    entries.extend(one(Kind::Agent, "ben", ben));
    entries.extend(one(Kind::Skill, "waste", json!({"title": "Waste"})));
    let (settings, errors, aside) = merged(FILE, &entries);
    assert_eq!((errors.len(), aside.len()), (0, 0), "{errors:?} {aside:?}");
    assert_eq!(settings.queues.len(), 2);
    assert_eq!(settings.queues["benefits"].standard_s, 60, "as where the file says nothing");
    assert_eq!(settings.agents["ben"].skills, ["waste:3".parse().expect("a skill")]);
    assert_eq!(settings.skills["waste"].title, "Waste");
}

#[test]
fn what_the_file_declares_is_the_files_alone() {
    let entries = one(Kind::Queue, "waste", json!({"title": "Mine"}));
    let (settings, errors, aside) = merged(FILE, &entries);
    assert_eq!((settings.queues["waste"].title.as_str(), errors.len()), ("Waste", 0));
    let told = &aside[&Key::new(Kind::Queue, "waste")][0];
    assert!(told.what.starts_with("`a.toml:4` declares it"), "{told}");
}

#[test]
fn an_entry_that_the_checks_refuse_is_set_aside_and_the_rest_is_not() {
    let mut entries = one(Kind::Queue, "late", json!({"title": "Late", "hours": "night"}));
    entries.extend(one(Kind::Queue, "benefits", json!({"title": "Benefits"})));
    let (settings, errors, aside) = merged(FILE, &entries);
    assert_eq!(errors, [] as [String; 0]);
    assert!(settings.queues.contains_key("benefits") && !settings.queues.contains_key("late"));
    let told = &aside[&Key::new(Kind::Queue, "late")];
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].field.as_deref(), Some("queue.late.hours"));
    assert_eq!(told[0].what, "there is no calendar `night`");
    assert_eq!(told[0].right.as_deref(), Some("there is: main"));
}

#[test]
fn whatever_collides_with_the_file_is_the_databases_fault() {
    let phone = json!(["sip:1@10.0.0.7"]);
    for (kind, name, body) in [
        (Kind::Queue, "early", json!({"title": "Early", "extension": "301"})),
        (Kind::Agent, "abe", json!({"name": "Abe", "extension": "301", "contacts": phone})),
        (Kind::Queue, "amy", json!({"title": "Amy"})),
        (Kind::Queue, "301", json!({"title": "Number"})),
        (Kind::Agent, "waste", json!({"name": "Waste", "contacts": phone})),
        (Kind::Agent, "1", json!({"name": "One", "contacts": phone})),
    ] {
        let (settings, errors, aside) = merged(FILE, &one(kind, name, body));
        assert_eq!(errors, [] as [String; 0], "{name}");
        assert!(aside.contains_key(&Key::new(kind, name)), "{name}");
        assert_eq!((settings.queues.len(), settings.agents.len()), (1, 1), "{name}");
    }
}

#[test]
fn an_error_of_the_file_stays_one() {
    let text = FILE.replace("extension = \"301\"", "extension = \"x\"");
    let entries = one(Kind::Queue, "benefits", json!({"title": "Benefits"}));
    let (_, errors, aside) = merged(&text, &entries);
    assert_eq!((errors.len(), aside.len()), (1, 0), "{errors:?}");
    assert!(errors[0].starts_with("a.toml:7:13: "), "{errors:?}");
}

#[test]
fn skills_are_missed_once_others_are_declared_and_so_is_the_realm_of_a_password() {
    let warnings = |entries: &Entries| {
        let (mut settings, mut source) = file(FILE);
        let check = |settings: &Settings, source: &Source| {
            check(settings, source, &BankHolidays::default())
        };
        let (findings, aside) = merge(&mut settings, &mut source, entries, |_, _| None, check);
        assert!(aside.is_empty() && !findings.iter().any(is_error));
        findings.iter().map(|finding| Told::of(finding).to_string()).collect::<Vec<_>>()
    };
    let mut entries = one(Kind::Skill, "waste", json!({"title": "Waste"}));
    let told = warnings(&entries);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("a.toml:10:20: no skill `welsh` is declared"), "{told:?}");
    entries.extend(one(Kind::Skill, "welsh", json!({"title": "Welsh"})));
    assert_eq!(warnings(&entries), [] as [String; 0]);
    let mut ben = entry(Kind::Agent, json!({"name": "Ben", "skills": ["wast"]}));
    let md5 = Some(Secret::from("0123456789abcdef0123456789abcdef"));
    Arc::make_mut(&mut ben).secret =
        Some(Hashed { realm: "elsewhere".to_owned(), md5, sha256: None });
    entries.insert(Key::new(Kind::Agent, "ben"), ben);
    let told = warnings(&entries);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("agent.ben.skills.0: ") && told[0].contains("`waste`?"),
        "{told:?}"
    );
    assert!(told[1].starts_with("agent.ben: ") && told[1].contains("another realm"), "{told:?}");
}

#[test]
fn a_body_that_does_not_fit_is_told_by_its_field_and_no_secret_is_quoted() {
    let told = |kind, body| Declared::read(kind, body).expect_err("is wrong");
    let found = told(Kind::Queue, json!({"title": "X", "standart_s": 60}));
    assert_eq!(
        found.to_string(),
        "standart_s: unknown key `standart_s`; did you mean `standard_s`?"
    );
    let relax = json!({"title": "X", "relax": [{"after_s": "x", "skills": []}]});
    assert_eq!(told(Kind::Queue, relax).field.as_deref(), Some("relax.0.after_s"));
    assert!(told(Kind::Agent, json!({"skills": []})).what.contains("`name` is missing"));
    let found = told(Kind::Agent, json!({"name": "X", "ha1": {"md5": ["hunter2"]}})).to_string();
    assert!(!found.contains("hunter2"), "{found}");
    let found = told(Kind::Agent, json!({"name": "X", "password": 12345})).to_string();
    assert!(!found.contains("12345"), "{found}");
}

#[test]
fn a_password_is_taken_in_and_never_told() {
    let body = json!({"name": "Ben", "password": "hunter2"});
    let mut ben = Declared::read(Kind::Agent, body).expect("is right");
    let hash = |text: &str| (format!("md5 of {text}"), "sha".to_owned());
    let kept = take_secret(&mut ben, "here", hash).expect("is right").expect("a secret");
    assert_eq!(kept.md5.as_ref().map(Secret::reveal), Some("md5 of hunter2"));
    assert!(!ben.has_secret());
    let entry = Entry { version: 1, settings: ben.said(), secret: Some(kept) };
    assert!(!format!("{entry:?} {:?}", ben.shown()).contains("hunter2"));
    let back = entry.declared(Kind::Agent).expect("is right");
    assert!(back.has_secret() && !back.shown().contains_key("ha1"));
    for (body, field) in [
        (json!({"name": "B", "password": " "}), "password"),
        (json!({"name": "B", "password": "a\nb"}), "password"),
        (json!({"name": "B", "password": "x", "ha1": {"md5": "x"}}), "ha1"),
    ] {
        let mut wrong = Declared::read(Kind::Agent, body).expect("reads");
        let told = take_secret(&mut wrong, "here", hash).expect_err("is wrong");
        assert_eq!(told.field.as_deref(), Some(field));
    }
}

#[test]
fn a_sheet_has_a_column_for_each_key_and_reads_back() {
    let body = json!({"title": "=cmd|' /C calc'!A0", "skills": ["waste:3", "welsh"],
        "relax": [{"after_s": 30, "skills": ["general"]}], "max_waiting": 20,
        "extension": "307", "callback": {"most": 7}, "wait_when_unstaffed": false});
    let queue = Declared::read(Kind::Queue, body).expect("is right");
    let text = sheet::write(Kind::Queue, [("benefits", Some(7), &queue)].into_iter());
    assert!(
        text.starts_with("queue,version,title,callback."),
        "what people call it comes first: {text}"
    );
    assert!(text.contains(",callback.most,") && text.contains(",wrap_up_s\n"), "{text}");
    assert!(text.contains("benefits,7,'=cmd|' /C calc'!A0,"), "{text}");
    assert!(text.contains(",waste:3|welsh,"), "{text}");
    let lines = sheet::read(Kind::Queue, "a.csv", text.as_bytes()).expect("reads");
    let [line] = lines.lines.as_slice() else { panic!("one row") };
    assert_eq!((line.key.name.as_str(), line.version), ("benefits", Some(7)));
    assert_eq!(lines.declared(line, None), Ok(queue));
}

#[test]
fn a_column_that_is_not_there_leaves_alone_and_a_blank_cell_says_what_is_usual() {
    let body = json!({"title": "X", "ring_s": 5, "wrap_up_s": 7, "callback": {"most": 7}});
    let before = Declared::read(Kind::Queue, body).expect("is right");
    let text = "queue,wrap_up_s,callback.most,skills\nx,,,waste | welsh:2\n";
    let lines = sheet::read(Kind::Queue, "a.csv", text.as_bytes()).expect("reads");
    let after = lines.declared(&lines.lines[0], Some(&before)).expect("is right");
    let expected = json!({"title": "X", "ring_s": 5, "skills": ["waste", "welsh:2"]});
    assert_eq!(Ok(after), Declared::read(Kind::Queue, expected));
}

#[test]
fn every_bad_line_is_told_with_its_column() {
    let read = |text: &str| {
        let found = sheet::read(Kind::Agent, "a.csv", text.as_bytes());
        let mistakes = match found {
            Err(mistakes) => mistakes,
            Ok(lines) => {
                let declared = lines.lines.iter().map(|line| lines.declared(line, None));
                declared.filter_map(Result::err).collect()
            }
        };
        mistakes.iter().map(|mistake| mistake.to_string()).collect::<Vec<_>>()
    };
    let wrong = read("agent,name,srtp,skills\namy,Amy,of,waste\nben,Ben,off,waste:9\nx,X,off,\n");
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("a.csv:2:9: `of` cannot be said here"), "{wrong:?}");
    assert!(wrong[1].starts_with("a.csv:3:13: ") && wrong[1].contains("1 to 5"), "{wrong:?}");
    let wrong = read("agent,nam\namy,Amy\n");
    assert!(wrong[0].starts_with("a.csv:2:5: unknown key `nam`"), "{wrong:?}");
    assert!(
        read("agent,name\namy,A\namy,B\n")[0].contains("a.csv:3:1: `amy` is in `agent` of line 2")
    );
    assert!(
        read(&format!("agent,{}\n", ".".repeat(101)))[0].contains("a.csv:1:7: no column's name")
    );
    assert_eq!(read(&format!("agent,name\n{}", "x\n".repeat(2_000))).len(), sheet::MOST_MISTAKES);
    assert!(read("name\nA\n")[0].contains("no column `agent`"));
    assert!(read("agent,name,name\n")[0].contains("a.csv:1:12: the column `name` is there twice"));
}

prop_compose! {
    fn word()(text in "[=+@'\\-\\[{a-zé0-9|\", ]{0,8}") -> String {
        // Spaces around values are not kept.
        text.trim().to_owned()
    }
}

prop_compose! {
    fn queue()(
        title in word(),
        short in proptest::option::of("[=a-z][a-z |]{0,5}[a-z]"),
        extension in proptest::option::of("[0-9]{1,5}"),
        skills in proptest::collection::vec("[a-z\\-=|]{1,4}(:[1-5])?", 0..3),
        relaxed in proptest::collection::vec(1u32..99, 0..3),
        max_waiting in proptest::option::of(0usize..99),
        ring_s in 0u32..99,
        most in 0usize..99,
        waits in any::<bool>(),
    ) -> Value {
        let title = if title.is_empty() { "A title".to_owned() } else { title };
        let relax: Vec<Value> =
            relaxed.iter().map(|s| json!({"after_s": s, "skills": skills})).collect();
        json!({"title": title, "short_title": short, "extension": extension, "skills": skills,
            "relax": relax, "max_waiting": max_waiting, "ring_s": ring_s,
            "callback": {"most": most}, "wait_when_unstaffed": waits})
    }
}

proptest! {
    #[test]
    fn what_goes_out_as_a_sheet_comes_back_as_it_was(bodies in proptest::collection::vec(queue(), 1..4)) {
        let queues: Vec<(String, Declared)> = bodies
            .into_iter()
            .enumerate()
            .map(|(at, body)| {
                (format!("q{at}"), Declared::read(Kind::Queue, body).expect("is right"))
            })
            .collect();
        let rows = queues.iter().map(|(name, queue)| (name.as_str(), None, queue));
        let text = sheet::write(Kind::Queue, rows);
        // No cell is a formula to a spreadsheet.
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        for record in reader.records() {
            for cell in record.expect("reads").iter() {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", cell);
            }
        }
        let lines = sheet::read(Kind::Queue, "a.csv", text.as_bytes()).expect("reads");
        for (line, (name, queue)) in lines.lines.iter().zip(&queues) {
            prop_assert_eq!(&line.key.name, name);
            // Neither beside what was there nor without it.
            let alone = lines.declared(line, None);
            prop_assert_eq!(alone.as_ref(), Ok(queue), "{}", text);
            let beside = lines.declared(line, Some(queue));
            prop_assert_eq!(beside.as_ref(), Ok(queue));
        }
    }

    #[test]
    fn no_sheet_is_too_strange_to_be_read(text in "(agent|name|skills|version|,|\n|\"|\\||\\[|\\{|:|a|1|'|=|é){0,60}") {
        if let Ok(lines) = sheet::read(Kind::Agent, "a.csv", text.as_bytes()) {
            for line in &lines.lines {
                let _ = lines.declared(line, None);
            }
        }
    }
}
