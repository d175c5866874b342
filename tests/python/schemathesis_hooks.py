"""Says who sends the requests of schemathesis: a user of its own for every operation.

CREDENTIAL is `cookie`, `bearer` or `none`. A user who was signed out or deleted by a request is replaced by another one
before the next. Of the requests that fit the document, every other one is given what only the service can know: the
user's password, a token out of a mail, a code. So the answers of success are seen, too.
"""

import base64
import hashlib
import hmac
import itertools
import os
import re
import struct
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, urlsplit

import requests
import schemathesis
from schemathesis import GenerationMode

BASE_URL = os.environ["BASE_URL"]
ORIGIN = BASE_URL.removesuffix("/api/auth")
CREDENTIAL = os.environ["CREDENTIAL"]
PASSWORD = "correct horse"
COOKIE = "better-auth.session_token"


@dataclass
class User:
    email: str
    # Headers that say who asks, as CREDENTIAL wants it.
    headers: dict[str, str]
    # Headers of the session in any case.
    session: dict[str, str]
    backup_codes: list[str] = field(default_factory=list)
    secret: bytes = b""


# By operation.
users: dict[str, User] = {}
requests_that_fit: dict[str, itertools.count] = defaultdict(itertools.count)


@schemathesis.hook
def before_call(context, case, kwargs):
    label = case.operation.label
    if label not in users:
        users[label] = sign_up(label)
    user = users[label]
    case.headers = {**(case.headers or {}), **user.headers}
    if case.meta.generation.mode == GenerationMode.POSITIVE and next(requests_that_fit[label]) % 2 == 0:
        make_real(case, real_values(label, user))


@schemathesis.hook
def after_call(context, case, response):
    cookies = response.headers.get("set-cookie", [])
    is_signed_out = response.status_code == 401 or any(f"{COOKIE}=;" in cookie for cookie in cookies)
    # An address is verified once.
    is_verified = case.operation.label == "GET /verify-email" and response.status_code < 400
    if is_signed_out or is_verified:
        users.pop(case.operation.label, None)


def make_real(case, values: dict):
    """Replaces values of a request, wherever they stand."""
    for name, value in values.items():
        if name in (case.path_parameters or {}):
            case.path_parameters[name] = value
        elif case.method == "GET":
            case.query = {**(case.query or {}), name: value}
        elif isinstance(case.body, dict):
            case.body = {**case.body, name: value}


def real_values(label: str, user: User) -> dict:
    match label.split(" ")[1]:
        case "/sign-in/email":
            return {"email": user.email, "password": PASSWORD}
        case "/change-password":
            return {"currentPassword": PASSWORD, "newPassword": PASSWORD}
        case "/revoke-session":
            return {"token": get("/list-sessions", user)[0]["token"]}
        case "/reset-password" | "/password-reset/confirm":
            return {"token": mailed_token("/request-password-reset", user), "newPassword": PASSWORD}
        case "/reset-password/{token}":
            return {"token": mailed_token("/request-password-reset", user)}
        case "/verify-email":
            return {"token": mailed_token("/send-verification-email", user)}
        case "/magic-link/verify":
            return {"token": mailed_token("/sign-in/magic-link", user)}
        case "/unlink-account" | "/get-access-token" | "/refresh-token" | "/account-info":
            return {"accountId": get("/list-accounts", user)[0]["id"]}
        case "/two-factor/verify-totp":
            return {"code": totp(user.secret)}
        case "/two-factor/verify-backup-code":
            return {"code": user.backup_codes.pop() if user.backup_codes else ""}
        case "/two-factor/verify-otp":
            return {"code": mailed("/two-factor/send-otp", {}, user, r"\b(\d{6})\b")}
        case "/verify-password" | "/delete-user":
            return {"password": PASSWORD}
        case path if path.startswith("/two-factor/"):
            return {"password": PASSWORD}
    return {}


def sign_up(label: str) -> User:
    email = f"{uuid.uuid4()}@example.com"
    answer = post("/sign-up/email", {"name": "Ann", "email": email, "password": PASSWORD})
    session = {"Authorization": f"Bearer {answer.headers['set-auth-token']}"}
    if "/two-factor/" in label and not label.endswith("/enable"):
        session, factor = enrol(session, finish=not label.endswith("/verify-totp"))
    else:
        factor = {}
    token = session["Authorization"].removeprefix("Bearer ")
    headers = {
        "bearer": session,
        "cookie": {"Cookie": f"{COOKIE}={quote(token, safe='')}", "Origin": ORIGIN},
        "none": {},
    }
    return User(email, headers[CREDENTIAL], session, **factor)


def enrol(session: dict, finish: bool) -> tuple[dict, dict]:
    """Enrols an authenticator, but for the first code unless `finish`; the session from then on, and the factor."""
    answer = post("/two-factor/enable", {"password": PASSWORD}, session).json()
    secret = parse_qs(urlsplit(answer["totpURI"]).query)["secret"][0]
    secret = base64.b32decode(secret + "=" * (-len(secret) % 8))
    if finish:
        verified = post("/two-factor/verify-totp", {"code": totp(secret)}, session)
        session = {"Authorization": f"Bearer {verified.headers['set-auth-token']}"}
    return session, {"secret": secret, "backup_codes": answer["backupCodes"]}


def totp(secret: bytes) -> str:
    """The current code (RFC 6238)."""
    digest = hmac.digest(secret, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
    number = int.from_bytes(digest[digest[-1] & 15 :][:4]) & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def mailed_token(path: str, user: User) -> str:
    return mailed(path, {"email": user.email}, user, r"/(?:reset-password/|verify\?token=|verify-email\?token=)([\w-]+)")


def mailed(path: str, body: dict, user: User, pattern: str) -> str:
    """Asks for a mail, waits for it, and takes out of it what the pattern's group matches."""
    before = {mail["id"] for mail in mails(user)}
    post(path, body, user.session)
    for _ in range(200):
        for mail in mails(user):
            if mail["id"] not in before and (found := re.search(pattern, mail["text"])):
                return found[1]
        time.sleep(0.1)
    raise AssertionError(f"no mail after {path}")


def mails(user: User) -> list[dict]:
    return requests.get(f"{ORIGIN}/__mail.json", params={"to": user.email}, timeout=20).json()


def get(path: str, user: User):
    answer = requests.get(f"{BASE_URL}{path}", headers=user.session, timeout=20)
    answer.raise_for_status()
    return answer.json()


def post(path: str, body: dict, headers: dict | None = None) -> requests.Response:
    answer = requests.post(f"{BASE_URL}{path}", json=body, headers=headers, timeout=20)
    answer.raise_for_status()
    return answer
