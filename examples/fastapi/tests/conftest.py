from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.settings import SecretInEnvironment, Settings
from tests.running import CURRENT, ISSUER, running
from tests.standins import SecretsManagerStandin, ServiceStandin


@pytest.fixture
def service() -> Iterator[ServiceStandin]:
    service = ServiceStandin()
    with service.running():
        yield service


@pytest.fixture
def secrets_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManagerStandin]:
    secrets_manager = SecretsManagerStandin()
    monkeypatch.setenv("AWS_ENDPOINT_URL", secrets_manager.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with secrets_manager.running():
        yield secrets_manager


@pytest.fixture
def settings(service: ServiceStandin, tmp_path: Path) -> Settings:
    return Settings(
        secret=SecretInEnvironment((CURRENT[1],)),
        issuer=ISSUER,
        auth_api_url=service.url,
        cors_origins=("https://app.example.com", "http://localhost:3001"),
        database=tmp_path / "todos.db",
    )


@pytest.fixture
def api(settings: Settings) -> Iterator[httpx.Client]:
    with running(settings) as client:
        yield client
