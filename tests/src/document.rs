//! The API's document, `infra/openapi.yaml`, and whether an answer is in it.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use jsonschema::Validator;
use local::{Exchange, build::workspace_root, yaml};
use serde_json::{Map, Value, json};
use shared::config::BASE_PATH;
use url::form_urlencoded;

/// Headers that mean something to a client: an answer has none of them that the
/// document does not name.
const MEANINGFUL: [&str; 7] = [
    "content-security-policy",
    "location",
    "retry-after",
    "set-auth-jwt",
    "set-auth-token",
    "set-cookie",
    "x-retry-after",
];

/// The document, with every reference replaced by what it refers to.
pub struct Document {
    json: Value,
    /// By operation, status, and `body` or the name of a header.
    validators: Mutex<HashMap<[String; 3], Arc<Validator>>>,
}

impl Document {
    /// The document as it lies in the repository, read once.
    pub fn shared() -> &'static Self {
        static DOCUMENT: OnceLock<Document> = OnceLock::new();
        DOCUMENT.get_or_init(|| {
            let path = workspace_root().join("infra/openapi.yaml");
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let root = yaml::parse(&text).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
            Self { json: resolved(&root, &root), validators: Mutex::default() }
        })
    }

    /// The whole of it.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Checks an answer of the gateway.
    ///
    /// # Errors
    /// What the answer has that the document does not, or the other way round.
    pub fn check(&self, exchange: &Exchange<'_>) -> Result<(), String> {
        let text = || String::from_utf8_lossy(exchange.body).into_owned();
        let problem = |problem: String| {
            let (method, path) = (exchange.method, exchange.route.map_or("(no route)", |route| &route.path));
            let place = format!("{method} {path} answers {}", exchange.status);
            format!("{place}, outside infra/openapi.yaml: {problem}\n{:?}\n{}", exchange.headers, text())
        };
        // A preflight.
        if exchange.method == "OPTIONS" && exchange.status == 204 {
            return Ok(());
        }
        // Every answer of a function is `no-store`, and none of the gateway's own is.
        let checked = if header(exchange, "cache-control") == Some("no-store") {
            self.check_answer(exchange)
        } else {
            self.check_gateway(exchange)
        };
        checked.map_err(problem)
    }

    fn check_gateway(&self, exchange: &Exchange<'_>) -> Result<(), String> {
        let message = &self.json["x-gateway-answers"][exchange.status.to_string()]["message"];
        let body: Value = serde_json::from_slice(exchange.body).unwrap_or_default();
        match message.is_string() && body == json!({"message": message}) {
            true => Ok(()),
            false => Err("neither a function's (`no-store`) nor one of the gateway's own".to_owned()),
        }
    }

    fn check_answer(&self, exchange: &Exchange<'_>) -> Result<(), String> {
        let route = exchange.route.ok_or("an answer without a route")?;
        let path = route.path.strip_prefix(BASE_PATH).ok_or("a route elsewhere")?;
        let operation = &self.json["paths"][path][route.method.to_lowercase()];
        let response = &operation["responses"][exchange.status.to_string()];
        if !response.is_object() {
            return Err("the status is not documented".to_owned());
        }
        self.check_headers(exchange, response)?;
        check_redirect(exchange, operation)?;
        self.check_body(exchange, response)
    }

    fn check_headers(&self, exchange: &Exchange<'_>, response: &Value) -> Result<(), String> {
        let mut unnamed = MEANINGFUL.to_vec();
        for (name, described) in response["headers"].as_object().into_iter().flatten() {
            let name = name.to_lowercase();
            unnamed.retain(|other| *other != name);
            if described["required"] == true && !exchange.headers.contains_key(&name) {
                return Err(format!("the header {name} is missing"));
            }
            for value in exchange.headers.get_all(&name) {
                let text = value.to_str().map_err(|error| format!("{name}: {error}"))?;
                let number = text.parse::<i64>().ok().filter(|_| described["schema"]["type"] == "integer");
                let value = number.map_or_else(|| json!(text), |number| json!(number));
                self.validate(exchange, &name, &described["schema"], &value)?;
            }
        }
        match unnamed.iter().find(|name| exchange.headers.contains_key(**name)) {
            Some(name) => Err(format!("the header {name} is not documented")),
            None => Ok(()),
        }
    }

    fn check_body(&self, exchange: &Exchange<'_>, response: &Value) -> Result<(), String> {
        let Some(content) = response["content"].as_object() else {
            return if exchange.body.is_empty() { Ok(()) } else { Err("no body is documented".to_owned()) };
        };
        if exchange.body.is_empty() {
            let allowed = response["x-body-optional"] == true;
            return if allowed { Ok(()) } else { Err("the body is missing".to_owned()) };
        }
        let media_type = header(exchange, "content-type").unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default();
        let media = content.get(media_type).ok_or("the media type is not documented")?;
        if media_type != "application/json" {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(exchange.body).map_err(|error| format!("no JSON: {error}"))?;
        self.validate(exchange, "body", &media["schema"], &body)
    }

    /// Holds a value against a schema of the document, which is compiled once.
    fn validate(&self, exchange: &Exchange<'_>, part: &str, schema: &Value, value: &Value) -> Result<(), String> {
        let operation = exchange.route.map(local::template::Route::key).unwrap_or_default();
        let key = [operation, exchange.status.to_string(), part.to_owned()];
        let validator = {
            let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
            validators.entry(key).or_insert_with(|| Arc::new(compiled(schema))).clone()
        };
        let errors: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{part}{}: {error}", error.instance_path())).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }
}

/// The errors in redirects are those of the operation, or what the target
/// itself brought along. A form that is passed on carries what came in.
fn check_redirect(exchange: &Exchange<'_>, operation: &Value) -> Result<(), String> {
    if exchange.method != "GET" {
        return Ok(());
    }
    let asked_for: Vec<_> = pairs(exchange.uri.query().unwrap_or_default()).map(|(_, target)| target).collect();
    let errors = operation["x-redirect-errors"].as_array();
    let query = header(exchange, "location").and_then(|target| target.split_once('?')).map_or("", |(_, query)| query);
    for (name, value) in pairs(query.split('#').next().unwrap_or_default()) {
        let is_documented = errors.is_some_and(|errors| errors.iter().any(|error| *error == *value));
        let is_the_targets = asked_for.iter().any(|target| target.contains(&format!("error={value}")));
        if name == "error" && !is_documented && !is_the_targets {
            return Err(format!("the redirect's error {value} is not documented"));
        }
    }
    Ok(())
}

fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes())
}

fn header<'a>(exchange: &'a Exchange<'_>, name: &str) -> Option<&'a str> {
    exchange.headers.get(name).and_then(|value| value.to_str().ok())
}

fn compiled(schema: &Value) -> Validator {
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(schema).unwrap_or_else(|error| panic!("no schema: {error}: {schema}"))
}

/// A copy of a node without references. What stands beside one wins.
fn resolved(node: &Value, root: &Value) -> Value {
    match node {
        Value::Array(items) => items.iter().map(|item| resolved(item, root)).collect(),
        Value::Object(entries) => {
            let mut all = match entries.get("$ref").and_then(Value::as_str) {
                Some(reference) => target(reference, root),
                None => Map::new(),
            };
            let own = entries.iter().filter(|(key, _)| *key != "$ref");
            all.extend(own.map(|(key, value)| (key.clone(), resolved(value, root))));
            Value::Object(all)
        }
        plain => plain.clone(),
    }
}

fn target(reference: &str, root: &Value) -> Map<String, Value> {
    let found = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
    match found.map(|found| resolved(found, root)) {
        Some(Value::Object(entries)) => entries,
        _ => panic!("{reference} leads nowhere"),
    }
}
