"""Verification of access tokens, as a FastAPI back end does it.

PyJWT's defaults leave open what the service closes: this module requires every
claim, pins algorithm, type, issuer and audience, and reads times as whole
seconds. Both must give the same verdict on every token.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

import jwt

LEEWAY = 5  # seconds by which two clocks may differ
MAX_LENGTH = 8 * 1024
TIMES = ("exp", "iat", "nbf")
TEXTS = ("sub", "sid", "iss", "aud", "jti")
# PyJWT also takes padded base64.
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
KEY_HEADERS = ("jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256")


class AccessTokenVerifier:
    """Checks access tokens against the shared secrets.

    `secrets` maps a secret's version (the token's `kid`) to its value. During a
    rotation it holds two.
    """

    def __init__(self, secrets: Mapping[str, str], issuer: str, audience: str):
        if any(len(secret.encode()) < 32 for secret in secrets.values()):
            raise ValueError("a secret is shorter than 32 bytes")
        self._secrets = dict(secrets)
        self._issuer = issuer
        self._audience = audience

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a valid token; raises `jwt.InvalidTokenError` for any other."""
        if len(token) > MAX_LENGTH or not COMPACT.fullmatch(token):
            raise jwt.InvalidTokenError("not a token in compact form")
        claims = jwt.decode(
            token,
            self._key(jwt.get_unverified_header(token)),
            algorithms=["HS256"],
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY,
            options={"require": [*TIMES, *TEXTS], "strict_aud": True},
        )
        for part in token.split(".")[:2]:
            _refuse_ambiguous(part)
        for name in TIMES:
            if not _is_time(claims[name]):
                raise jwt.InvalidTokenError(f"{name} is not a whole number of seconds")
        for name in TEXTS:
            if not isinstance(claims[name], str) or not claims[name]:
                raise jwt.InvalidTokenError(f"{name} is not a text")
        return claims

    def _key(self, header: dict[str, Any]) -> str:
        if header.get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        if "crit" in header or any(name in header for name in KEY_HEADERS):
            raise jwt.InvalidTokenError("unsupported header parameter")
        kid = header.get("kid")
        if not isinstance(kid, str) or kid not in self._secrets:
            raise jwt.InvalidTokenError("unknown key")
        return self._secrets[kid]


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _refuse_ambiguous(part: str) -> None:
    """Refuses JSON that two parsers could read differently.

    PyJWT takes the last of repeated names, and UTF-16.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise jwt.InvalidTokenError("a name is repeated")
        return dict(pairs)

    try:
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8")
        json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise jwt.InvalidTokenError("not JSON in UTF-8") from error
