"""The service itself, as `cargo run` starts it, and people who use it."""

import base64
import hashlib
import hmac
import json
import os
import re
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import boto3

from aws import REGION, ROOT, processes

BUILD_SECONDS = 900
_PREFIX = re.compile(r"[a-z-]+: (\{.*)")


class Service:
    """The functions behind a gateway, with a DynamoDB of their own."""

    def __init__(self) -> None:
        command = ["cargo", "run", "--quiet", "--", "--port", "0", "--aws-port", "0", "--data", ":memory:"]
        directory = ROOT / "target" / "operate"
        directory.mkdir(parents=True, exist_ok=True)
        self._output = directory / f"service-{os.getpid()}-{time.time_ns()}.log"
        self._child = processes.start(command, cwd=ROOT, log=self._output)
        self.url = self._find(r"ready (\S+)")
        self.aws = self._find(r"  aws +(\S+)")
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.dynamodb = boto3.client("dynamodb", endpoint_url=self.aws, region_name=REGION, **keys)
        self.secrets = boto3.client("secretsmanager", endpoint_url=self.aws, region_name=REGION, **keys)

    def _lines(self) -> list[str]:
        return self._output.read_text(errors="replace").splitlines()

    def _find(self, pattern: str) -> str:
        deadline = time.monotonic() + BUILD_SECONDS
        while time.monotonic() < deadline and self._child.poll() is None:
            for line in self._lines():
                if match := re.match(pattern, line):
                    return match[1]
            time.sleep(0.1)
        raise AssertionError(f"the service does not come up: {self._lines()[-5:]}")

    def stop(self) -> None:
        self._child.terminate()
        self._child.wait(20)
        self._output.unlink()

    def log(self, event: str) -> list[str]:
        """The lines of the log about an event."""
        lines = [match[1] for match in map(_PREFIX.match, self._lines()) if match]
        return [line for line in lines if json.loads(line).get("event") == event]

    def rows(self, table: str) -> list[dict]:
        """All rows of a table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [row for page in pages for row in page["Items"]]

    def copy(self, table: str, name: str) -> None:
        """Copies a table as it is now."""
        described = self.dynamodb.describe_table(TableName=table)["Table"]
        shape = {key: described[key] for key in ("KeySchema", "AttributeDefinitions")}
        self.dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **shape)
        for row in self.rows(table):
            self.dynamodb.put_item(TableName=name, Item=row)

    def mailed(self, address: str) -> list[str]:
        """The links that were mailed to an address, newest first."""
        origin = self.url.removesuffix("/api/auth")
        with urllib.request.urlopen(f"{origin}/__mail.json?to={urllib.parse.quote(address)}", timeout=10) as answer:
            mails = json.load(answer)
        return [link for mail in mails for link in mail["links"]]


class Device:
    """A browser: what it is given as cookies it shows again."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer; redirects are not followed."""
        headers = {"origin": self.service.url.removesuffix("/api/auth")}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        data = None
        if body is not None:
            data, headers["content-type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.service.url + path, data, headers, method=method)
        try:
            answer = _opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        text = answer.read()
        return answer.status, json.loads(text) if text.startswith((b"{", b"[", b"null")) else text

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        return self.ask("POST", path, body)

    def sign_up(self, email: str, password: str) -> str:
        """Signs up; the new user's id."""
        status, answer = self.post("/sign-up/email", name="Ann", email=email, password=password)
        assert status == 200, answer
        return answer["user"]["id"]

    def sign_in(self, email: str, password: str) -> int:
        return self.post("/sign-in/email", email=email, password=password)[0]

    @property
    def is_signed_in(self) -> bool:
        status, answer = self.ask("GET", "/get-session")
        assert status == 200, answer
        return answer is not None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def code(uri: str, steps: int = 0) -> str:
    """The code that an authenticator shows for its `otpauth:` URI (RFC 6238), some steps from now."""
    [secret] = urllib.parse.parse_qs(urllib.parse.urlsplit(uri).query)["secret"]
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30 + steps), hashlib.sha1)
    [number] = struct.unpack(">I", digest[digest[-1] & 15 :][:4])
    return f"{(number & 0x7FFFFFFF) % 10**6:06}"
