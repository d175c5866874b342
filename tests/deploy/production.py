"""The stack with the parameters of production, as far as the emulator has what they ask for.

It knows no schedule of a rotation, no CodeDeploy, and no alarm that does
mathematics: the first two stay out, the third are plain alarms here.
"""

import json
import re
import tomllib

from stack import Stack

NAME = "production"
PLAIN_ALARM = """\
      Namespace: AWS/ApiGateway
      MetricName: Count
      Statistic: Sum
      Period: 60
"""


class Production:
    """A stack beside the other one, and the checks of it."""

    def __init__(self, root, sam, emulator, template, architecture):
        self.root = root
        self.stack = Stack(sam, emulator, NAME)
        self.template = self._with_plain_alarms(template)
        overrides = tomllib.loads((root / "samconfig.toml").read_text())["prod"]["deploy"]["parameters"]["parameter_overrides"]
        self.parameters = dict(item.split("=", 1) for item in overrides) | {"SecretRotationDays": "0", "Architecture": architecture}
        assert self.parameters.pop("GradualDeployment"), "production is deployed at once"
        self.client = emulator.client

    def checks(self):
        """Names and checks, in order."""
        yield "sam deploy, with the parameters of production", self.deploy
        yield "production's alarms, dashboard and log are there", self.is_watched
        yield "production's functions and tables are as they should be", self.is_careful
        yield "the deletion of production", self.stack.delete

    def deploy(self):
        self.stack.deploy(self.template, self.parameters)
        assert self.stack.status() == "CREATE_COMPLETE", self.stack.status()

    def is_watched(self):
        page = (self.root / "docs" / "observability.md").read_text().split("## Alarms")[1].split("\n## ")[0]
        wanted = {f"{NAME}-{name}" for name in re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)}
        cloudwatch = self.client("cloudwatch")
        alarms = {alarm["AlarmName"] for alarm in cloudwatch.describe_alarms(AlarmNamePrefix=f"{NAME}-")["MetricAlarms"]}
        assert alarms == wanted and len(wanted) >= 11, f"{alarms ^ wanted}"
        widgets = json.loads(cloudwatch.get_dashboard(DashboardName=NAME)["DashboardBody"])["widgets"]
        assert not re.search(r"\$\{", json.dumps(widgets)), widgets
        group = self.stack.outputs()["LogGroupName"]
        [described] = self.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        assert described["retentionInDays"] == 365, described

    def is_careful(self):
        resources = self.stack.resources()
        for table in ("UsersTable", "AccountsTable"):
            described = self.client("dynamodb").describe_table(TableName=resources[table])["Table"]
            assert described["DeletionProtectionEnabled"], described
        event = (self.root / "functions" / "session" / "events" / "get-session.json").read_text()
        answer = self.client("lambda").invoke(FunctionName=resources["SessionFunction"], Payload=event)
        said = json.loads(answer["Payload"].read())
        assert (said.get("statusCode"), said.get("body")) == (200, "null"), said

    def _with_plain_alarms(self, template):
        nested = template.parent / "Observability" / "template.yaml"
        text, count = re.subn(r"      Metrics:\n(?:      [ -].*\n)+", PLAIN_ALARM, nested.read_text())
        assert count >= 3, f"{count} alarms do mathematics"
        plain = nested.with_name("plain.yaml")
        plain.write_text(text)
        text = template.read_text()
        assert text.count("Observability/template.yaml") == 1, "the template does not name the nested one once"
        changed = template.with_name("template-of-production.yaml")
        changed.write_text(text.replace("Observability/template.yaml", "Observability/plain.yaml"))
        return changed
