"""What has to hold of the deployed service, in the order in which it is looked at."""

import base64
import json
import re
import uuid

from botocore.exceptions import ClientError

from browser import Browser
from gateway import Gateway
from grants import GRANTS, MAIL, ROTATION, Grant, Roles, logical_id
from stack import Intrinsics, Stack
from story import BASE, Operations

MAIL_FROM = "no-reply@example.com"
APP = "https://app.example.com"
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]

# Nobody on this machine can sign in with the real ones.
PROVIDERS = {
    "https://accounts.google.com/o/oauth2/v2/auth": "/google/authorize",
    "https://oauth2.googleapis.com/token": "/google/token",
    "https://www.googleapis.com/oauth2/v3/certs": "/google/certs",
    "https://github.com/login/oauth/authorize": "/github/authorize",
    "https://github.com/login/oauth/access_token": "/github/token",
    "https://api.github.com": "/github/api",
}
# As in tests/npm/lib/settings.mjs.
CLIENTS = {name: {"clientId": f"{name}-client-id", "clientSecret": f"{name}-client-secret"} for name in ("google", "github")}

# Every limit is on, and so counted, and far away.
LIMITS = [
    *("sign-in", "sign-up", "two-factor", "change-password", "change-email", "request-password-reset"),
    *("send-verification-email", "magic-link", "magic-link-verify", "reset-password", "verify-email", "callback"),
    *("default", "mail", "mail-daily"),
]


class Deployed:
    """The stack, and the checks of it."""

    def __init__(self, root, stack, front, story, template, architecture):
        self.stack = stack
        self.front = front
        self.story = story
        self.operations = Operations(root / "infra" / "openapi.yaml")
        self.example = root / "examples" / "authorizer" / "template.yaml"
        self.template = self._with_local_providers(template)
        self.parameters = {
            "Architecture": architecture,
            "BaseUrl": front.url,
            "TrustedOrigins": f"{front.url},{APP}",
            "MailFrom": MAIL_FROM,
            "VerifyOnSignUp": "true",
            "ConfirmDeletion": "true",
            "RateLimits": "true",
            "RateLimitRules": ",".join(f"{name}=1000/60" for name in LIMITS),
        }
        client = stack.emulator.client
        self.dynamodb, self.secrets, self.ses, self.lambda_ = map(client, ("dynamodb", "secretsmanager", "sesv2", "lambda"))

    def checks(self):
        """Names and checks, in order."""
        yield "sam deploy", self.deploy
        yield "the gateway may call every function", self.gateway_may_call
        yield "CORS is for the named origins", self.cors
        yield "the unmodified client, from sign-up to sign-out", self.client_story
        yield "every route", self.every_route
        yield "every route is answered as documented", self.coverage
        for grant in GRANTS:
            action = grant.action.split(":")[1]
            where = f" on {grant.resource}" if grant.resource else ""
            yield f"{grant.function} without {action}{where} is noticed", lambda grant=grant: self.without(grant)
        yield "the authorizer protects an API of one's own", self.authorizer
        yield "the secret is rotated", self.rotate
        yield "the rotation without its grant stops", self.rotation_without_grant
        yield "an update keeps users and sessions", self.update
        yield "every route, after the update", self.every_route
        yield "deletion protection is taken off and put on again", self.protection
        yield "the deletion of the stack keeps users and accounts", self.delete

    def deploy(self):
        self.ses.create_email_identity(EmailIdentity=MAIL_FROM)
        widened = self._deploy()
        assert self.stack.status() == "CREATE_COMPLETE", self.stack.status()
        resources = map(json.dumps, self._template["Resources"].values())
        mailing = [text for text in resources if '"AWS::IAM::Role"' in text and f'"{MAIL}"' in text]
        assert widened == len(mailing) > 0, f"{widened} of {len(mailing)} functions may send mail"
        clients = self.stack.outputs()["OAuthClientsSecretArn"]
        self.secrets.put_secret_value(SecretId=clients, SecretString=json.dumps(CLIENTS))

    def gateway_may_call(self):
        refused = self.gateway.uninvokable()
        assert not refused, f"{refused} may not be invoked by the API"

    def cors(self):
        for origin, allowed in ((APP, True), (self.front.url, True), ("https://evil.example", False)):
            headers = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
            _, answered, _ = self.front.send("OPTIONS", f"{BASE}/sign-in/email", headers)
            cors = {name.lower(): value for name, value in answered if name.lower().startswith("access-control-")}
            assert cors.get("access-control-allow-origin") == (origin if allowed else None), f"{origin}: {cors}"
            assert not allowed or cors["access-control-allow-credentials"] == "true", cors

    def client_story(self):
        self._tell("client-story.mjs")

    def every_route(self):
        self._tell("every-route.mjs")

    def coverage(self):
        faults = list(self.operations.faults(self.front.noted))
        assert not faults, "\n".join(faults)

    def without(self, grant):
        """Whether the story fails for want of one grant: by a 503 of that function, or for mail that does not come.

        A mail that could not be sent is answered like one that was: the answer
        would tell otherwise who has an account.
        """
        with self.roles.without(grant):
            begun = len(self.front.noted)
            passed, output = self.story.tell(self.front, "every-route.mjs", grant.chapter)
            failed = [noted for noted in self.front.noted[begun:] if noted.status >= 500]
        assert not passed, f"nothing missed it:\n{output}"
        if grant.action == MAIL:
            assert not failed and re.search(r"mail \d+ to \S+ does not come", output), f"{failed}\n{output}"
            return
        functions = {self.operations.function(noted) for noted in failed}
        statuses = {noted.status for noted in failed}
        assert (functions, statuses) == ({grant.function}, {503}), f"{failed}\n{output}"

    def authorizer(self):
        """Deploys the example, and asks for what it protects with tokens good and bad, and without the grant."""
        stack = Stack(self.stack.sam, self.stack.emulator, f"{self.stack.name}-example")
        stack.deploy(self.example, {"AuthStackName": self.stack.name})
        api = Gateway(stack, Intrinsics(stack, stack.template()))
        assert not api.uninvokable(), f"{api.uninvokable()} may not be invoked by the API"
        browser = Browser(self.front)
        browser.sign_up("reader@example.com")

        def me(token):
            headers = {"authorization": f"Bearer {token}"} if token else {}
            status, _, body = self.front.send("GET", "/me", headers, api_id=api.id)
            return status, json.loads(body)

        # Each asks with a token of its own: answers are kept for a minute.
        token = browser.access_token()
        status, who = me(token)
        assert (status, who["email"]) == (200, browser.email), f"{status}: {who}"
        assert me(None)[0] == 401, me(None)
        forged = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
        assert me(forged)[0] == 403, me(forged)
        with self.roles.without(Grant("authorizer", "secretsmanager:GetSecretValue", "SigningSecret", None)):
            assert me(browser.access_token())[0] == 500, "nothing missed the grant"
        assert me(browser.access_token())[0] == 200, "the grant is not back"
        stack.delete()

    def rotate(self):
        """Takes the steps of a rotation as Secrets Manager does, which here only pretends to."""
        self.ann = Browser(self.front)
        self.ann.sign_up("ann@example.com")
        before = self._version()
        self._rotate(STEPS)
        assert self._version() != before, "the version is still the old one"
        assert self.ann.user(), "the session ended with the rotation"

    def rotation_without_grant(self):
        with self.roles.without(ROTATION):
            before = self._version()
            try:
                self._rotate(STEPS)
            except AssertionError as error:
                assert "finishSecret" in str(error), error
            else:
                raise AssertionError(f"nothing missed {ROTATION.action}")
            assert self._version() == before, "the version has changed"

    def update(self):
        self.bob = Browser(self.front)
        self.bob.sign_up("bob@example.com")
        token = self.bob.access_token()
        self.parameters |= {"AccessTokenSeconds": "600", "AppName": "Acme"}
        api = self.front.api_id
        self._deploy()
        assert self.stack.status() == "UPDATE_COMPLETE", self.stack.status()
        assert self.front.api_id == api, "the API has another address"
        for browser in (self.ann, self.bob):
            assert browser.user(), "the session ended with the update"
            claims = _claims(browser.access_token())
            assert claims["exp"] - claims["iat"] == 600, "the update has not come to the functions"
            Browser(self.front).sign_in(browser.email)
        assert _header(self.bob.access_token())["kid"] == self._version(), "signed by a secret that is not the current one"
        bearer = {"authorization": f"Bearer {token}"}
        assert Browser(self.front).ask("GET", "/get-session", headers=bearer)[1]["user"], "the access token is void"

    def protection(self):
        for wanted in ("false", "true"):
            self.parameters["DeletionProtection"] = wanted
            self._deploy()
            for table in self._kept():
                described = self.dynamodb.describe_table(TableName=table)["Table"]
                assert str(described["DeletionProtectionEnabled"]).lower() == wanted, f"{table}: {described}"
        assert self.bob.user(), "the session ended with the update"

    def delete(self):
        kept, resources = self._kept(), self.stack.resources()
        dropped = [resources[name] for name in ("SessionsTable", "VerificationTokensTable", "RateLimitsTable")]
        secrets = [resources[name] for name in ("SigningSecret", "EncryptionSecret", "OAuthClientsSecret")]
        self.stack.delete()
        assert not self.stack.exists(), "the stack is still there"
        tables = self.dynamodb.list_tables()["TableNames"]
        assert set(kept) <= set(tables), f"gone: {set(kept) - set(tables)}"
        assert not set(dropped) & set(tables), f"still there: {set(dropped) & set(tables)}"
        users, accounts = (self.dynamodb.scan(TableName=table)["Items"] for table in kept)
        for email in (self.ann.email, self.bob.email):
            assert any(user["email"]["S"] == email for user in users), f"{email} is no user any more"
            assert any(account["identity"]["S"] == f"email:{email}" for account in accounts), f"{email} has no account any more"
        for table in kept:
            try:
                self.dynamodb.delete_table(TableName=table)
            except ClientError as error:
                assert "protect" in str(error).lower(), error
            else:
                raise AssertionError(f"{table} was not protected")
        for secret in secrets:
            assert self.secrets.get_secret_value(SecretId=secret)["SecretString"]
        assert self.front.send("GET", f"{BASE}/ok")[0] in (403, 404), "the API still answers"

    def _deploy(self):
        self.stack.deploy(self.template, self.parameters)
        self._template = self.stack.template()
        self.gateway = Gateway(self.stack, Intrinsics(self.stack, self._template))
        self.front.api_id = self.gateway.id
        self.roles = Roles(self.stack)
        return self.roles.widen_mail(MAIL_FROM)

    def _with_local_providers(self, template):
        text = template.read_text()
        for address, path in PROVIDERS.items():
            assert text.count(f": {address}\n") == 1, f"the template does not say {address} once"
            text = text.replace(f": {address}\n", f": {self.story.provider}{path}\n")
        changed = template.with_name("template-with-local-providers.yaml")
        changed.write_text(text)
        return changed

    def _tell(self, script):
        begun = len(self.front.noted)
        passed, output = self.story.tell(self.front, script)
        failed = [f"{noted.method} {noted.path}: {noted.status}" for noted in self.front.noted[begun:] if noted.status >= 500]
        assert passed and not failed, "\n".join([output, *failed])

    def _kept(self):
        resources = self.stack.resources()
        return [resources["UsersTable"], resources["AccountsTable"]]

    def _version(self):
        """The current version of the signing secret."""
        versions = self.secrets.describe_secret(SecretId=self._signing_secret())["VersionIdsToStages"]
        return next(version for version, stages in versions.items() if "AWSCURRENT" in stages)

    def _signing_secret(self):
        return self.stack.outputs()["SigningSecretArn"]

    def _rotate(self, steps):
        version = str(uuid.uuid4())
        secret = self._signing_secret()
        # What Secrets Manager does first: a version in the making.
        self.secrets.put_secret_value(SecretId=secret, ClientRequestToken=version, VersionStages=["AWSPENDING"], SecretString="x" * 64)
        function = self.stack.resources()[logical_id("rotate-secret")]
        for step in steps:
            event = {"Step": step, "SecretId": secret, "ClientRequestToken": version}
            answer = self.lambda_.invoke(FunctionName=function, Payload=json.dumps(event))
            said = answer["Payload"].read().decode()
            assert "FunctionError" not in answer, f"{step}: {said}"


def _claims(token):
    return _part(token, 1)


def _header(token):
    return _part(token, 0)


def _part(token, number):
    part = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
