//! The JSON Schema of a flow's file, for editors: completion, hover and red lines while writing.

use serde_json::{Map, Value, json};

use super::load::{Field, KINDS, Kind, MEANWHILE, NO_INPUT_SECONDS, Shape};
use super::rehearsal::{script, step};
use super::value;

/// The schema (draft 2020-12), made from the table that the reader follows.
pub fn schema() -> Value {
    let kinds: Vec<&str> = value::Kind::WORDS.iter().map(|(word, _)| *word).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A flow of switchboard",
        "description": "What callers hear and press. Described in docs/flows.md.",
        "type": "object",
        "required": ["start", "nodes"],
        "additionalProperties": false,
        "properties": {
            "start": node("the node where a call begins"),
            "relay_start": node("the node where callers begin who use a text relay service"),
            "adviser": node("the node for callers who ask for a person: by 0 where it has no other use, or by word"),
            "urgent": node("the node for callers who say something that cannot wait; `adviser` if left out"),
            "takes": {
                "description": "what the flow is told by those that lead to it",
                "type": "object",
                "additionalProperties": {"enum": kinds},
            },
            "nodes": {
                "description": "the nodes by name",
                "type": "object",
                "propertyNames": {"pattern": "^[a-z][a-z0-9-]{0,47}$"},
                "additionalProperties": {"anyOf": KINDS.iter().map(kind).collect::<Vec<_>>()},
            },
            "tests": {
                "description": "callers, and what must become of them",
                "type": "array",
                "items": test(),
            },
        },
    })
}

/// A test: the call, what is made up for it, and its steps.
fn test() -> Value {
    let made_up = script::FIELDS.iter().map(|(name, about)| {
        let about = json!({"description": about});
        ((*name).to_owned(), if *name == "steps" { steps(about) } else { about })
    });
    json!({
        "type": "object",
        "required": ["name", "steps"],
        "additionalProperties": false,
        "properties": made_up.collect::<Map<_, _>>(),
    })
}

fn steps(mut about: Value) -> Value {
    let one = |step: &step::StepWord| {
        let mut properties = Map::new();
        properties.insert(step.word.to_owned(), json!({"description": step.about}));
        properties.extend(step.beside.iter().map(|name| ((*name).to_owned(), json!({}))));
        json!({
            "type": "object",
            "required": [step.word],
            "additionalProperties": false,
            "properties": properties,
        })
    };
    about["type"] = "array".into();
    about["minItems"] = 1.into();
    about["items"] = json!({"anyOf": step::STEPS.iter().map(one).collect::<Vec<_>>()});
    about
}

fn kind(kind: &Kind) -> Value {
    let properties: Map<String, Value> =
        kind.fields.iter().map(|field| (field.name.to_owned(), property(field))).collect();
    let needed: Vec<&str> =
        kind.fields.iter().filter(|field| field.needed).map(|field| field.name).collect();
    json!({
        "title": kind.word,
        "description": kind.about,
        "type": "object",
        "required": needed,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(field: &Field) -> Value {
    let mut property = shape(field.shape);
    if let Some(property) = property.as_object_mut() {
        property.insert("description".to_owned(), field.about.into());
    }
    property
}

fn node(about: &str) -> Value {
    json!({"type": "string", "description": about})
}

fn shape(shape: Shape) -> Value {
    let text = || json!({"type": "string"});
    let by_name = |of: Value| json!({"type": "object", "additionalProperties": of});
    match shape {
        Shape::Words => json!({"anyOf": [text(), by_name(text())]}),
        Shape::Node | Shape::Name | Shape::Template => text(),
        Shape::Names => json!({"anyOf": [text(), {"type": "array", "items": text()}]}),
        Shape::Truth => json!({"type": "boolean"}),
        Shape::Whole(default, least, most) => {
            json!({"type": "integer", "minimum": least, "maximum": most, "default": default})
        }
        Shape::OneOf(words) => json!({"enum": words()}),
        Shape::Key => {
            json!({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"enum": ["*", "#"]}]})
        }
        Shape::Keys => json!({
            "type": "object",
            "propertyNames": {"pattern": "^[0-9*#]$"},
            "additionalProperties": text(),
        }),
        Shape::Phrases => json!({
            "type": "object",
            "propertyNames": {"pattern": "^[0-9*#]$"},
            "additionalProperties": self::shape(Shape::Names),
        }),
        Shape::Lengths => {
            json!({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9]+ to [0-9]+$"}]})
        }
        Shape::Ways | Shape::Facts => by_name(text()),
        Shape::Again { timed } => {
            let mut properties = json!({"say": text()});
            if let (true, Some(properties)) = (timed, properties.as_object_mut()) {
                properties.insert("after_s".to_owned(), self::shape(NO_INPUT_SECONDS));
            }
            json!({"type": "object", "additionalProperties": false, "properties": properties})
        }
        Shape::Meanwhile => {
            let all = MEANWHILE.iter().map(|field| (field.name.to_owned(), property(field)));
            let properties: serde_json::Map<String, Value> = all.collect();
            json!({"type": "object", "additionalProperties": false, "properties": properties})
        }
        // A number alone is an expression too.
        Shape::Expression => json!({"type": ["string", "integer"]}),
        Shape::Values => by_name(json!({"type": ["string", "integer"]})),
        Shape::Json => json!({}),
        Shape::Answer => {
            let kinds: Vec<&str> = value::Kind::WORDS.iter().map(|(word, _)| *word).collect();
            by_name(json!({
                "anyOf": [
                    {"enum": kinds},
                    {
                        "type": "object",
                        "required": ["kind"],
                        "additionalProperties": false,
                        "properties": {
                            "from": text(),
                            "kind": {"enum": kinds},
                            "optional": {"type": "boolean"},
                        },
                    },
                ],
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_every_kind_and_field() {
        let schema = schema();
        let nodes = &schema["properties"]["nodes"]["additionalProperties"]["anyOf"];
        let nodes = nodes.as_array().expect("a list");
        assert_eq!(nodes.len(), KINDS.len());
        for (node, kind) in nodes.iter().zip(KINDS) {
            assert_eq!(node["title"], kind.word);
            assert_eq!(kind.fields.first().map(|field| field.name), Some(kind.word));
            for field in kind.fields {
                assert_eq!(node["properties"][field.name]["description"], field.about);
            }
        }
    }

    #[test]
    fn editors_get_the_schema_as_it_is() {
        let kept = include_str!("../../ivr-flows/schema.json");
        let kept: Value = serde_json::from_str(kept).expect("JSON");
        assert_eq!(kept, schema(), "run `switchboard flow schema > ivr-flows/schema.json`");
    }
}
