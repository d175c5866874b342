import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import SecretInEnvironment, SecretInManager, Settings, SettingsFault

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:SigningSecret-AbCdEf"
GOOD = {"BETTER_AUTH_SECRET": "s" * 32, "BETTER_AUTH_URL": "https://app.example.com"}


def faults(changes: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsFault) as raised:
        Settings.from_environment({**GOOD, **changes})
    return str(raised.value).splitlines()


def test_what_is_left_out_has_a_default() -> None:
    assert Settings.from_environment(GOOD) == Settings(
        secret=SecretInEnvironment(("s" * 32,)),
        issuer="https://app.example.com",
        auth_api_url="https://app.example.com",
        cors_origins=("http://localhost:3001",),
        database=Path("todos.db"),
    )


def test_everything_can_be_set(tmp_path: Path) -> None:
    environment = {
        "BETTER_AUTH_SECRET": f"{'s' * 32}\n",
        "BETTER_AUTH_SECRET_PREVIOUS": "p" * 32,
        "BETTER_AUTH_URL": "https://app.example.com/",
        "AUTH_API_URL": "https://abc.execute-api.eu-central-1.amazonaws.com/",
        "CORS_ORIGINS": "https://app.example.com, http://[::1]:3001,",
        "DATABASE": str(tmp_path / "x.db"),
    }
    assert Settings.from_environment(environment) == Settings(
        secret=SecretInEnvironment(("s" * 32, "p" * 32)),
        issuer="https://app.example.com",
        auth_api_url="https://abc.execute-api.eu-central-1.amazonaws.com",
        cors_origins=("https://app.example.com", "http://[::1]:3001"),
        database=tmp_path / "x.db",
    )


@pytest.mark.parametrize(
    ("id", "variables", "region"),
    [
        (ARN, {}, "eu-central-1"),
        (ARN, {"AWS_REGION": "us-east-1"}, "eu-central-1"),
        ("SigningSecret", {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-west-2"}, "us-east-1"),
        ("SigningSecret", {"AWS_DEFAULT_REGION": "us-west-2"}, "us-west-2"),
        ("SigningSecret", {}, None),
    ],
)
def test_a_secret_of_secrets_manager_has_the_region_of_its_arn(
    id: str, variables: dict[str, str], region: str | None
) -> None:
    environment = {"BETTER_AUTH_URL": GOOD["BETTER_AUTH_URL"], "BETTER_AUTH_SECRET_ARN": id, **variables}
    assert Settings.from_environment(environment).secret == SecretInManager(id, region)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("BETTER_AUTH_SECRET", ["", "s" * 31, "s" * 31 + " " * 9]),
        ("BETTER_AUTH_SECRET_PREVIOUS", ["p" * 31]),
        ("BETTER_AUTH_URL", ["", "app.example.com", "https://app.example.com/x", "https://a?b", "ftp://a", "https://"]),
        ("AUTH_API_URL", ["http://api.example.com", "https://u:p@a", "https://a/api/auth", "x"]),
        ("CORS_ORIGINS", ["*", "https://*.example.com", "https://a/", "a", "null", "https://A.example"]),
        ("DATABASE", [":memory:", "file:x?mode=memory", "/", "/nowhere/at/all/x.db"]),
    ],
)
def test_a_fault_is_named(name: str, values: list[str]) -> None:
    for value in values:
        [fault] = faults({name: value})
        assert fault.startswith(name), value
        assert len(value) < 30 or value.strip() not in fault


def test_a_secret_has_one_place() -> None:
    assert len(faults({"BETTER_AUTH_SECRET_ARN": ARN})) == 1
    both = faults({"BETTER_AUTH_SECRET": "", "BETTER_AUTH_SECRET_ARN": ARN, "BETTER_AUTH_SECRET_PREVIOUS": "p" * 32})
    assert both == ["BETTER_AUTH_SECRET_PREVIOUS goes with BETTER_AUTH_SECRET alone"]


def test_a_secret_does_not_print() -> None:
    assert "sss" not in repr(Settings.from_environment(GOOD))


def test_uvicorn_ends_with_all_faults_at_once() -> None:
    environment = {**os.environ, **GOOD, "BETTER_AUTH_SECRET": "weak", "BETTER_AUTH_URL": "x", "CORS_ORIGINS": "*"}
    command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", "0"]
    ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    assert ended.stderr.splitlines() == [
        "BETTER_AUTH_SECRET is of no use: the secret is shorter than 32 bytes",
        "BETTER_AUTH_URL must be an origin such as https://app.example.com, without a path",
        "CORS_ORIGINS must be origins such as https://app.example.com, with commas between them",
    ]
