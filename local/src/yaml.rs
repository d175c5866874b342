//! YAML to JSON, with CloudFormation's short tags (`!Ref X`) written out as
//! its long form (`{"Ref": "X"}`), and with merge keys (`<<`) merged, so that
//! only one form is left to read.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use serde_json::{Map, Value, json};

/// The key of a mapping whose entries are added to those beside it.
const MERGE: &str = "<<";

/// Reads one YAML document.
///
/// # Errors
/// A sentence with the line, for what is no YAML or not one document.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader { parser: Parser::new_from_str(text), line: 0, anchors: HashMap::new() };
    reader.document().map_err(|problem| match reader.line {
        0 => problem,
        line => format!("line {line}: {problem}"),
    })
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    line: usize,
    anchors: HashMap<usize, Value>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        match self.parser.next() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                Ok(event)
            }
            Some(Err(error)) => {
                self.line = error.marker().line();
                Err(error.info().to_owned())
            }
            None => Err("the document ends too early".to_owned()),
        }
    }

    fn document(&mut self) -> Result<Value, String> {
        loop {
            match self.next()? {
                Event::StreamStart | Event::DocumentStart(_) => {}
                Event::StreamEnd => return Err("the document is empty".to_owned()),
                event => return self.node(event),
            }
        }
    }

    fn node(&mut self, event: Event<'a>) -> Result<Value, String> {
        let (value, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let as_text = style != ScalarStyle::Plain || tag.is_some();
                let value = if as_text { Value::String(text.into_owned()) } else { plain(&text) };
                (value, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => (self.sequence()?, anchor, tag),
            Event::MappingStart(anchor, tag) => (self.mapping()?, anchor, tag),
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned();
                return value.ok_or_else(|| "an alias of a node that is not complete".to_owned());
            }
            _ => return Err("a node was expected".to_owned()),
        };
        let value = match tag {
            Some(tag) => long_form(&tag, value)?,
            None => value,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn sequence(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::Array(items)),
                event => items.push(self.node(event)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value, String> {
        let mut entries = Map::new();
        let mut merged = Map::new();
        loop {
            let (key, style) = match self.next()? {
                Event::MappingEnd => break,
                Event::Scalar(text, style, ..) => (text.into_owned(), style),
                _ => return Err("a mapping has a key that is no text".to_owned()),
            };
            let event = self.next()?;
            let value = self.node(event)?;
            if key == MERGE && style == ScalarStyle::Plain {
                match value {
                    Value::Object(value) if merged.is_empty() => merged = value,
                    _ => return Err("a merge key takes one mapping, once".to_owned()),
                }
            } else if entries.insert(key.clone(), value).is_some() {
                return Err(format!("{key} stands twice in one mapping"));
            }
        }
        for (key, value) in merged {
            // What the mapping says itself wins.
            entries.entry(key).or_insert(value);
        }
        Ok(Value::Object(entries))
    }
}

/// Types of plain scalars as far as templates need them. What does not read
/// back as the same text stays text: a version `1.10` is no number.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => json!(number),
            _ => Value::String(text.to_owned()),
        },
    }
}

fn long_form(tag: &Tag, value: Value) -> Result<Value, String> {
    if tag.is_yaml_core_schema() {
        return Ok(match (tag.suffix.as_str(), &value) {
            ("int" | "bool" | "null" | "float", Value::String(text)) => plain(text),
            _ => value,
        });
    }
    if tag.handle != "!" {
        return Err(format!("the tag {tag} is not known"));
    }
    let (name, value) = match (tag.suffix.as_str(), value) {
        (name @ ("Ref" | "Condition"), value) => (name.to_owned(), value),
        ("GetAtt", Value::String(text)) => {
            let (resource, attribute) =
                text.split_once('.').ok_or_else(|| format!("!GetAtt {text} names no attribute"))?;
            ("Fn::GetAtt".to_owned(), json!([resource, attribute]))
        }
        (name, value) => (format!("Fn::{name}"), value),
    };
    Ok(json!({ name: value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_long_forms() {
        let value = parse("a: !Ref X\nb: !GetAtt T.Arn\nc: !Join [',', !Ref L]\nd: !Sub '${X}'").unwrap();
        assert_eq!(
            value,
            json!({
                "a": {"Ref": "X"},
                "b": {"Fn::GetAtt": ["T", "Arn"]},
                "c": {"Fn::Join": [",", {"Ref": "L"}]},
                "d": {"Fn::Sub": "${X}"},
            })
        );
    }

    #[test]
    fn plain_scalars_have_types_and_quoted_ones_are_text() {
        let value = parse("[1, '1', true, \"true\", ~, 1.10, 007, 2012-10-17, arn:a:b]").unwrap();
        assert_eq!(value, json!([1, "1", true, "true", null, "1.10", "007", "2012-10-17", "arn:a:b"]));
    }

    #[test]
    fn anchors_are_copied() {
        assert_eq!(parse("a: &x [1]\nb: *x").unwrap(), json!({"a": [1], "b": [1]}));
    }

    #[test]
    fn merged_entries_give_way_to_those_beside_them() {
        let value = parse("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {y: 3, <<: *a}\nd: {'<<': *a}").unwrap();
        let merged = json!({"x": 1, "y": 3});
        assert_eq!((&value["b"], &value["c"]), (&merged, &merged));
        assert_eq!(value["d"], json!({"<<": {"x": 1, "y": 2}}));
        assert_eq!(parse("{<<: [{}]}").unwrap_err(), "line 1: a merge key takes one mapping, once");
    }

    #[test]
    fn faults_name_the_line() {
        assert_eq!(parse("a: 1\na: 2").unwrap_err(), "line 2: a stands twice in one mapping");
        assert!(parse("a: [1\nb: 2").unwrap_err().starts_with("line "));
        assert_eq!(parse("").unwrap_err(), "line 1: the document is empty");
    }
}
