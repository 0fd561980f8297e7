//! Changes of the shipped installation's entries, kept in a database.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::config::registry::{Entries, Key, Kind};
use crate::server::installation::{Installation, Overrides};
use crate::time::UnixMicros;

use super::*;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The shipped settings in a folder of their own, changed.
fn install(folder: &Path, change: impl FnOnce(String) -> String) -> Installation {
    let settings = include_str!("../../../config/switchboard.toml")
        .replace("\"ivr-flows\"", &format!("\"{ROOT}/ivr-flows\""))
        .replace("\"sounds\"", &format!("\"{ROOT}/sounds\""));
    let config = folder.join("config");
    std::fs::create_dir_all(&config).expect("a folder");
    std::fs::create_dir_all(folder.join("data")).expect("a folder");
    std::fs::write(config.join("a.toml"), change(settings)).expect("writes");
    let holidays = Path::new(ROOT).join("config/bank-holidays.json");
    std::fs::copy(holidays, config.join("bank-holidays.json")).expect("copies");
    read_again(folder)
}

fn read_again(folder: &Path) -> Installation {
    Installation::read(&folder.join("config/a.toml"), &Overrides::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn key(kind: Kind, name: &str) -> Key {
    Key::new(kind, name)
}

/// The outcome of a change, kept.
async fn keep(
    installation: &mut Installation,
    prepared: Result<Prepared, Refusal>,
) -> Result<(), Refusal> {
    let store = Store::new(&installation.settings.files.data);
    let mut prepared = prepared?;
    prepared.keep(&store, "Sue", UnixMicros(7)).await.expect("is kept");
    *installation = prepared.installation;
    Ok(())
}

async fn make(installation: &mut Installation, key: &Key, body: Value) -> Result<(), Refusal> {
    let prepared = put(installation, key, body, &Condition::Unsaid);
    keep(installation, prepared).await
}

async fn audit(installation: &Installation, asked: Asked) -> Vec<AuditLine> {
    let store = Store::new(&installation.settings.files.data);
    store.audit(&asked).await.expect("reads")
}

#[tokio::test]
async fn what_is_kept_is_there_after_a_restart_and_in_the_audit_trail() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut now = install(folder.path(), |text| text);
    let (benefits, fay) = (key(Kind::Queue, "benefits"), key(Kind::Agent, "fay"));
    let body = json!({"title": "Benefits", "skills": ["general"], "hours": "main"});
    make(&mut now, &benefits, body).await.expect("is right");
    let body = json!({"name": "Fay", "skills": ["general"], "password": "hunter2"});
    make(&mut now, &fay, body).await.expect("is right");
    let again = read_again(folder.path());
    assert_eq!((&again.entries, again.aside.len()), (&now.entries, 0));
    assert_eq!(again.settings, now.settings);
    let shown = show(&again, &fay).expect("is there");
    assert_eq!(
        (shown.source, shown.version, shown.has_password),
        (Origin::Database, Some(2), Some(true))
    );
    // As the file does it.
    let ha1 = again.settings.agents["fay"].ha1.as_ref().and_then(|ha1| ha1.md5.as_ref());
    let expected = crate::sip::digest::ha1(
        crate::sip::digest::Algorithm::Md5,
        "fay",
        "switchboard",
        "hunter2",
    );
    assert_eq!(ha1.map(|secret| secret.reveal()), Some(expected.as_str()));
    let lines = audit(&again, Asked { limit: 10, ..Asked::default() }).await;
    let told: Vec<_> = lines.iter().map(|line| (line.seq, line.what, line.name.as_str())).collect();
    assert_eq!(told, [(2, "created", "fay"), (1, "created", "benefits")]);
    assert!(lines[0].secret_changed && lines.iter().all(|line| line.by == "Sue"));
    let file = std::fs::read(folder.path().join("data").join(store::REGISTRY_FILE)).expect("reads");
    assert!(!String::from_utf8_lossy(&file).contains("hunter2"), "no password is kept");
    assert!(!serde_json::to_string(&lines).expect("JSON").contains(&expected), "nor told");
    let asked = Asked { limit: 10, kind: Some(Kind::Queue), ..Asked::default() };
    assert_eq!(audit(&again, asked).await.len(), 1);
    let asked =
        Asked { limit: 10, before: Some(2), by: Some("Sue".to_owned()), ..Asked::default() };
    assert_eq!(audit(&again, asked).await.len(), 1);
}

#[tokio::test]
async fn what_check_would_refuse_is_refused_and_nothing_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut now = install(folder.path(), |text| text);
    let benefits = key(Kind::Queue, "benefits");
    make(&mut now, &benefits, json!({"title": "Benefits"})).await.expect("is right");
    let before = (now.entries.clone(), now.settings.clone());
    for (body, field, what) in [
        (json!({"title": "B", "hours": "none"}), "queue.benefits.hours", "there is no calendar"),
        (json!({"title": "B", "ring_s": 0}), "queue.benefits.ring_s", "must not be 0"),
        (json!({"title": "B", "extension": "301"}), "queue.benefits.extension", "`301` is"),
        (json!({"title": "B", "rings": 1}), "queue.benefits.rings", "unknown key"),
        (json!({"ring_s": 1}), "queue.benefits", "`title` is missing"),
    ] {
        let refused = put(&now, &benefits, body, &Condition::Present).map(drop);
        let Err(Refusal::Wrong(told)) = refused else { panic!("{refused:?}") };
        assert_eq!(told[0].field.as_deref(), Some(field), "{told:?}");
        assert!(told[0].what.contains(what) && told[0].right.is_some(), "{told:?}");
    }
    let refused = make(&mut now, &key(Kind::Queue, "a b"), json!({"title": "X"})).await;
    assert_eq!(refused, Err(Refusal::BadName(key(Kind::Queue, "a b"))));
    assert_eq!((now.entries, now.settings), before);
}

#[tokio::test]
async fn what_a_file_declares_is_changed_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let now = install(folder.path(), |text| text);
    let waste = key(Kind::Queue, "waste");
    let refused = put(&now, &waste, json!({"title": "Mine"}), &Condition::Present).map(drop);
    let Err(Refusal::Declared(_, place)) = refused else { panic!("{refused:?}") };
    let line: usize = place.rsplit(':').next().and_then(|line| line.parse().ok()).expect("a line");
    let text = std::fs::read_to_string(folder.path().join("config/a.toml")).expect("reads");
    assert_eq!(text.lines().nth(line - 1), Some("[queue.waste]"));
    let refused = delete(&now, &waste, &Condition::Present, Vec::new).map(drop);
    assert!(matches!(refused, Err(Refusal::Declared(..))), "{refused:?}");
    let shown = show(&now, &waste).expect("is there");
    assert_eq!((shown.source, shown.place, shown.version), (Origin::File, Some(place), None));
}

#[tokio::test]
async fn nobodys_change_is_lost_unseen() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut now = install(folder.path(), |text| text);
    let skill = key(Kind::Skill, "welsh");
    let body = |title: &str| json!({"title": title});
    let with =
        |now: &Installation, condition| put(now, &skill, body("Other"), &condition).map(drop);
    assert_eq!(with(&now, Condition::Present), Err(Refusal::Changed(skill.clone(), None)));
    assert_eq!(
        with(&now, Condition::Versions(vec![1])),
        Err(Refusal::Changed(skill.clone(), None))
    );
    make(&mut now, &skill, body("Welsh")).await.expect("is new");
    assert_eq!(with(&now, Condition::Unsaid), Err(Refusal::Unconditional(skill.clone())));
    assert_eq!(with(&now, Condition::Absent), Err(Refusal::Changed(skill.clone(), Some(1))));
    assert_eq!(
        with(&now, Condition::Versions(vec![2])),
        Err(Refusal::Changed(skill.clone(), Some(1)))
    );
    assert_eq!(with(&now, Condition::Versions(vec![2, 1])), Ok(()));
    // The same again is no change.
    let same = put(&now, &skill, body("Welsh"), &Condition::Present).expect("is right");
    assert_eq!(same.changes, []);
    let gone = delete(&now, &skill, &Condition::Versions(vec![1]), Vec::new);
    keep(&mut now, gone).await.expect("is not needed");
    make(&mut now, &skill, body("Welsh")).await.expect("is new");
    assert_eq!(now.entries[&skill].version, 3, "no version comes twice");
    let gone = delete(&now, &key(Kind::Skill, "cornish"), &Condition::Present, Vec::new).map(drop);
    assert!(matches!(gone, Err(Refusal::Unknown(_))), "{gone:?}");
}

#[tokio::test]
async fn what_is_needed_is_not_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    // The flow leads to a queue that the database has.
    let mut now = install(folder.path(), |text| text);
    let (housing, welsh) = (key(Kind::Queue, "housing"), key(Kind::Skill, "welsh"));
    make(&mut now, &welsh, json!({"title": "Welsh"})).await.expect("is right");
    make(&mut now, &key(Kind::Queue, "q"), json!({"title": "Q", "prefers": ["welsh"]}))
        .await
        .expect("is right");
    let refused = delete(&now, &welsh, &Condition::Present, Vec::new).map(drop);
    let Err(Refusal::InUse(_, told)) = refused else { panic!("{refused:?}") };
    assert_eq!(told[0].field.as_deref(), Some("queue.q"));
    let waits = || {
        vec![crate::config::problem::Told {
            field: None,
            place: None,
            what: "3 wait".to_owned(),
            right: None,
        }]
    };
    let refused = delete(&now, &key(Kind::Queue, "q"), &Condition::Present, waits).map(drop);
    assert!(matches!(refused, Err(Refusal::InUse(_, told)) if told[0].what == "3 wait"));

    // Now the file leaves it to the database.
    let text = show(&now, &housing).expect("is there").settings;
    let store = Store::new(&now.settings.files.data);
    let change = Change {
        key: housing.clone(),
        before: None,
        after: Some((text, None)),
        secret_changed: false,
    };
    store.commit(&[change], "Sue", UnixMicros(8)).await.expect("is kept");
    let out = |text: String| {
        let (before, rest) = text.split_once("[queue.housing]").expect("is there");
        let (_, after) = rest.split_once("[queue.general]").expect("is there");
        format!("{before}[queue.general]{after}")
    };
    let now = install(folder.path(), out);
    assert_eq!(show(&now, &housing).map(|shown| shown.source), Some(Origin::Database));
    let refused = delete(&now, &housing, &Condition::Present, Vec::new).map(drop);
    let Err(Refusal::InUse(_, told)) = refused else { panic!("{refused:?}") };
    let place = told[0].place.as_deref().unwrap_or_default();
    assert!(place.contains("ivr-flows/") && told[0].what.contains("housing"), "{told:?}");
}

#[tokio::test]
async fn an_entry_that_the_files_make_wrong_is_set_aside_at_the_start_and_refuses_a_reload() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut now = install(folder.path(), |text| {
        format!("{text}\n[calendar.late.week]\nmon = [\"17:00-20:00\"]\n")
    });
    let late = key(Kind::Queue, "late");
    make(&mut now, &late, json!({"title": "Late", "hours": "late"})).await.expect("is right");
    let after = install(folder.path(), |text| text);
    let told = &after.aside[&late];
    assert_eq!(told[0].field.as_deref(), Some("queue.late.hours"));
    assert!(!after.settings.queues.contains_key("late"));
    assert!(after.keeps(&now).is_err_and(|why| why.to_string().contains("late")));
    assert!(after.keeps(&after).is_ok(), "what is aside may stay so");
    let shown = show(&after, &late).expect("is told");
    assert_eq!((shown.set_aside.len(), shown.settings["hours"].as_str()), (1, Some("late")));
    // It can be mended, and a file may declare it.
    let mended =
        put(&after, &late, json!({"title": "Late"}), &Condition::Present).expect("is right");
    assert!(mended.installation.aside.is_empty());
    let declares = |text: String| format!("{text}\n[queue.late]\ntitle = \"Of the file\"\n");
    let taken = install(folder.path(), declares);
    assert!(taken.keeps(&now).is_ok(), "the file takes over");
    assert_eq!(taken.settings.queues["late"].title, "Of the file");
    assert!(taken.aside[&late][0].what.contains("declares it"));
    let gone = delete(&taken, &late, &Condition::Present, || panic!("is not in force"));
    assert_eq!(gone.expect("may go").changes.len(), 1);
}

#[tokio::test]
async fn a_sheet_goes_in_whole_or_not_at_all_and_out_again_without_a_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut now = install(folder.path(), |text| text);
    let sheet = "agent,name,skills,password,extension\n\
        fay,Fay,general:3|waste,hunter2,\ngus,\"+Gus, Jr\",,hunter3,211\namy,Amy Adeyemi,waste|general,,201\n";
    let (prepared, unchanged) =
        import(&now, Kind::Agent, "a.csv", sheet.as_bytes()).expect("is right");
    assert_eq!((prepared.changes.len(), unchanged), (2, 1));
    keep(&mut now, Ok(prepared)).await.expect("is kept");
    assert!(now.settings.agents["gus"].ha1.is_some());
    let out = export(&now, Kind::Agent);
    assert!(!out.contains("hunter") && out.contains("\"'+Gus, Jr\""), "{out}");
    let (again, unchanged) = import(&now, Kind::Agent, "a.csv", out.as_bytes()).expect("is right");
    assert_eq!((again.changes.len(), unchanged), (0, 6), "a round trip is no change");

    let wrong = "agent,version,name,extension,password\n\
        amy,,Amy Other,201,\nfay,9,Fay,,\nhal,,Hal,201,x\nivy,,,,x\n";
    let refused = import(&now, Kind::Agent, "a.csv", wrong.as_bytes()).map(drop);
    let Err(Refusal::Sheet(mistakes)) = refused else { panic!("{refused:?}") };
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[0].starts_with("a.csv:2:1: ") && told[0].contains("declares it"), "{told:?}");
    assert!(told[1].starts_with("a.csv:3:5: ") && told[1].contains("changed since"), "{told:?}");
    // What only the checks find is told at once with the rest.
    assert!(told[2].starts_with("a.csv:4:10: `201` is"), "{told:?}");
    assert!(told[3].starts_with("a.csv:5:") && told[3].contains("`name` is missing"), "{told:?}");
    let wrong = "agent,name,extension,password\nhal,Hal,201,x\nivy,Ivy,21x,x\n";
    let refused = import(&now, Kind::Agent, "a.csv", wrong.as_bytes()).map(drop);
    let Err(Refusal::Sheet(mistakes)) = refused else { panic!("{refused:?}") };
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert!(told[0].starts_with("a.csv:2:9: `201` is"), "{told:?}");
    assert!(told[1].starts_with("a.csv:3:9: `21x` cannot be an extension"), "{told:?}");
}

#[tokio::test]
async fn a_disk_that_refuses_changes_nothing_and_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(&folder.path().join("none"));
    assert!(!store.is_there());
    let change =
        Change { key: key(Kind::Skill, "x"), before: None, after: None, secret_changed: false };
    assert!(store.commit(std::slice::from_ref(&change), "Sue", UnixMicros(1)).await.is_err());
    let store = Store::new(folder.path());
    assert_eq!(store.audit(&Asked { limit: 1, ..Asked::default() }).await.expect("none"), []);
    assert_eq!(store.commit(&[change], "Sue", UnixMicros(1)).await.expect("is kept"), [1]);
    assert_eq!(store.entries().await.expect("reads"), Entries::new());
    let file = folder.path().join(store::REGISTRY_FILE);
    let mode = std::fs::metadata(&file).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else's to read");
    let bytes = std::fs::read(&file).expect("reads");
    let mut later = bytes.clone();
    // SQLite's header: the user version, big-endian, at offset 60.
    later[60..64].copy_from_slice(&9_u32.to_be_bytes());
    std::fs::write(&file, later).expect("writes");
    assert!(matches!(store.entries().await, Err(RegistryError::Newer { found: 9, .. })));
    std::fs::write(&file, b"no database at all, and long enough to be looked at").expect("writes");
    assert!(read(folder.path()).is_err());
}

#[tokio::test]
async fn a_change_reads_what_is_changed_and_no_flow_that_it_means_nothing_to() {
    let read = || crate::config::registry::READ.with(|read| read.get());
    let folder = tempfile::tempdir().expect("a folder");
    let mut now = install(folder.path(), |text| text);
    let rows: String = (0..500).map(|n| format!("p{n},Person {n},general,pw{n}\n")).collect();
    let sheet = format!("agent,name,skills,password\n{rows}");
    let done = import(&now, Kind::Agent, "a.csv", sheet.as_bytes()).map(|(prepared, _)| prepared);
    keep(&mut now, done).await.expect("is right");

    let (before, flows) = (read(), now.flows().clone());
    let fay = key(Kind::Agent, "fay");
    let body = json!({"name": "Fay", "skills": ["general"], "password": "hunter2"});
    make(&mut now, &fay, body.clone()).await.expect("is right");
    assert_eq!(read() - before, 2, "the body, and the entry that it becomes");
    let same =
        |new: &Installation| new.flows().iter().all(|(name, flow)| Arc::ptr_eq(flow, &flows[name]));
    assert!(same(&now), "no flow is read again for an agent whose skills others have");
    assert_eq!(now.settings, read_again(folder.path()).settings);

    let benefits = key(Kind::Queue, "benefits");
    make(&mut now, &benefits, json!({"title": "Benefits"})).await.expect("is right");
    assert!(!same(&now), "a queue is something that flows may refer to");
}

#[tokio::test]
async fn what_nobody_has_recorded_yet_is_told_and_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut now = install(folder.path(), |text| text);
    let (benefits, fay) = (key(Kind::Queue, "benefits"), key(Kind::Agent, "fay"));
    let body = json!({"title": "Benefits", "greeting": true, "whisper": "Benefits, please"});
    make(&mut now, &benefits, body).await.expect("can be recorded later");
    let body = json!({"name": "Fay", "spoken_name": "Fay", "password": "hunter2"});
    make(&mut now, &fay, body).await.expect("can be recorded later");
    let told = |key: &Key| {
        let shown = show(&now, key).expect("is there").warnings;
        shown.iter().map(|told| told.what.clone()).collect::<Vec<String>>()
    };
    let missing = |prompt: &str, instead: &str| {
        format!("the recording `{prompt}` is missing: until it is there {instead}")
    };
    assert_eq!(
        told(&benefits),
        [
            missing("greeting/queue-benefits-1", "nobody is greeted"),
            missing("greeting/queue-benefits-3", "nobody is greeted"),
            missing("whisper/queue-benefits", "advisers are not told of the queue"),
        ]
    );
    let nameless = "callers are told of an adviser without a name";
    assert_eq!(told(&fay), [missing("greeting/adviser-fay", nameless)]);
    let plan = now.plan(Vec::new()).expect("is right");
    assert!(plan.unspoken.len() > 4, "the words that all share are missing too");
    assert!(now.bank(&plan).is_ok(), "what is missing is not asked for");

    // What the file declares must be there.
    let text = std::fs::read_to_string(folder.path().join("config/a.toml")).expect("reads");
    let text = text.replacen("[queue.general]\n", "[queue.general]\ngreeting = true\n", 1);
    std::fs::write(folder.path().join("config/a.toml"), text).expect("writes");
    let now = read_again(folder.path());
    let plan = now.plan(Vec::new()).expect("is right");
    let missing = now.bank(&plan).expect_err("the file's are missing").to_string();
    assert!(missing.contains("greeting/queue-general-1"), "{missing}");
    assert!(!missing.contains("benefits"), "{missing}");
}
