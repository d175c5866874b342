//! The peer: Better Auth on Node, bundled as one would deploy it.

use std::{env, fs, path::PathBuf, process::Command, sync::Arc};

use local::{
    build,
    runtime::{Launch, Pool},
};
use serde_json::{Value, json};

use crate::{
    Error,
    contestant::{Contestant, TIMEOUT},
    event::Answer,
    user,
};

/// Builds the peer, and has it know the user and a session, as a table would:
/// a process that signs the user up gives the rows that the others start with.
pub async fn start(origin: &str) -> Result<Contestant, Error> {
    install()?;
    let first = pool(origin, "{}");
    let answer = first.invoke(user::sign_up(origin).event()).await?;
    let cookie = Answer::parse(&answer)?.session_cookie()?;
    let request = user::get_session(origin, &cookie);
    let session = Answer::parse(&first.invoke(request.event()).await?)?.body;
    first.close();
    let row = |name| [session.get(name).cloned().unwrap_or_default()];
    let rows: Value = json!({"user": row("user"), "session": row("session")});
    Ok(Contestant::new(pool(origin, &rows.to_string()), &request, user::EMAIL))
}

fn pool(origin: &str, rows: &str) -> Arc<Pool> {
    let variables = [
        ("PATH", env::var("PATH").unwrap_or_default()),
        ("NODE_ENV", "production".to_owned()),
        ("AUTH_BASE_URL", origin.to_owned()),
        ("PEER_ROWS", rows.to_owned()),
    ];
    let launch = Launch {
        name: "peer".to_owned(),
        arn: "arn:aws:lambda:us-east-1:123456789012:function:peer".to_owned(),
        program: "node".into(),
        arguments: vec!["bootstrap.mjs".to_owned()],
        environment: variables.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        directory: Some(directory()),
        output: Arc::new(|line| eprintln!("peer: {line}")),
    };
    Pool::new(vec![launch], TIMEOUT)
}

/// Installs what the lock file says, once, and bundles it.
fn install() -> Result<(), Error> {
    let lock = fs::read(directory().join("package-lock.json"))?;
    let stamp = directory().join("node_modules/.installed");
    if !fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        npm(&["ci", "--loglevel=error"])?;
        fs::write(stamp, lock)?;
    }
    npm(&["run", "--silent", "build", "--", "--log-level=warning"])
}

fn npm(arguments: &[&str]) -> Result<(), Error> {
    let status = Command::new("npm").args(arguments).current_dir(directory()).status();
    match status.map_err(|error| format!("npm does not start: {error}"))? {
        status if status.success() => Ok(()),
        status => Err(format!("npm {} ended with {status}", arguments.join(" ")).into()),
    }
}

fn directory() -> PathBuf {
    build::workspace_root().join("benches/peer")
}
