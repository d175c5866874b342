"""Says who sends the requests of schemathesis: a user of its own for every operation.

CREDENTIAL is `cookie`, `bearer` or `none`. A user who was signed out or deleted by a request is replaced by another one
before the next.
"""

import os
import uuid

import requests
import schemathesis

BASE_URL = os.environ["BASE_URL"]
ORIGIN = BASE_URL.removesuffix("/api/auth")
CREDENTIAL = os.environ["CREDENTIAL"]
PASSWORD = "correct horse"
COOKIE = "better-auth.session_token"

# Headers that say who asks, by operation.
signed_in: dict[str, dict[str, str]] = {}


@schemathesis.hook
def before_call(context, case, kwargs):
    if CREDENTIAL == "none":
        return
    label = case.operation.label
    if label not in signed_in:
        signed_in[label] = sign_up()
    case.headers = {**(case.headers or {}), **signed_in[label]}


@schemathesis.hook
def after_call(context, case, response):
    cookies = response.headers.get("set-cookie", [])
    if response.status_code == 401 or any(f"{COOKIE}=;" in cookie for cookie in cookies):
        signed_in.pop(case.operation.label, None)


def sign_up() -> dict[str, str]:
    body = {"name": "Ann", "email": f"{uuid.uuid4()}@example.com", "password": PASSWORD}
    answer = requests.post(f"{BASE_URL}/sign-up/email", json=body, timeout=20)
    answer.raise_for_status()
    if CREDENTIAL == "bearer":
        return {"Authorization": f"Bearer {answer.headers['set-auth-token']}"}
    return {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}", "Origin": ORIGIN}
