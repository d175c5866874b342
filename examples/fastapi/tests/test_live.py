"""Routes that ask the service whether the session lives."""

from dataclasses import replace

import httpx
import pytest

from app.settings import Settings
from tests.running import access_token, bearer, running
from tests.standins import Answer, ServiceStandin

TODOS = "/api/v1/todos"
TOKEN = access_token()


def todos(api: httpx.Client) -> int:
    return len(api.get(TODOS, headers=bearer(TOKEN)).json())


def test_a_live_session_may_and_one_that_ended_may_not(api: httpx.Client, service: ServiceStandin) -> None:
    api.post(TODOS, json={"title": "-"}, headers=bearer(TOKEN))
    answer = api.delete(TODOS, headers=bearer(TOKEN))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    service.live[TOKEN] = "somebody else"
    assert api.delete(TODOS, headers=bearer(TOKEN)).status_code == 401
    assert todos(api) == 1, "the token itself is still good"
    service.live[TOKEN] = "ann"
    assert api.delete(TODOS, headers=bearer(TOKEN)).status_code == 204
    assert todos(api) == 0
    assert service.asked == ["/api/auth/get-session?disableRefresh=true"] * 3, "other routes do not ask"


@pytest.mark.parametrize(
    "broken",
    [
        (500, {}),
        (503, {"message": "wait", "code": "SERVICE_UNAVAILABLE"}),
        (401, {}),
        (404, {}),
        (204, b""),
        (302, {"session": {"id": "s"}, "user": {"id": "ann"}}),
        (200, b""),
        (200, b"<html>"),
        (200, b"\xff"),
        (200, {}),
        (200, []),
        (200, True),
        (200, {"user": {"id": "ann"}}),
        (200, {"session": None, "user": {"id": "ann"}}),
        (200, {"session": {"id": "s"}, "user": {"id": 7}}),
    ],
)
def test_what_is_no_answer_lets_nobody_in(api: httpx.Client, service: ServiceStandin, broken: Answer) -> None:
    api.post(TODOS, json={"title": "-"}, headers=bearer(TOKEN))
    service.live[TOKEN] = "ann"
    service.broken = broken
    assert_put_off(api)
    service.broken = None
    assert api.delete(TODOS, headers=bearer(TOKEN)).status_code == 204


def test_a_service_that_hangs_or_is_gone_lets_nobody_in(api: httpx.Client, service: ServiceStandin) -> None:
    api.post(TODOS, json={"title": "-"}, headers=bearer(TOKEN))
    service.hangs = True
    assert_put_off(api)
    service.stop()
    assert_put_off(api)


def test_a_service_that_was_never_there_lets_nobody_in(settings: Settings) -> None:
    with running(replace(settings, auth_api_url="http://127.0.0.1:9")) as api:
        api.post(TODOS, json={"title": "-"}, headers=bearer(TOKEN))
        assert_put_off(api)


def assert_put_off(api: httpx.Client) -> None:
    answer = api.delete(TODOS, headers=bearer(TOKEN))
    assert (answer.status_code, answer.json()) == (503, {"detail": "Try again later"})
    assert answer.headers["retry-after"] == "5"
    assert todos(api) == 1
