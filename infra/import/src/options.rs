//! The command line.

use std::path::PathBuf;

use lexopt::{Arg, Error, Parser, ValueExt as _};
use shared::adapters::oauth::is_provider_id;

use crate::source::Source;

pub const USAGE: &str = "\
Moves users in from another system, by one JSON object a line.

    import --from SOURCE --stack NAME [OPTIONS] FILE

FILE is a path, or - for standard input. SOURCE is better-auth, auth-js or cognito.

    --stack NAME             stack whose outputs name the tables
    --users-table NAME       the tables themselves, instead
    --accounts-table NAME
    --region REGION          region of the stack
    --endpoint-url URL       DynamoDB elsewhere, such as of the local stack
    --provider NAME[=ID]     a provider that the service knows too, as ID;
                             google and github need no mention
    --without-provider NAME  leaves the links to a provider behind
    --without-second-factor  takes users in whose second factor stays behind
    --report PATH            where refused lines are told, instead of standard output
    --ids PATH               where to write which id became which
    --dry-run                looks, and writes nothing into the tables
    --help

Credentials are those of the environment, or else those of the AWS CLI.
Exits with 0 if everybody is in, 1 if lines were refused, 2 if it came to no end.
";

/// What to do.
#[derive(Debug)]
pub struct Options {
    pub source: Source,
    pub tables: TableNames,
    pub region: Option<String>,
    pub endpoint_url: Option<String>,
    pub rules: Rules,
    /// None for standard output.
    pub report: Option<PathBuf>,
    pub ids: Option<PathBuf>,
    pub dry_run: bool,
    /// None for standard input.
    pub input: Option<PathBuf>,
}

/// Where the names of the tables come from.
#[derive(Debug, PartialEq, Eq)]
pub enum TableNames {
    Stack(String),
    Given { users: String, accounts: String },
}

/// What may be left behind, and what is called otherwise here.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Name of a provider in the export, and its id here; none to leave its links behind.
    pub providers: Vec<(String, Option<String>)>,
    pub without_second_factor: bool,
}

impl Options {
    /// Reads the command line; none if help is wanted.
    pub fn read(mut arguments: Parser) -> Result<Option<Self>, Error> {
        let (mut source, mut stack, mut users, mut accounts, mut input) = (None, None, None, None, None);
        let (mut region, mut endpoint_url, mut report, mut ids, mut dry_run) = (None, None, None, None, false);
        let mut rules = Rules::default();
        while let Some(argument) = arguments.next()? {
            match argument {
                Arg::Long("from") => source = Some(arguments.value()?.parse_with(Source::parse)?),
                Arg::Long("stack") => stack = Some(arguments.value()?.string()?),
                Arg::Long("users-table") => users = Some(arguments.value()?.string()?),
                Arg::Long("accounts-table") => accounts = Some(arguments.value()?.string()?),
                Arg::Long("region") => region = Some(arguments.value()?.string()?),
                Arg::Long("endpoint-url") => endpoint_url = Some(arguments.value()?.string()?),
                Arg::Long("provider") => rules.providers.push(arguments.value()?.parse_with(provider)?),
                Arg::Long("without-provider") => rules.providers.push((arguments.value()?.string()?, None)),
                Arg::Long("without-second-factor") => rules.without_second_factor = true,
                Arg::Long("report") => report = Some(PathBuf::from(arguments.value()?)),
                Arg::Long("ids") => ids = Some(PathBuf::from(arguments.value()?)),
                Arg::Long("dry-run") => dry_run = true,
                Arg::Long("help") | Arg::Short('h') => return Ok(None),
                Arg::Value(path) if input.is_none() => input = Some(path),
                other => return Err(other.unexpected()),
            }
        }
        let tables = match (stack, users, accounts) {
            (Some(stack), None, None) => TableNames::Stack(stack),
            (None, Some(users), Some(accounts)) => TableNames::Given { users, accounts },
            _ => return Err("either --stack, or both --users-table and --accounts-table are needed".into()),
        };
        let input = input.ok_or("a file is needed, or - for standard input")?;
        Ok(Some(Self {
            source: source.ok_or("--from is needed: better-auth, auth-js or cognito")?,
            tables,
            region,
            endpoint_url,
            rules,
            report,
            ids,
            dry_run,
            input: (input != "-").then(|| PathBuf::from(input)),
        }))
    }
}

fn provider(text: &str) -> Result<(String, Option<String>), String> {
    let (name, id) = text.split_once('=').unwrap_or((text, text));
    match is_provider_id(id) {
        true => Ok((name.to_owned(), Some(id.to_owned()))),
        false => Err(format!("{id:?} is no id of a provider")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Option<Options>, String> {
        Options::read(Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_read() {
        let arguments = ["--from", "cognito", "--stack=s", "--provider", "Okta=acme", "--without-provider", "x", "-"];
        let options = read(&arguments).unwrap().unwrap();
        assert_eq!((options.source, options.tables), (Source::Cognito, TableNames::Stack("s".into())));
        assert_eq!(options.rules.providers, [("Okta".into(), Some("acme".into())), ("x".into(), None)]);
        assert_eq!(options.input, None);
        assert!(read(&["--help"]).unwrap().is_none());
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        for (arguments, message) in [
            (&["--from", "better-auth", "x"][..], "either --stack, or both"),
            (&["--from", "better-auth", "--stack", "s", "--users-table", "u", "x"], "either --stack, or both"),
            (&["--stack", "s", "x"], "--from is needed"),
            (&["--from", "okta", "--stack", "s", "x"], "better-auth, auth-js or cognito"),
            (&["--from", "cognito", "--stack", "s"], "a file is needed"),
            (&["--from", "cognito", "--stack", "s", "x", "y"], "unexpected argument"),
            (&["--provider", "Okta"], "no id of a provider"),
            (&["--provider", "x=email"], "no id of a provider"),
        ] {
            let error = read(arguments).unwrap_err();
            assert!(error.contains(message), "{arguments:?}: {error}");
        }
    }
}
