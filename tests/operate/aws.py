"""The account that the tools are tried on: an emulated one, and what stands before it."""

import atexit
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "deploy"))

import processes  # noqa: E402
from emulator import REGION, Emulator  # noqa: E402

Alter = Callable[[str, Any], Any]
_PATIENCE = {"Delay": 1, "MaxAttempts": 60}
_emulators: list[Emulator] = []


def emulator() -> Emulator:
    """The emulated account; one for all tests."""
    if not _emulators:
        directory = ROOT / "target" / "operate"
        directory.mkdir(parents=True, exist_ok=True)
        own = Path(tempfile.mkdtemp(dir=directory))
        # In the other order: what runs is stopped first.
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        atexit.register(processes.stop_all)
        _emulators.append(Emulator(own))
    return _emulators[0]


def tool(name: str, *arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Runs a tool in the emulated account: its exit code, and what it printed."""
    done = subprocess.run(command(name, *arguments), env=variables(environment), capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "infra" / name), *arguments, "--region", REGION]


def variables(environment: dict[str, str] | None = None) -> dict[str, str]:
    return {**processes.environment(), **emulator().environment, **(environment or {})}


class Altered:
    """Stands before the emulator, and changes what it answers, to what it cannot be brought to.

    `alter` gets the operation (`X-Amz-Target`, or the request) and a good answer, its
    JSON or its XML, and returns what is answered instead.
    """

    def __init__(self, alter: Alter) -> None:
        self.alter = alter
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self) -> "Altered":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        alter = self.alter

        class Handler(BaseHTTPRequestHandler):
            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "accept-encoding"}
                request = urllib.request.Request(emulator().url + self.path, body or None, headers, method=self.command)
                try:
                    answer = urllib.request.urlopen(request, timeout=60)
                except urllib.error.HTTPError as error:
                    answer = error
                status, kind, text = answer.status, answer.headers.get("content-type", ""), answer.read()
                operation = self.headers.get("x-amz-target", f"{self.command} {self.path} {body.decode(errors='replace')}")
                if status == 200:
                    changed = alter(operation, json.loads(text or b"{}") if "json" in kind else text.decode())
                    text = (changed if isinstance(changed, str) else json.dumps(changed)).encode()
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(text)))
                if error_type := answer.headers.get("x-amzn-errortype"):
                    self.send_header("x-amzn-errortype", error_type)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = _forward

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def documented_actions() -> list[list[str]]:
    """The actions that the page for operators names: for the check, and for a restore."""
    page = (ROOT / "docs" / "operations.md").read_text()
    policies = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    return [policy["Statement"][0]["Action"] for policy in policies]


@contextmanager
def as_operator(actions: list[str]) -> Iterator[dict[str, str]]:
    """Credentials of somebody who may do this and nothing else."""
    iam, name = emulator().client("iam"), "operator"
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=name, PolicyName=name)
        iam.delete_user(UserName=name)


_NO_MATHEMATICS = """\
      Namespace: AWS/ApiGateway
      MetricName: Count
      Statistic: Sum
      Period: 60
"""


def deploy(name: str, parameters: dict[str, str]) -> None:
    """Deploys the template with functions of no code, but for what the emulator does not know.

    That is the schedule of the rotation, and alarms that do mathematics.
    """
    s3, cloudformation = emulator().client("s3"), emulator().client("cloudformation")
    s3.create_bucket(Bucket=name)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("bootstrap", "#!/bin/sh\n")
    s3.put_object(Bucket=name, Key="code.zip", Body=archive.getvalue())
    template = (ROOT / "template.yaml").read_text().replace("CodeUri: .", f"CodeUri: s3://{name}/code.zip")
    template = re.sub(r"    Metadata: { BuildMethod.*\n", "", template)
    template = re.sub(r"  SigningSecretRotation:\n(?:    .*\n)+", "", template)
    for nested in re.findall(r"TemplateURL: (\S+)", template):
        text = re.sub(r"      Metrics:\n(?:        .*\n)+", _NO_MATHEMATICS, (ROOT / nested).read_text())
        s3.put_object(Bucket=name, Key=nested, Body=text.encode())
        template = template.replace(f"TemplateURL: {nested}", f"TemplateURL: {emulator().url}/{name}/{nested}")
    s3.put_object(Bucket=name, Key="template.yaml", Body=template.encode())
    change = {"StackName": name, "ChangeSetName": "first"}
    cloudformation.create_change_set(
        **change,
        ChangeSetType="CREATE",
        TemplateURL=f"{emulator().url}/{name}/template.yaml",
        Parameters=_listed(parameters),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("change_set_create_complete").wait(**change, WaiterConfig=_PATIENCE)
    cloudformation.execute_change_set(**change)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=_PATIENCE)


def describe(name: str, parameters: dict[str, str], outputs: dict[str, str]) -> None:
    """Makes a stack that has nothing but a description: for what is not of the emulator."""
    template = {
        "Parameters": {key: {"Type": "String"} for key in parameters},
        "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    cloudformation = emulator().client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=_listed(parameters))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=_PATIENCE)


def _listed(parameters: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
