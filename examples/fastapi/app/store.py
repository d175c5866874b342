"""The todos, in SQLite. Every call blocks: not for the event loop."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Each operation is one statement on a connection of its own, so that any number
# of threads and processes can work at once; in WAL mode readers never wait, and
# a writer waits so long for another one.
BUSY_TIMEOUT = 10  # seconds

SCHEMA = """
CREATE TABLE IF NOT EXISTS todos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    completed INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS todos_of_user ON todos (user_id, id);
"""
COLUMNS = "id, title, description, completed, created_at, updated_at"
INSERT = f"""
INSERT INTO todos (user_id, title, description, completed, created_at, updated_at)
VALUES (:user_id, :title, :description, :completed, :now, :now) RETURNING {COLUMNS}
"""
LIST = f"SELECT {COLUMNS} FROM todos WHERE user_id = :user_id ORDER BY id LIMIT :limit OFFSET :offset"
GET = f"SELECT {COLUMNS} FROM todos WHERE id = :id AND user_id = :user_id"
UPDATE = f"""
UPDATE todos SET
    title = iif(:has_title, :title, title),
    description = iif(:has_description, :description, description),
    completed = iif(:has_completed, :completed, completed),
    updated_at = :now
WHERE id = :id AND user_id = :user_id RETURNING {COLUMNS}
"""
DELETE = "DELETE FROM todos WHERE id = :id AND user_id = :user_id"
DELETE_ALL = "DELETE FROM todos WHERE user_id = :user_id"

Row = dict[str, Any]


def utc_now() -> datetime:
    return datetime.now(UTC)


class TodoStore:
    """The todos of all users. No operation reaches those of another user."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = utc_now) -> None:
        self._path = path
        self._clock = clock
        # Stays open, so that the write-ahead log does: whoever closes the last
        # connection copies all of it into the file.
        self._first = self._connect()
        self._first.execute("PRAGMA journal_mode = WAL")
        self._first.executescript(SCHEMA)

    def close(self) -> None:
        self._first.close()

    def add(self, user_id: str, fields: Mapping[str, Any]) -> Row:
        [row] = self._rows(INSERT, {**fields, "user_id": user_id, "now": self._now()})
        return row

    def page(self, user_id: str, limit: int, offset: int) -> list[Row]:
        return self._rows(LIST, {"user_id": user_id, "limit": limit, "offset": offset})

    def get(self, user_id: str, id: int) -> Row | None:
        return _only(self._rows(GET, {"user_id": user_id, "id": id}))

    def change(self, user_id: str, id: int, fields: Mapping[str, Any]) -> Row | None:
        """Sets the given fields and leaves the others."""
        values: Row = {"user_id": user_id, "id": id, "now": self._now()}
        for name in ("title", "description", "completed"):
            values |= {name: fields.get(name), f"has_{name}": name in fields}
        return _only(self._rows(UPDATE, values))

    def remove(self, user_id: str, id: int) -> bool:
        with closing(self._connect()) as connection:
            return connection.execute(DELETE, {"user_id": user_id, "id": id}).rowcount == 1

    def remove_all(self, user_id: str) -> None:
        with closing(self._connect()) as connection:
            connection.execute(DELETE_ALL, {"user_id": user_id})

    def _rows(self, statement: str, values: Row) -> list[Row]:
        with closing(self._connect()) as connection:
            return [dict(row) for row in connection.execute(statement, values).fetchall()]

    def _connect(self) -> sqlite3.Connection:
        # Without isolation level each statement commits on its own.
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT, isolation_level=None)
        connection.row_factory = sqlite3.Row
        return connection

    def _now(self) -> str:
        return self._clock().isoformat()


def _only(rows: list[Row]) -> Row | None:
    return rows[0] if rows else None
