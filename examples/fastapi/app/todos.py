"""The routes of the todos, each user's own.

Endpoints are plain functions: FastAPI runs them in its threads, where SQLite may
block. Who is asking has been found out before, on the event loop.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import BaseModel, Field, StrictBool, StringConstraints

from app.auth import CurrentUser, LiveUser
from app.store import TodoStore

MAX_PAGE = 200
MAX_INTEGER = 2**63 - 1  # of SQLite

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Description = Annotated[str, StringConstraints(max_length=2000)]
Id = Annotated[int, Path(ge=1, le=MAX_INTEGER)]


class Todo(BaseModel):
    """A todo as it is answered."""

    id: int
    title: str
    description: str | None
    completed: bool
    created_at: datetime
    updated_at: datetime


class TodoFields(BaseModel):
    """A whole todo as its user writes it."""

    title: Title
    description: Description | None = None
    completed: StrictBool = False


class TodoChanges(BaseModel):
    """Some fields of a todo. Those that are left out stay as they are."""

    # The defaults are never used: what is unset is left out.
    title: Title = Field(default_factory=str)
    description: Description | None = Field(default_factory=lambda: None)
    completed: StrictBool = Field(default_factory=bool)


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


def todo_store(request: Request) -> TodoStore:
    """That of the application."""
    store = request.app.state.todos
    assert isinstance(store, TodoStore)
    return store


Todos = Annotated[TodoStore, Depends(todo_store)]

PROBLEMS: dict[int | str, dict[str, object]] = {
    status.value: {"model": Problem}
    for status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
}
NOT_FOUND: dict[int | str, dict[str, object]] = {HTTPStatus.NOT_FOUND.value: {"model": Problem}}

router = APIRouter(prefix="/api/v1/todos", tags=["todos"], responses=PROBLEMS)


@router.get("")
def list_todos(
    user: CurrentUser,
    todos: Todos,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    offset: Annotated[int, Query(ge=0, le=MAX_INTEGER)] = 0,
) -> list[Todo]:
    """A page of your todos, the oldest first."""
    return [Todo.model_validate(row) for row in todos.page(user.id, limit, offset)]


@router.post("", status_code=HTTPStatus.CREATED)
def create_todo(user: CurrentUser, todos: Todos, fields: TodoFields) -> Todo:
    """Adds a todo."""
    return Todo.model_validate(todos.add(user.id, fields.model_dump()))


@router.delete("", status_code=HTTPStatus.NO_CONTENT)
def delete_todos(user: LiveUser, todos: Todos) -> None:
    """Deletes all your todos: only while your session lives."""
    todos.remove_all(user.id)


@router.get("/{id}", responses=NOT_FOUND)
def get_todo(user: CurrentUser, todos: Todos, id: Id) -> Todo:
    """One todo."""
    return _found(todos.get(user.id, id))


@router.put("/{id}", responses=NOT_FOUND)
def replace_todo(user: CurrentUser, todos: Todos, id: Id, fields: TodoFields) -> Todo:
    """Sets all fields; those that are left out have their defaults."""
    return _found(todos.change(user.id, id, fields.model_dump()))


@router.patch("/{id}", responses=NOT_FOUND)
def change_todo(user: CurrentUser, todos: Todos, id: Id, changes: TodoChanges) -> Todo:
    """Sets some fields."""
    return _found(todos.change(user.id, id, changes.model_dump(exclude_unset=True)))


@router.delete("/{id}", status_code=HTTPStatus.NO_CONTENT, responses=NOT_FOUND)
def delete_todo(user: CurrentUser, todos: Todos, id: Id) -> None:
    """Deletes a todo."""
    if not todos.remove(user.id, id):
        raise _not_found()


def _found(row: dict[str, object] | None) -> Todo:
    # Another user's todo is not there either: nobody learns which ids exist.
    if row is None:
        raise _not_found()
    return Todo.model_validate(row)


def _not_found() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, "Not found")
