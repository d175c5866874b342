"""Asking the service whether a session still lives."""

import asyncio

import httpx

DEADLINE = 5  # seconds for the whole answer


class SessionCheckUnavailable(Exception):
    """The service did not say whether the session lives."""


class Sessions:
    """The sessions of the service, seen through its `get-session`."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def user_id(self, token: str) -> str | None:
        """The user of the live session that a token names; `None` if it has ended.

        Raises `SessionCheckUnavailable` for anything but a clear answer.
        """
        try:
            async with asyncio.timeout(DEADLINE):
                answer = await self._client.get(
                    "/api/auth/get-session",
                    params={"disableRefresh": "true"},  # to look at a session is not to use it
                    headers={"Authorization": f"Bearer {token}"},
                )
            if answer.status_code != httpx.codes.OK:
                raise SessionCheckUnavailable(f"status {answer.status_code}")
            return _user_id(answer.json())
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            raise SessionCheckUnavailable(type(error).__name__) from error


def _user_id(body: object) -> str | None:
    match body:
        case None:
            return None
        case {"session": {"id": str()}, "user": {"id": str(user_id)}}:
            return user_id
        case _:
            raise SessionCheckUnavailable("not a session")
