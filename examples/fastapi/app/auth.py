"""Who is asking: the dependencies of routes that are for somebody."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from app.access_tokens import AccessToken, AccessTokenVerifier, UnknownKey
from app.sessions import SessionCheckUnavailable, Sessions
from app.signing_secrets import SecretUnavailable, SigningSecrets

RETRY_AFTER = 5  # seconds


@dataclass(frozen=True, slots=True)
class User:
    """Who is asking."""

    id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Authentication:
    """What it takes to find out who is asking."""

    verifier: AccessTokenVerifier
    secrets: SigningSecrets
    sessions: Sessions

    async def access_token(self, token: str) -> AccessToken:
        """What a valid token says.

        Raises `jwt.InvalidTokenError` or `SecretUnavailable`.
        """
        keyring = await self.secrets.keyring()
        try:
            return self.verifier.verify(token, keyring)
        except UnknownKey:
            newer = await self.secrets.newer(keyring)
            if newer is None:
                raise
            return self.verifier.verify(token, newer)


class BearerToken(HTTPBearer):
    """The token of the only `Authorization: Bearer` header (RFC 6750, section 2.1)."""

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials:
        match request.headers.getlist("authorization"):
            case []:
                raise _unauthorized()
            case [header]:
                scheme, _, token = header.partition(" ")
                if scheme.lower() != "bearer":
                    raise _unauthorized()
                return HTTPAuthorizationCredentials(scheme=scheme, credentials=token)
            case _:
                raise _invalid_token()


Bearer = Annotated[HTTPAuthorizationCredentials, Depends(BearerToken(bearerFormat="JWT"))]


def authentication(request: Request) -> Authentication:
    """That of the application."""
    authentication = request.app.state.authentication
    assert isinstance(authentication, Authentication)
    return authentication


AppAuthentication = Annotated[Authentication, Depends(authentication)]


async def current_user(bearer: Bearer, authentication: AppAuthentication) -> User:
    """Whoever an access token names, until it expires. Asks nobody."""
    try:
        token = await authentication.access_token(bearer.credentials)
    except jwt.InvalidTokenError as error:
        raise _invalid_token() from error
    except SecretUnavailable as error:
        raise _unavailable() from error
    return User(token.user_id, token.session_id)


CurrentUser = Annotated[User, Depends(current_user)]


async def live_user(user: CurrentUser, bearer: Bearer, authentication: AppAuthentication) -> User:
    """As `current_user`, if the service says that the session still lives."""
    try:
        owner = await authentication.sessions.user_id(bearer.credentials)
    except SessionCheckUnavailable as error:
        raise _unavailable() from error
    if owner != user.id:
        raise _invalid_token()
    return user


LiveUser = Annotated[User, Depends(live_user)]


def _unauthorized() -> HTTPException:
    return HTTPException(HTTPStatus.UNAUTHORIZED, "Unauthorized", {"WWW-Authenticate": "Bearer"})


def _invalid_token() -> HTTPException:
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return HTTPException(HTTPStatus.UNAUTHORIZED, "Unauthorized", headers)


def _unavailable() -> HTTPException:
    headers = {"Retry-After": str(RETRY_AFTER)}
    return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "Try again later", headers)
