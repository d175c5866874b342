"""What a check says, and what checks share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .deployed import Stack

_RESERVED_DOMAINS = ("example.com", "example.org", "example.net", "example", "invalid", "test", "localhost")


@dataclass(frozen=True)
class Finding:
    """One thing, and how it is mended."""

    what: str
    remedy: str
    # Whether it is only to be considered.
    is_advice: bool = False


Check = Callable[[Stack], Iterator[Finding]]


def aws(stack: Stack, command: str) -> str:
    """A command of the AWS CLI for the stack's region."""
    return f"aws {command} --region {stack.region}"


def deploy(change: str) -> str:
    """How a parameter is changed."""
    return f"{change} in samconfig.toml, then deploy as before (docs/deploying.md)"


def is_reserved(host: str) -> bool:
    """Whether a host is one that documentation is written with, and nobody has."""
    return any(host == domain or host.endswith(f".{domain}") for domain in _RESERVED_DOMAINS)
