//! Random passwords, by the rules of `GetRandomPassword`.

use serde_json::Value;

use crate::{random, template::Generate};

const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// A random password. Empty if everything is excluded.
pub(super) fn password(request: &Generate) -> String {
    let kinds: [(bool, Vec<char>); 5] = [
        (request.exclude_lowercase, ('a'..='z').collect()),
        (request.exclude_uppercase, ('A'..='Z').collect()),
        (request.exclude_numbers, ('0'..='9').collect()),
        (request.exclude_punctuation, PUNCTUATION.chars().collect()),
        (!request.include_space, vec![' ']),
    ];
    let alphabet: Vec<char> = kinds
        .into_iter()
        .filter(|(excluded, _)| !excluded)
        .flat_map(|(_, characters)| characters)
        .filter(|character| !request.exclude_characters.contains(*character))
        .collect();
    random::text(&alphabet, request.password_length.min(4096))
}

/// The value of a `GenerateSecretString`: a password, alone or in a JSON object.
pub(super) fn secret(request: &Generate) -> String {
    let password = password(request);
    let (Some(template), Some(key)) = (&request.secret_string_template, &request.generate_string_key) else {
        return password;
    };
    match serde_json::from_str(template) {
        Ok(Value::Object(mut object)) => {
            object.insert(key.clone(), Value::String(password));
            Value::Object(object).to_string()
        }
        _ => password,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honours_length_and_exclusions() {
        let request = Generate {
            password_length: 64,
            exclude_punctuation: true,
            exclude_characters: "abc".to_owned(),
            ..Generate::default()
        };
        let password = password(&request);
        assert_eq!(password.len(), 64);
        assert!(password.chars().all(|c| c.is_ascii_alphanumeric() && !"abc".contains(c)), "{password}");
    }

    #[test]
    fn fills_a_template() {
        let request = Generate {
            secret_string_template: Some(r#"{"user": "ann"}"#.to_owned()),
            generate_string_key: Some("password".to_owned()),
            ..Generate::default()
        };
        let value: Value = serde_json::from_str(&secret(&request)).unwrap();
        assert_eq!(value["user"], "ann");
        assert_eq!(value["password"].as_str().unwrap().len(), 32);
    }
}
