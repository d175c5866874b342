"""Takes single grants away from deployed functions, and gives them back."""

import contextlib
import json
from collections import namedtuple

Grant = namedtuple("Grant", "function action resource chapter")
MAIL = "ses:SendEmail"

# At least one of every function with routes: what it may do to which table or
# secret, and the chapter of the story that cannot do without.
GRANTS = [
    Grant("signup", "dynamodb:PutItem", "UsersTable", "password"),
    Grant("signup", "dynamodb:UpdateItem", "RateLimitsTable", "password"),
    Grant("signup", "secretsmanager:GetSecretValue", "SigningSecret", "password"),
    Grant("signin", "dynamodb:GetItem", "AccountsTable", "password"),
    Grant("signin", "dynamodb:PutItem", "SessionsTable", "password"),
    Grant("signin", "secretsmanager:GetSecretValue", "OAuthClientsSecret", "providers"),
    Grant("session", "dynamodb:BatchGetItem", "UsersTable", "password"),
    Grant("session", "dynamodb:Query", "SessionsTable", "sessions"),
    Grant("signout", "dynamodb:DeleteItem", "SessionsTable", "password"),
    Grant("reset-request", "dynamodb:GetItem", "AccountsTable", "reset"),
    Grant("reset-confirm", "dynamodb:UpdateItem", "AccountsTable", "reset"),
    Grant("verify-email", "dynamodb:UpdateItem", "UsersTable", "verification"),
    Grant("magic-link", "dynamodb:PutItem", "VerificationTokensTable", "magic-link"),
    Grant("magic-link", "dynamodb:PutItem", "AccountsTable", "magic-link"),
    Grant("two-factor", "dynamodb:PutItem", "AccountsTable", "two-factor"),
    Grant("two-factor", "secretsmanager:GetSecretValue", "EncryptionSecret", "two-factor"),
    Grant("account", "dynamodb:UpdateItem", "UsersTable", "account"),
    Grant("account", "dynamodb:BatchGetItem", "AccountsTable", "accounts"),
    Grant("oauth-callback", "dynamodb:UpdateItem", "VerificationTokensTable", "providers"),
    Grant("signup", MAIL, None, "password"),
    Grant("reset-request", MAIL, None, "reset"),
    Grant("reset-confirm", MAIL, None, "reset"),
    Grant("verify-email", MAIL, None, "verification"),
    Grant("magic-link", MAIL, None, "magic-link"),
    Grant("two-factor", MAIL, None, "two-factor"),
    Grant("account", MAIL, None, "account"),
]
# The function that has no route.
ROTATION = Grant("rotate-secret", "secretsmanager:UpdateSecretVersionStage", "SigningSecret", None)


class Roles:
    """The roles of a stack's functions."""

    def __init__(self, stack):
        self.iam = stack.emulator.client("iam")
        self.lambda_ = stack.emulator.client("lambda")
        self.resources = stack.resources()

    @contextlib.contextmanager
    def without(self, grant):
        """Takes a grant away until the end of the block."""
        name = logical_id(grant.function)
        role = self.resources[f"{name}Role"]
        before = self._policies(role)
        after = {policy: _without(document, grant.action, self._names(grant.resource)) for policy, document in before.items()}
        assert before != after, f"{grant.function} was not granted {grant.action} on {grant.resource}"
        self._put(role, after)
        self._restart(name)
        try:
            yield
        finally:
            self._put(role, before)
            self._restart(name)

    def widen_mail(self, sender):
        """Lets the functions that may send mail do so here, after a look at how they may.

        The emulator authorizes SendEmail on `*`, where AWS names the identity,
        and does not know the sender that the grants depend on: it would refuse
        all mail. How many roles have been changed is returned.
        """
        widened = 0
        for name, role in self.resources.items():
            if not name.endswith("FunctionRole"):
                continue
            before = self._policies(role)
            after = {policy: _wide_mail(document, sender) for policy, document in before.items()}
            if before != after:
                self._put(role, after)
                widened += 1
        return widened

    def _policies(self, role):
        names = self.iam.list_role_policies(RoleName=role)["PolicyNames"]
        return {name: self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}

    def _put(self, role, policies):
        for name, document in policies.items():
            if document["Statement"]:
                self.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
            else:
                # A policy that allows nothing is none.
                self.iam.delete_role_policy(RoleName=role, PolicyName=name)

    def _restart(self, name):
        """Gives the function new processes: what one has read of a secret it keeps for minutes."""
        function = self.resources[name]
        timeout = self.lambda_.get_function_configuration(FunctionName=function)["Timeout"]
        for value in (timeout + 1, timeout):
            self.lambda_.update_function_configuration(FunctionName=function, Timeout=value)

    def _names(self, resource):
        """Whether an ARN in a policy is that of a table or a secret."""
        if resource is None:
            return None
        physical = self.resources[resource]
        # An ARN itself, the end of a table's, and of a secret's before its six random characters.
        return lambda arn: arn == physical or arn.endswith(f"/{physical}") or f":secret:{physical}-" in arn


def logical_id(function):
    """The name of a function's resource in the template."""
    return "".join(word.capitalize() for word in function.split("-")) + "Function"


def _wide_mail(document, sender):
    statements = []
    for statement in document["Statement"]:
        if statement["Action"] == MAIL and statement["Resource"] != "*":
            assert statement["Condition"] == {"StringEqualsIgnoreCase": {"ses:FromAddress": sender}}, statement
            assert all(arn.startswith("arn:aws:ses:") for arn in statement["Resource"]), statement
            statement = {"Effect": "Allow", "Action": MAIL, "Resource": "*"}
        statements.append(statement)
    return {**document, "Statement": statements}


def _without(document, action, names):
    kept = []
    for statement in document["Statement"]:
        actions, resources = _list(statement["Action"]), _list(statement["Resource"])
        hit = [resource for resource in resources if names is None or names(resource)]
        if action not in actions or not hit:
            kept.append(statement)
            continue
        others = [resource for resource in resources if resource not in hit]
        if others:
            kept.append({**statement, "Resource": others})
        if actions != [action]:
            kept.append({**statement, "Action": [other for other in actions if other != action], "Resource": hit})
    return {**document, "Statement": kept}


def _list(value):
    return value if isinstance(value, list) else [value]
