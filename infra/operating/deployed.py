"""A deployed stack, and how the tools end."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    print("boto3 is missing: pip install boto3, or use the Python that aws-sam-cli is installed in", file=sys.stderr)
    sys.exit(2)

DEFAULT_STACK = "lambda-auth"
_CONFIG = Config(max_pool_connections=50, connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 4})


class Refusal(Exception):
    """Why a tool does not do what it was asked for, in one line."""


@dataclass(frozen=True)
class Stack:
    """A stack as CloudFormation describes it."""

    name: str
    status: str
    region: str
    parameters: dict[str, str]
    outputs: dict[str, str]
    session: "boto3.Session"

    def client(self, service: str) -> Any:
        """A client of a service in the stack's region."""
        return self.session.client(service, config=_CONFIG)

    def output(self, name: str) -> str:
        """An output; `Refusal` if the stack has none of this name."""
        if name not in self.outputs:
            raise Refusal(f"the stack {self.name} has no output {name}: is it one of this template, and deployed to its end?")
        return self.outputs[name]


def find(name: str, region: str | None) -> Stack:
    """The stack of a name; `Refusal` if there is none."""
    session = boto3.Session(region_name=region)
    cloudformation = session.client("cloudformation", config=_CONFIG)
    try:
        description = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            raise Refusal(f"there is no stack {name} in {session.region_name}") from error
        raise
    return Stack(
        name=description["StackName"],
        status=description["StackStatus"],
        region=str(session.region_name),
        parameters={item["ParameterKey"]: item["ParameterValue"] for item in description.get("Parameters", [])},
        outputs={item["OutputKey"]: item["OutputValue"] for item in description.get("Outputs", [])},
        session=session,
    )


def run(main: Callable[[], int]) -> None:
    """Runs a tool, and exits with what it returns; 2 with one line if it cannot do its work."""
    try:
        code = main()
    except (Refusal, BotoCoreError, ClientError) as error:
        print(f"{sys.argv[0].rsplit('/', 1)[-1]}: {' '.join(str(error).split())}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 2
    sys.exit(code)
