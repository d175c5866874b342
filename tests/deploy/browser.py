"""A browser on a page of the front end, with cookies."""

import json
from http.cookies import SimpleCookie

from story import BASE

PASSWORD = "correct horse battery"


class Browser:
    def __init__(self, front):
        self.front = front
        self.email = None
        self._cookies = {}

    def sign_up(self, email):
        self.email = email
        self.succeed("POST", "/sign-up/email", {"name": "Ann", "email": email, "password": PASSWORD})

    def sign_in(self, email):
        self.email = email
        self.succeed("POST", "/sign-in/email", {"email": email, "password": PASSWORD})
        assert self.user()["email"] == email

    def user(self):
        """Who is signed in, if anybody is."""
        session = self.succeed("GET", "/get-session")
        return session and session["user"]

    def access_token(self):
        return self.succeed("GET", "/token")["token"]

    def succeed(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        assert status == 200, f"{method} {path} answered {status}: {answer}"
        return answer

    def ask(self, method, path, body=None, headers=None):
        """Status and JSON of an answer."""
        sent = {"origin": self.front.url, "content-type": "application/json"} if method != "GET" else {}
        if self._cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        text = None if body is None else json.dumps(body)
        status, answered, content = self.front.send(method, BASE + path, {**sent, **(headers or {})}, text)
        for name, value in answered:
            if name.lower() == "set-cookie":
                for cookie in SimpleCookie(value).values():
                    self._cookies[cookie.key] = cookie.coded_value
        return status, json.loads(content)
