//! CloudFormation's functions: `Ref`, `Fn::Sub`, `Fn::If` and their like.

use std::{cell::RefCell, collections::BTreeMap};

use serde_json::{Map, Value};

use super::names;

/// What expressions can name.
pub(super) struct Scope<'a> {
    /// Values of the parameters: text, or a list for list types.
    pub(super) parameters: BTreeMap<String, Value>,
    /// The `Conditions` section.
    pub(super) conditions: &'a Map<String, Value>,
    /// The `Mappings` section.
    pub(super) mappings: &'a Value,
    /// The `Resources` section.
    pub(super) resources: &'a Map<String, Value>,
    /// Conditions being evaluated, to see circles.
    pub(super) evaluating: RefCell<Vec<String>>,
}

type Resolved<T> = Result<T, String>;

impl Scope<'_> {
    /// Replaces every function in `value` by its result. `AWS::NoValue`
    /// removes the property or list item that holds it.
    ///
    /// # Errors
    /// A sentence that begins with `place`, extended to where the fault is.
    pub(super) fn resolve(&self, value: &Value, place: &str) -> Resolved<Value> {
        Ok(self.value(value, place)?.unwrap_or(Value::Null))
    }

    fn value(&self, value: &Value, place: &str) -> Resolved<Option<Value>> {
        match value {
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    out.extend(self.value(item, &format!("{place}[{index}]"))?);
                }
                Ok(Some(Value::Array(out)))
            }
            Value::Object(entries) => {
                if let Some((function, argument)) = call(entries) {
                    return self.call(function, argument, place);
                }
                let mut out = Map::new();
                for (key, item) in entries {
                    if let Some(item) = self.value(item, &format!("{place}.{key}"))? {
                        out.insert(key.clone(), item);
                    }
                }
                Ok(Some(Value::Object(out)))
            }
            plain => Ok(Some(plain.clone())),
        }
    }

    fn call(&self, function: &str, argument: &Value, place: &str) -> Resolved<Option<Value>> {
        let short = function.trim_start_matches("Fn::");
        let here = format!("{place}: !{short}");
        let list = |count: usize| match argument {
            Value::Array(items) if items.len() == count => Ok(items.as_slice()),
            _ => Err(format!("{here} takes a list of {count}")),
        };
        let result = match function {
            "Ref" => return self.reference(&text(argument, &here)?, &here),
            "Fn::GetAtt" => {
                let (id, attribute) = match list(2)? {
                    [id, attribute] => (text(id, &here)?, text(attribute, &here)?),
                    _ => return Err(format!("{here} takes a resource and an attribute")),
                };
                Value::String(self.attribute(&id, &attribute, &here)?)
            }
            "Fn::Sub" => Value::String(self.substitute(argument, place)?),
            "Fn::If" => {
                let [condition, yes, no] = list(3)? else {
                    return Err(format!("{here} takes a list of 3"));
                };
                let chosen = if self.condition(&text(condition, &here)?, &here)? { yes } else { no };
                return self.value(chosen, place);
            }
            "Fn::Join" => {
                let [between, items] = list(2)? else {
                    return Err(format!("{here} takes a list of 2"));
                };
                let items = self.texts(items, &here)?;
                Value::String(items.join(&text(between, &here)?))
            }
            "Fn::Split" => {
                let [at, whole] = list(2)? else {
                    return Err(format!("{here} takes a list of 2"));
                };
                let whole = text(&self.resolve(whole, place)?, &here)?;
                whole.split(&text(at, &here)?).map(Value::from).collect()
            }
            "Fn::Select" => {
                let [index, items] = list(2)? else {
                    return Err(format!("{here} takes a list of 2"));
                };
                let index: usize = text(&self.resolve(index, place)?, &here)?
                    .parse()
                    .map_err(|_| format!("{here} takes a number first"))?;
                let items = self.texts(items, &here)?;
                let item = items.get(index).ok_or_else(|| format!("{here}: the list has no item {index}"))?;
                Value::String(item.clone())
            }
            "Fn::FindInMap" => {
                let [map, top, second] = list(3)? else {
                    return Err(format!("{here} takes a list of 3"));
                };
                let mut found = self.mappings;
                for key in [map, top, second] {
                    let key = text(&self.resolve(key, place)?, &here)?;
                    found = found.get(&key).ok_or_else(|| format!("{here}: there is no {key} in Mappings"))?;
                }
                found.clone()
            }
            "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" | "Condition" => {
                Value::Bool(self.test(function, argument, place)?)
            }
            _ => return Err(format!("{here} is not known to the local stack")),
        };
        Ok(Some(result))
    }

    fn reference(&self, name: &str, here: &str) -> Resolved<Option<Value>> {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(Some(value.clone()));
        }
        if let Some(value) = names::pseudo(name) {
            return Ok(Some(Value::from(value)));
        }
        if self.resources.contains_key(name) {
            return Ok(Some(Value::String(names::reference(name))));
        }
        Err(format!("{here} {name}: there is no such parameter or resource"))
    }

    fn attribute(&self, id: &str, attribute: &str, here: &str) -> Resolved<String> {
        let resource =
            self.resources.get(id).ok_or_else(|| format!("{here} {id}.{attribute}: there is no such resource"))?;
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        names::attribute(id, kind, attribute)
            .ok_or_else(|| format!("{here} {id}.{attribute}: {kind} has no such attribute"))
    }

    fn substitute(&self, argument: &Value, place: &str) -> Resolved<String> {
        let here = format!("{place}: !Sub");
        let none = Map::new();
        let (pattern, variables) = match argument {
            Value::String(pattern) => (pattern, &none),
            Value::Array(items) => match items.as_slice() {
                [Value::String(pattern), Value::Object(variables)] => (pattern, variables),
                _ => return Err(format!("{here} takes a text and a mapping")),
            },
            _ => return Err(format!("{here} takes a text")),
        };
        let mut out = String::new();
        let mut rest = pattern.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, tail) = after.split_once('}').ok_or_else(|| format!("{here}: a ${{ is not closed"))?;
            rest = tail;
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
            } else if let Some(variable) = variables.get(name) {
                out.push_str(&text(&self.resolve(variable, place)?, &here)?);
            } else if let Some((id, attribute)) = name.split_once('.') {
                out.push_str(&self.attribute(id, attribute, &here)?);
            } else {
                let value = self.reference(name, &here)?.unwrap_or_default();
                out.push_str(&text(&value, &format!("{here} {name}"))?);
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Whether a condition of the template holds.
    pub(super) fn condition(&self, name: &str, here: &str) -> Resolved<bool> {
        let body = self.conditions.get(name).ok_or_else(|| format!("{here}: there is no condition {name}"))?;
        if self.evaluating.borrow().iter().any(|other| other == name) {
            return Err(format!("Conditions.{name} depends on itself"));
        }
        self.evaluating.borrow_mut().push(name.to_owned());
        let result = self.boolean(body, &format!("Conditions.{name}"));
        self.evaluating.borrow_mut().pop();
        result
    }

    fn boolean(&self, value: &Value, place: &str) -> Resolved<bool> {
        let resolved = self.resolve(value, place)?;
        match resolved {
            Value::Bool(truth) => Ok(truth),
            _ => Err(format!("{place} is no condition")),
        }
    }

    fn test(&self, function: &str, argument: &Value, place: &str) -> Resolved<bool> {
        match (function, argument) {
            ("Condition", Value::String(name)) => self.condition(name, place),
            ("Fn::Equals", Value::Array(items)) => match items.as_slice() {
                [a, b] => {
                    let (a, b) = (self.resolve(a, place)?, self.resolve(b, place)?);
                    Ok(text(&a, place)? == text(&b, place)?)
                }
                _ => Err(format!("{place}: !Equals takes a list of 2")),
            },
            ("Fn::Not", Value::Array(items)) => match items.as_slice() {
                [one] => Ok(!self.boolean(one, place)?),
                _ => Err(format!("{place}: !Not takes a list of 1")),
            },
            ("Fn::And", Value::Array(items)) => {
                items.iter().try_fold(true, |all, item| Ok(self.boolean(item, place)? && all))
            }
            ("Fn::Or", Value::Array(items)) => {
                items.iter().try_fold(false, |any, item| Ok(self.boolean(item, place)? || any))
            }
            _ => Err(format!("{place}: {function} takes a list")),
        }
    }

    fn texts(&self, value: &Value, here: &str) -> Resolved<Vec<String>> {
        match self.resolve(value, here)? {
            Value::Array(items) => items.iter().map(|item| text(item, here)).collect(),
            _ => Err(format!("{here} takes a list")),
        }
    }
}

/// A mapping with one key that is a function's name.
fn call(entries: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut pairs = entries.iter();
    match (pairs.next(), pairs.next()) {
        (Some((name, argument)), None)
            if name == "Ref" || name.starts_with("Fn::") || (name == "Condition" && argument.is_string()) =>
        {
            Some((name, argument))
        }
        _ => None,
    }
}

/// Scalars as CloudFormation writes them out.
pub(super) fn text(value: &Value, place: &str) -> Resolved<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => Err(format!("{place}: a text was expected")),
    }
}
