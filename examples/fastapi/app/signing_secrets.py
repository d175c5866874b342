"""Where the secret comes from that access tokens are signed with."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.access_tokens import Keyring, UnusableSecret, UnversionedSecrets, VersionedSecrets, usable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

MAX_AGE = 300  # seconds after which a cached secret is read again, beside a request
OVERDUE_AGE = 3 * MAX_AGE  # from this age on a request waits for the read
RETRY_INTERVAL = 30  # seconds between such reads as long as they fail
# Whoever waits for a read waits for a few seconds at most.
AWS = Config(connect_timeout=2, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})

log = logging.getLogger(__name__)


class SecretUnavailable(Exception):
    """There is no secret to verify with at the moment."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SigningSecrets(Protocol):
    """The accepted secrets, now and after a rotation."""

    async def load(self) -> None:
        """Reads them at the start; raises `UnusableSecret`."""

    async def keyring(self) -> Keyring:
        """Those that are known; raises `SecretUnavailable` if none are."""

    async def newer(self, known: Keyring) -> Keyring | None:
        """Others than the known ones, in which a token's key was not found."""


class FixedSecrets:
    """Secrets of the environment, which change with a restart."""

    def __init__(self, values: tuple[str, ...]) -> None:
        self._keyring = UnversionedSecrets(values)

    async def load(self) -> None:
        pass

    async def keyring(self) -> Keyring:
        return self._keyring

    async def newer(self, known: Keyring) -> Keyring | None:
        return None


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the secret."""

    id: str
    value: str


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of the secret that are accepted."""

    current: Version
    previous: Version | None
    is_complete: bool  # whether the previous one could be read

    def __repr__(self) -> str:
        return f"Versions({self.current.id})"


class SecretsManager:
    """Reads the secret. Every call blocks: not for the event loop."""

    def __init__(self, secret_id: str, region: str | None) -> None:
        self._secret_id = secret_id
        self._region = region
        self._client: SecretsManagerClient | None = None

    def read(self) -> Versions:
        """Both accepted versions; raises `SecretUnavailable` or `UnusableSecret`."""
        current = self._version("AWSCURRENT")
        usable(current.value)
        try:
            previous = self._version("AWSPREVIOUS")
            usable(previous.value)
        except UnusableSecret:
            return Versions(current, None, True)
        except SecretUnavailable as error:
            # Before the first rotation there is none.
            return Versions(current, None, error.code == "ResourceNotFoundException")
        return Versions(current, previous, True)

    def _version(self, stage: str) -> Version:
        try:
            answer = self._connected().get_secret_value(SecretId=self._secret_id, VersionStage=stage)
        except ClientError as error:
            raise SecretUnavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise SecretUnavailable(type(error).__name__) from error
        if "VersionId" not in answer:
            raise SecretUnavailable("NotAVersion")
        return Version(answer["VersionId"], answer.get("SecretString", ""))

    def _connected(self) -> "SecretsManagerClient":
        if self._client is None:
            self._client = boto3.session.Session().client("secretsmanager", region_name=self._region, config=AWS)
        return self._client


class CachedSecrets:
    """The secret's versions, cached.

    What was read once is kept until something newer was read: an outage of
    Secrets Manager refuses nobody. Reads run in a thread, one at a time, and
    whoever needs one that is under way waits for it without a thread.
    """

    def __init__(self, read: Callable[[], Versions], clock: Callable[[], float] = time.time) -> None:
        self._read_versions = read
        self._clock = clock
        self._versions: Versions | None = None
        self._keyring: VersionedSecrets | None = None
        self._read_at = self._tried_at = float("-inf")
        self._reading: asyncio.Task[Exception | None] | None = None
        self._limit = ReadLimit(clock)

    async def load(self) -> None:
        # What is unreachable now may come back; what is too weak is a fault.
        error = await self._read()
        if isinstance(error, UnusableSecret):
            raise error

    async def keyring(self) -> Keyring:
        if self._keyring is None:
            return await self._first()
        now = self._clock()
        if now - self._read_at >= MAX_AGE and now - self._tried_at >= RETRY_INTERVAL:
            reading = self._start()
            if now - self._read_at >= OVERDUE_AGE:
                await asyncio.shield(reading)
        return self._keyring

    async def newer(self, known: Keyring) -> Keyring | None:
        # A read that is under way may have begun before the rotation ended.
        if self._keyring is known and self._reading is not None:
            await self._read()
        if self._keyring is known and self._limit.allows_one_more():
            await self._read()
        return None if self._keyring is known else self._keyring

    async def _first(self) -> Keyring:
        if self._reading is not None or self._limit.allows_one_more():
            await self._read()
        if self._keyring is None:
            raise SecretUnavailable("NeverRead")
        return self._keyring

    async def _read(self) -> Exception | None:
        # A client that hangs up must not end the read that others wait for.
        return await asyncio.shield(self._start())

    def _start(self) -> "asyncio.Task[Exception | None]":
        if self._reading is None:
            self._reading = asyncio.create_task(self._run())
        return self._reading

    async def _run(self) -> Exception | None:
        """One read, and why it failed."""
        self._tried_at = self._clock()
        try:
            versions = await asyncio.to_thread(self._read_versions)
        except (SecretUnavailable, UnusableSecret) as error:
            log.warning("the signing secret cannot be read: %s", error)
            return error
        else:
            self._accept(versions)
            return None
        finally:
            self._reading = None

    def _accept(self, read: Versions) -> None:
        previous = read.previous if read.is_complete else self._known_before(read.current)
        versions = Versions(read.current, previous, read.is_complete)
        if self._versions is None or (self._versions.current, self._versions.previous) != (read.current, previous):
            accepted = [read.current, previous] if previous else [read.current]
            self._keyring = VersionedSecrets({version.id: version.value for version in accepted})
        self._versions = versions
        if read.is_complete:
            self._read_at = self._clock()

    def _known_before(self, current: Version) -> Version | None:
        """The version before the current one, as far as the cache knows."""
        known = self._versions
        if known is None:
            return None
        return known.previous if known.current.id == current.id else known.current


class ReadLimit:
    """How often a token with an unknown key may cause a read.

    A few times at once, since the first may be a forgery and the next a token
    of a secret that was rotated just now, and then at intervals.
    """

    BURST = 3
    INTERVAL = 10  # seconds after which there is one more

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._full_at = float("-inf")

    def allows_one_more(self) -> bool:
        now = self._clock()
        full_at = max(self._full_at, now) + self.INTERVAL
        if full_at > now + self.BURST * self.INTERVAL:
            return False
        self._full_at = full_at
        return True
