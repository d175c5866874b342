"""The application on a port, and tokens for it."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import httpx
import jwt
import uvicorn

from app.api import create_app
from app.settings import Settings

ISSUER = "https://app.example.com"
CURRENT = (str(uuid.uuid4()), "c" * 64)
PREVIOUS = (str(uuid.uuid4()), "p" * 64)


def access_token(user: str = "ann", secret: tuple[str, str] = CURRENT, **changes: object) -> str:
    """A token like the service's."""
    version, value = secret
    now = int(time.time())
    claims: dict[str, Any] = {
        **{"sub": user, "sid": "s" * 43, "iss": ISSUER, "aud": ISSUER, "jti": str(uuid.uuid4())},
        **{"iat": now, "nbf": now, "exp": now + 900},
        **{"email": "ann@example.com", "name": "Ann", "email_verified": True},
        **changes,
    }
    return jwt.encode(claims, value, "HS256", {"typ": "at+jwt", "kid": version})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def running(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the application, served by uvicorn."""
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_level="warning"))
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the application does not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
