//! The template against the code: routes, settings, permissions, tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use local::{
    build::workspace_root,
    template::{Template, function_arn},
};
use serde_json::{Value, json};
use shared::{
    adapters::OsRandom,
    config::{BASE_PATH, Config},
    crypto::{Argon2Hasher, HashPolicy, Keyring, SigningSecret, sign},
    domain::{Limit, Password},
    http::ROUTES,
    ports::HashPassword as _,
};
use tests::{App, Call, PASSWORD, enrol, fake_provider::GoogleUser, unique_email};

use crate::{
    authorizer::ask as ask_authorizer,
    magic_link::sign_in_by_link,
    mails,
    rotation::rotate,
    steps::{age_sessions, callback_url, sign_in_with_google, sign_in_with_id_token, verify_email},
    support::{browser_with, encoded, now, reset_to, set_number, sign_in, user_row},
};

/// An IAM action and the table or secret that it is for; of mail, nothing.
type Grant = (&'static str, &'static str);

const READ_SIGNING_SECRET: Grant = ("secretsmanager:GetSecretValue", "SigningSecret");
const COUNT: Grant = ("dynamodb:UpdateItem", "RateLimitsTable");
const FORGET_FAILURES: Grant = ("dynamodb:DeleteItem", "RateLimitsTable");
const SEND_MAIL: Grant = ("ses:SendEmail", "");
const READ_ENCRYPTION_SECRET: Grant = ("secretsmanager:GetSecretValue", "EncryptionSecret");
const READ_CLIENTS: Grant = ("secretsmanager:GetSecretValue", "OAuthClientsSecret");

/// All that each function may do. Whoever changes the template changes this,
/// and says why.
const GRANTS: &[(&str, &[Grant])] = &[
    (
        "signup",
        &[
            ("dynamodb:PutItem", "UsersTable"),
            ("dynamodb:PutItem", "AccountsTable"),
            ("dynamodb:PutItem", "SessionsTable"),
            COUNT,
            // The token that verifies the address.
            ("dynamodb:PutItem", "VerificationTokensTable"),
            SEND_MAIL,
            READ_SIGNING_SECRET,
        ],
    ),
    (
        "signin",
        &[
            ("dynamodb:GetItem", "AccountsTable"),
            // Replaces a weak hash.
            ("dynamodb:UpdateItem", "AccountsTable"),
            ("dynamodb:GetItem", "UsersTable"),
            ("dynamodb:PutItem", "SessionsTable"),
            ("dynamodb:PutItem", "VerificationTokensTable"),
            // An id token signs in and up as a callback does.
            ("dynamodb:BatchGetItem", "AccountsTable"),
            ("dynamodb:PutItem", "AccountsTable"),
            ("dynamodb:PutItem", "UsersTable"),
            ("dynamodb:UpdateItem", "UsersTable"),
            ("dynamodb:ConditionCheckItem", "UsersTable"),
            COUNT,
            FORGET_FAILURES,
            // Trusted devices, whose token is replaced.
            ("dynamodb:GetItem", "VerificationTokensTable"),
            ("dynamodb:DeleteItem", "VerificationTokensTable"),
            READ_SIGNING_SECRET,
            READ_CLIENTS,
        ],
    ),
    (
        "session",
        &[
            ("dynamodb:BatchGetItem", "UsersTable"),
            ("dynamodb:BatchGetItem", "SessionsTable"),
            ("dynamodb:UpdateItem", "SessionsTable"),
            COUNT,
            // Lists sessions, ends one, ends all.
            ("dynamodb:Query", "SessionsTable"),
            ("dynamodb:DeleteItem", "SessionsTable"),
            ("dynamodb:UpdateItem", "UsersTable"),
            READ_SIGNING_SECRET,
        ],
    ),
    ("signout", &[("dynamodb:DeleteItem", "SessionsTable"), READ_SIGNING_SECRET]),
    (
        "reset-request",
        &[("dynamodb:GetItem", "AccountsTable"), ("dynamodb:PutItem", "VerificationTokensTable"), COUNT, SEND_MAIL],
    ),
    (
        "reset-confirm",
        &[
            ("dynamodb:GetItem", "VerificationTokensTable"),
            ("dynamodb:DeleteItem", "VerificationTokensTable"),
            ("dynamodb:UpdateItem", "UsersTable"),
            ("dynamodb:UpdateItem", "AccountsTable"),
            COUNT,
            FORGET_FAILURES,
            // Tells the owner.
            SEND_MAIL,
        ],
    ),
    (
        "oauth-callback",
        &[
            // Another browser's state is looked at and left as it is.
            ("dynamodb:GetItem", "VerificationTokensTable"),
            ("dynamodb:UpdateItem", "VerificationTokensTable"),
            // Challenges, and trusted devices, whose token is replaced.
            ("dynamodb:PutItem", "VerificationTokensTable"),
            ("dynamodb:DeleteItem", "VerificationTokensTable"),
            ("dynamodb:BatchGetItem", "AccountsTable"),
            ("dynamodb:PutItem", "AccountsTable"),
            ("dynamodb:UpdateItem", "AccountsTable"),
            ("dynamodb:PutItem", "UsersTable"),
            ("dynamodb:UpdateItem", "UsersTable"),
            ("dynamodb:ConditionCheckItem", "UsersTable"),
            ("dynamodb:PutItem", "SessionsTable"),
            // Who asked for a link, and whether they are still signed in.
            ("dynamodb:BatchGetItem", "UsersTable"),
            ("dynamodb:BatchGetItem", "SessionsTable"),
            COUNT,
            READ_SIGNING_SECRET,
            READ_CLIENTS,
            // Seals the provider's tokens.
            READ_ENCRYPTION_SECRET,
        ],
    ),
    (
        "verify-email",
        &[
            // Asking for a link.
            ("dynamodb:GetItem", "AccountsTable"),
            ("dynamodb:GetItem", "UsersTable"),
            ("dynamodb:PutItem", "VerificationTokensTable"),
            // Following one: who follows it, what it grants, and to whom.
            ("dynamodb:BatchGetItem", "SessionsTable"),
            ("dynamodb:BatchGetItem", "VerificationTokensTable"),
            ("dynamodb:BatchGetItem", "UsersTable"),
            ("dynamodb:BatchGetItem", "AccountsTable"),
            // Verifying, and removing a password that may be a stranger's.
            ("dynamodb:UpdateItem", "VerificationTokensTable"),
            ("dynamodb:UpdateItem", "UsersTable"),
            ("dynamodb:UpdateItem", "AccountsTable"),
            // Signing in, perhaps on a trusted device.
            ("dynamodb:PutItem", "SessionsTable"),
            ("dynamodb:GetItem", "VerificationTokensTable"),
            // Changing the address, and keeping the session.
            ("dynamodb:PutItem", "AccountsTable"),
            ("dynamodb:DeleteItem", "AccountsTable"),
            ("dynamodb:DeleteItem", "VerificationTokensTable"),
            ("dynamodb:UpdateItem", "SessionsTable"),
            SEND_MAIL,
            COUNT,
            READ_SIGNING_SECRET,
        ],
    ),
    (
        "magic-link",
        &[
            ("dynamodb:GetItem", "AccountsTable"),
            ("dynamodb:PutItem", "AccountsTable"),
            // Takes a stranger's password and second factor away.
            ("dynamodb:UpdateItem", "AccountsTable"),
            ("dynamodb:DeleteItem", "AccountsTable"),
            ("dynamodb:GetItem", "UsersTable"),
            ("dynamodb:PutItem", "UsersTable"),
            ("dynamodb:UpdateItem", "UsersTable"),
            ("dynamodb:ConditionCheckItem", "UsersTable"),
            ("dynamodb:PutItem", "SessionsTable"),
            ("dynamodb:GetItem", "VerificationTokensTable"),
            ("dynamodb:PutItem", "VerificationTokensTable"),
            ("dynamodb:DeleteItem", "VerificationTokensTable"),
            SEND_MAIL,
            COUNT,
            READ_SIGNING_SECRET,
        ],
    ),
    (
        "two-factor",
        &[
            // The session.
            ("dynamodb:BatchGetItem", "UsersTable"),
            ("dynamodb:BatchGetItem", "SessionsTable"),
            ("dynamodb:GetItem", "UsersTable"),
            ("dynamodb:UpdateItem", "UsersTable"),
            ("dynamodb:ConditionCheckItem", "UsersTable"),
            // The password, and the factor.
            ("dynamodb:GetItem", "AccountsTable"),
            ("dynamodb:PutItem", "AccountsTable"),
            ("dynamodb:UpdateItem", "AccountsTable"),
            ("dynamodb:DeleteItem", "AccountsTable"),
            ("dynamodb:PutItem", "SessionsTable"),
            ("dynamodb:DeleteItem", "SessionsTable"),
            // Challenges, mailed codes and trusted devices.
            ("dynamodb:GetItem", "VerificationTokensTable"),
            ("dynamodb:PutItem", "VerificationTokensTable"),
            ("dynamodb:UpdateItem", "VerificationTokensTable"),
            ("dynamodb:DeleteItem", "VerificationTokensTable"),
            SEND_MAIL,
            COUNT,
            FORGET_FAILURES,
            READ_SIGNING_SECRET,
            READ_ENCRYPTION_SECRET,
        ],
    ),
    (
        "account",
        &[
            ("dynamodb:BatchGetItem", "UsersTable"),
            ("dynamodb:BatchGetItem", "SessionsTable"),
            // Changes the profile and the password.
            ("dynamodb:UpdateItem", "UsersTable"),
            ("dynamodb:GetItem", "AccountsTable"),
            ("dynamodb:UpdateItem", "AccountsTable"),
            ("dynamodb:PutItem", "SessionsTable"),
            // Deletes users with all that is theirs.
            ("dynamodb:GetItem", "VerificationTokensTable"),
            ("dynamodb:PutItem", "VerificationTokensTable"),
            ("dynamodb:Query", "SessionsTable"),
            ("dynamodb:BatchWriteItem", "SessionsTable"),
            ("dynamodb:DeleteItem", "UsersTable"),
            ("dynamodb:DeleteItem", "AccountsTable"),
            ("dynamodb:DeleteItem", "SessionsTable"),
            ("dynamodb:DeleteItem", "VerificationTokensTable"),
            // Lists, links and unlinks providers, and opens their tokens.
            ("dynamodb:BatchGetItem", "AccountsTable"),
            READ_CLIENTS,
            READ_ENCRYPTION_SECRET,
            SEND_MAIL,
            COUNT,
            FORGET_FAILURES,
            READ_SIGNING_SECRET,
        ],
    ),
    (
        "rotate-secret",
        &[
            ("secretsmanager:DescribeSecret", "SigningSecret"),
            READ_SIGNING_SECRET,
            ("secretsmanager:PutSecretValue", "SigningSecret"),
            ("secretsmanager:UpdateSecretVersionStage", "SigningSecret"),
        ],
    ),
    ("authorizer", &[READ_SIGNING_SECRET]),
];

/// What the authorizer may do as well where it looks if sessions live.
const GRANTS_TO_CHECK_SESSIONS: &[Grant] =
    &[("dynamodb:BatchGetItem", "UsersTable"), ("dynamodb:BatchGetItem", "SessionsTable")];

/// Functions, actions and resources, in order.
type Grants = BTreeSet<(String, String, String)>;

fn expected_grants() -> Grants {
    named(GRANTS)
}

fn named(grants: &[(&str, &[Grant])]) -> Grants {
    let all = grants.iter().flat_map(|(function, grants)| grants.iter().map(move |grant| (function, grant)));
    all.map(|(function, (action, resource))| ((*function).to_owned(), (*action).to_owned(), (*resource).to_owned()))
        .collect()
}

fn template() -> Template {
    template_with(&[])
}

fn template_with(more: &[(&str, &str)]) -> Template {
    let parameters = [("BaseUrl", "https://auth.example.com"), ("TrustedOrigins", "https://app.example.com")];
    let parameters: Vec<_> =
        parameters.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Template::read(&workspace_root().join("template.yaml"), &parameters).unwrap()
}

/// One value or a list of them.
fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    }
}

/// The statements of a function's policies.
fn statements(function: &local::template::Function) -> Vec<Value> {
    let documents = function.policies.iter();
    // A string would be a managed policy, another key a SAM policy template.
    let statements = documents.map(|document| {
        let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["Statement"], "{}", function.name);
        document["Statement"].as_array().unwrap().clone()
    });
    statements.flatten().collect()
}

#[test]
fn the_routes_are_those_of_the_code() {
    let in_template: BTreeSet<_> =
        template().routes.into_iter().map(|route| (route.method, route.path, route.function)).collect();
    let in_code: BTreeSet<_> = ROUTES
        .iter()
        .map(|info| (info.method.to_owned(), format!("{BASE_PATH}{}", info.path), info.function.name().to_owned()))
        .collect();
    assert_eq!(in_template, in_code);
}

#[test]
fn every_function_has_the_settings_that_the_code_reads_and_no_others() {
    let directory = workspace_root().join("shared/src/config");
    let code = ["mod.rs", "reader.rs"].map(|file| fs::read_to_string(directory.join(file)).unwrap()).concat();
    let read: BTreeSet<&str> = code.split('"').filter(|text| text.starts_with("AUTH_") && text.len() > 5).collect();
    assert!(read.len() > 20, "{read:?}");

    for function in template().functions {
        let set: BTreeSet<&str> = function.environment.keys().map(String::as_str).collect();
        assert_eq!(set, read, "{}", function.name);
        let config = Config::from_variables(function.environment.clone()).unwrap();

        // What may be left out is set to what the code takes without it, so
        // that there is one default, not two.
        let mut optional = 0;
        for name in function.environment.keys() {
            let mut variables = function.environment.clone();
            variables.remove(name);
            match Config::from_variables(variables) {
                Ok(without) if name == "AUTH_TRUSTED_ORIGINS" => {
                    assert!(!config.trusted_origins.allows_redirect("https://evil.example"));
                    drop(without);
                }
                Ok(without) => {
                    optional += 1;
                    assert_eq!(format!("{without:?}"), format!("{config:?}"), "{name}");
                }
                Err(faults) => assert_eq!(faults.0, [format!("{name} is not set")]),
            }
        }
        assert!(optional > 8, "{}: {optional}", function.name);
    }
}

#[test]
fn every_function_may_do_what_it_must_and_no_more() {
    assert_eq!(granted_by(&template()), expected_grants());
    let mut with_sessions = expected_grants();
    with_sessions.extend(named(&[("authorizer", GRANTS_TO_CHECK_SESSIONS)]));
    assert_eq!(granted_by(&template_with(&[("AuthorizerChecksSession", "true")])), with_sessions);
}

/// What the policies of a template grant.
fn granted_by(template: &Template) -> Grants {
    let mut granted = Grants::new();
    for function in &template.functions {
        for statement in statements(function) {
            assert_eq!(statement["Effect"], "Allow");
            let keys: BTreeSet<&str> = statement.as_object().unwrap().keys().map(String::as_str).collect();
            let sends_mail = statement["Action"] == "ses:SendEmail";
            let expected: &[&str] = if sends_mail {
                &["Action", "Condition", "Effect", "Resource"]
            } else {
                &["Action", "Effect", "Resource"]
            };
            assert_eq!(keys, expected.iter().copied().collect(), "{}", function.name);
            for action in list(&statement["Action"]) {
                assert!(!action.contains('*'), "{}: {action}", function.name);
                for resource in list(&statement["Resource"]) {
                    granted.insert((function.name.clone(), action.clone(), resource_name(&action, &resource)));
                }
            }
            if sends_mail {
                // Which identities there are is the account's business; who
                // the mail is from is not left to the function.
                let from = &statement["Condition"]["StringEqualsIgnoreCase"]["ses:FromAddress"];
                assert_eq!(from, &json!(function.environment["AUTH_MAIL_FROM"]));
            }
        }
    }
    granted
}

/// The parameters of a profile in `samconfig.toml`.
fn profile(name: &str) -> Vec<(String, String)> {
    let file = fs::read_to_string(workspace_root().join("samconfig.toml")).unwrap();
    let section = file.split_once(&format!("[{name}.deploy.parameters]")).unwrap().1;
    let list = section.split_once("parameter_overrides = [").unwrap().1.split_once("\n]").unwrap().0;
    let items = list.split(',').filter_map(|item| item.trim().strip_prefix('"')?.strip_suffix('"')?.split_once('='));
    items.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn the_profiles_are_what_their_names_say() {
    let read = |name| Template::read(&workspace_root().join("template.yaml"), &profile(name)).unwrap();
    let (development, production) = (read("default"), read("prod"));
    let config = |template: &Template| Config::from_variables(template.functions[0].environment.clone()).unwrap();
    let (relaxed, strict) = (config(&development), config(&production));
    assert_eq!((relaxed.access_tokens.lifetime, strict.access_tokens.lifetime), (604_800, 900));
    assert!(!relaxed.verification.required && strict.verification.required);
    assert!(relaxed.limits.is_none() && strict.limits.is_some());
    assert!(relaxed.metrics_namespace.is_none() && strict.metrics_namespace.is_some());
    assert!(strict.passwords.refuse_common && strict.deletion.confirm_by_mail && strict.is_https());
    assert_eq!((development.rotations.len(), production.rotations.len()), (0, 1));
    for (template, protected) in [(&development, "false"), (&production, "true")] {
        let users = template.tables.iter().find(|table| table.name == "UsersTable").unwrap();
        assert_eq!(users.properties["DeletionProtectionEnabled"], protected);
    }
    // Empty is what the profile says; the template's conditions say it as well.
    let value = |template: &Template, name: &str| template.parameters[name].as_str().unwrap().to_owned();
    assert_eq!((value(&production, "Profile"), value(&production, "Alarms")), ("production".to_owned(), String::new()));
    assert!(!value(&production, "AlarmEmail").is_empty() && !value(&production, "GradualDeployment").is_empty());
    let days = |template: &Template| value(template, "LogRetentionDays").parse::<u32>().unwrap();
    assert!(days(&production) > days(&development));
}

/// Writes the matrix anew if it is asked to: `UPDATE_IAM=1 cargo test -p tests
/// --test api -- the_iam_matrix`.
#[test]
fn the_iam_matrix_is_that_of_the_template() {
    let path = workspace_root().join("infra/iam.md");
    let matrix = iam_matrix(&granted_by(&template()));
    if std::env::var_os("UPDATE_IAM").is_some() {
        fs::write(&path, &matrix).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), matrix, "UPDATE_IAM=1 writes infra/iam.md anew");
}

/// Functions by tables, secrets and mail.
fn iam_matrix(granted: &Grants) -> String {
    let mut page = String::from(IAM_PAGE);
    let secrets = ["SigningSecret", "EncryptionSecret", "OAuthClientsSecret"];
    let tables = ["UsersTable", "AccountsTable", "SessionsTable", "VerificationTokensTable", "RateLimitsTable"];
    for (title, resources) in [("Tables", &tables[..]), ("Secrets and mail", &[&secrets[..], &[""]].concat())] {
        let head: Vec<&str> = resources.iter().map(|name| if name.is_empty() { "SES" } else { name }).collect();
        writeln!(page, "\n## {title}\n\n| function | {} |\n|---{}|", head.join(" | "), "|---".repeat(head.len()))
            .unwrap();
        for (function, _) in GRANTS {
            let cell = |resource: &&str| {
                let of_cell = granted.iter().filter(|grant| grant.0 == *function && grant.2 == **resource);
                of_cell.map(|(_, action, _)| action.split_once(':').unwrap().1).collect::<Vec<_>>().join(", ")
            };
            let cells: Vec<String> = resources.iter().map(cell).collect();
            writeln!(page, "| `{function}` | {} |", cells.join(" | ")).unwrap();
        }
    }
    let listed: BTreeSet<&str> = tables.into_iter().chain(secrets).chain([""]).collect();
    assert!(granted.iter().all(|grant| listed.contains(grant.2.as_str())), "{granted:?}");
    page
}

const IAM_PAGE: &str = "\
# What each function may do

Made from the policies in `template.yaml` by `the_iam_matrix_is_that_of_the_template` in `tests/tests/api/template.rs`, which
fails when it is out of date; `UPDATE_IAM=1` writes it anew. Another test compares the same policies with what the functions
ask for when they do everything they can (`what_is_granted_is_what_is_used`). No action or table is named by a wildcard.

Beside this every function may write to the log (`AWSLambdaBasicExecutionRole`), and with `Tracing=Active` to X-Ray
(`AWSXrayWriteOnlyAccess`). With `AuthorizerChecksSession=true`, `authorizer` has `BatchGetItem` on users and sessions. Mail
leaves from `MailFrom` alone, by any identity and configuration set of the account.
";

/// The table or secret in an ARN; everything else must be an identity of SES.
fn resource_name(action: &str, resource: &str) -> String {
    if action == "ses:SendEmail" {
        let (start, name) = resource.rsplit_once(':').unwrap();
        assert!(start.starts_with("arn:aws:ses:"), "{resource}");
        assert!(["identity/*", "configuration-set/*"].contains(&name), "{resource}");
        return String::new();
    }
    assert!(!resource.contains('*'), "{action}: {resource}");
    let name = resource.strip_prefix("arn:aws:dynamodb:us-east-1:000000000000:table/").unwrap_or(resource);
    assert!(!name.contains([':', '/']), "{action}: {resource}");
    name.to_owned()
}

/// The functions that see a session cookie at every click cannot reach a
/// password hash, and only those that must can write to anybody.
#[test]
fn hashes_and_mail_are_out_of_reach() {
    for function in template().functions {
        let text = Value::from(statements(&function)).to_string();
        let touches_accounts = text.contains("AccountsTable");
        let session_only = ["session", "signout", "rotate-secret", "authorizer"].contains(&function.name.as_str());
        assert!(!touches_accounts || !session_only, "{}", function.name);
        let mails = ["account", "magic-link", "reset-confirm", "reset-request", "signup", "two-factor", "verify-email"]
            .contains(&function.name.as_str());
        assert_eq!(text.contains("ses:"), mails, "{}", function.name);
    }
}

#[test]
fn functions_that_hash_have_a_whole_cpu() {
    // At 1769 MB Lambda gives one whole CPU.
    let memory: BTreeMap<String, u64> =
        template().functions.into_iter().map(|function| (function.name, function.memory_mb)).collect();
    let expected = [
        ("account", 1769),
        ("authorizer", 512),
        ("magic-link", 512),
        ("oauth-callback", 512),
        ("reset-confirm", 1769),
        ("reset-request", 512),
        ("rotate-secret", 256),
        ("session", 512),
        ("signin", 1769),
        ("signout", 512),
        ("signup", 1769),
        ("two-factor", 1769),
        ("verify-email", 512),
    ];
    assert_eq!(memory, expected.map(|(name, megabytes)| (name.to_owned(), megabytes)).into());
    // Longer than the code's own deadline, shorter than the gateway's.
    assert!(template().functions.iter().all(|function| (9..30).contains(&function.timeout.as_secs())));
}

#[test]
fn the_tables_keep_what_must_be_kept_and_forget_the_rest() {
    let template = template();
    assert_eq!(template.tables.len(), 5);
    for table in &template.tables {
        let keeps = ["UsersTable", "AccountsTable"].contains(&table.name.as_str());
        let properties = &table.properties;
        assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST", "{}", table.name);
        assert_eq!(properties["SSESpecification"]["SSEEnabled"], true, "{}", table.name);
        assert_eq!(table.ttl_attribute.as_deref(), (!keeps).then_some("ttl"), "{}", table.name);
        // What is restored would bring revoked sessions and used tokens back.
        let recovery = &properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
        assert_eq!(recovery == true, keeps, "{}", table.name);
        let protected = &properties["DeletionProtectionEnabled"];
        assert_eq!(protected == "true" || protected == true, keeps, "{}", table.name);
        let resource = &template.document["Resources"][&table.name];
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(resource[policy], if keeps { "Retain" } else { "Delete" }, "{}", table.name);
        }
        assert!(properties.get("GlobalSecondaryIndexes").is_none(), "{}", table.name);
    }
    for secret in ["SigningSecret", "EncryptionSecret", "OAuthClientsSecret"] {
        assert_eq!(template.document["Resources"][secret]["DeletionPolicy"], "Retain", "{secret}");
    }
    for secret in ["SigningSecret", "EncryptionSecret"] {
        let generated = &template.document["Resources"][secret]["Properties"]["GenerateSecretString"];
        assert!(generated["PasswordLength"].as_u64().unwrap() >= 43, "{generated}");
    }
}

/// Nothing rotates unless it is asked to, and nobody but Secrets Manager can
/// call the function that does.
#[test]
fn the_signing_secret_is_rotated_when_it_is_asked_for() {
    assert_eq!(template().rotations, []);
    let document = template().document;
    let allowed = document["Parameters"]["SecretRotationDays"]["AllowedValues"].as_array().unwrap();
    assert!(allowed.len() > 2 && allowed[0] == 0, "{allowed:?}");
    for days in allowed.iter().skip(1) {
        let template = template_with(&[("SecretRotationDays", &days.to_string())]);
        let [rotation] = template.rotations.as_slice() else { panic!("{:?}", template.rotations) };
        assert_eq!((rotation.secret.as_str(), rotation.at_once), ("SigningSecret", false));
        let function = template.function("rotate-secret").unwrap();
        assert_eq!(rotation.function, function_arn(&function.id));
        assert_eq!(rotation.rules, json!({"AutomaticallyAfterDays": days}));
        // No session of the usual length sees two rotations.
        Config::from_variables(function.environment.clone()).unwrap();
        assert!(!template.routes.iter().any(|route| route.function == function.name));
    }
    let longest = template_with(&[("SecretRotationDays", "14"), ("SessionSeconds", "1209600")]);
    let faults = Config::from_variables(longest.functions[0].environment.clone()).unwrap_err();
    assert!(faults.to_string().contains("AUTH_SECRET_ROTATION_DAYS"), "{faults}");

    let permissions = document["Resources"].as_object().unwrap().values();
    let permissions: Vec<_> = permissions.filter(|resource| resource["Type"] == "AWS::Lambda::Permission").collect();
    assert_eq!(permissions.len(), 1);
    let expected = json!({
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::GetAtt": ["RotateSecretFunction", "Arn"]},
        "Principal": "secretsmanager.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
        "SourceArn": {"Fn::GetAtt": ["SigningSecret", "Id"]},
    });
    assert_eq!(permissions[0]["Properties"], expected);
}

#[test]
fn cors_is_for_named_origins_with_credentials() {
    let cors = template().cors.unwrap();
    assert!(cors.allow_credentials);
    for list in [&cors.allow_origins, &cors.allow_methods, &cors.allow_headers, &cors.expose_headers] {
        assert!(!list.is_empty() && list.iter().all(|entry| !entry.contains('*')), "{list:?}");
    }
    let methods: BTreeSet<&str> = ROUTES.iter().map(|info| info.method).collect();
    assert_eq!(cors.allow_methods.iter().map(String::as_str).collect::<BTreeSet<_>>(), methods);
    for header in ["set-auth-token", "set-auth-jwt", "retry-after"] {
        assert!(cors.expose_headers.iter().any(|exposed| exposed == header), "{header}");
    }
}

/// Does everything that the functions can do, once, and compares what they
/// asked of AWS with what the template grants: nothing is used that is not
/// granted, nothing is granted that is not used.
#[tokio::test]
async fn what_is_granted_is_what_is_used() {
    let rules = Limit::ALL.map(|limit| format!("{}=1000/60", limit.name())).join(",");
    let app = App::with_env(&[
        ("AUTH_RATE_LIMITS", "true"),
        ("AUTH_RATE_LIMIT_RULES", &rules),
        ("AUTH_CONFIRM_DELETION", "true"),
        ("AUTH_VERIFY_ON_SIGN_UP", "true"),
        ("AUTH_SIGN_IN_AFTER_VERIFICATION", "true"),
    ])
    .await;
    let email = unique_email("grants");
    let mut browser = app.sign_up(&email).await;
    assert!(browser.current_user().await.is_some());
    age_sessions(&app, &email, 2).await;
    assert!(browser.current_user().await.is_some());
    assert_eq!(browser.post("/sign-out", &json!({})).await.status, 200);

    // A hash of older days, which the sign-in replaces.
    let weak = Argon2Hasher::new(HashPolicy { memory_kib: 64, iterations: 1, wrong_millis: 0 }, OsRandom);
    let hash = weak.hash(Password::new(PASSWORD).unwrap()).await.unwrap();
    let mut account = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
    account["passwordHash"] = json!({"S": hash});
    app.put_row("AccountsTable", &account).await;
    assert_eq!(sign_in(&app, &email, PASSWORD).await.1.status, 200);
    let upgraded = app.row("AccountsTable", "identity", &format!("email:{email}")).await.unwrap();
    assert_ne!(upgraded["passwordHash"], account["passwordHash"]);

    // A new user, a linked one, a first link, and a link from before a reset:
    // by redirect, and by an id token.
    let stranger = GoogleUser::new("stranger", &unique_email("stranger"));
    sign_in_with_google(&app, &stranger).await;
    sign_in_with_google(&app, &stranger).await;
    let stranger = GoogleUser::new("presenter", &unique_email("presenter"));
    sign_in_with_id_token(&app, &stranger).await;
    sign_in_with_id_token(&app, &stranger).await;
    verify_email(&app, &email).await;
    let person = GoogleUser::new("grants", &email);
    sign_in_with_google(&app, &person).await;
    reset_to(&app, &email, PASSWORD).await;
    sign_in_with_google(&app, &person).await;
    let verified = unique_email("grants-by-id-token");
    app.sign_up(&verified).await;
    verify_email(&app, &verified).await;
    let person = GoogleUser::new("grants-by-id-token", &verified);
    sign_in_with_id_token(&app, &person).await;
    reset_to(&app, &verified, PASSWORD).await;
    sign_in_with_id_token(&app, &person).await;
    // A state in the wrong browser.
    let url = callback_url(&app, &mut app.browser(), &person).await;
    let answer = app.browser().send(Call::new("GET", url)).await;
    assert!(answer.header("location").contains("state_mismatch"), "{}", answer.header("location"));

    // Links: of somebody new, of the same, of one whose address is unverified.
    let (new, unverified) = (unique_email("link"), unique_email("unverified"));
    app.sign_up(&unverified).await;
    for email in [&new, &new, &unverified] {
        sign_in_by_link(&app, email).await;
    }

    // A user who looks after the account, and leaves in the end.
    let email = unique_email("leaver");
    let mut browser = app.sign_up(&email).await;
    for (path, body) in [
        ("/update-user", json!({"name": "Ann"})),
        ("/change-password", json!({"currentPassword": PASSWORD, "newPassword": PASSWORD})),
        ("/revoke-other-sessions", json!({})),
        ("/revoke-sessions", json!({})),
    ] {
        assert_eq!(browser.post(path, &body).await.status, 200, "{path}");
    }
    let (mut browser, _) = sign_in(&app, &email, PASSWORD).await;
    let sessions = browser.get("/list-sessions").await.json();
    assert_eq!(browser.post("/revoke-session", &json!({"token": sessions[0]["token"]})).await.status, 200);
    let (mut browser, _) = sign_in(&app, &email, PASSWORD).await;
    assert_eq!(browser.post("/delete-user", &json!({})).await.status, 200);
    let link = app.mail_to(&email).await.links[0].clone();
    let answer = browser.send(Call::new("GET", link)).await;
    assert_eq!(answer.header("location"), "/", "{}", answer.text());

    use_providers(&app).await;

    verify_and_change(&app).await;

    use_second_factor(&app).await;

    rotate(&app).await;
    ask_authorizer(&app, "no token").await;
    // Whatever a request is about, it is counted.
    for info in ROUTES {
        let path = info.path.replace("{token}", "x").replace("{provider}", "google");
        app.browser().send(Call::new(info.method, path).json(&json!({}))).await;
    }

    let mut used = Grants::new();
    for call in app.aws().calls() {
        let function = call.function.unwrap();
        used.extend(call.actions.into_iter().map(|(action, resource)| (function.clone(), action, resource)));
    }
    assert_eq!(used, expected_grants());
}

/// Links a provider by redirect and by an id token, reads and refreshes its
/// tokens, and gives it up.
async fn use_providers(app: &App) {
    let email = unique_email("grants-linker");
    let mut browser = app.sign_up(&email).await;
    let person = GoogleUser::new("grants-linker", &email);
    let start = json!({"provider": "google", "additionalParams": {"access_type": "offline"}});
    let url = browser.post("/link-social", &start).await.json()["url"].as_str().unwrap().to_owned();
    let url = app.provider.consent_as_google(&url, person.clone()).unwrap();
    assert_eq!(browser.send(Call::new("GET", url)).await.status, 302);
    let account = browser.get("/list-accounts").await.json()[1].clone();
    let choice = json!({"accountId": account["id"]});
    for path in ["/get-access-token", "/refresh-token", "/unlink-account"] {
        let answer = browser.post(path, &choice).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let token = json!({"token": app.provider.google_id_token(&person, None)});
    let answer = browser.post("/link-social", &json!({"provider": "google", "idToken": token})).await;
    assert_eq!(answer.json()["status"], true, "{}", answer.text());
}

/// A link followed by a stranger, one on a trusted device, and a new address.
async fn verify_and_change(app: &App) {
    let email = unique_email("grants-recovered");
    app.sign_up(&email).await;
    let token = mails::verification_token(app, &email).await;
    assert_eq!(mails::follow(&mut app.browser(), &token).await.status, 200);

    // There is no password any more: the next click signs in, on a device that
    // claims to be trusted.
    let mut user = user_row(app, &email).await.unwrap();
    user["emailVerified"] = json!({"BOOL": false});
    set_number(&mut user, "twoFactorSince", now());
    app.put_row("UsersTable", &user).await;
    let token = mails::verification_token(app, &email).await;
    let secret = app.aws().secret("SigningSecret").unwrap();
    let keys = Keyring { current: SigningSecret::new("v".to_owned(), &secret).unwrap(), previous: None };
    let cookie = sign(&keys, "cookie/better-auth.trust_device", &"A".repeat(43));
    let mut browser = browser_with(app, "better-auth.trust_device", &encoded(&cookie));
    assert_eq!(mails::follow(&mut browser, &token).await.json()["twoFactorRedirect"], true);

    let email = unique_email("grants-bare");
    app.sign_up(&email).await;
    let token = mails::verification_token(app, &email).await;
    assert_eq!(mails::follow(&mut app.browser(), &token).await.status, 200);
    let mut row = user_row(app, &email).await.unwrap();
    row["emailVerified"] = json!({"BOOL": false});
    app.put_row("UsersTable", &row).await;
    let token = mails::verification_token(app, &email).await;
    let mut browser = app.browser();
    assert_eq!(mails::follow(&mut browser, &token).await.status, 200);

    let new_email = unique_email("grants-new");
    let consent = mails::change_token(app, &mut browser, &email, &new_email).await;
    assert_eq!(mails::follow(&mut browser, &consent).await.status, 200);
    let change = mails::token_in(&mails::link_to(app, &new_email).await);
    assert_eq!(mails::follow(&mut browser, &change).await.status, 200);
}

/// Enrols a second factor, signs in with it in every way, trusts the device,
/// and gives the factor up again.
async fn use_second_factor(app: &App) {
    let email = unique_email("grants-factor");
    let mut browser = app.sign_up(&email).await;
    verify_email(app, &email).await;
    let authenticator = enrol(&mut browser).await;
    let person = GoogleUser::new("grants-factor", &email);
    let (mut device, _) = sign_in(app, &email, PASSWORD).await;
    assert_eq!(device.post("/two-factor/send-otp", &json!({})).await.status, 200);
    let code = authenticator.code(app).await;
    let body = json!({"code": code, "trustDevice": true});
    assert_eq!(device.post("/two-factor/verify-totp", &body).await.status, 200);
    let credentials = json!({"email": email, "password": PASSWORD});
    assert!(device.post("/sign-in/email", &credentials).await.json()["token"].is_string());
    let url = callback_url(app, &mut device, &person).await;
    assert_eq!(device.send(Call::new("GET", url)).await.header("location"), "/done");
    let mut stranger = app.browser();
    let url = callback_url(app, &mut stranger, &person).await;
    assert!(stranger.send(Call::new("GET", url)).await.header("location").starts_with("/two-factor"));
    assert_eq!(device.post("/two-factor/send-otp", &json!({})).await.status, 200);
    for path in ["get-totp-uri", "disable"] {
        let answer = device.post(&format!("/two-factor/{path}"), &json!({"password": PASSWORD})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
