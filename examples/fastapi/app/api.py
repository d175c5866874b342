"""The application, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from http import HTTPStatus

import httpx
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse

from app import sessions, todos
from app.access_tokens import AccessTokenVerifier
from app.auth import Authentication
from app.settings import SecretInEnvironment, SecretInManager, Settings
from app.signing_secrets import CachedSecrets, FixedSecrets, SecretsManager, SigningSecrets
from app.store import TodoStore


def create_app(settings: Settings) -> FastAPI:
    """The todo API for these settings."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        secrets = signing_secrets(settings.secret)
        await secrets.load()
        verifier = AccessTokenVerifier(settings.issuer, settings.issuer)
        with closing(TodoStore(settings.database)) as store:
            async with httpx.AsyncClient(base_url=settings.auth_api_url, timeout=sessions.DEADLINE) as client:
                app.state.authentication = Authentication(verifier, secrets, sessions.Sessions(client))
                app.state.todos = store
                yield

    app = FastAPI(title="Todos", lifespan=lifespan)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Retry-After", "WWW-Authenticate"],
    )
    app.add_exception_handler(RequestValidationError, invalid_request)
    app.include_router(todos.router)
    app.add_api_route("/health", health)
    return app


def signing_secrets(secret: SecretInManager | SecretInEnvironment) -> SigningSecrets:
    match secret:
        case SecretInManager(id, region):
            return CachedSecrets(SecretsManager(id, region).read)
        case SecretInEnvironment(values):
            return FixedSecrets(values)


async def health() -> dict[str, str]:
    """Says that the process answers."""
    return {"status": "ok"}


async def invalid_request(request: Request, error: Exception) -> JSONResponse:
    """What is wrong with a request, as a text, and without what was sent."""
    assert isinstance(error, RequestValidationError)
    faults = [f"{'.'.join(map(str, fault['loc'][1:])) or fault['loc'][0]}: {fault['msg']}" for fault in error.errors()]
    return JSONResponse({"detail": "; ".join(faults)}, HTTPStatus.UNPROCESSABLE_ENTITY)
