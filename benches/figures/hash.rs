//! The bare password hash, as the `argon2` crate alone computes it.

use std::time::{Duration, Instant};

use argon2::{Argon2, Params, Version, password_hash::phc::PasswordHash};
use local::Stack;
use serde_json::{Value, json};

use crate::{Error, user};

/// The same work as that of a stored hash, and nothing around it.
pub struct BareHash {
    argon2: Argon2<'static>,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl BareHash {
    /// With algorithm, cost and lengths of the hash that the service stored for
    /// its user.
    pub async fn of_stored(stack: &Stack) -> Result<Self, Error> {
        let key = json!({"identity": {"S": format!("email:{}", user::EMAIL)}});
        let request = json!({"TableName": "AccountsTable", "Key": key});
        let row = stack.aws().dynamodb("GetItem", &request).await.map_err(|error| error.to_string())?;
        let stored = row.pointer("/Item/passwordHash/S").and_then(Value::as_str).ok_or("no stored hash")?;
        let stored = PasswordHash::new(stored)?;
        let (Some(salt), Some(output)) = (&stored.salt, &stored.hash) else {
            return Err("the stored hash lacks a part".into());
        };
        let algorithm = stored.algorithm.as_str().parse()?;
        let version = stored.version.map_or(Ok(Version::default()), Version::try_from)?;
        Ok(Self {
            argon2: Argon2::new(algorithm, version, Params::try_from(&stored)?),
            salt: salt.as_ref().to_vec(),
            output: output.as_ref().to_vec(),
        })
    }

    /// Time of one hash on this thread, which has to come out as the stored one.
    pub fn time(&self) -> Result<Duration, Error> {
        let mut output = vec![0; self.output.len()];
        let before = Instant::now();
        self.argon2.hash_password_into(user::PASSWORD.as_bytes(), &self.salt, &mut output)?;
        let time = before.elapsed();
        if output == self.output { Ok(time) } else { Err("the hash is not the stored one".into()) }
    }
}
