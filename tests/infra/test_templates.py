"""What becomes of template.yaml once SAM has transformed it.

    target/tools/sam/bin/python -m unittest discover tests/infra

Runs SAM's own translator, which the SAM CLI brings, as AWS does.
"""

import fnmatch
import functools
import graphlib
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
logging.disable(logging.CRITICAL)

from samcli.yamlhelper import yaml_dump, yaml_parse  # noqa: E402
from samtranslator.parser.parser import Parser  # noqa: E402
from samtranslator.translator.translator import Translator  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = {"BaseUrl": "https://auth.example.com", "TrustedOrigins": "https://app.example.com"}
# How many metrics an alarm may do mathematics with.
MOST_METRICS = 10


@functools.cache
def built() -> str:
    """The template as `sam build` writes it, with the code uploaded."""
    document = yaml_parse((ROOT / "template.yaml").read_text())
    document["Globals"]["Function"]["CodeUri"] = "s3://bucket/code"
    return yaml_dump(document)


@functools.cache
def transform(text: str, **parameters: str) -> dict:
    return Translator({}, Parser()).translate(yaml_parse(text), REQUIRED | parameters)["Resources"]


def of_type(resources: dict, kind: str) -> dict:
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def gradual(text: str, config: str = "GradualDeployment=Linear10PercentEvery1Minute", *arguments: str) -> tuple[int, str]:
    """Runs infra/gradual: its exit code, and what became of the template."""
    with tempfile.TemporaryDirectory() as directory:
        template, settings = Path(directory, "template.yaml"), Path(directory, "samconfig.toml")
        template.write_text(text)
        settings.write_text(f"[default.deploy.parameters]\nparameter_overrides = [{', '.join(map(repr, config.split()))}]\n")
        command = [sys.executable, ROOT / "infra" / "gradual", "--template", template, "--config-file", settings, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, template.read_text()


class AllAtOnce(unittest.TestCase):
    def test_functions_run_their_latest_code_and_settings(self):
        resources = transform(built())
        self.assertEqual(of_type(resources, "AWS::Lambda::Alias"), {})
        self.assertEqual(of_type(resources, "AWS::CodeDeploy::DeploymentGroup"), {})

    def test_all_functions_write_to_the_log_with_the_retention(self):
        resources = transform(built())
        functions = of_type(resources, "AWS::Lambda::Function")
        self.assertEqual(len(functions), 13)
        for name, function in functions.items():
            self.assertEqual(function["Properties"]["LoggingConfig"], {"LogFormat": "JSON", "LogGroup": {"Ref": "LogGroup"}}, name)
        self.assertEqual(resources["LogGroup"]["Properties"], {"RetentionInDays": {"Ref": "LogRetentionDays"}})

    def test_tracing_is_permitted_only_where_it_is_on(self):
        for mode, traces in [("Disabled", False), ("Active", True)]:
            resources = transform(built(), Tracing=mode)
            roles = of_type(resources, "AWS::IAM::Role")
            roles.pop("DeploymentRole")
            self.assertEqual(len(roles), 13)
            for name, role in roles.items():
                managed = [arn.rsplit("/", 1)[1] for arn in role["Properties"]["ManagedPolicyArns"]]
                expected = ["AWSLambdaBasicExecutionRole", *["AWSXrayWriteOnlyAccess"] * traces]
                self.assertEqual(managed, expected, f"{mode}: {name}")
            for name, function in of_type(resources, "AWS::Lambda::Function").items():
                self.assertEqual("TracingConfig" in function["Properties"], traces, f"{mode}: {name}")

    def test_every_role_has_the_boundary(self):
        for name, role in of_type(transform(gradual(built())[1]), "AWS::IAM::Role").items():
            boundary = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]}
            self.assertEqual(role["Properties"].get("PermissionsBoundary"), boundary, name)

    def test_the_stack_is_well_below_the_limit_of_resources(self):
        self.assertLess(len(transform(gradual(built())[1])), 400)


class Conditions(unittest.TestCase):
    def test_production_has_metrics_and_alarms_unless_it_is_told_otherwise(self):
        conditions = yaml_parse(built())["Conditions"]
        for condition, parameter in [("HasMetrics", "Metrics"), ("HasAlarms", "Alarms")]:
            for profile, value, expected in [
                ("development", "", False),
                ("development", "true", True),
                ("production", "", True),
                ("production", "true", True),
                ("production", "false", False),
            ]:
                values = {"Profile": profile, parameter: value}
                self.assertEqual(holds(conditions, {"Condition": condition}, values), expected, (condition, values))


def holds(conditions: dict, expression: dict, values: dict) -> bool:
    """Whether a condition of the template holds for values of parameters."""
    [(function, argument)] = expression.items()
    match function:
        case "Condition":
            return holds(conditions, conditions[argument], values)
        case "Fn::Equals":
            one, other = (values[side["Ref"]] if isinstance(side, dict) else side for side in argument)
            return one == other
        case "Fn::Or":
            return any(holds(conditions, part, values) for part in argument)
        case "Fn::And":
            return all(holds(conditions, part, values) for part in argument)
    raise ValueError(function)


class Gradually(unittest.TestCase):
    def test_nothing_happens_unless_it_is_asked_for(self):
        self.assertEqual(gradual(built(), "Profile=production"), (0, built()))

    def test_requests_go_to_aliases_that_codedeploy_moves(self):
        code, text = gradual(built())
        self.assertEqual(code, 0)
        resources = transform(text)
        functions = of_type(resources, "AWS::Lambda::Function")
        aliases = of_type(resources, "AWS::Lambda::Alias")
        self.assertEqual({alias["Properties"]["FunctionName"]["Ref"] for alias in aliases.values()}, set(functions))
        for name, alias in aliases.items():
            update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
            group = resources[update["DeploymentGroupName"]["Ref"]]["Properties"]
            self.assertEqual(group["DeploymentConfigName"]["Fn::Sub"][1], {"ConfigName": "Linear10PercentEvery1Minute"}, name)
            self.assertTrue(group["AutoRollbackConfiguration"]["Enabled"], name)
            self.assertIn("DEPLOYMENT_STOP_ON_ALARM", group["AutoRollbackConfiguration"]["Events"], name)
            condition, with_alarms, without = group["AlarmConfiguration"]["Fn::If"]
            self.assertEqual(condition, "HasAlarms")
            names = [alarm["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}-") for alarm in with_alarms["Alarms"]]
            self.assertEqual(names, ["api-errors", "api-latency"])
            alarms = of_type(yaml_parse((ROOT / "infra" / "observability.yaml").read_text())["Resources"], "AWS::CloudWatch::Alarm")
            self.assertLessEqual({f"${{StackName}}-{name}" for name in names}, {a["Properties"]["AlarmName"]["Fn::Sub"] for a in alarms.values()})
            self.assertTrue(with_alarms["Enabled"] and not without)
        for path, methods in resources["HttpApi"]["Properties"]["Body"]["paths"].items():
            for method, operation in methods.items():
                if method != "options":
                    self.assertIn("Aliaslive}", operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"], path)

    def test_no_resource_waits_for_itself(self):
        for text in (built(), gradual(built())[1]):
            resources = transform(text)
            order = graphlib.TopologicalSorter({name: names_in(resource) & set(resources) for name, resource in resources.items()})
            self.assertEqual(len(list(order.static_order())), len(resources))
        alias = next(iter(of_type(resources, "AWS::Lambda::Alias")))
        self.assertTrue(any(name.endswith("DeploymentGroup") for name in names_in(resources[alias])))

    def test_a_changed_setting_makes_new_versions(self):
        def versions(settings: str, *arguments: str) -> set:
            return set(of_type(transform(gradual(built(), settings, *arguments)[1]), "AWS::Lambda::Version"))

        settings = "GradualDeployment=Canary10Percent5Minutes RateLimits=false"
        before = versions(settings)
        self.assertEqual(len(before), 13)
        self.assertEqual(before, versions(settings))
        self.assertFalse(before & versions(settings.replace("false", "true")))
        self.assertFalse(before & versions(settings, "--parameter", "RateLimits=true"))

    def test_it_is_not_done_twice_or_to_what_it_does_not_know(self):
        text = gradual(built())[1]
        self.assertEqual(gradual(text), (1, text))
        self.assertEqual(gradual("Resources: {}\n")[0], 1)


class DeployRole(unittest.TestCase):
    """What a run of the workflow may do, whatever the stack of its roles is called."""

    def may(self, role: str, own_stack: str, action: str, resource: str) -> bool:
        template = yaml_parse((ROOT / "infra" / "deploy-role.yaml").read_text())
        values = {"AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "1", "AWS::StackName": own_stack, "StackName": "lambda-auth", "ArtifactBucket": "bucket"}

        def matches(patterns: object, text: str) -> bool:
            patterns = patterns if isinstance(patterns, list) else [patterns]
            texts = (re.sub(r"\$\{([^}]+)\}", lambda name: values[name[1]], pattern["Fn::Sub"]) if isinstance(pattern, dict) and "Fn::Sub" in pattern else str(pattern) for pattern in patterns)
            return any(fnmatch.fnmatchcase(text, pattern) for pattern in texts)

        [policy] = template["Resources"][role]["Properties"]["Policies"]
        statements = policy["PolicyDocument"]["Statement"]
        effects = {s["Effect"] for s in statements if matches(s["Action"], action) and matches(s["Resource"], resource)}
        return effects == {"Allow"}

    def test_it_changes_its_stack_and_not_its_own(self):
        cloudformation, iam = "arn:aws:cloudformation:eu-west-1:1:stack", "arn:aws:iam::1:role"
        for own in ("deploy-lambda-auth", "lambda-auth-deploy"):
            for stack, expected in [("lambda-auth", True), ("lambda-auth-Observability-1X", True), ("lambda-auth-dev", False), (own, False)]:
                self.assertEqual(self.may("DeployRole", own, "cloudformation:CreateChangeSet", f"{cloudformation}/{stack}/1"), expected, stack)
            self.assertFalse(self.may("ExecutionRole", own, "cloudformation:UpdateStack", f"{cloudformation}/{own}/1"))
            for action in ("iam:UpdateAssumeRolePolicy", "iam:DeleteRole", "iam:PassRole", "iam:PutRolePolicy"):
                self.assertTrue(self.may("ExecutionRole", own, action, f"{iam}/lambda-auth-SigninFunctionRole-1X"), action)
                for role in ("DeployRole", "ExecutionRole"):
                    self.assertFalse(self.may("ExecutionRole", own, action, f"{iam}/{own}-{role}-1X"), action)


class Nested(unittest.TestCase):
    """The nested templates, and what template.yaml gives them."""

    def test_what_they_want_is_what_they_get(self):
        outer = yaml_parse((ROOT / "template.yaml").read_text())
        stacks = of_type(outer["Resources"], "AWS::CloudFormation::Stack")
        self.assertEqual(set(stacks), {"Observability", "Domain"})
        for name, stack in stacks.items():
            inner = yaml_parse((ROOT / stack["Properties"]["TemplateURL"]).read_text())
            self.assertEqual(set(stack["Properties"]["Parameters"]), set(inner["Parameters"]), name)
            self.assertIn("Condition", stack, name)
            wanted = {value.split(".")[1] for value in outputs_of(outer, name)}
            self.assertLessEqual(wanted, set(inner["Outputs"]), name)

    def test_alarms_are_named_after_the_stack_and_tell_the_topic(self):
        inner = yaml_parse((ROOT / "infra" / "observability.yaml").read_text())
        page = (ROOT / "docs" / "observability.md").read_text()
        alarms = of_type(inner["Resources"], "AWS::CloudWatch::Alarm")
        self.assertGreaterEqual(len(alarms), 11)
        for name, alarm in alarms.items():
            properties = alarm["Properties"]
            self.assertEqual(properties["AlarmActions"], [{"Ref": "AlarmTopic"}], name)
            self.assertEqual(properties["OKActions"], [{"Ref": "AlarmTopic"}], name)
            keeps_state = properties.get("Namespace") == "AWS/SES"
            self.assertEqual(properties["TreatMissingData"], "ignore" if keeps_state else "notBreaching", name)
            self.assertLessEqual(len([metric for metric in properties.get("Metrics", []) if "MetricStat" in metric]), MOST_METRICS, name)
            prefix, short = properties["AlarmName"]["Fn::Sub"].split("}-")
            self.assertEqual(prefix, "${StackName", name)
            self.assertIn(f"| `{short}` |", page, name)
        listed = [line.split("`")[1] for line in page.split("## Alarms")[1].split("\n## ")[0].splitlines() if line.startswith("| `")]
        self.assertEqual(len(listed), len(alarms))

    def test_alarms_and_dashboard_know_the_metrics_of_the_code(self):
        template = (ROOT / "infra" / "observability.yaml").read_text()
        code = (ROOT / "shared" / "src" / "http" / "metrics.rs").read_text()
        inner = yaml_parse(template)
        own = [a["Properties"] for a in of_type(inner["Resources"], "AWS::CloudWatch::Alarm").values() if a.get("Condition") == "HasMetrics"]
        self.assertEqual(len(own), 3)
        for properties in own:
            self.assertEqual(properties["Namespace"], {"Ref": "MetricsNamespace"})
            self.assertIn(f'"{properties["MetricName"]}"', code)
            # CloudWatch keeps metrics by their dimensions: ours have none.
            self.assertNotIn("Dimensions", properties)

    def test_the_dashboard_is_json_and_shows_every_metric_and_alarm(self):
        inner = yaml_parse((ROOT / "infra" / "observability.yaml").read_text())
        text, variables = inner["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        own_alarms = variables["OwnAlarms"]["Fn::If"][1]["Fn::Sub"]
        shown = text.replace("${OwnAlarms}", own_alarms)
        widgets = json.loads(re.sub(r"\$\{[^}]+\}", "x", shown))["widgets"]
        self.assertGreaterEqual(len(widgets), 8)
        for widget in widgets:
            self.assertLessEqual(widget["x"] + widget["width"], 24)
        for alarm in of_type(inner["Resources"], "AWS::CloudWatch::Alarm"):
            self.assertIn("${%s.Arn}" % alarm, shown)
        code = (ROOT / "shared" / "src" / "http" / "metrics.rs").read_text()
        shown_metrics = set(re.findall(r'"(?:\$\{Namespace\}|\.)", "(\w+)"', text))
        own = set(re.findall(r'"([A-Z][A-Za-z]+)"', code.split("#[cfg(test)]")[0])) - {"PascalCase", "Milliseconds", "Count"}
        self.assertEqual(len(own), 9)
        self.assertLessEqual(own, shown_metrics)


def names_in(document: object) -> set[str]:
    """What a resource refers to, by whichever function."""
    if isinstance(document, list):
        return {name for value in document for name in names_in(value)}
    if not isinstance(document, dict):
        return set()
    found = {name for value in document.values() for name in names_in(value)}
    for key, value in document.items():
        if key in ("Ref", "DependsOn"):
            found |= {value} if isinstance(value, str) else set(value)
        elif key == "Fn::GetAtt":
            found.add(value.split(".")[0] if isinstance(value, str) else value[0])
        elif key == "Fn::Sub":
            found |= {name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", value if isinstance(value, str) else value[0])}
    return found


def outputs_of(document: object, stack: str) -> set[str]:
    """The outputs of a nested stack that a template reads."""
    found = set()
    if isinstance(document, dict):
        target = document.get("Fn::GetAtt")
        if isinstance(target, list) and target[0] == stack and target[1].startswith("Outputs."):
            found.add(target[1])
        for value in document.values():
            found |= outputs_of(value, stack)
    elif isinstance(document, list):
        for value in document:
            found |= outputs_of(value, stack)
    return found


if __name__ == "__main__":
    unittest.main()
