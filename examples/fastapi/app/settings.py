"""The settings, from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.access_tokens import UnusableSecret, usable

DEFAULT_CORS_ORIGINS = "http://localhost:3001"
DEFAULT_DATABASE = "todos.db"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class SettingsFault(Exception):
    """Everything that is wrong with the settings, one fault a line."""


@dataclass(frozen=True, slots=True)
class SecretInManager:
    """A secret that Secrets Manager has."""

    id: str  # ARN or name
    region: str | None


@dataclass(frozen=True, slots=True)
class SecretInEnvironment:
    """A secret that the environment brings, and the one before it."""

    values: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment decides."""

    secret: SecretInManager | SecretInEnvironment
    issuer: str
    auth_api_url: str
    cors_origins: tuple[str, ...]
    database: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings that the variables make.

        Raises `SettingsFault`, which names every fault at once.
        """
        reader = _Reader(environment)
        secret = _secret(reader)
        issuer = reader.origin("BETTER_AUTH_URL", None)
        settings = cls(
            secret=secret,
            issuer=issuer,
            auth_api_url=_auth_api_url(reader, issuer),
            cors_origins=_cors_origins(reader),
            database=_database(reader),
        )
        if reader.faults:
            raise SettingsFault("\n".join(reader.faults))
        return settings


def _secret(reader: "_Reader") -> SecretInManager | SecretInEnvironment:
    id, current, previous = (
        reader.text(name) for name in ("BETTER_AUTH_SECRET_ARN", "BETTER_AUTH_SECRET", "BETTER_AUTH_SECRET_PREVIOUS")
    )
    if bool(id) == bool(current):
        reader.fault("BETTER_AUTH_SECRET", "or BETTER_AUTH_SECRET_ARN has to be set, and not both")
    if previous and not current:
        reader.fault("BETTER_AUTH_SECRET_PREVIOUS", "goes with BETTER_AUTH_SECRET alone")
    if id:
        arn = re.fullmatch(r"arn:[^:]+:secretsmanager:([^:]+):.+", id)
        region = arn[1] if arn else reader.text("AWS_REGION") or reader.text("AWS_DEFAULT_REGION")
        return SecretInManager(id, region or None)
    for name, value in (("BETTER_AUTH_SECRET", current), ("BETTER_AUTH_SECRET_PREVIOUS", previous)):
        try:
            usable(value or "x" * 32)
        except UnusableSecret as error:
            reader.fault(name, f"is of no use: {error}")
    return SecretInEnvironment(tuple(value for value in (current, previous) if value))


def _auth_api_url(reader: "_Reader", issuer: str) -> str:
    """Where bearer tokens are sent: over the network only by https."""
    url = reader.origin("AUTH_API_URL", issuer)
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        reader.fault("AUTH_API_URL", "must be https, but for this machine")
    return url


def _cors_origins(reader: "_Reader") -> tuple[str, ...]:
    names = (reader.text("CORS_ORIGINS") or DEFAULT_CORS_ORIGINS).split(",")
    origins = tuple(name.strip() for name in names if name.strip())
    for origin in origins:
        if not _is_origin(origin):
            reader.fault("CORS_ORIGINS", "must be origins such as https://app.example.com, with commas between them")
    return origins


def _database(reader: "_Reader") -> Path:
    text = reader.text("DATABASE") or DEFAULT_DATABASE
    path = Path(text)
    if text.startswith((":", "file:")) or path.is_dir() or not path.parent.is_dir():
        reader.fault("DATABASE", "must be the path of a file in a directory that is there")
    return path


def _is_origin(text: str) -> bool:
    return re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", text) is not None


class _Reader:
    """Hands out variables and collects faults. An empty variable is unset."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []

    def text(self, name: str) -> str:
        return self._environment.get(name, "").strip()

    def origin(self, name: str, default: str | None) -> str:
        text = self.text(name).rstrip("/")
        if not text and default is not None:
            return default
        if not text:
            self.fault(name, "is not set")
        elif not _is_origin(text):
            self.fault(name, "must be an origin such as https://app.example.com, without a path")
        return text

    def fault(self, name: str, problem: str) -> None:
        self.faults.append(f"{name} {problem}")
