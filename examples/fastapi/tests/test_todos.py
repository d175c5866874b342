import json
from datetime import UTC, datetime

import httpx
import pytest

from tests.running import access_token, bearer
from tests.standins import ServiceStandin

TODOS = "/api/v1/todos"
ANN, BOB = bearer(access_token("ann")), bearer(access_token("bob"))


def add(api: httpx.Client, headers: dict[str, str], title: str = "Buy milk", **fields: object) -> dict[str, object]:
    answer = api.post(TODOS, json={"title": title, **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    todo = answer.json()
    assert isinstance(todo, dict)
    return todo


def titles(api: httpx.Client, headers: dict[str, str], query: str = "") -> list[str]:
    answer = api.get(TODOS + query, headers=headers)
    assert answer.status_code == 200, answer.text
    return [todo["title"] for todo in answer.json()]


def test_a_todo_is_made_read_changed_and_deleted(api: httpx.Client) -> None:
    before = datetime.now(UTC)
    todo = add(api, ANN)
    created_at = datetime.fromisoformat(str(todo["created_at"]))
    assert before <= created_at <= datetime.now(UTC)
    stamps = {"created_at": todo["created_at"], "updated_at": todo["created_at"]}
    assert todo == {"id": todo["id"], "title": "Buy milk", "description": None, "completed": False, **stamps}
    assert isinstance(todo["id"], int)

    path = f"{TODOS}/{todo['id']}"
    assert api.get(path, headers=ANN).json() == todo
    assert api.get(TODOS, headers=ANN).json() == [todo]

    changed = api.patch(path, json={"completed": True, "description": "two"}, headers=ANN).json()
    updated_at = changed["updated_at"]
    assert datetime.fromisoformat(updated_at) > created_at
    assert changed == {**todo, "completed": True, "description": "two", "updated_at": updated_at}
    assert api.patch(path, json={"description": None}, headers=ANN).json()["description"] is None
    assert api.patch(path, json={}, headers=ANN).json()["completed"] is True

    replaced = api.put(path, json={"title": "Buy oats"}, headers=ANN).json()
    assert replaced == {**todo, "title": "Buy oats", "updated_at": replaced["updated_at"]}
    assert api.get(path, headers=ANN).json() == replaced

    answer = api.delete(path, headers=ANN)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.delete(path, headers=ANN).status_code == 404
    assert api.get(TODOS, headers=ANN).json() == []


def test_an_id_is_never_given_twice(api: httpx.Client) -> None:
    first = add(api, ANN)
    api.delete(f"{TODOS}/{first['id']}", headers=ANN)
    assert add(api, ANN)["id"] != first["id"]


def test_the_todos_of_others_are_not_there(api: httpx.Client, service: ServiceStandin) -> None:
    todo = add(api, ANN)
    path = f"{TODOS}/{todo['id']}"
    absent = api.get(f"{TODOS}/999999", headers=BOB)
    assert (absent.status_code, absent.json()) == (404, {"detail": "Not found"})
    for answer in (
        api.get(path, headers=BOB),
        api.put(path, json={"title": "mine"}, headers=BOB),
        api.patch(path, json={"title": "mine"}, headers=BOB),
        api.delete(path, headers=BOB),
    ):
        assert (answer.status_code, answer.content) == (404, absent.content)
    assert titles(api, BOB) == []
    service.live[BOB["Authorization"].split()[1]] = "bob"
    assert api.delete(TODOS, headers=BOB).status_code == 204
    assert api.get(path, headers=ANN).json() == todo


def test_a_list_is_a_page_at_a_time(api: httpx.Client) -> None:
    made = [str(add(api, ANN, f"no. {number}")["title"]) for number in range(103)]
    assert titles(api, ANN) == made[:100]
    assert titles(api, ANN, "?limit=200") == made
    assert titles(api, ANN, "?limit=2&offset=100") == made[100:102]
    assert titles(api, ANN, "?offset=103") == []
    for query in ("?limit=0", "?limit=201", "?limit=x", "?offset=-1", "?offset=9223372036854775808"):
        assert api.get(TODOS + query, headers=ANN).status_code == 422, query


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({}, "title: "),
        ({"title": None}, "title: "),
        ({"title": ""}, "title: "),
        ({"title": " \t\n"}, "title: "),
        ({"title": "x" * 201}, "title: "),
        ({"title": 7}, "title: "),
        ({"title": "\ud800"}, "title: "),
        ({"title": "x", "description": "x" * 2001}, "description: "),
        ({"title": "x", "description": []}, "description: "),
        ({"title": "x", "completed": "yes"}, "completed: "),
        ({"title": "x", "completed": None}, "completed: "),
        ([], "body: "),
        ("x", "body: "),
        (None, "body: "),
    ],
)
def test_what_is_no_todo_is_named_and_not_stored(api: httpx.Client, fields: object, complaint: str) -> None:
    path = f"{TODOS}/{add(api, ANN)['id']}"
    before = api.get(path, headers=ANN).json()
    for method, target in (("POST", TODOS), ("PUT", path), ("PATCH", path)):
        if method == "PATCH" and fields == {}:
            continue
        headers = {**ANN, "content-type": "application/json"}
        answer = api.request(method, target, content=json.dumps(fields), headers=headers)
        assert answer.status_code == 422, (method, answer.text)
        assert answer.json().keys() == {"detail"}
        assert answer.json()["detail"].startswith(complaint)
    assert api.get(TODOS, headers=ANN).json() == [before]


def test_the_longest_todo_comes_back_as_it_was(api: httpx.Client) -> None:
    todo = add(api, ANN, "🦀" * 200, description="'; DROP TABLE todos; --\0" + "é" * 1900)
    assert api.get(f"{TODOS}/{todo['id']}", headers=ANN).json() == todo
    assert todo["title"] == "🦀" * 200
    assert add(api, ANN, f"  {'x' * 200}\n")["title"] == "x" * 200


def test_what_is_not_json_is_refused(api: httpx.Client) -> None:
    for content in (b"{", b"\xff", b"title=x", b"[" * 100_000):
        answer = api.post(TODOS, content=content, headers={**ANN, "content-type": "application/json"})
        assert answer.status_code in (400, 422), (content[:9], answer.status_code)
        assert answer.json().keys() == {"detail"}


def test_ids_are_whole_numbers(api: httpx.Client) -> None:
    for id in ("0", "-1", "x", "1.5", "9223372036854775808", "9" * 400):
        assert api.get(f"{TODOS}/{id}", headers=ANN).status_code == 422, id
    assert api.get(f"{TODOS}/9223372036854775807", headers=ANN).status_code == 404


def test_unknown_paths_and_methods_have_a_detail_too(api: httpx.Client) -> None:
    assert (api.get("/x").status_code, api.get("/x").json()) == (404, {"detail": "Not Found"})
    assert api.patch(TODOS, headers=ANN).json() == {"detail": "Method Not Allowed"}
    assert api.get("/health").json() == {"status": "ok"}


def test_only_named_origins_may_read_answers(api: httpx.Client) -> None:
    for origin in ("https://app.example.com", "http://localhost:3001"):
        preflight = {
            "Origin": origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        answer = api.options(f"{TODOS}/1", headers=preflight)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert "PATCH" in answer.headers["access-control-allow-methods"]
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert "authorization" in allowed
        assert "content-type" in allowed
        for headers in (ANN, {}):
            answer = api.get(TODOS, headers={**headers, "Origin": origin})
            assert answer.headers["access-control-allow-origin"] == origin
            assert "access-control-allow-credentials" not in answer.headers
    stranger = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    assert api.options(TODOS, headers=stranger).status_code == 400
    for origin in ("https://evil.example", "https://app.example.com.evil.example", "null"):
        assert "access-control-allow-origin" not in api.get(TODOS, headers={**ANN, "Origin": origin}).headers
