"""Secrets Manager: rotations, outages, and how often it is asked."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from threading import Event

import httpx
import pytest

from app.access_tokens import UnusableSecret
from app.api import create_app
from app.settings import SecretInEnvironment, SecretInManager, Settings
from app.signing_secrets import CachedSecrets, SecretUnavailable, Version, Versions
from tests.running import CURRENT, PREVIOUS, access_token, bearer, running
from tests.standins import Answer, SecretsManagerStandin

TODOS = "/api/v1/todos"
DENIED: Answer = (400, {"__type": "AccessDeniedException", "Message": "no"})
FAILING: Answer = (500, {"__type": "InternalServiceError", "Message": "no"})


@pytest.fixture
def managed(settings: Settings) -> Settings:
    return replace(settings, secret=SecretInManager("secret", "us-east-1"))


def status(api: httpx.Client, secret: tuple[str, str], path: str = TODOS) -> int:
    return api.get(path, headers=bearer(access_token(secret=secret))).status_code


def new_secret() -> tuple[str, str]:
    return str(uuid.uuid4()), uuid.uuid4().hex * 2


def test_a_rotation_is_seen_at_once_and_keeps_the_secret_of_before(
    managed: Settings, secrets_manager: SecretsManagerStandin
) -> None:
    oldest, old, new = new_secret(), new_secret(), new_secret()
    secrets_manager.rotate(*oldest)
    with running(managed) as api:
        assert status(api, oldest) == 200
        assert secrets_manager.reads == {"AWSCURRENT": 1, "AWSPREVIOUS": 1}
        secrets_manager.rotate(*old)
        assert (status(api, old), status(api, oldest)) == (200, 200)
        secrets_manager.rotate(*new)
        assert (status(api, new), status(api, old)) == (200, 200)
        assert status(api, oldest) == 401, "two rotations end what the oldest signed"


def test_a_rotation_of_the_environment_has_two_secrets(settings: Settings) -> None:
    with running(replace(settings, secret=SecretInEnvironment((CURRENT[1], PREVIOUS[1])))) as api:
        assert (status(api, CURRENT), status(api, PREVIOUS), status(api, new_secret())) == (200, 200, 401)
    with running(settings) as api:
        assert (status(api, CURRENT), status(api, PREVIOUS)) == (200, 401)


def test_forgeries_cause_few_reads(managed: Settings, secrets_manager: SecretsManagerStandin) -> None:
    secrets_manager.rotate(*CURRENT)
    with running(managed) as api:
        assert {status(api, new_secret()) for _ in range(200)} == {401}
        # One at the start, three at once, and one each ten seconds.
        assert 4 <= secrets_manager.reads["AWSCURRENT"] <= 20
        assert status(api, CURRENT) == 200


@pytest.mark.parametrize("outage", ["denied", "failing", "garbage", "hanging", "gone"])
def test_an_outage_refuses_nobody_who_was_known(
    managed: Settings, secrets_manager: SecretsManagerStandin, outage: str
) -> None:
    secrets_manager.rotate(*PREVIOUS)
    secrets_manager.rotate(*CURRENT)
    with running(managed) as api:
        break_down(secrets_manager, outage)
        assert status(api, new_secret()) == 401
        assert (status(api, CURRENT), status(api, PREVIOUS)) == (200, 200)


@pytest.mark.parametrize("outage", ["denied", "failing", "garbage", "gone"])
def test_without_any_secret_requests_are_put_off_until_there_is_one(
    managed: Settings, secrets_manager: SecretsManagerStandin, outage: str
) -> None:
    secrets_manager.rotate(*CURRENT)
    break_down(secrets_manager, outage)
    with running(managed) as api:
        assert api.get("/health").status_code == 200
        for _ in range(2):
            answer = api.get(TODOS, headers=bearer(access_token()))
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.json() == {"detail": "Try again later"}
        if outage != "gone":
            secrets_manager.broken = None
            assert status(api, CURRENT) == 200


def break_down(secrets_manager: SecretsManagerStandin, outage: str) -> None:
    match outage:
        case "denied":
            secrets_manager.broken = DENIED
        case "failing":
            secrets_manager.broken = FAILING
        case "garbage":
            secrets_manager.broken = (200, b"<html>")
        case "hanging":
            secrets_manager.hangs = True
        case "gone":
            secrets_manager.stop()


@pytest.mark.parametrize("weak", ["", "w" * 31, "w" * 31 + " \n", '{"kty":"oct","k":"' + "w" * 40 + '"}'])
def test_a_secret_of_no_use_does_not_start(
    managed: Settings, secrets_manager: SecretsManagerStandin, weak: str
) -> None:
    secrets_manager.rotate(CURRENT[0], weak)
    with pytest.raises(UnusableSecret):
        asyncio.run(start(managed))


async def start(settings: Settings) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        pass


def test_a_weak_secret_never_verifies(managed: Settings, secrets_manager: SecretsManagerStandin) -> None:
    weak = (str(uuid.uuid4()), "w" * 31)
    with pytest.warns(match="HMAC key"):
        token = access_token(secret=weak)
    secrets_manager.rotate(*CURRENT)
    with running(managed) as api:
        secrets_manager.rotate(*weak)
        assert api.get(TODOS, headers=bearer(token)).status_code == 401
        assert status(api, CURRENT) == 200
        strong = new_secret()
        secrets_manager.rotate(*strong)
        assert status(api, strong) == 200
        assert api.get(TODOS, headers=bearer(token)).status_code == 401


def test_a_line_break_after_the_secret_does_not_count(
    managed: Settings, secrets_manager: SecretsManagerStandin
) -> None:
    secrets_manager.rotate(CURRENT[0], f" {CURRENT[1]}\n")
    with running(managed) as api:
        assert status(api, CURRENT) == 200


def test_no_secret_or_token_is_logged(
    managed: Settings, secrets_manager: SecretsManagerStandin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="app")
    secrets_manager.rotate(*CURRENT)
    secrets_manager.broken = DENIED
    with running(managed) as api:
        status(api, CURRENT)
        secrets_manager.broken = None
        status(api, CURRENT)
    assert "the signing secret cannot be read: AccessDeniedException" in caplog.text
    assert CURRENT[1] not in caplog.text
    assert "eyJ" not in caplog.text


@dataclass
class Source:
    """What is read, when, and a clock to set."""

    now: float = 1000.0
    reads: int = 0
    answer: Versions | Exception = field(default_factory=lambda: versions(CURRENT))
    gate: Event = field(default_factory=Event)

    def read(self) -> Versions:
        self.reads += 1
        self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def versions(current: tuple[str, str], previous: tuple[str, str] | None = None, *, complete: bool = True) -> Versions:
    return Versions(Version(*current), Version(*previous) if previous else None, complete)


@pytest.fixture
def source() -> Iterator[Source]:
    source = Source()
    source.gate.set()
    yield source
    source.gate.set()


def with_cache(source: Source, act: Callable[[CachedSecrets], Awaitable[None]]) -> None:
    async def run() -> None:
        secrets = CachedSecrets(source.read, lambda: source.now)
        await secrets.load()
        await act(secrets)

    asyncio.run(run())


async def accepts(secrets: CachedSecrets, secret: tuple[str, str]) -> bool:
    return list((await secrets.keyring()).secrets_for(secret[0])) == [secret[1]]


async def settle() -> None:
    """Lets a read that runs in a thread come to its end."""
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


def test_after_five_minutes_the_secret_is_read_beside_a_request(source: Source) -> None:
    async def act(secrets: CachedSecrets) -> None:
        source.now += 299
        assert await accepts(secrets, CURRENT)
        await settle()
        assert source.reads == 1
        new = new_secret()
        source.answer = versions(new, CURRENT)
        source.now += 1
        source.gate.clear()
        for _ in range(50):
            assert await accepts(secrets, CURRENT), "nobody waits"
        source.gate.set()
        await settle()
        assert source.reads == 2
        assert await accepts(secrets, new)
        assert await accepts(secrets, CURRENT)

    with_cache(source, act)


def test_a_cache_that_is_long_overdue_is_renewed_before_it_is_used(source: Source) -> None:
    async def act(secrets: CachedSecrets) -> None:
        newer = (new_secret(), new_secret())
        source.answer = versions(*newer)
        source.now += 900
        assert not await accepts(secrets, CURRENT), "two rotations have ended it"
        source.answer = SecretUnavailable("down")
        source.now += 10_000
        assert await accepts(secrets, newer[0])

    with_cache(source, act)


def test_failures_are_tried_again_after_half_a_minute(source: Source) -> None:
    async def act(secrets: CachedSecrets) -> None:
        source.answer = SecretUnavailable("down")
        source.now += 300
        for _ in range(3):
            for _ in range(20):
                assert await accepts(secrets, CURRENT)
                await settle()
            source.now += 30
        assert source.reads == 4

    with_cache(source, act)


def test_a_previous_version_that_cannot_be_read_is_kept_as_it_was_known(source: Source) -> None:
    source.answer = versions(CURRENT, PREVIOUS)

    async def act(secrets: CachedSecrets) -> None:
        new = new_secret()
        for current, accepted, ended in ((CURRENT, PREVIOUS, new), (new, CURRENT, PREVIOUS)):
            source.answer = versions(current, complete=False)
            source.now += 300
            await secrets.keyring()
            await settle()
            assert await accepts(secrets, current)
            assert await accepts(secrets, accepted)
            assert not await accepts(secrets, ended)
            await settle()

    with_cache(source, act)


def test_while_it_is_read_nobody_else_waits_and_those_who_miss_it_share_the_read(source: Source) -> None:
    async def act(secrets: CachedSecrets) -> None:
        known, new = await secrets.keyring(), new_secret()
        source.answer = versions(new, CURRENT)
        source.gate.clear()
        waiting = [asyncio.create_task(secrets.newer(known)) for _ in range(100)]
        await asyncio.sleep(0)
        assert await accepts(secrets, CURRENT)
        assert not any(task.done() for task in waiting)
        waiting[0].cancel()  # whoever began the read hangs up
        source.gate.set()
        found = await asyncio.gather(*waiting[1:])
        assert all(keyring is not None and keyring.secrets_for(new[0]) == [new[1]] for keyring in found)
        assert source.reads == 2

    with_cache(source, act)


def test_whoever_may_not_cause_a_read_still_shares_one(source: Source) -> None:
    async def act(secrets: CachedSecrets) -> None:
        known, new = await secrets.keyring(), new_secret()
        for _ in range(10):
            assert await secrets.newer(known) is None
        reads = source.reads
        source.answer = versions(new, CURRENT)
        source.gate.clear()
        source.now += 300
        await secrets.keyring()  # begins a read beside the request
        source.now -= 300  # no time has passed for forgeries
        waiting = asyncio.create_task(secrets.newer(known))
        await asyncio.sleep(0)
        source.gate.set()
        assert await waiting is not None
        assert source.reads == reads + 1

    with_cache(source, act)


def test_unknown_keys_cause_three_reads_at_once_and_then_one_in_ten_seconds(source: Source) -> None:
    async def act(secrets: CachedSecrets) -> None:
        for seconds, reads in ((0, 4), (9, 4), (1, 5), (20, 7), (3600, 10)):
            source.now += seconds
            for _ in range(50):
                known = await secrets.keyring()
                await settle()
                assert await secrets.newer(known) is None
            due = seconds == 3600  # the cache itself is old then
            assert source.reads == reads + due

    with_cache(source, act)
