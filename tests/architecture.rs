//! The design's arrows and habits, held by a test.
//!
//! ```text
//!  main -> server/web --Input(now)--> engine --> flow . assistant . acd
//!             |       <--Output------   |              | commands / events only
//!             |                         +---> call <---+
//!             |                                +--> sip --> (bytes) . sdp
//!             +-- Command ><  Event -- media --> rtp
//!             +--> store (journal) --> stats --> live page . metrics . reports
//!  sim replaces server and web; everything -> time . id
//! ```
//!
//! A path such as `crate::media::command::Key` is an arrow from the file's top-level module to
//! `media`. The tables here and in `architecture/arrows.rs` say which are allowed; a module that is not in them may not exist.

#[path = "architecture/arrows.rs"]
mod arrows;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use self::arrows::ARROWS;

/// What every module may use.
const EVERYBODYS: &[&str] = &["time", "id"];

/// The longest file, tests included. The aim is 150 to 500.
const MOST_LINES: usize = 600;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "misc", "manager", "shared", "stuff"];

/// Modules that may read clocks and keep maps in any order. A file of `sim` that runs in real time
/// says so with `#![allow(clippy::disallowed_methods`.
const SHELL: &[&str] = &["main", "server", "web"];

/// What makes two runs differ, as tokens, and what is right instead.
const UNREPEATABLE: &[(&[&str], &str)] = &[
    (&["Instant", "::", "now"], "take `now: Time` as a parameter"),
    (&["SystemTime", "::", "now"], "the calendar comes in as Input::WallClock"),
    (&["Zoned", "::", "now"], "the calendar comes in as Input::WallClock"),
    (&["Timestamp", "::", "now"], "the calendar comes in as Input::WallClock"),
    (&["thread", "::", "sleep"], "keep a deadline and give it with poll_timeout"),
    (&["rand", "::", "rng"], "draw from id::Entropy"),
    (&["getrandom", "::"], "draw from id::Entropy"),
    (&["HashMap"], "BTreeMap: its order is the same on every run"),
    (&["HashSet"], "BTreeSet: its order is the same on every run"),
];

/// What may not be in `src/`, as tokens.
const UNFINISHED: &[&[&str]] = &[&["todo", "!"], &["unimplemented", "!"], &["dbg", "!"]];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// Identifiers, `::` and single other characters; comments, strings and characters left out.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut found, mut i, mut line) = (Vec::new(), 0, 1);
    while i < chars.len() {
        let start = i;
        let c = chars[i];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && chars[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if let Some(end) = string_end(&chars, i) {
            i = end;
        } else if c == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            i += if at(i + 1) == '\\' { 3 } else { 2 };
            while i < chars.len() && chars[i] != '\'' {
                i += 1;
            }
            i += 1;
        } else if is_word(c) {
            while i < chars.len() && is_word(chars[i]) {
                i += 1;
            }
            found.push(Token { text: chars[start..i].iter().collect(), line });
        } else if c == ':' && at(i + 1) == ':' {
            i += 2;
            found.push(Token { text: "::".to_owned(), line });
        } else {
            i += 1;
            if !c.is_whitespace() {
                found.push(Token { text: c.to_string(), line });
            }
        }
        line += chars[start..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// Where the string that begins at `i` ends, if one does: `"..."`, `b"..."`, `r#"..."#` ...
fn string_end(chars: &[char], i: usize) -> Option<usize> {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut j = i;
    if matches!(at(j), 'b' | 'c') {
        j += 1;
    }
    let raw = at(j) == 'r' && matches!(at(j + 1), '"' | '#');
    if raw {
        j += 1;
        let mut marks = 0;
        while at(j) == '#' {
            (marks, j) = (marks + 1, j + 1);
        }
        if at(j) != '"' {
            return None;
        }
        j += 1;
        while j < chars.len() && !(at(j) == '"' && (1..=marks).all(|k| at(j + k) == '#')) {
            j += 1;
        }
        return Some(j + 1 + marks);
    }
    if at(j) != '"' || (i > 0 && j > i && (at(i - 1).is_alphanumeric() || at(i - 1) == '_')) {
        return None;
    }
    j += 1;
    while j < chars.len() && at(j) != '"' {
        j += if at(j) == '\\' { 2 } else { 1 };
    }
    Some(j + 1)
}

/// Every path from the crate's root that a file names, with its line.
fn paths(module: &[String], tokens: &[Token]) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    // For each open brace, whether an inline module opened it.
    let mut braces: Vec<bool> = Vec::new();
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text.as_str());
    let mut i = 0;
    while i < tokens.len() {
        match text(i) {
            "{" => braces.push(i >= 2 && text(i - 2) == "mod"),
            "}" => drop(braces.pop()),
            "crate" if text(i + 1) == "::" => {
                tree(tokens, i + 2, &mut Vec::new(), &mut found);
            }
            "super" if i == 0 || text(i - 1) != "::" => {
                let mut here = module.to_vec();
                let inline = braces.iter().filter(|is_mod| **is_mod).count();
                here.extend(std::iter::repeat_n("(inline)".to_owned(), inline));
                let mut next = i;
                while text(next) == "super" && text(next + 1) == "::" {
                    here.pop();
                    next += 2;
                }
                if here.is_empty() {
                    tree(tokens, next, &mut here, &mut found);
                }
            }
            _ => {}
        }
        i += 1;
    }
    found
}

/// Follows `a::b::{c, d::e}` from token `i`; returns the token after it.
fn tree(
    tokens: &[Token],
    mut i: usize,
    prefix: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, usize)>,
) -> usize {
    let depth = prefix.len();
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text.as_str());
    let line = tokens.get(i).map_or(0, |token| token.line);
    loop {
        if text(i) == "{" {
            i += 1;
            while !matches!(text(i), "}" | "") {
                i = tree(tokens, i, prefix, found);
                if text(i) == "," {
                    i += 1;
                }
            }
            i += 1;
            break;
        }
        if text(i) != "self" {
            prefix.push(text(i).to_owned());
        }
        i += 1;
        if text(i) != "::" {
            found.push((prefix.clone(), line));
            if text(i) == "as" {
                i += 2;
            }
            // Whatever follows, one token further is progress at least.
            break;
        }
        i += 1;
    }
    prefix.truncate(depth);
    i
}

struct File {
    /// From the package's root, with forward slashes.
    name: String,
    /// Module path: `["sip", "endpoint"]`.
    module: Vec<String>,
    source: String,
    tokens: Vec<Token>,
}

impl File {
    fn read(root: &Path, path: &Path) -> File {
        let name = path.strip_prefix(root).expect("below the root").display().to_string();
        let source = fs::read_to_string(path).expect("a source file");
        let inner = name.trim_start_matches("src/").trim_end_matches(".rs");
        let module = inner.split('/').filter(|part| *part != "mod").map(str::to_owned).collect();
        let tokens = tokens(&source);
        File { name, module, source, tokens }
    }

    fn top(&self) -> &str {
        &self.module[0]
    }

    fn lines_of(&self, wanted: &[&str]) -> impl Iterator<Item = usize> {
        self.tokens
            .windows(wanted.len())
            .filter(move |window| {
                window.iter().zip(wanted).all(|(token, text)| token.text == *text)
            })
            .map(|window| window[0].line)
    }
}

/// The source files below a folder of the package; none if the folder does not exist.
fn files(folder: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<PathBuf> = Vec::new();
    let mut open: Vec<PathBuf> = Vec::from_iter(Some(root.join(folder)).filter(|f| f.exists()));
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the package") {
            let path = entry.expect("an entry").path();
            let generated = path.ends_with("node_modules");
            if path.is_dir() && !generated {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.iter().map(|path| File::read(root, path)).collect()
}

#[track_caller]
fn none(title: &str, findings: &[String]) {
    let mut message = format!("{} x {title}:\n", findings.len());
    for finding in findings {
        let _ = writeln!(message, "  {finding}");
    }
    assert!(findings.is_empty(), "{message}");
}

/// Whether `path` is `allowed` or below it.
fn is_below(path: &[String], allowed: &str) -> bool {
    allowed == "*"
        || allowed.split("::").zip(path.iter()).all(|(a, b)| a == b)
            && path.len() >= allowed.split("::").count()
}

fn forbidden(file: &File) -> Vec<String> {
    let Some((top, allowed, what)) = ARROWS.iter().find(|(top, ..)| *top == file.top()) else {
        return vec![format!("{}: `{}` is not a module of the design", file.name, file.top())];
    };
    let mut findings = BTreeSet::new();
    for (path, line) in paths(&file.module, &file.tokens) {
        let to_itself = path.first().is_some_and(|first| first == top);
        let known = path.first().is_some_and(|first| ARROWS.iter().any(|(m, ..)| m == first));
        // `crate::name!` and the like are no arrows between modules.
        if to_itself || !known {
            continue;
        }
        if !allowed.iter().chain(EVERYBODYS).any(|allowed| is_below(&path, allowed)) {
            let may = [EVERYBODYS, allowed].concat().join(", ");
            findings.insert((
                line,
                format!(
                    "{}:{line}: `{top}` -> `{}` is no arrow of the design. `{top}` may use: {may}. \
                 It is: {what}.",
                    file.name,
                    path.join("::"),
                ),
            ));
        }
    }
    findings.into_iter().map(|(_, finding)| finding).collect()
}

#[test]
fn modules_use_only_what_the_design_lets_them() {
    let findings: Vec<String> = files("src").iter().flat_map(forbidden).collect();
    none("an arrow that the design does not have", &findings);
}

#[test]
fn files_are_short_and_named_for_what_is_inside() {
    let mut findings = Vec::new();
    for file in files("src").iter().chain(&files("tests")) {
        let lines = file.source.lines().count();
        if lines > MOST_LINES {
            findings.push(format!(
                "{}: {lines} lines, {MOST_LINES} are the limit (150 to 500 the aim): split it by noun",
                file.name
            ));
        }
        let parts = file.module.iter().flat_map(|part| part.split('_'));
        for part in parts.filter(|part| EMPTY_NAMES.contains(part)) {
            findings.push(format!("{}: `{part}` says nothing of what is inside", file.name));
        }
    }
    none("a file that is too long or has no real name", &findings);
}

#[test]
fn every_file_begins_with_what_it_owns() {
    let findings: Vec<String> = files("src")
        .iter()
        .chain(&files("tests"))
        .filter(|file| !file.source.starts_with("//!"))
        .map(|file| format!("{}:1: begin with //! and what this module owns", file.name))
        .collect();
    none("a file without its words", &findings);
}

#[test]
fn below_the_shell_nothing_makes_two_runs_differ() {
    let mut findings = Vec::new();
    for file in &files("src") {
        let real_time =
            file.top() == "sim" && file.source.contains("#![allow(clippy::disallowed_methods");
        if SHELL.contains(&file.top()) || real_time {
            continue;
        }
        for (wanted, right) in UNREPEATABLE {
            for line in file.lines_of(wanted) {
                findings.push(format!("{}:{line}: `{}`: {right}", file.name, wanted.concat()));
            }
        }
    }
    none("a clock, a sleep, a die or an unordered map", &findings);
}

#[test]
fn nothing_is_left_unfinished_and_no_test_is_left_out() {
    let mut findings = Vec::new();
    for file in &files("src") {
        for wanted in UNFINISHED {
            for line in file.lines_of(wanted) {
                findings.push(format!("{}:{line}: `{}`", file.name, wanted.concat()));
            }
        }
        for (i, line) in file.source.lines().enumerate() {
            for word in ["FIXME", "XXX", "TODO"].into_iter().filter(|word| line.contains(word)) {
                findings.push(format!("{}:{}: {word}", file.name, i + 1));
            }
        }
    }
    for file in files("src").iter().chain(&files("tests")).chain(&files("benches")) {
        for line in file.lines_of(&["#", "[", "ignore"]) {
            findings.push(format!("{}:{line}: a test that never runs proves nothing", file.name));
        }
    }
    none("an unfinished place", &findings);
}

#[test]
fn every_module_of_the_crate_has_its_arrows() {
    let lib = tokens(&files("src").into_iter().find(|f| f.name == "src/lib.rs").expect("").source);
    let mods = lib.windows(3).filter(|w| w[0].text == "mod" && w[2].text == ";");
    for module in mods.map(|window| &window[1].text) {
        assert!(
            ARROWS.iter().any(|(top, ..)| top == module),
            "src/lib.rs: `{module}` has no arrows: give it a line in tests/architecture.rs"
        );
    }
}

fn sample(module: &str, source: &str) -> File {
    File {
        name: format!("src/{module}/sample.rs"),
        module: vec![module.to_owned(), "sample".to_owned()],
        source: source.to_owned(),
        tokens: tokens(source),
    }
}

#[test]
fn the_reader_sees_groups_chains_of_super_and_paths_in_code() {
    let file = sample(
        "sip",
        "use crate::{time::Time, event::{Caller, CallEvent as E}, call::command::*};\n\
         fn f() { let x = crate::media::command::Key::Pound; }\n\
         mod inner { use super::super::super::acd; use super::super::digest; }\n",
    );
    let found: Vec<(String, usize)> = paths(&file.module, &file.tokens)
        .into_iter()
        .map(|(p, line)| (p.join("::"), line))
        .collect();
    let expected = [
        ("time::Time", 1),
        ("event::Caller", 1),
        ("event::CallEvent", 1),
        ("call::command::*", 1),
        ("media::command::Key::Pound", 2),
        ("acd", 3),
    ];
    assert_eq!(found, expected.map(|(path, line)| (path.to_owned(), line)));
    let findings = forbidden(&file);
    assert_eq!(findings.len(), 4, "{findings:#?}");
    assert!(findings[0].starts_with("src/sip/sample.rs:1: `sip` -> `call::command::*`"));
}

#[test]
fn the_reader_is_not_misled_by_comments_strings_and_characters() {
    let file = sample(
        "rtp",
        r####"// crate::sip
/* crate::sip /* crate::sip */ crate::sip */
const A: &str = "crate::sip \" crate::sip";
const B: &str = r#"crate::sip " HashMap"#;
const C: [char; 4] = ['"', '\'', '\\', 'x'];
fn f<'a>(x: &'a [u8]) -> (&'a [u8], u8) { (x, b'"') }
use crate::sip::Transmit;
use std::collections::HashMap;
"####,
    );
    let findings = forbidden(&file);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].starts_with("src/rtp/sample.rs:7: `rtp` -> `sip::Transmit`"));
    assert_eq!(file.lines_of(&["HashMap"]).collect::<Vec<_>>(), [8]);
}

#[test]
fn a_word_of_a_seam_is_not_the_whole_module() {
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert!(is_below(&path("media::command::Key::Pound"), "media::command"));
    assert!(!is_below(&path("media"), "media::command"));
    assert!(!is_below(&path("media::leg"), "media::command"));
    assert!(is_below(&path("anything"), "*"));
    assert_eq!(forbidden(&sample("sdp", "use crate::media::command::Command;")).len(), 1);
    assert_eq!(forbidden(&sample("sdp", "use crate::media::command::Direction;")).len(), 0);
    assert_eq!(forbidden(&sample("assistants", "")).len(), 1);
}
