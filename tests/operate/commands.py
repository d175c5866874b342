"""Commands of the AWS CLI in a text, held against the services' models, which the CLI is made of."""

import functools
import re
from collections.abc import Iterator

import botocore.session
from botocore import xform_name
from botocore.exceptions import UnknownServiceError

_GLOBAL = {"region", "query", "output", "max-items"}
# Where the CLI calls an option otherwise than its model.
_RENAMED = {("sns", "subscribe", "endpoint"): "notification-endpoint"}


def faults(text: str) -> Iterator[str]:
    """A line for each command, or option, that there is not, or that is wanted and not there."""
    for service, command, options in _commands(text):
        name = f"aws {service} {command}"
        operation = _operations(service).get(command)
        if operation is None:
            yield f"there is no {name}"
            continue
        known, required = set(_GLOBAL), set()
        shape = operation.input_shape
        for member, value in (shape.members if shape else {}).items():
            option = xform_name(member, "-")
            option = _RENAMED.get((service, command, option), option)
            known |= {option, f"no-{option}"} if value.type_name == "boolean" else {option}
            required |= {option} if member in shape.required_members else set()
        yield from (f"{name} has no --{option}" for option in options - known)
        yield from (f"{name} wants --{option}" for option in required - options)


def _commands(text: str) -> Iterator[tuple[str, str, set[str]]]:
    joined = re.sub(r"\\\n\s*", "", text)
    for line in joined.splitlines():
        bare = re.sub(r"'[^']*'|\"(?:[^\"$]|\$(?!\())*\"", "''", line)
        for part in re.split(r"&&|\||(?=\baws )", bare):
            if match := re.match(r"aws ([a-z0-9-]+) ([a-z0-9-]+)(?![\w.@/])(.*)", part):
                yield match[1], match[2], set(re.findall(r"(?<!\S)--([a-z][a-z-]*)", match[3]))


@functools.cache
def _operations(service: str) -> dict:
    try:
        model = botocore.session.get_session().get_service_model(service)
    except UnknownServiceError:
        return {}
    return {xform_name(name, "-"): model.operation_model(name) for name in model.operation_names}
