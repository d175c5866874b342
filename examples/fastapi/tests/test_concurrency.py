"""Many requests at once."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.running import access_token, bearer

TODOS = "/api/v1/todos"
ANN, BOB = bearer(access_token("ann")), bearer(access_token("bob"))


def test_of_many_at_once_none_is_lost_or_mixed_up(api: httpx.Client) -> None:
    def add(number: int) -> httpx.Response:
        headers = ANN if number % 2 else BOB
        return api.post(TODOS, json={"title": f"no. {number}"}, headers=headers)

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(add, range(200)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 200
    for headers, rest in ((ANN, 1), (BOB, 0)):
        listed = api.get(f"{TODOS}?limit=200", headers=headers).json()
        assert sorted(todo["title"] for todo in listed) == sorted(f"no. {n}" for n in range(rest, 200, 2))


def test_changes_of_different_fields_do_not_undo_each_other(api: httpx.Client) -> None:
    path = f"{TODOS}/{api.post(TODOS, json={'title': '-'}, headers=ANN).json()['id']}"
    with ThreadPoolExecutor(3) as pool:
        for round in range(20):
            final = {"title": f"title {round}", "description": f"text {round}", "completed": round % 2 == 0}
            changes = [{name: value} for name, value in final.items()]
            list(pool.map(lambda change: api.patch(path, json=change, headers=ANN), changes))
            assert final.items() <= api.get(path, headers=ANN).json().items()


def test_a_todo_is_deleted_once(api: httpx.Client) -> None:
    path = f"{TODOS}/{api.post(TODOS, json={'title': '-'}, headers=ANN).json()['id']}"
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: api.delete(path, headers=ANN).status_code, range(20)))
    assert sorted(statuses) == [204, *[404] * 19]
