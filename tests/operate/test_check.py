"""infra/check: everything that is missing has its line, while it is missing."""

import json
import re
import socketserver
import subprocess
import sys
import threading
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import commands
from aws import ROOT, Altered, as_operator, deploy, describe, documented_actions, emulator, tool
from service import Device, Service

sys.path.insert(0, str(ROOT / "infra"))

from operating import clients  # noqa: E402

NAME = "lambda-auth"
ORIGIN = "https://app.acme.dev"
PARAMETERS = {
    "Profile": "production",
    "BaseUrl": ORIGIN,
    "TrustedOrigins": ORIGIN,
    "MailFrom": "no-reply@mail.acme.dev",
    "SecretRotationDays": "90",
    "LogRetentionDays": "365",
    "AlarmEmail": "ops@acme.dev",
}
GOOGLE = {"clientId": "7.apps.googleusercontent.com", "clientSecret": "GOCSPX-topsecret"}
CLIENTS = {"google": GOOGLE, "acme": {"issuer": "https://id.acme.dev", "clientId": "auth", "clientSecret": "topsecret"}}
SIGNED = {"SigningEnabled": True, "Status": "SUCCESS"}


class Account:
    """The emulated account with the stack; `altered` stands before the services whose states it cannot have."""

    def __init__(self) -> None:
        self.overlays: dict[str, dict] = {}
        self.altered = Altered(self._alter)
        deploy(NAME, PARAMETERS)
        clients = map(emulator().client, ("cloudformation", "dynamodb", "logs", "secretsmanager", "sesv2", "sns", "cloudwatch"))
        self.cloudformation, self.dynamodb, self.logs, self.secrets, self.ses, self.sns, self.cloudwatch = clients
        described = self.cloudformation.describe_stacks(StackName=NAME)["Stacks"][0]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}

    def complete(self) -> None:
        """Does by hand what an operator does, and what CloudFormation would have done."""
        self.ses.create_email_identity(EmailIdentity="acme.dev")
        for kind in ("Users", "Accounts"):
            self.recovery(kind, True)
        for kind in ("Sessions", "VerificationTokens", "RateLimits"):
            self.ttl(kind, True)
        self.put_clients(json.dumps(CLIENTS))
        self.secrets.rotate_secret(
            SecretId=self.outputs["SigningSecretArn"],
            RotationLambdaARN=self.outputs["AuthorizerFunctionArn"],
            RotationRules={"AutomaticallyAfterDays": 90},
            RotateImmediately=False,
        )
        self.overlays = {
            "/identities/": {"DkimAttributes": SIGNED},
            "DescribeSecret": {"NextRotationDate": (datetime.now(UTC) + timedelta(days=60)).timestamp()},
        }

    def check(self, *arguments: str, name: str = NAME, environment: dict[str, str] | None = None) -> tuple[int, list[str]]:
        through = {f"AWS_ENDPOINT_URL_{service}": self.altered.url for service in ("SESV2", "SECRETS_MANAGER", "SNS")}
        code, text = tool("check", name, *arguments, environment=through | (environment or {}))
        for secret in ("topsecret", "GOCSPX"):
            assert secret not in text, text
        return code, text.splitlines()

    def recovery(self, kind: str, enabled: bool) -> None:
        specification = {"PointInTimeRecoveryEnabled": enabled}
        self.dynamodb.update_continuous_backups(TableName=self.outputs[f"{kind}TableName"], PointInTimeRecoverySpecification=specification)

    def ttl(self, kind: str, enabled: bool) -> None:
        specification = {"Enabled": enabled, "AttributeName": "ttl"}
        self.dynamodb.update_time_to_live(TableName=self.outputs[f"{kind}TableName"], TimeToLiveSpecification=specification)

    def protect(self, kind: str, enabled: bool) -> None:
        self.dynamodb.update_table(TableName=self.outputs[f"{kind}TableName"], DeletionProtectionEnabled=enabled)

    def put_clients(self, text: str) -> None:
        self.secrets.put_secret_value(SecretId=self.outputs["OAuthClientsSecretArn"], SecretString=text)

    @contextmanager
    def answering(self, operation: str, **overlay: object) -> Iterator[None]:
        """Has the answers of an operation say something else of some members."""
        before = self.overlays.get(operation)
        self.overlays[operation] = {**(before or {}), **overlay}
        try:
            yield
        finally:
            self.overlays[operation] = before
            if before is None:
                del self.overlays[operation]

    def _alter(self, operation: str, body: dict | str) -> dict | str:
        for part, overlay in self.overlays.items():
            if part in operation and isinstance(body, dict):
                body |= overlay
        # Of a subscription that nobody has confirmed AWS does not give the ARN.
        return body if isinstance(body, dict) else re.sub(r"arn:\S+(?=</SubscriptionArn>.*?<Endpoint>https)", "PendingConfirmation", body)


def setUpModule() -> None:
    global account
    account = Account()


class Check(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        code, lines = account.check("--no-http")
        missing = {line.split()[1] for line in lines[:-1]}
        # As it is after sam deploy, in an account that never sent mail.
        assert code == 1 and {"sender", "rotation", "tables"} == missing, lines
        account.complete()

    def setUp(self) -> None:
        self.assert_fine()

    def tearDown(self) -> None:
        self.assert_fine()

    def assert_fine(self) -> None:
        self.assertEqual(account.check("--no-http"), (0, ["lambda-auth in us-east-1: nothing missing"]))

    def assert_line(self, about: str, what: str, remedy: str, level: str = "missing", more: int = 0) -> None:
        """That this is missing, and nothing else."""
        code, lines = account.check("--no-http")
        expected = 1 if level == "missing" else 0
        self.assertEqual((code, len(lines)), (expected, 2 + more), lines)
        self.assertRegex(lines[0], rf"^{level} +{about} +{re.escape(what)} → .*{re.escape(remedy)}")
        self.assertEqual(list(commands.faults(lines[0].split(" → ")[1])), [])

    def test_what_is_fine_is_shown_on_demand(self) -> None:
        code, lines = account.check("--no-http", "--all")
        self.assertEqual(code, 0)
        source = "".join((ROOT / "infra" / "operating" / f"{name}.py").read_text() for name in ("checks", "mail_checks"))
        names = re.findall(r"^def ([a-z]\w*)\(stack: Stack\)", source, re.MULTILINE)
        fine = [line.split()[1].replace("-", "_") for line in lines[:-1]]
        self.assertCountEqual(fine, [name for name in names if name not in ("api", "front")])

    def test_the_identity_of_the_sender(self) -> None:
        account.ses.delete_email_identity(EmailIdentity="acme.dev")
        what = "SES knows neither no-reply@mail.acme.dev nor mail.acme.dev"
        self.assert_line("sender", what, "aws sesv2 create-email-identity --email-identity mail.acme.dev --region us-east-1")
        account.ses.create_email_identity(EmailIdentity="mail.acme.dev")
        self.assert_fine()
        account.ses.delete_email_identity(EmailIdentity="mail.acme.dev")
        account.ses.create_email_identity(EmailIdentity="acme.dev")

    def test_an_identity_that_is_not_verified(self) -> None:
        with account.answering("/identities/", VerifiedForSendingStatus=False):
            self.assert_line("sender", "SES has not verified acme.dev", "make the CNAME records of its DkimAttributes: aws sesv2 get-email-identity")

    def test_a_mere_address_is_not_signed(self) -> None:
        account.ses.delete_email_identity(EmailIdentity="acme.dev")
        account.ses.create_email_identity(EmailIdentity="no-reply@mail.acme.dev")
        with account.answering("/identities/", DkimAttributes={"SigningEnabled": False, "Status": "NOT_STARTED"}):
            self.assert_line("dkim", "mail from no-reply@mail.acme.dev is not signed by its domain (DKIM), and may be taken for spam", "create-email-identity", "consider")
            with account.answering("/identities/", VerifiedForSendingStatus=False):
                self.assert_line("sender", "SES has not verified no-reply@mail.acme.dev", "follow the link that Amazon mailed")
        account.ses.delete_email_identity(EmailIdentity="no-reply@mail.acme.dev")
        account.ses.create_email_identity(EmailIdentity="acme.dev")

    def test_dkim(self) -> None:
        with account.answering("/identities/", DkimAttributes={"SigningEnabled": True, "Status": "PENDING"}):
            self.assert_line("dkim", "DKIM of acme.dev is PENDING", "make the CNAME records")
        with account.answering("/identities/", DkimAttributes={"SigningEnabled": False, "Status": "SUCCESS"}):
            self.assert_line("dkim", "DKIM of acme.dev is off", "aws sesv2 put-email-identity-dkim-attributes --email-identity acme.dev --signing-enabled")

    def test_the_sandbox(self) -> None:
        details = {"MailType": "TRANSACTIONAL", "WebsiteURL": ORIGIN}
        account.ses.put_account_details(**details, ProductionAccessEnabled=False)
        self.assert_line("sandbox", "SES is in its sandbox: mail reaches verified addresses alone", "put-account-details --production-access-enabled")
        account.ses.put_account_details(**details, ProductionAccessEnabled=True)

    def test_mail_that_is_paused(self) -> None:
        with account.answering("/account", SendingEnabled=False):
            self.assert_line("sending", "SES is paused", "aws sesv2 put-account-sending-attributes --sending-enabled")
        with account.answering("/account", EnforcementStatus="PROBATION"):
            self.assert_line("sending", "Amazon has the account's mail under PROBATION", "https://console.aws.amazon.com/support")

    def test_secrets(self) -> None:
        for about, output in [("signing-secret", "SigningSecretArn"), ("encryption-secret", "EncryptionSecretArn")]:
            arn = account.outputs[output]
            account.secrets.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
            self.assert_line(about, "the secret is to be deleted", f"aws secretsmanager restore-secret --secret-id {arn}")
            account.secrets.restore_secret(SecretId=arn)
        with account.answering("DescribeSecret", VersionIdsToStages={}):
            self.assert_line("signing-secret", "the secret has no value", "aws secretsmanager put-secret-value", more=1)

    def test_the_rotation(self) -> None:
        arn = account.outputs["SigningSecretArn"]
        what = "the signing secret is rotated not at all, and should be every 90 days"
        with account.answering("DescribeSecret", RotationEnabled=False):
            self.assert_line("rotation", what, f"rotate-secret --secret-id {arn} --region us-east-1 --rotation-rules AutomaticallyAfterDays=90 --no-rotate-immediately")
        account.secrets.rotate_secret(SecretId=arn, RotationRules={"AutomaticallyAfterDays": 30}, RotateImmediately=False)
        self.assert_line("rotation", "the signing secret is rotated every 30 days, and should be every 90 days", "rotate-secret")
        account.secrets.rotate_secret(SecretId=arn, RotationRules={"AutomaticallyAfterDays": 90}, RotateImmediately=False)
        with account.answering("DescribeSecret", VersionIdsToStages={"a": ["AWSCURRENT"], "b": ["AWSPENDING"]}):
            self.assert_line("rotation", "a rotation of the signing secret has not ended; if none is under way, ask for it again", "rotate-secret")
        with account.answering("DescribeSecret", NextRotationDate=datetime.now(UTC).timestamp() - 3 * 86400):
            self.assert_line("rotation", "a rotation of the signing secret is overdue", "rotate-secret")

    def test_the_clients(self) -> None:
        acme = CLIENTS["acme"]
        for secret, what in [
            ("topsecret", "the secret is no JSON object: no provider works"),
            ('["topsecret"]', "the secret is no JSON object: no provider works"),
            ('{"google": NaN}', "the secret is no JSON object: no provider works"),
            ({"google": "topsecret"}, "google is not an object of a clientId and a clientSecret"),
            ({"google": {"clientSecret": "topsecret"}}, "google has no clientId, and is off"),
            ({"google": GOOGLE | {"clientSecret": "  "}}, "google has no clientSecret, and is off"),
            ({"github": {"clientId": 7, "clientSecret": "topsecret"}}, "github has a clientId that is no text"),
            ({"github": {"clientId": "…", "clientSecret": "topsecret"}}, "github has a clientId that is a placeholder"),
            ({"github": {"clientId": "a", "clientSecret": "<your secret>"}}, "github has a clientSecret that is a placeholder"),
            ({"google": GOOGLE | {"issuer": "https://accounts.google.com"}}, "google takes no issuer, since its addresses are settings"),
            ({"okta": {"clientId": "a", "clientSecret": "topsecret"}}, "okta is ignored: a provider other than google and github needs an issuer"),
            ({"two-factor": acme}, "two-factor is a reserved id"),
            ({"topsecret, in the wrong place": acme}, "an entry has an id that is not 1 to 31 of a-z, 0-9 and -"),
            ({"acme": acme | {"issuer": "http://id.acme.dev"}}, "acme has an issuer that is not an https URL without query and fragment"),
            ({"acme": acme | {"issuer": "https://id.acme.dev?x"}}, "acme has an issuer that is not an https URL without query and fragment"),
            ({"acme": acme | {"issuer": 7}}, "acme has an issuer that is not an https URL without query and fragment"),
            ({"acme": acme | {"scopes": "openid"}}, "acme has scopes that are not a list of scopes"),
        ]:
            with self.subTest(what):
                account.put_clients(secret if isinstance(secret, str) else json.dumps(secret))
                self.assert_line("oauth-clients", what, "aws secretsmanager put-secret-value --secret-id")
        account.put_clients("{}")
        self.assert_fine()
        account.put_clients(json.dumps(CLIENTS))

    def test_tables(self) -> None:
        for kind in ("Users", "Accounts"):
            name = account.outputs[f"{kind}TableName"]
            self.assert_broken("tables", f"{name} has no point-in-time recovery", lambda mended, kind=kind: account.recovery(kind, mended))
            self.assert_broken("tables", f"{name} can be deleted", lambda mended, kind=kind: account.protect(kind, mended))
        for kind in ("Sessions", "VerificationTokens", "RateLimits"):
            name = account.outputs[f"{kind}TableName"]
            self.assert_broken("tables", f"{name} keeps what has expired", lambda mended, kind=kind: account.ttl(kind, mended))

    def assert_broken(self, about: str, what: str, mend: Callable[[bool], None]) -> None:
        mend(False)
        self.assert_line(about, what, "aws ")
        mend(True)

    def test_a_table_that_is_gone(self) -> None:
        name = account.outputs["RateLimitsTableName"]
        account.dynamodb.delete_table(TableName=name)
        self.assert_line("tables", f"the table {name} is gone", "docs/operations.md#a-table-is-gone")
        key = [{"AttributeName": "scope", "KeyType": "HASH"}]
        attributes = [{"AttributeName": "scope", "AttributeType": "S"}]
        account.dynamodb.create_table(TableName=name, KeySchema=key, AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST")
        account.ttl("RateLimits", True)

    def test_the_log(self) -> None:
        name = account.outputs["LogGroupName"]
        account.logs.delete_retention_policy(logGroupName=name)
        self.assert_line("log", "the log is kept for ever, not 365 days", f"aws logs put-retention-policy --log-group-name {name} --retention-in-days 365")
        account.logs.put_retention_policy(logGroupName=name, retentionInDays=7)
        self.assert_line("log", "the log is kept 7 days, not 365 days", "put-retention-policy")
        account.logs.delete_log_group(logGroupName=name)
        self.assert_line("log", f"the log {name} is gone", "aws logs create-log-group")
        account.logs.create_log_group(logGroupName=name)
        account.logs.put_retention_policy(logGroupName=name, retentionInDays=365)

    def test_alarms_that_nobody_hears(self) -> None:
        topic = account.outputs["AlarmTopicArn"]

        def unsubscribe() -> None:
            [subscription] = account.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
            account.sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])

        unsubscribe()
        self.assert_line("alarms", "the alarms tell nobody", "AlarmEmail=<address>")
        # The emulator has only those by HTTP wait for a confirmation.
        account.sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://ops.acme.dev:1/")
        self.assert_line("alarms", "https://ops.acme.dev:1/ has not confirmed that it wants the alarms", "follow the link in its mail")
        unsubscribe()
        account.sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@acme.dev")

    def test_an_alarm_that_rings(self) -> None:
        rule = {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
        of_another_stack = f"{NAME}-dev-mail-failures"
        account.cloudwatch.put_metric_alarm(AlarmName=of_another_stack, Namespace="AWS/SES", MetricName="Send", Statistic="Sum", Period=60, **rule)
        account.cloudwatch.set_alarm_state(AlarmName=of_another_stack, StateValue="ALARM", StateReason="a test")
        for state in ("ALARM", "OK"):
            account.cloudwatch.set_alarm_state(AlarmName=f"{NAME}-mail-failures", StateValue=state, StateReason="a test")
            if state == "ALARM":
                self.assert_line("ringing", "the alarm mail-failures rings", "docs/operations.md#mail-failures", "consider")

    def test_what_may_not_be_looked_at_is_not_called_fine(self) -> None:
        actions, _ = documented_actions()
        with as_operator(actions) as credentials:
            self.assertEqual(account.check("--no-http", environment=credentials), (0, ["lambda-auth in us-east-1: nothing missing"]))
        for action in actions:
            with self.subTest(action), as_operator([each for each in actions if each != action]) as credentials:
                code, lines = account.check("--no-http", environment=credentials)
                self.assertEqual(code, 2, lines)
                self.assertIn(action.split(":")[1], "\n".join(lines))


class OfParameters(unittest.TestCase):
    """Stacks with the same resources and other parameters."""

    number = 0

    def lines(self, **changes: str) -> list[str]:
        OfParameters.number += 1
        name = f"other-{OfParameters.number}"
        outputs = {key: value for key, value in account.outputs.items() if changes.get("Profile") != "development" or key != "AlarmTopicArn"}
        describe(name, PARAMETERS | changes, outputs)
        code, lines = account.check("--no-http", name=name)
        self.assertEqual(code, 1 if any(line.startswith("missing") for line in lines) else 0, lines)
        return [re.sub(" +", " ", line) for line in lines[:-1]]

    def test_addresses(self) -> None:
        self.assertEqual(self.lines(), [])
        local = "which is the own machine of whoever asks → an https origin as"
        cases = [
            ("BaseUrl", "http://app.acme.dev", "http://app.acme.dev, which is not https → https://app.acme.dev as BaseUrl"),
            ("BaseUrl", "http://localhost:3000", f"http://localhost:3000, {local} BaseUrl"),
            ("BaseUrl", "https://127.0.0.1", f"https://127.0.0.1, {local} BaseUrl"),
            ("BaseUrl", "https://app.example.com", "https://app.example.com, which is the example's → your own origin as BaseUrl"),
            ("TrustedOrigins", f"{ORIGIN},http://localhost:3000", f"http://localhost:3000, {local} TrustedOrigins"),
            ("TrustedOriginPatterns", "http://*.acme.dev", "http://*.acme.dev, which is not https → https://*.acme.dev as TrustedOriginPatterns"),
        ]
        for parameter, value, what in cases:
            with self.subTest(value):
                about = "base-url" if parameter == "BaseUrl" else "trusted-origins"
                mend = "in samconfig.toml, then deploy as before (docs/deploying.md)"
                self.assertEqual(self.lines(**{parameter: value}), [f"missing {about} {parameter} has {what} {mend}"])

    def test_the_sender_of_the_example(self) -> None:
        [line] = self.lines(MailFrom="no-reply@example.com")
        self.assertTrue(line.startswith("missing sender MailFrom is no-reply@example.com, the example's: no mail leaves → "), line)

    def test_what_production_should_have(self) -> None:
        [line] = self.lines(Profile="development")
        self.assertTrue(line.startswith("consider profile Profile is development"), line)
        [line] = self.lines(SecretRotationDays="0")
        self.assertTrue(line.startswith("consider rotation the signing secret is not rotated → SecretRotationDays=90"), line)
        describe("no-alarms", PARAMETERS, {key: value for key, value in account.outputs.items() if key != "AlarmTopicArn"})
        code, lines = account.check("--no-http", name="no-alarms")
        self.assertEqual((code, len(lines)), (0, 2), lines)
        self.assertRegex(lines[0], "^consider alarms +there are no alarms → Alarms=true")


class OfHttp(unittest.TestCase):
    """Whether the API answers: the service itself."""

    def test_the_api_answers_directly_and_through_the_front_end(self) -> None:
        service = Service()
        origin = service.url.removesuffix("/api/auth")
        described = {"Profile": "production", "BaseUrl": origin}

        def http(name: str, base_url: str) -> list[str]:
            describe(name, PARAMETERS | described | {"BaseUrl": base_url}, account.outputs | {"ApiUrl": origin})
            return [line for line in account.check("--all", name=name)[1] if re.match(r"\S+ +(api|front) ", line + " ")]

        try:
            self.assertEqual([line.split() for line in http("answers", origin)], [["ok", "api"], ["ok", "front"]])
            # A front end that has a page for everything, but does not hand on.
            [api, front] = http("lost", f"{origin}/__mail")
            self.assertEqual(api.split(), ["ok", "api"])
            self.assertRegex(front, rf"^missing  front .*/api/auth/ok answers 404 → have {origin}/__mail hand /api/auth/\* on to {origin}$")
        finally:
            service.stop()
        [api, front] = [line for line in account.check(name="lost")[1] if re.match(r"\S+ +(api|front) ", line)]
        self.assertIn("/api/auth/ok does not answer (", api)
        self.assertIn("aws logs filter-log-events --log-group-name", api)
        self.assertIn("does not answer (", front)
        with socketserver.TCPServer(("127.0.0.1", 0), Mute) as other:
            threading.Thread(target=other.serve_forever, daemon=True).start()
            [api, front] = http("mute", f"http://127.0.0.1:{other.server_address[1]}")
            other.shutdown()
        self.assertIn("/api/auth/ok does not answer as this service does (BadStatusLine)", front)


class Mute(socketserver.BaseRequestHandler):
    """Does not speak HTTP."""

    def handle(self) -> None:
        self.request.recv(4096)
        self.request.sendall(b"220 mail ready\r\n")


class OfClients(unittest.TestCase):
    """Whether the secret of the clients is judged as the service judges it: one secret with an entry of each kind."""

    def test_what_the_service_refuses_is_what_is_said(self) -> None:
        acme = CLIENTS["acme"]
        entries = {
            "google": GOOGLE | {"issuer": "https://accounts.google.com"},
            "github": {"clientId": 7, "clientSecret": "topsecret"},
            "text": "topsecret",
            "empty": {},
            "without-issuer": {"clientId": "a", "clientSecret": "topsecret"},
            "blank-issuer": acme | {"issuer": " "},
            "blank-id": acme | {"clientId": " "},
            "without-secret": {"issuer": "https://id.acme.dev", "clientId": "a"},
            "two-factor": acme,
            "Upper": acme,
            "-dash": acme,
            "thirty-two-letters-are-too-many-": acme,
            "number": acme | {"issuer": 7},
            "query": acme | {"issuer": "https://id.acme.dev/?a=b"},
            "fragment": acme | {"issuer": "https://id.acme.dev/#a"},
            "user": acme | {"issuer": "https://me@id.acme.dev"},
            "plain": acme | {"issuer": "http://id.acme.dev"},
            "no-scopes": acme | {"scopes": None},
            "spaced": acme | {"scopes": ["a b"]},
            "quoted": acme | {"scopes": ['"']},
            "good": acme,
            "scoped": acme | {"scopes": ["email"]},
        }
        text = json.dumps(entries)
        faults = dict(clients.faults(text))
        service = Service()
        try:
            service.secrets.put_secret_value(SecretId="OAuthClientsSecret", SecretString=text)
            for name in entries:
                status, answer = Device(service).post("/sign-in/social", provider=name, callbackURL="/")
                # The good ones are there: only their issuers do not answer.
                said = "off" if status == 404 else "malformed" if self.is_malformed(service, name) else "good"
                fault = faults.get(name, faults.get("an entry") if not clients.is_id(name) else None)
                judged = "good" if fault is None else "off" if fault.endswith("is off") or "is ignored" in fault else "malformed"
                with self.subTest(name):
                    self.assertEqual((said, status in (404, 503)), (judged, True), (fault, answer))
        finally:
            service.stop()

    def is_malformed(self, service: Service, name: str) -> bool:
        lines = [json.loads(line) for line in service.log("oauth.start_failed")]
        return any(f"in the clients' secret, {name} " in line.get("reason", "") for line in lines)


class OfNothing(unittest.TestCase):
    def test_without_boto3_it_says_what_to_install(self) -> None:
        done = subprocess.run([sys.executable, "-S", ROOT / "infra" / "check"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
        self.assertIn("boto3 is missing: pip install boto3", done.stderr)

    def test_without_a_stack_or_credentials_it_says_so_in_one_line(self) -> None:
        self.assertEqual(account.check(name="nowhere"), (2, ["check: there is no stack nowhere in us-east-1"]))
        nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": "/nonexistent"}
        self.assertEqual(tool("check", environment=nobody), (2, "check: Unable to locate credentials\n"))
        closed = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
        code, text = tool("check", environment=closed)
        self.assertEqual((code, text.count("\n")), (2, 1), text)
        self.assertIn("Could not connect", text)


if __name__ == "__main__":
    unittest.main()
