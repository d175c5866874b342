"""Verification of access tokens with the shared secret.

PyJWT's defaults leave open what the service closes: this module requires every
claim, pins algorithm, type, issuer and audience, and reads times as whole
seconds. Whatever the service refuses is refused. It needs nothing but PyJWT.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import jwt

LEEWAY = 5  # seconds by which two clocks may differ
MAX_LENGTH = 8 * 1024
MAX_DEPTH = 127  # arrays and objects in each other; Python's own limit depends on its version
MIN_SECRET_LENGTH = 32  # bytes: the output of SHA-256 (RFC 7518, section 3.2)
TIMES = ("exp", "iat", "nbf")
TEXTS = ("sub", "sid", "iss", "aud", "jti")
# PyJWT also takes padded base64.
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
KEY_HEADERS = ("jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256")


class UnknownKey(jwt.InvalidTokenError):
    """No secret at hand has the token's `kid`; a newer one might."""


class UnusableSecret(ValueError):
    """The secret is none to sign with."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a valid token says."""

    user_id: str
    session_id: str
    expires_at: int  # seconds since the epoch
    claims: Mapping[str, Any] = field(repr=False)


class Keyring(Protocol):
    """The secrets that tokens may be signed with."""

    def secrets_for(self, kid: str) -> Sequence[str]:
        """Those that a token with this `kid` may be signed with."""


class VersionedSecrets:
    """Secrets by their versions, which are the `kid` of tokens."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = {version: usable(secret) for version, secret in secrets.items()}

    def secrets_for(self, kid: str) -> Sequence[str]:
        return [self._secrets[kid]] if kid in self._secrets else []


class UnversionedSecrets:
    """Secrets whose versions nobody told us: each of them is tried."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [usable(secret) for secret in secrets]

    def secrets_for(self, kid: str) -> Sequence[str]:
        return self._secrets if kid else []


def usable(secret: str) -> str:
    """The secret as the service uses it: without outer white space.

    Raises `UnusableSecret` for one that is too short to sign with.
    """
    secret = secret.strip()
    if len(secret.encode()) < MIN_SECRET_LENGTH:
        raise UnusableSecret(f"the secret is shorter than {MIN_SECRET_LENGTH} bytes")
    try:
        jwt.get_algorithm_by_name("HS256").prepare_key(secret)
    except jwt.InvalidKeyError as error:
        raise UnusableSecret("the secret looks like a key of another kind") from error
    return secret


class AccessTokenVerifier:
    """Checks access tokens of one issuer for one audience."""

    def __init__(self, issuer: str, audience: str) -> None:
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str, keyring: Keyring) -> AccessToken:
        """What a valid token says; raises `jwt.InvalidTokenError` for any other."""
        if len(token) > MAX_LENGTH or not COMPACT.fullmatch(token):
            raise jwt.InvalidTokenError("not a token in compact form")
        secrets = keyring.secrets_for(_kid(jwt.get_unverified_header(token)))
        if not secrets:
            raise UnknownKey("unknown key")
        claims = self._claims(token, secrets)
        for part in token.split(".")[:2]:
            _refuse_unusual_json(part)
        for name in TIMES:
            if not _is_time(claims[name]):
                raise jwt.InvalidTokenError(f"{name} is not a whole number of seconds")
        for name in TEXTS:
            if not isinstance(claims[name], str) or not claims[name]:
                raise jwt.InvalidTokenError(f"{name} is not a text")
        return AccessToken(claims["sub"], claims["sid"], claims["exp"], claims)

    def _claims(self, token: str, secrets: Sequence[str]) -> dict[str, Any]:
        for secret in secrets:
            try:
                return jwt.decode(
                    token,
                    secret,
                    algorithms=["HS256"],
                    issuer=self._issuer,
                    audience=self._audience,
                    leeway=LEEWAY,
                    options={"require": [*TIMES, *TEXTS], "strict_aud": True},
                )
            except jwt.InvalidSignatureError:
                continue  # The signature is checked before anything else.
        raise jwt.InvalidSignatureError("signed with no accepted secret")


def _kid(header: dict[str, Any]) -> str:
    if header.get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    if "crit" in header or any(name in header for name in KEY_HEADERS):
        raise jwt.InvalidTokenError("unsupported header parameter")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise jwt.InvalidTokenError("no key is named")
    return kid


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _refuse_unusual_json(part: str) -> None:
    """Refuses JSON that two parsers could read differently.

    PyJWT takes the last of repeated names, UTF-16, and any depth.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise jwt.InvalidTokenError("a name is repeated")
        return dict(pairs)

    try:
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8")
        level = [json.loads(text, object_pairs_hook=unique)]
    except (ValueError, RecursionError) as error:
        raise jwt.InvalidTokenError("not JSON in UTF-8") from error
    for _ in range(MAX_DEPTH):
        level = [inner for value in level for inner in _inside(value)]
    if any(isinstance(value, dict | list) for value in level):
        raise jwt.InvalidTokenError("nested too deep")


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
