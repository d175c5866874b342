"""The service's vectors of good and forged tokens, through the routes."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import jwt
import pytest

from app.api import create_app
from app.settings import SecretInEnvironment, SecretInManager, Settings
from tests.running import CURRENT, ISSUER, PREVIOUS, access_token, bearer
from tests.standins import SecretsManagerStandin, ServiceStandin

MAKE_VECTORS = Path(__file__).parents[3] / "tests" / "python" / "make_vectors.py"


@dataclass(frozen=True)
class Vector:
    name: str
    token: str
    valid: bool
    header: bool  # whether it can travel in an HTTP header


def make_vectors() -> list[Vector]:
    keys = [f"--secret={version}={value}" for version, value in (CURRENT, PREVIOUS)]
    command = [sys.executable, str(MAKE_VECTORS), *keys, "--issuer", ISSUER, "--audience", ISSUER]
    made = subprocess.run(command, check=True, capture_output=True)
    return [Vector(**vector) for vector in json.loads(made.stdout)]


def verdicts(settings: Settings, vectors: Sequence[Vector]) -> dict[str, bool]:
    """Which tokens are let in, by name: past HTTP's own rules, to the last byte."""

    async def ask() -> dict[str, bool]:
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return {vector.name: await is_let_in(client, vector.token) for vector in vectors}

    return asyncio.run(ask())


async def is_let_in(client: httpx.AsyncClient, token: str) -> bool:
    answer = await client.get("/api/v1/todos", headers=[(b"authorization", b"Bearer " + token.encode())])
    assert answer.status_code in (200, 401), answer.text
    if answer.status_code == 401:
        assert answer.json() == {"detail": "Unauthorized"}
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    return answer.status_code == 200


def test_with_secrets_manager_every_verdict_is_the_services(
    settings: Settings, secrets_manager: SecretsManagerStandin
) -> None:
    secrets_manager.rotate(*PREVIOUS)
    secrets_manager.rotate(*CURRENT)
    vectors = make_vectors()
    assert len(vectors) >= 80
    given = verdicts(replace(settings, secret=SecretInManager("secret", "us-east-1")), vectors)
    assert given == {vector.name: vector.valid for vector in vectors}


def test_with_the_environment_only_the_version_of_the_secret_goes_unseen(settings: Settings) -> None:
    vectors = make_vectors()
    given = verdicts(replace(settings, secret=SecretInEnvironment((CURRENT[1], PREVIOUS[1]))), vectors)
    wrong = {vector.name for vector in vectors if given[vector.name] != vector.valid}
    # Signed with an accepted secret, and of a version that is another's or
    # nobody's: an environment does not know versions.
    unseen = {vector.name for vector in vectors if vector.name.startswith(("kid '", 'kid "'))} - {"kid ''"}
    assert wrong == unseen | {"current kid, previous key", "previous kid, current key"}


@pytest.mark.parametrize("depth", [127, 500, 2500])
def test_claims_are_as_deep_as_the_header_may_be_whatever_python_reads(settings: Settings, depth: int) -> None:
    claims = jwt.decode(access_token(), options={"verify_signature": False})
    nested = json.dumps(claims)[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"
    header = {"typ": "at+jwt", "kid": CURRENT[0]}
    token = jwt.PyJWS().encode(nested.encode(), CURRENT[1], "HS256", header)
    assert verdicts(settings, [Vector("nested", token, False, True)]) == {"nested": False}


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ([], "Bearer"),
        ([("Authorization", "")], "Bearer"),
        ([("Authorization", "Basic YTpi")], "Bearer"),
        ([("Authorization", access_token())], "Bearer"),
        ([("Authorization", "Bearer")], 'Bearer error="invalid_token"'),
        ([*bearer(access_token()).items()] * 2, 'Bearer error="invalid_token"'),
    ],
)
def test_what_is_not_one_bearer_token_is_refused(
    api: httpx.Client, headers: list[tuple[str, str]], challenge: str
) -> None:
    answer = api.get("/api/v1/todos", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
    assert answer.json() == {"detail": "Unauthorized"}


def test_every_route_wants_a_token_before_it_looks_at_the_request(api: httpx.Client) -> None:
    for path, methods in api.get("/openapi.json").json()["paths"].items():
        for method in methods:
            if path != "/health":
                answer = api.request(method, path.replace("{id}", "1"), json=7 if method != "get" else None)
                assert answer.status_code == 401, (method, path)


def test_the_scheme_has_no_case(api: httpx.Client) -> None:
    assert api.get("/api/v1/todos", headers={"Authorization": f"bEARER {access_token()}"}).status_code == 200


def test_a_forgery_is_not_passed_on_to_the_service(api: httpx.Client, service: ServiceStandin) -> None:
    forged = access_token(secret=(CURRENT[0], "f" * 64))
    assert api.delete("/api/v1/todos", headers=bearer(forged)).status_code == 401
    assert service.asked == []
