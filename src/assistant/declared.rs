//! What `ivr-flows/intents/*.yaml` declare, read and checked. Every finding is noted and the reading
//! goes on.

use std::collections::BTreeMap;

use super::slot::Kind;
use super::urgent::{BadPattern, Pattern, Sets, Urgent, UrgentKind};
use super::words::Lexicon;
use crate::flow::{At, Fault, FaultKind, Faults, Fields, Place, Tree, Value, fields, nearest};
use crate::id::{IntentName, UrgentName};

/// Fewer examples than this teach nothing.
const FEWEST_EXAMPLES: usize = 10;
/// More of each would only make loading slow.
const MOST_EXAMPLES: usize = 1_000;
/// More services than a council has.
const MOST_INTENTS: usize = 200;
/// An example is something that is said in one breath.
const MOST_LETTERS: usize = 300;

/// A file by its name as shown, and its text.
#[derive(Debug, Clone, Copy)]
pub struct File<'f> {
    /// As shown to people.
    pub shown: &'f str,
    /// Its text.
    pub text: &'f str,
}

/// What a caller can want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its name.
    pub name: IntentName,
    /// How it is said: "a missed bin".
    pub says: String,
    /// What a caller may name with it.
    pub slots: Vec<Kind>,
    /// In callers' words.
    pub examples: Vec<String>,
    /// What may mean it or something else, which has the same: the caller is asked.
    pub perhaps: Vec<String>,
}

/// Everything that the files of a folder declare.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// In the order of files and within them.
    pub intents: Vec<Intent>,
    /// What callers say that is none of the council's business.
    pub out_of_scope: Vec<String>,
    /// Synonyms and fillers.
    pub lexicon: Lexicon,
    /// What cannot wait.
    pub urgent: Urgent,
    /// What sounds like it and can.
    pub not_urgent: Vec<String>,
}

/// Where something was declared first, as findings name it.
type Firsts = BTreeMap<String, String>;

/// Reads the files of intents; or all that is wrong with them, file by file.
pub fn read(files: &[File<'_>]) -> Result<Declared, Vec<Fault>> {
    let mut reader = Reader::default();
    let mut found = Vec::new();
    for file in files {
        match crate::flow::tree(file.shown, file.text) {
            Ok((tree, mut faults)) => {
                reader.file(file.shown, &tree, &mut faults);
                found.extend(faults.into_sorted());
            }
            Err(faults) => found.extend(faults),
        }
    }
    if found.is_empty() { Ok(reader.declared) } else { Err(found) }
}

#[derive(Default)]
struct Reader {
    declared: Declared,
    intents: Firsts,
    urgent: Firsts,
    /// Whose example a text is, and where.
    examples: BTreeMap<String, String>,
    /// Where a text is declared that may mean several intents, by intent.
    perhaps: BTreeMap<String, Firsts>,
}

const TOP: Place = Place { line: 1, column: 1, offset: 0, len: 0 };

impl Reader {
    fn file(&mut self, shown: &str, tree: &Tree, faults: &mut Faults) {
        if matches!(tree.value, Value::Nothing) {
            faults.note(FaultKind::Empty { field: "the file".to_owned() }, TOP);
            return;
        }
        let owner = "a file of intents".to_owned();
        let Some(top) = Fields::open(owner, "the file", TOP, tree, faults) else { return };
        let keys =
            ["intents", "synonyms", "fillers", "out_of_scope", "sets", "urgent", "not_urgent"];
        top.only(&keys, faults);
        if let Some(tree) = top.get("intents")
            && let Some(all) = open("`intents`", "intents", tree, faults)
        {
            for (name, tree) in all.iter() {
                self.intent(shown, name, tree, faults);
            }
        }
        if let Some(tree) = top.get("synonyms")
            && let Some(all) = open("`synonyms`", "synonyms", tree, faults)
        {
            for (group, tree) in all.iter() {
                let words = fields::words(&group.value, tree, faults).unwrap_or_default();
                let words = words.into_iter().map(|word| word.value);
                self.declared.lexicon.group(&group.value, words);
            }
        }
        for word in list(&top, "fillers", faults) {
            self.declared.lexicon.filler(&word.value);
        }
        for example in list(&top, "out_of_scope", faults) {
            if self.example("out_of_scope", shown, &example, faults) {
                self.declared.out_of_scope.push(example.value);
            }
        }
        self.urgent(shown, &top, faults);
        let calm = list(&top, "not_urgent", faults);
        self.declared.not_urgent.extend(calm.into_iter().map(|text| text.value));
    }

    fn intent(&mut self, shown: &str, name: &At<String>, tree: &Tree, faults: &mut Faults) {
        if !fields::is_name(&name.value) {
            faults.note(FaultKind::BadName { name: name.value.clone() }, name.place);
        }
        let here = format!("{shown}:{}", name.place.line);
        if let Some(first) = self.intents.insert(name.value.clone(), here) {
            let (what, name_) = ("intent", name.value.clone());
            faults.note(FaultKind::DeclaredTwice { what, name: name_, first }, name.place);
            return;
        }
        if self.intents.len() > MOST_INTENTS {
            let (what, count) = ("intents", self.intents.len());
            faults.note(FaultKind::TooMany { what, count, most: MOST_INTENTS }, name.place);
            return;
        }
        let owner = format!("`{}`", name.value);
        let Some(fields) = Fields::open(owner, &name.value, name.place, tree, faults) else {
            return;
        };
        fields.only(&["says", "slots", "examples", "perhaps"], faults);
        let says = fields.need("says", "says: a missed bin", faults);
        let says = says.and_then(|tree| fields::text("says", tree, faults));
        let slots = fields.get("slots").map(|tree| slots(tree, faults)).unwrap_or_default();
        let written = fields.need("examples", "examples:", faults);
        let written = written.and_then(|tree| fields::words("examples", tree, faults));
        let mut examples = Vec::new();
        let written_any = written.is_some();
        for example in written.unwrap_or_default() {
            if self.example(&name.value, shown, &example, faults) {
                examples.push(example.value);
            }
        }
        let mut perhaps = Vec::new();
        for text in list(&fields, "perhaps", faults) {
            if self.perhaps(&name.value, shown, &text, faults) {
                perhaps.push(text.value);
            }
        }
        if written_any && examples.len() < FEWEST_EXAMPLES {
            let (intent, count) = (name.value.clone(), examples.len());
            let least = FEWEST_EXAMPLES;
            faults.note(FaultKind::FewExamples { intent, count, least }, name.place);
        }
        if examples.len() > MOST_EXAMPLES {
            let (what, count) = ("examples", examples.len());
            faults.note(FaultKind::TooMany { what, count, most: MOST_EXAMPLES }, name.place);
        }
        if let Some(says) = says {
            let name = IntentName::from(name.value.as_str());
            let says = says.value;
            self.declared.intents.push(Intent { name, says, slots, examples, perhaps });
        }
    }

    /// Urgent phrases, and the sets that they are made of: sets are the file's own.
    fn urgent(&mut self, shown: &str, top: &Fields<'_>, faults: &mut Faults) {
        let mut sets = Sets::new();
        if let Some(tree) = top.get("sets")
            && let Some(all) = open("`sets`", "sets", tree, faults)
        {
            for (name, tree) in all.iter() {
                let phrases = fields::words(&name.value, tree, faults).unwrap_or_default();
                let phrases = phrases.into_iter().map(|phrase| phrase.value).collect();
                sets.insert(name.value.clone(), phrases);
            }
        }
        if let Some(tree) = top.get("urgent")
            && let Some(all) = open("`urgent`", "urgent", tree, faults)
        {
            for (name, tree) in all.iter() {
                let here = format!("{shown}:{}", name.place.line);
                if let Some(first) = self.urgent.insert(name.value.clone(), here) {
                    let (what, name_) = ("urgent kind", name.value.clone());
                    faults.note(FaultKind::DeclaredTwice { what, name: name_, first }, name.place);
                }
                self.declared.urgent.kinds.extend(urgent_kind(name, tree, &sets, faults));
            }
        }
    }

    /// Notes what is wrong with an example; false if it is not to be learned from.
    fn example(&mut self, of: &str, shown: &str, text: &At<String>, faults: &mut Faults) -> bool {
        let Some(words) = said(text, faults) else { return false };
        let here = format!("`{of}` ({shown}:{})", text.place.line);
        let perhaps = self.perhaps.get(&words).and_then(|all| all.values().next()).cloned();
        match self.examples.insert(words, here).or(perhaps) {
            Some(first) => twice(text, first, faults),
            None => true,
        }
    }

    /// The same of what may mean this intent or another.
    fn perhaps(&mut self, of: &str, shown: &str, text: &At<String>, faults: &mut Faults) -> bool {
        let Some(words) = said(text, faults) else { return false };
        if let Some(first) = self.examples.get(&words) {
            return twice(text, first.clone(), faults);
        }
        let here = format!("`{of}` ({shown}:{})", text.place.line);
        match self.perhaps.entry(words).or_default().insert(of.to_owned(), here) {
            Some(first) => twice(text, first, faults),
            None => true,
        }
    }
}

/// The words of an example; none if it is not to be learned from, which is noted.
fn said(text: &At<String>, faults: &mut Faults) -> Option<String> {
    let letters = text.value.chars().count();
    if letters > MOST_LETTERS {
        faults.note(FaultKind::TextTooLong { letters, most: MOST_LETTERS }, text.place);
        return None;
    }
    let words: Vec<String> =
        Lexicon::default().heard(&text.value).into_iter().map(|heard| heard.word).collect();
    if words.is_empty() {
        faults.note(FaultKind::Empty { field: "an example".to_owned() }, text.place);
        return None;
    }
    Some(words.join(" "))
}

fn twice(text: &At<String>, first: String, faults: &mut Faults) -> bool {
    faults.note(FaultKind::SameExample { text: text.value.clone(), first }, text.place);
    false
}

fn open<'t>(owner: &str, field: &str, tree: &'t Tree, faults: &mut Faults) -> Option<Fields<'t>> {
    Fields::open(owner.to_owned(), field, tree.place, tree, faults)
}

fn list(fields: &Fields<'_>, field: &str, faults: &mut Faults) -> Vec<At<String>> {
    let tree = fields.get(field);
    tree.and_then(|tree| fields::words(field, tree, faults)).unwrap_or_default()
}

fn slots(tree: &Tree, faults: &mut Faults) -> Vec<Kind> {
    let words = fields::words("slots", tree, faults).unwrap_or_default();
    let mut found = Vec::new();
    for word in words {
        match Kind::ALL.iter().find(|(name, _)| *name == word.value) {
            Some((_, kind)) => found.push(*kind),
            None => {
                let allowed = Kind::ALL.iter().map(|(name, _)| *name).collect();
                let (field, value) = ("slots".to_owned(), word.value);
                faults.note(FaultKind::BadChoice { field, value, allowed }, word.place);
            }
        }
    }
    found
}

fn urgent_kind(
    name: &At<String>,
    tree: &Tree,
    sets: &Sets,
    faults: &mut Faults,
) -> Option<UrgentKind> {
    if !fields::is_name(&name.value) {
        faults.note(FaultKind::BadName { name: name.value.clone() }, name.place);
    }
    let owner = format!("`{}`", name.value);
    let fields = Fields::open(owner, &name.value, name.place, tree, faults)?;
    fields.only(&["says", "any", "unless", "examples"], faults);
    let says = fields.need("says", "says: a smell of gas", faults);
    let says = says.and_then(|tree| fields::text("says", tree, faults));
    fields.need("any", "any:", faults)?;
    let any = patterns(list(&fields, "any", faults), sets, faults);
    let unless = patterns(list(&fields, "unless", faults), sets, faults);
    let examples = list(&fields, "examples", faults);
    let examples = examples.into_iter().map(|text| text.value).collect();
    let name = UrgentName::from(name.value.as_str());
    Some(UrgentKind { name, says: says?.value, any, unless, examples })
}

fn patterns(written: Vec<At<String>>, sets: &Sets, faults: &mut Faults) -> Vec<Pattern> {
    let mut read = Vec::new();
    for text in written {
        match Pattern::read(&text.value, sets) {
            Ok(pattern) => read.push(pattern),
            Err(BadPattern::Empty) => {
                faults.note(FaultKind::EmptyPattern { pattern: text.value }, text.place);
            }
            Err(BadPattern::UnknownSet(name)) => {
                let meant = nearest(&name, sets.keys().map(String::as_str)).map(str::to_owned);
                faults.note(FaultKind::UnknownSet { name, meant }, text.place);
            }
        }
    }
    read
}
