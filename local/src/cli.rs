//! The command line.

use std::{ffi::OsString, io::Write as _, path::PathBuf, process::ExitCode};

use lexopt::{Arg, Parser, ValueExt as _};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Data, Error, Stack, StackOptions, build};

const HELP: &str = "\
Runs the functions of template.yaml on this machine, with all they need.

Usage: cargo run -- [OPTIONS]

  --port PORT         the HTTP API and the mail page (default 3000)
  --aws-port PORT     DynamoDB, Secrets Manager and SES (default 4566)
  --instances N       processes of each function, at most (default 2)
  --release           build and run optimised functions
  --data DIRECTORY    where data is kept (default .local), or :memory:
  --env NAME=VALUE    environment of the functions, over the template's;
                      may be repeated
  --parameter NAME=VALUE
                      parameter of the template; may be repeated
  --template PATH     another template
  --quiet             do not show what the functions log
  --help              this text
";

/// Runs the command line until Ctrl-C.
pub fn main() -> ExitCode {
    match parse(Parser::from_env()) {
        Ok(None) => {
            say(HELP.trim_end());
            ExitCode::SUCCESS
        }
        Ok(Some(options)) => finish(run(options)),
        Err(error) => finish(Err(Error::Usage(error.to_string()))),
    }
}

fn finish(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: StackOptions) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::io("starting"))?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = serve(options) => result,
            result = interrupted() => result,
        }
    });
    // A build or a database call that still runs does not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    result
}

async fn serve(options: StackOptions) -> Result<(), Error> {
    let data = match &options.data {
        Data::Memory => "in memory".to_owned(),
        Data::Path(path) => path.display().to_string(),
    };
    let stack = Stack::start(options).await?;
    greet(&stack, &data);
    std::future::pending().await
}

fn greet(stack: &Stack, data: &str) {
    let (url, aws) = (stack.url(), stack.aws_url());
    say(&format!("\n  mail   {url}/__mail\n  aws    {aws}\n  data   {data}"));
    if stack.routes().iter().any(|route| route.key() == "POST /api/auth/sign-up/email") {
        let body = r#"{"name":"Ann","email":"ann@example.com","password":"correct horse"}"#;
        say(&format!(
            "\nTry it:\n  curl -i {url}/api/auth/sign-up/email -H 'content-type: application/json' -d '{body}'"
        ));
    }
    say(&format!("\nready {url}/api/auth"));
}

/// A reader that has gone away is no reason to stop.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

async fn interrupted() -> Result<(), Error> {
    let on = |kind| signal(kind).map_err(Error::io("listening for signals"));
    let mut interrupt = on(SignalKind::interrupt())?;
    let mut terminate = on(SignalKind::terminate())?;
    let mut hang_up = on(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}

/// The options, or `None` for help.
fn parse(mut arguments: Parser) -> Result<Option<StackOptions>, lexopt::Error> {
    let mut options = StackOptions {
        port: 3000,
        aws_port: 4566,
        quiet: false,
        data: Data::Path(build::workspace_root().join(".local")),
        ..StackOptions::default()
    };
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("port") => options.port = arguments.value()?.parse()?,
            Arg::Long("aws-port") => options.aws_port = arguments.value()?.parse()?,
            Arg::Long("instances") => options.instances = arguments.value()?.parse()?,
            Arg::Long("release") => options.release = true,
            Arg::Long("data") => options.data = data(arguments.value()?),
            Arg::Long("env") => options.env.push(pair(arguments.value()?, "--env")?),
            Arg::Long("parameter") => options.parameters.push(pair(arguments.value()?, "--parameter")?),
            Arg::Long("template") => options.template = PathBuf::from(arguments.value()?),
            Arg::Long("quiet") => options.quiet = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}

fn data(value: OsString) -> Data {
    if value == ":memory:" { Data::Memory } else { Data::Path(value.into()) }
}

fn pair(value: OsString, option: &str) -> Result<(String, String), lexopt::Error> {
    let value = value.string()?;
    match value.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("{option} takes NAME=VALUE, not {value:?}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Option<StackOptions>, String> {
        parse(Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_read() {
        let read = options(&["--port=1", "--data", ":memory:", "--env", "A=b=c", "--release"]).unwrap().unwrap();
        assert_eq!((read.port, read.aws_port), (1, 4566));
        assert_eq!(read.data, Data::Memory);
        assert_eq!(read.env, [("A".to_owned(), "b=c".to_owned())]);
        assert!(read.release && !read.quiet);
        assert!(options(&["--help"]).unwrap().is_none());
    }

    #[test]
    fn nonsense_is_named() {
        assert_eq!(options(&["--env", "A"]).unwrap_err(), "--env takes NAME=VALUE, not \"A\"");
        assert!(options(&["--colour"]).unwrap_err().contains("--colour"));
        assert!(options(&["--port", "x"]).is_err());
    }
}
