//! What would be right instead of what is wrong.

use super::{FaultKind, RENDER_COMMAND};

impl FaultKind {
    /// Whether the flow runs nevertheless.
    pub fn is_warning(&self) -> bool {
        if let FaultKind::Slip(slip) = self {
            return slip.is_warning();
        }
        matches!(
            self,
            FaultKind::ManyChoices { .. }
                | FaultKind::KeyFirst { .. }
                | FaultKind::DeepMenu { .. }
                | FaultKind::NoPerson
                | FaultKind::NoWayOut
        )
    }

    /// What would be right.
    pub(super) fn advice(&self) -> String {
        match self {
            FaultKind::NotYaml { right: Some(right), .. } => (*right).to_owned(),
            FaultKind::NotYaml { right: None, .. } => "check the indentation and the colons; put text that has \
                a `: ` or a ` #` in it into \"quotes\", and the keys \"*\" and \"#\" likewise"
                .to_owned(),
            FaultKind::WrongKind { expected, .. } => format!("write {expected}"),
            FaultKind::UnknownField { meant, allowed, .. } => {
                did_you_mean(meant, &format!("what it can have: {}", list(allowed)))
            }
            FaultKind::DuplicateField { first_line, .. } => {
                format!("remove one of the two; the first is in line {first_line}")
            }
            FaultKind::MissingField { example, .. } => format!("add `{example}`"),
            FaultKind::NoKind { meant, kinds, .. } => {
                did_you_mean(meant, &format!("begin it with one of: {}", list(kinds)))
            }
            FaultKind::TwoKinds { first, second, .. } => {
                format!("make two nodes of it, one with `{first}:` and one with `{second}:`")
            }
            FaultKind::BadName { .. } => "a name has small letters (a to z), digits and hyphens, \
                begins with a letter and has at most 48 of them, as in `council-tax`"
                .to_owned(),
            FaultKind::MissingStart { first } => {
                let first = first.as_deref().unwrap_or("welcome");
                format!("add a line `start: {first}` with the name of the first node")
            }
            FaultKind::UnknownNode { name, meant } => {
                did_you_mean(meant, &format!("add a node `{name}:` below `nodes:`"))
            }
            FaultKind::UnknownName { what, meant, known, .. } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let rest = match known.as_slice() {
                    [] => format!("{} have no {what} at all", what.declared_in()),
                    some => format!("{} have: {}", what.declared_in(), list(some)),
                };
                did_you_mean(meant, &rest)
            }
            FaultKind::NobodyListens { queue } => {
                format!("give an agent the skills of `{queue}`, or take messages for another queue")
            }
            FaultKind::NoWayOut => "add a [trunk.NAME] to the settings (docs/trunks.md); until then \
                callers hear `not_now` or go to `otherwise`"
                .to_owned(),
            FaultKind::NoSuchKey { key, keys } => {
                format!("add `{key}` to `keys:`, or write one of: {}", keys.join(", "))
            }
            FaultKind::SkillTwice { .. } => "keep one of the two, with the level that is needed".to_owned(),
            FaultKind::Unreachable { node } => {
                format!("let another node lead to `{node}`, or remove it")
            }
            FaultKind::DeadEnd { .. } => {
                "add `then:` with the name of the next node; a node with `hang_up: completed` ends \
                 the call"
                    .to_owned()
            }
            FaultKind::Loop { .. } => {
                "let one of these nodes lead somewhere else, in the end to a node with `hang_up:`; \
                 a menu's `keys:` may lead back, its `otherwise:` may not"
                    .to_owned()
            }
            FaultKind::BadKey { .. } => {
                "use 0 to 9, or \"*\" or \"#\" in quotes; one key for each choice".to_owned()
            }
            FaultKind::OutOfRange { field, least, most, .. } => {
                format!("`{field}` can be {least} to {most}")
            }
            FaultKind::BadChoice { allowed, .. } => format!("write one of: {}", list(allowed)),
            FaultKind::Empty { field } => format!("write something after `{field}:`"),
            FaultKind::TextTooLong { .. } => {
                "nobody remembers that much: say less, or make two nodes of it".to_owned()
            }
            FaultKind::SamePrompt { .. } => "give this node another name".to_owned(),
            FaultKind::BadValueName { .. } => "a value's name has small letters (a to z), digits and \
                underscores, begins with a letter, and is no word of conditions such as `and` or \
                `not`, as in `house_number`"
                .to_owned(),
            FaultKind::BadLanguage { .. } => "write it as in `cy` or `en-GB`; a text in several \
                languages is `say: {en: Welcome., cy: Croeso.}`, the council's own first"
                .to_owned(),
            FaultKind::NothingInLanguage { language } => {
                format!("write texts in it, as in `say: {{en: Welcome., {language}: ...}}`")
            }
            FaultKind::BadBrace => "a value stands in a pair of braces, as in \
                `Your balance is {balance}.`; no other braces can be in a text"
                .to_owned(),
            FaultKind::BadExpression { .. } => "write it as in `balance > 100 and not paid`; words \
                stand in quotes, as in `service == 'waste'`"
                .to_owned(),
            FaultKind::BadLevel { .. } => {
                "write the skill, or the skill and the least level, as in `welsh` or `welsh:3`"
                    .to_owned()
            }
            FaultKind::BadLength { least, most } => {
                format!("write a number, or two as in `6 to 10`, from {least} to {most}")
            }
            FaultKind::BadStatus { .. } => {
                "use a status from 200 to 599, as in `404: unknown-account`".to_owned()
            }
            FaultKind::UnknownValue { name, meant } => {
                did_you_mean(meant, &format!("`collect`, `set`, `with` or `answer` can say what `{name}` is"))
            }
            FaultKind::NotSpeakable { name } => format!(
                "if it has letters and digits only, say how: `{{{name} as reference}}`"
            ),
            FaultKind::KindsDiffer { .. } => "give one of the two another name".to_owned(),
            FaultKind::SecretSpoken => "leave out `confirm`, or `secret`".to_owned(),
            FaultKind::SecretSeen { .. } => {
                "write it in the `body:` of a `request` and nowhere else".to_owned()
            }
            FaultKind::UnknownFlow { name, meant } => {
                did_you_mean(meant, &format!("a flow `{name}` is a file `{name}.yaml`"))
            }
            FaultKind::FlowLoop { .. } => {
                "let the last one `return:` instead of leading back".to_owned()
            }
            FaultKind::MissingReturn { word, .. } => {
                format!("add `{word}:` with the name of a node below `returns:`")
            }
            FaultKind::UnknownReturn { known, .. } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                match known.as_slice() {
                    [] => "it has no `return:` at all".to_owned(),
                    some => format!("it comes back with: {}", list(some)),
                }
            }
            FaultKind::NotTold { value, .. } => {
                format!("add `{value}:` with what it is below `with:`")
            }
            FaultKind::TemplateNeeds { field, .. } => {
                format!("add `{field}:` with what it says below `with:`")
            }
            FaultKind::TemplateHasNot { known, .. } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                match known.as_slice() {
                    [] => "it says the same to everybody: leave `with` out".to_owned(),
                    some => format!("it has: {}", list(some)),
                }
            }
            FaultKind::NoDestination { .. } => {
                "write an adviser's name or extension, or a telephone number; queues and numbers of ours \
                 have nodes of their own: `queue`, `flow`"
                    .to_owned()
            }
            FaultKind::Emergency { to } => format!(
                "tell callers to hang up and to dial {to} themselves: it must see their number, and \
                 where they are"
            ),
            FaultKind::MayNotRing { to } => format!(
                "add the number below the flow's name in the settings, as in \
                 `[outbound.flow.main]` with `may_call = [\"{to}\"]`; see docs/trunks.md"
            ),
            FaultKind::ManyChoices { .. } => {
                "keep the four that are asked for most, and let one lead to a menu of the others, or \
                 `otherwise` to a person"
                    .to_owned()
            }
            FaultKind::KeyFirst { .. } => "say the choice first, as in `For housing, press 3`: \
                callers who listen for their business then know that the next word is their key"
                .to_owned(),
            FaultKind::DeepMenu { .. } => {
                "let a menu further up lead here, or put the caller through to a person".to_owned()
            }
            FaultKind::NoPerson => {
                "let `otherwise` lead to a `queue`, or through a `say` to one: some callers cannot \
                 press keys"
                    .to_owned()
            }
            FaultKind::DeclaredTwice { first, .. } => {
                format!("remove one of the two, or rename it; the first is in {first}")
            }
            FaultKind::TooMany { .. } => {
                "remove some; most work is done by the first fifty".to_owned()
            }
            FaultKind::FewExamples { .. } => {
                "add what callers say, each in other words; thirty to \
                sixty make it reliable"
                    .to_owned()
            }
            FaultKind::SameExample { first, .. } => {
                format!("keep it where it belongs; the first is an example of {first}")
            }
            FaultKind::EmptyPattern { .. } => {
                "write words, as in `smell* gas` or `no heating + baby`; \
                ` + ` joins parts, `|` stands between words of which any will do"
                    .to_owned()
            }
            FaultKind::UnknownSet { name, meant } => {
                did_you_mean(meant, &format!("declare `{name}:` below `sets:`"))
            }
            FaultKind::BadMoment { .. } => "write it as in `2026-11-26 10:00`".to_owned(),
            FaultKind::TestFailed { .. } => {
                "change the flow, or the test if the flow is right".to_owned()
            }
            FaultKind::PromptMissing { .. } | FaultKind::PromptStale { .. } => {
                format!("run `{RENDER_COMMAND}`")
            }
            FaultKind::Slip(slip) => slip.advice(),
        }
    }
}

pub(super) fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

fn did_you_mean(meant: &Option<String>, otherwise: &str) -> String {
    match meant {
        Some(meant) => format!("did you mean `{meant}`? ({otherwise})"),
        None => otherwise.to_owned(),
    }
}
