//! The command line.

use std::{ffi::OsString, io::Write as _, path::PathBuf, process::ExitCode};

use lexopt::{Arg, Parser, ValueExt as _};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Data, Demo, DemoOptions, Error, Stack, StackOptions, build};

const HELP: &str = "\
Runs the functions of template.yaml on this machine, with all they need.

Usage: cargo run -- [OPTIONS]

  --port PORT         the HTTP API, the start page and the mail page
                      (default 3000)
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

  --demo              also install and start the front end and the back end of
                      examples/, stand-ins for Google and GitHub, and a user;
                      data is then kept in .local/demo. Needs Node 20 with npm,
                      and Python 3.11
  --web-port PORT     the demo's front end, the address to open (default 3001)
  --api-port PORT     the demo's todo API (default 8000)
  --provider-port PORT
                      the demo's stand-ins for providers (default 3002)

Port 0 is any free one.
";

/// What the command line asks for.
#[derive(Debug)]
enum Job {
    Help,
    Stack(Box<StackOptions>),
    Demo(Box<DemoOptions>),
}

/// Runs the command line until Ctrl-C.
pub fn main() -> ExitCode {
    match parse(Parser::from_env()) {
        Ok(Job::Help) => {
            say(HELP.trim_end());
            ExitCode::SUCCESS
        }
        Ok(job) => finish(run(job)),
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

fn run(job: Job) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::io("starting"))?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = serve(job) => result,
            result = interrupted() => result,
        }
    });
    // A build or a database call that still runs does not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    result
}

async fn serve(job: Job) -> Result<(), Error> {
    match job {
        Job::Help => Ok(()),
        Job::Stack(options) => {
            let data = described(&options.data);
            let stack = Stack::start(*options).await?;
            greet(&stack, &data);
            std::future::pending().await
        }
        Job::Demo(options) => {
            let data = described(&options.stack.data);
            let demo = Demo::start(*options).await?;
            greet_with_demo(&demo, &data);
            Err(demo.failed().await)
        }
    }
}

fn described(data: &Data) -> String {
    match data {
        Data::Memory => "in memory".to_owned(),
        Data::Path(path) => path.display().to_string(),
    }
}

fn greet(stack: &Stack, data: &str) {
    let (url, aws) = (stack.url(), stack.aws_url());
    say(&format!("\n  start  {url}\n  mail   {url}/__mail\n  aws    {aws}\n  data   {data}"));
    if stack.routes().iter().any(|route| route.key() == "POST /api/auth/sign-up/email") {
        let body = r#"{"name":"Ann","email":"ann@example.com","password":"correct horse"}"#;
        say(&format!(
            "\nTry it:\n  curl -i {url}/api/auth/sign-up/email -H 'content-type: application/json' -d '{body}'"
        ));
    }
    say(&format!("\nready {url}/api/auth"));
}

fn greet_with_demo(demo: &Demo, data: &str) {
    let (url, aws) = (demo.stack().url(), demo.stack().aws_url());
    let (api, providers) = (demo.api_url(), demo.provider_url());
    say(&format!(
        "\n  gateway    {url}\n  mail       {url}/__mail\n  todo API   {api}\n  providers  {providers}\n  aws        {aws}\n  data       {data}"
    ));
    let user = demo.user();
    say(&format!("\nSign up, or sign in as {}:\n  {}\n  {}", user.name, user.email, user.password));
    say(&format!("\nready {}", demo.web_url()));
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

fn parse(mut arguments: Parser) -> Result<Job, lexopt::Error> {
    let mut stack = StackOptions { port: 3000, aws_port: 4566, quiet: false, ..StackOptions::default() };
    let mut demo = DemoOptions { web_port: 3001, api_port: 8000, provider_port: 3002, ..DemoOptions::default() };
    let mut data = None;
    let mut with_demo = false;
    let mut demo_only = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("port") => stack.port = arguments.value()?.parse()?,
            Arg::Long("aws-port") => stack.aws_port = arguments.value()?.parse()?,
            Arg::Long("instances") => stack.instances = arguments.value()?.parse()?,
            Arg::Long("release") => stack.release = true,
            Arg::Long("data") => data = Some(to_data(arguments.value()?)),
            Arg::Long("env") => stack.env.push(pair(arguments.value()?, "--env")?),
            Arg::Long("parameter") => stack.parameters.push(pair(arguments.value()?, "--parameter")?),
            Arg::Long("template") => stack.template = PathBuf::from(arguments.value()?),
            Arg::Long("quiet") => stack.quiet = true,
            Arg::Long("demo") => with_demo = true,
            Arg::Long(name @ ("web-port" | "api-port" | "provider-port")) => {
                let port = match name {
                    "web-port" => &mut demo.web_port,
                    "api-port" => &mut demo.api_port,
                    _ => &mut demo.provider_port,
                };
                demo_only = Some(format!("--{name}"));
                *port = arguments.value()?.parse()?;
            }
            Arg::Long("help") | Arg::Short('h') => return Ok(Job::Help),
            other => return Err(other.unexpected()),
        }
    }
    // The demo has clients at its own providers and a user that all know, which
    // have no place among other data.
    let own = if with_demo { ".local/demo" } else { ".local" };
    stack.data = data.unwrap_or_else(|| Data::Path(build::workspace_root().join(own)));
    if with_demo {
        demo.stack = stack;
        return Ok(Job::Demo(Box::new(demo)));
    }
    match demo_only {
        Some(option) => Err(format!("{option} goes with --demo").into()),
        None => Ok(Job::Stack(Box::new(stack))),
    }
}

fn to_data(value: OsString) -> Data {
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

    fn job(arguments: &[&str]) -> Result<Job, String> {
        parse(Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_read() {
        let arguments = ["--port=1", "--data", ":memory:", "--env", "A=b=c", "--release"];
        let Job::Stack(read) = job(&arguments).unwrap() else { panic!("no stack") };
        assert_eq!((read.port, read.aws_port), (1, 4566));
        assert_eq!(read.data, Data::Memory);
        assert_eq!(read.env, [("A".to_owned(), "b=c".to_owned())]);
        assert!(read.release && !read.quiet);
        assert!(matches!(job(&["--help"]), Ok(Job::Help)));
    }

    #[test]
    fn the_demo_has_options_and_data_of_its_own() {
        let Job::Demo(read) = job(&["--web-port", "4", "--demo", "--port", "5"]).unwrap() else { panic!("no demo") };
        assert_eq!((read.stack.port, read.web_port, read.api_port, read.provider_port), (5, 4, 8000, 3002));
        assert!(matches!(&read.stack.data, Data::Path(path) if path.ends_with(".local/demo")));
        let Job::Demo(read) = job(&["--demo", "--data", "x"]).unwrap() else { panic!("no demo") };
        assert_eq!(read.stack.data, Data::Path("x".into()));
        assert_eq!(job(&["--api-port", "1"]).unwrap_err(), "--api-port goes with --demo");
    }

    #[test]
    fn nonsense_is_named() {
        assert_eq!(job(&["--env", "A"]).unwrap_err(), "--env takes NAME=VALUE, not \"A\"");
        assert!(job(&["--colour"]).unwrap_err().contains("--colour"));
        assert!(job(&["--port", "x"]).is_err());
    }
}
