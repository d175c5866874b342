"""What an operator may have left undone, one function for each thing.

A check yields what it finds. One that finds nothing is fine.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from . import clients, mail_checks
from .deployed import ClientError, Stack
from .finding import Check, Finding, aws, deploy, is_reserved

HTTP_SECONDS = 10


def stack(stack: Stack) -> Iterator[Finding]:
    # After a rollback of an update the last good deployment is in force.
    if stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"):
        yield Finding(f"the stack is {stack.status}", aws(stack, f"cloudformation describe-stack-events --stack-name {stack.name}"))


def profile(stack: Stack) -> Iterator[Finding]:
    if stack.parameters.get("Profile") != "production":
        yield Finding("Profile is development: no limits, no verified addresses, no alarms", deploy("Profile=production"), is_advice=True)


def base_url(stack: Stack) -> Iterator[Finding]:
    yield from _origin("BaseUrl", stack.parameters["BaseUrl"])


def trusted_origins(stack: Stack) -> Iterator[Finding]:
    for name in ("TrustedOrigins", "TrustedOriginPatterns"):
        for origin in filter(None, stack.parameters.get(name, "").split(",")):
            yield from _origin(name, origin.strip())


def _origin(parameter: str, origin: str) -> Iterator[Finding]:
    url = urlsplit(origin)
    host = (url.hostname or "").lower()
    if host == "localhost" or host.endswith(".localhost") or host.startswith("127.") or host == "::1":
        yield Finding(f"{parameter} has {origin}, which is the own machine of whoever asks", deploy(f"an https origin as {parameter}"))
    elif url.scheme != "https":
        yield Finding(f"{parameter} has {origin}, which is not https", deploy(f"https://{host} as {parameter}"))
    elif is_reserved(host):
        yield Finding(f"{parameter} has {origin}, which is the example's", deploy(f"your own origin as {parameter}"))


def signing_secret(stack: Stack) -> Iterator[Finding]:
    yield from _secret(stack, "SigningSecretArn")


def encryption_secret(stack: Stack) -> Iterator[Finding]:
    yield from _secret(stack, "EncryptionSecretArn")


def _secret(stack: Stack, output: str) -> Iterator[Finding]:
    arn = stack.output(output)
    try:
        secret = stack.client("secretsmanager").describe_secret(SecretId=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield Finding("the secret is gone", "docs/operations.md#a-secret-is-gone")
        return
    if "DeletedDate" in secret:
        yield Finding("the secret is to be deleted", aws(stack, f"secretsmanager restore-secret --secret-id {arn}"))
    elif not any("AWSCURRENT" in stages for stages in secret.get("VersionIdsToStages", {}).values()):
        put = f'secretsmanager put-secret-value --secret-id {arn} --secret-string "$(openssl rand -hex 32)"'
        yield Finding("the secret has no value", aws(stack, put))


def rotation(stack: Stack) -> Iterator[Finding]:
    arn = stack.output("SigningSecretArn")
    try:
        secret = stack.client("secretsmanager").describe_secret(SecretId=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return  # The secret's own line says so.
        raise
    rotate = aws(stack, f"secretsmanager rotate-secret --secret-id {arn}")
    wanted = int(stack.parameters.get("SecretRotationDays", "0"))
    actual = secret.get("RotationRules", {}).get("AutomaticallyAfterDays") if secret.get("RotationEnabled") else None
    stages = secret.get("VersionIdsToStages", {}).values()
    if any("AWSPENDING" in names and "AWSCURRENT" not in names for names in stages):
        yield Finding("a rotation of the signing secret has not ended; if none is under way, ask for it again", rotate)
    elif wanted == 0 and stack.parameters.get("Profile") == "production":
        yield Finding("the signing secret is not rotated", deploy("SecretRotationDays=90"), is_advice=True)
    elif wanted and actual != wanted:
        have = f"every {actual} days" if actual else "not at all"
        rules = f"--rotation-rules AutomaticallyAfterDays={wanted} --no-rotate-immediately"
        yield Finding(f"the signing secret is rotated {have}, and should be every {wanted} days", f"{rotate} {rules}")
    elif wanted and secret.get("NextRotationDate", _now()) < _now() - timedelta(days=2):
        yield Finding("a rotation of the signing secret is overdue", rotate)


def _now() -> datetime:
    return datetime.now(UTC)


def oauth_clients(stack: Stack) -> Iterator[Finding]:
    arn = stack.output("OAuthClientsSecretArn")
    put = aws(stack, f"secretsmanager put-secret-value --secret-id {arn} --secret-string file://clients.json")
    try:
        text = stack.client("secretsmanager").get_secret_value(SecretId=arn).get("SecretString")
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "InvalidRequestException"):
            raise
        yield Finding("the secret of the clients is gone or has no value", put)
        return
    for provider, fault in clients.faults(text):
        yield Finding(f"{provider or 'the secret'} {fault}", put)


def tables(stack: Stack) -> Iterator[Finding]:
    dynamodb = stack.client("dynamodb")
    in_production = stack.parameters.get("Profile") == "production"
    for kind in ("Users", "Accounts", "Sessions", "VerificationTokens", "RateLimits"):
        name = stack.output(f"{kind}TableName")
        try:
            table = dynamodb.describe_table(TableName=name)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            yield Finding(f"the table {name} is gone", "docs/operations.md#a-table-is-gone")
            continue
        if kind in ("Users", "Accounts"):
            backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
            if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
                enable = "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
                update = f"dynamodb update-continuous-backups --table-name {name} {enable}"
                yield Finding(f"{name} has no point-in-time recovery", aws(stack, update))
            if in_production and not table.get("DeletionProtectionEnabled"):
                protect = aws(stack, f"dynamodb update-table --table-name {name} --deletion-protection-enabled")
                yield Finding(f"{name} can be deleted", f"{protect}, and DeletionProtection=true in samconfig.toml")
        elif dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"].get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
            enable = "--time-to-live-specification Enabled=true,AttributeName=ttl"
            yield Finding(f"{name} keeps what has expired", aws(stack, f"dynamodb update-time-to-live --table-name {name} {enable}"))


def log(stack: Stack) -> Iterator[Finding]:
    name = stack.output("LogGroupName")
    groups = stack.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    wanted = int(stack.parameters["LogRetentionDays"])
    group = next((group for group in groups if group["logGroupName"] == name), None)
    if group is None:
        yield Finding(f"the log {name} is gone", aws(stack, f"logs create-log-group --log-group-name {name}"))
    elif group.get("retentionInDays") != wanted:
        kept = f"{group['retentionInDays']} days" if "retentionInDays" in group else "for ever"
        put = f"logs put-retention-policy --log-group-name {name} --retention-in-days {wanted}"
        yield Finding(f"the log is kept {kept}, not {wanted} days", aws(stack, put))


def alarms(stack: Stack) -> Iterator[Finding]:
    topic = stack.outputs.get("AlarmTopicArn")
    if topic is None:
        if stack.parameters.get("Profile") == "production":
            yield Finding("there are no alarms", deploy("Alarms=true, or nothing for it,"), is_advice=True)
        return
    pages = stack.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    subscriptions = [subscription for page in pages for subscription in page["Subscriptions"]]
    confirmed = [each for each in subscriptions if each["SubscriptionArn"].startswith("arn:")]
    for each in subscriptions:
        if each not in confirmed:
            endpoint = each["Endpoint"]
            again = aws(stack, f"sns subscribe --topic-arn {topic} --protocol {each['Protocol']} --notification-endpoint {endpoint}")
            yield Finding(f"{endpoint} has not confirmed that it wants the alarms", f"follow the link in its mail; for a new one: {again}")
    if not subscriptions:
        yield Finding("the alarms tell nobody", deploy("AlarmEmail=<address>"))


def ringing(stack: Stack) -> Iterator[Finding]:
    if "AlarmTopicArn" not in stack.outputs:
        return
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack.name}-", StateValue="ALARM")
    # Another stack's name may begin with this one's.
    own = (alarm for page in pages for alarm in page["MetricAlarms"] if stack.outputs["AlarmTopicArn"] in alarm["AlarmActions"])
    for alarm in own:
        short = alarm["AlarmName"].removeprefix(f"{stack.name}-")
        yield Finding(f"the alarm {short} rings", f"docs/operations.md#{short}", is_advice=True)


def api(stack: Stack) -> Iterator[Finding]:
    log_group = stack.outputs.get("LogGroupName", "")
    look = aws(stack, f"logs filter-log-events --log-group-name {log_group} --filter-pattern ERROR --max-items 5")
    yield from _answers(stack.output("ApiUrl"), f"look why: {look}")


def front(stack: Stack) -> Iterator[Finding]:
    origin = stack.parameters["BaseUrl"]
    if origin != stack.outputs.get("ApiUrl"):
        target = stack.outputs.get("DomainTarget") or stack.output("ApiUrl")
        yield from _answers(origin, f"have {origin} hand /api/auth/* on to {target}")


def _answers(origin: str, remedy: str) -> Iterator[Finding]:
    url = f"{origin}/api/auth/ok"
    try:
        request = urllib.request.Request(url, headers={"user-agent": "lambda-auth-check"})
        with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:
            is_ok = json.loads(answer.read(4096)).get("ok") is True
            reason = "" if is_ok else "answers something else"
    except urllib.error.HTTPError as error:
        reason = f"answers {error.code}"
    except urllib.error.URLError as error:
        reason = f"does not answer ({error.reason})"
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        reason = f"does not answer as this service does ({type(error).__name__})"
    if reason:
        yield Finding(f"{url} {reason}", remedy)


OF_AWS: list[Check] = [
    stack, profile, base_url, trusted_origins,
    mail_checks.sender, mail_checks.dkim, mail_checks.sandbox, mail_checks.sending,
    signing_secret, encryption_secret, rotation, oauth_clients,
    tables, log, alarms, ringing,
]  # fmt: skip
OF_HTTP: list[Check] = [api, front]
