//! Where the program finds tables and credentials, and how it ends.

use std::os::unix::fs::PermissionsExt as _;

use tokio::io::AsyncWriteExt as _;

use super::*;

/// Stands in for the AWS CLI: it answers what the CLI documents.
const CLI: &str = r#"#!/bin/sh
case "$*" in
"configure get region") echo eu-west-1 ;;
"configure export-credentials --format process")
    echo '{"Version": 1, "AccessKeyId": "AKIDEXPORTED", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2999-01-01T00:00:00Z"}' ;;
"cloudformation describe-stacks --output json --query Stacks[0].Outputs --stack-name auth --region eu-west-1")
    echo '[{"OutputKey": "ApiUrl", "OutputValue": "https://x"}, {"OutputKey": "UsersTableName", "OutputValue": "UsersTable"},
        {"OutputKey": "AccountsTableName", "OutputValue": "AccountsTable", "Description": "x"}]' ;;
"cloudformation describe-stacks"*other*) echo '[]' ;;
*) echo "An error occurred: no stack" >&2; exit 254 ;;
esac
"#;

#[tokio::test]
async fn a_stack_names_its_tables_and_the_cli_lends_credentials() {
    let app = App::shared();
    let email = unique_email("stack");
    let lines = Lines::new(&[user("stack", &email)]);
    let bin = lines.path.with_file_name("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("aws"), CLI).unwrap();
    fs::set_permissions(bin.join("aws"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let with_stack = async |stack: &str| {
        let mut command = program();
        command.env("PATH", &path).args(["--from", "better-auth", "--stack", stack]);
        Run::new(command.args(["--endpoint-url", app.aws_url()]).arg(&lines.path).output().await.unwrap())
    };
    let run = with_stack("auth").await;
    assert_eq!((run.code, run.counts()), (Some(0), [1, 0, 0]), "{}", run.said);
    assert!(password_works(app, &email, PASSWORD).await);
    let run = with_stack("other").await;
    assert_eq!(run.code, Some(2));
    assert!(run.said.contains("the stack other has no output UsersTableName"), "{}", run.said);
    let run = with_stack("nowhere").await;
    assert_eq!((run.code, run.said.lines().count()), (Some(2), 1), "{}", run.said);
    assert!(run.said.contains("aws cloudformation describe-stacks says: An error occurred"), "{}", run.said);
}

#[tokio::test]
async fn without_credentials_or_a_file_it_says_so() {
    let app = App::shared();
    let lines = Lines::new(&[]);
    let mut command = import(app, "better-auth");
    command.env_remove("AWS_ACCESS_KEY_ID").env("PATH", "/nowhere").arg(&lines.path);
    let run = Run::new(command.output().await.unwrap());
    assert_eq!((run.code, run.said.lines().count()), (Some(2), 1), "{}", run.said);
    assert!(run.said.contains("no credentials in the environment, and of AWS CLI 2 aws configure"), "{}", run.said);
    let run = Run::new(import(app, "better-auth").arg("/nowhere/users.jsonl").output().await.unwrap());
    assert_eq!(run.code, Some(2));
    assert!(run.said.contains("/nowhere/users.jsonl: No such file"), "{}", run.said);
    let lines = Lines::new(&[user("kept", "kept@example.com")]);
    let path = lines.path.to_str().unwrap();
    let twice = Run::new(import(app, "better-auth").args(["--report", path, path]).output().await.unwrap());
    assert!(twice.code == Some(2) && twice.said.contains("is named twice"), "{}", twice.said);
    assert!(!fs::read(path).unwrap().is_empty(), "the export is gone");
    let directory = lines.path.parent().unwrap();
    let roundabout = directory.join("..").join(directory.file_name().unwrap());
    let (report, same) = (directory.join("report"), roundabout.join("report"));
    let both = Run::new(
        import(app, "better-auth")
            .arg("--report")
            .arg(&report)
            .arg("--ids")
            .arg(&same)
            .arg(path)
            .output()
            .await
            .unwrap(),
    );
    assert!(both.code == Some(2) && both.said.contains("is named twice"), "{}", both.said);
    // A slip of the pen does not cost what the run before has said.
    fs::write(&report, "said before").unwrap();
    let slip =
        import(app, "better-auth").arg("--report").arg(&report).arg("/nowhere/users.jsonl").output().await.unwrap();
    assert_eq!((slip.status.code(), fs::read(&report).unwrap()), (Some(2), b"said before".to_vec()));
    let run = Run::new(program().args(["--from", "okta"]).output().await.unwrap());
    assert_eq!(run.code, Some(2));
    let run = program().arg("--help").output().await.unwrap();
    assert!(run.status.success() && String::from_utf8(run.stdout).unwrap().contains("--from SOURCE"));
}

#[tokio::test]
async fn lines_may_come_by_standard_input() {
    let app = App::shared();
    let lines = users("stdin", 3);
    let mut child = import(app, "better-auth").arg("-").stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for line in &lines {
        stdin.write_all(line.to_string().replace(&"0".repeat(31), "stdin-").as_bytes()).await.unwrap();
        stdin.write_all(b"\n").await.unwrap();
    }
    drop(stdin);
    let run = Run::new(child.wait_with_output().await.unwrap());
    assert_eq!((run.code, run.counts()), (Some(0), [3, 0, 0]), "{run:?}");
}
