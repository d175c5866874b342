"""The deployment, by the AWS SAM CLI, as an operator makes it."""

import os
import re
import subprocess
import sys
import time

from botocore.exceptions import ClientError

from emulator import REGION

PSEUDO = {"AWS::Region": REGION, "AWS::Partition": "aws", "AWS::AccountId": "000000000000", "AWS::URLSuffix": "amazonaws.com"}


class Sam:
    """Runs `sam` with all of its own state below `directory`."""

    def __init__(self, root, directory):
        self.root = root
        self.directory = directory

    def build(self, template, architecture, name):
        """Builds a template for an architecture; the path of the built template."""
        built = self.directory / name
        options = ["--template", template, "--build-dir", built, "--parameter-overrides", f"Architecture={architecture}"]
        # Cargo knows itself what has changed; SAM's cache would hash all of target/.
        options.append("--no-cached")
        # Nothing here is measured, and link-time optimisation is two thirds of a build.
        self.run(["build", *options], {"AWS_DEFAULT_REGION": REGION, "CARGO_PROFILE_RELEASE_LTO": "off"})
        return built / "template.yaml"

    def run(self, arguments, environment):
        """Runs a command; what it printed is shown when it fails."""
        state = {"SAM_CLI_TELEMETRY": "0", "__SAM_CLI_APP_DIR": str(self.directory / "sam")}
        command = ["sam", *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, **environment, **state},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            sys.exit(f"{done.stdout}\n`{' '.join(command)}` failed with {done.returncode}")
        return done.stdout


class Stack:
    """A stack in the emulator's account."""

    def __init__(self, sam, emulator, name):
        self.sam = sam
        self.emulator = emulator
        self.name = name
        self.cloudformation = emulator.client("cloudformation")

    def deploy(self, template, parameters):
        """Creates the stack, or updates it."""
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        arguments = ["deploy", "--template-file", template, "--stack-name", self.name, "--region", REGION]
        arguments += ["--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
        arguments += ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
        self.sam.run([*arguments, "--parameter-overrides", *overrides], self.emulator.environment)

    def delete(self):
        """Deletes the stack as `sam delete` does, which here stumbles over its own address of the nested templates."""
        self.cloudformation.delete_stack(StackName=self.name)
        deadline = time.monotonic() + 60
        while self.exists():
            assert time.monotonic() < deadline, f"the stack is still there: {self.status()}"
            time.sleep(0.2)

    def exists(self):
        """Whether there is such a stack."""
        try:
            stacks = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError:
            return False
        return stacks[0]["StackStatus"] != "DELETE_COMPLETE"

    def status(self):
        """How the last deployment ended."""
        return self._description()["StackStatus"]

    def outputs(self):
        """The outputs by name."""
        return {output["OutputKey"]: output["OutputValue"] for output in self._description()["Outputs"]}

    def resources(self):
        """Physical ids by logical ones."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        summaries = [summary for page in pages for summary in page["StackResourceSummaries"]]
        return {summary["LogicalResourceId"]: summary["PhysicalResourceId"] for summary in summaries}

    def template(self):
        """The template as CloudFormation has it, with SAM's resources replaced by those of AWS."""
        return self.cloudformation.get_template(StackName=self.name, TemplateStage="Processed")["TemplateBody"]

    def _description(self):
        return self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]


class Intrinsics:
    """Resolves what a processed template says of parameters and resources of its stack."""

    def __init__(self, stack, template):
        self.values = {**PSEUDO, "AWS::StackName": stack.name, **self._parameters(stack), **stack.resources()}
        self.template = template
        self.conditions = template.get("Conditions", {})
        self.lambda_ = stack.emulator.client("lambda")
        self.cloudformation = stack.cloudformation

    def resolve(self, node):
        """The node with every intrinsic function replaced by its value."""
        if isinstance(node, list):
            return [self.resolve(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(name, argument)] = node.items()
            if name == "Ref":
                return self.values[argument]
            if name == "Fn::GetAtt":
                return self._attribute(".".join(argument) if isinstance(argument, list) else argument)
            if name == "Fn::Sub":
                text, own = argument if isinstance(argument, list) else (argument, {})
                own = self.resolve(own)
                return re.sub(r"\$\{([^!}]+)}", lambda match: own.get(match[1]) or self._attribute(match[1]), text)
            if name == "Fn::ImportValue":
                return self._export(self.resolve(argument))
            if name == "Fn::Split":
                separator, text = argument
                return self.resolve(text).split(separator)
            if name == "Fn::If":
                condition, yes, no = argument
                return self.resolve(yes if self.holds({"Condition": condition}) else no)
            if name.startswith("Fn::"):
                sys.exit(f"tests/deploy cannot resolve {name}")
        return {key: self.resolve(value) for key, value in node.items()}

    def holds(self, condition):
        """Whether a condition holds."""
        [(name, argument)] = condition.items()
        if name == "Condition":
            return self.holds(self.conditions[argument])
        if name == "Fn::Not":
            return not self.holds(argument[0])
        if name == "Fn::And":
            return all(map(self.holds, argument))
        if name == "Fn::Or":
            return any(map(self.holds, argument))
        if name == "Fn::Equals":
            left, right = map(self.resolve, argument)
            return str(left) == str(right)
        sys.exit(f"tests/deploy cannot decide {name}")

    def _attribute(self, reference):
        if reference in self.values:
            return self.values[reference]
        resource, _, attribute = reference.partition(".")
        kind = self.template["Resources"][resource]["Type"]
        if (kind, attribute) == ("AWS::Lambda::Function", "Arn"):
            return self.lambda_.get_function(FunctionName=self.values[resource])["Configuration"]["FunctionArn"]
        sys.exit(f"tests/deploy cannot tell {reference} of a {kind}")

    def _export(self, name):
        pages = self.cloudformation.get_paginator("list_exports").paginate()
        exports = {export["Name"]: export["Value"] for page in pages for export in page["Exports"]}
        return exports[name]

    @staticmethod
    def _parameters(stack):
        described = stack._description().get("Parameters", [])
        return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in described}
