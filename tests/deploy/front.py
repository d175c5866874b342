"""The origin that browsers see: a front end that rewrites /api/auth/* to the API.

It notes how every request was answered, and shows the mail as the local stack
does, below /__mail.json.
"""

import json
import threading
from collections import namedtuple
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Noted = namedtuple("Noted", "method path status")

_OF_THE_CONNECTION = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class Front:
    """Listens at `url`; requests go to the API `api_id`, once it is known."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.api_id = None
        self.noted = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *arguments: _Handler(self, *arguments))
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def send(self, method, target, headers=None, body=None, api_id=None):
        """A request to the API itself, or to another one: status, headers as pairs, body."""
        # As AWS finds an API: by its host.
        host = f"{api_id or self.api_id}.execute-api.localhost:{self.emulator.port}"
        connection = HTTPConnection("127.0.0.1", self.emulator.port, timeout=60)
        try:
            connection.request(method, target, body, {**(headers or {}), "host": host})
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def forward(self, method, target, headers, body):
        """The same, and notes it."""
        answer = self.send(method, target, headers, body)
        self.noted.append(Noted(method, urlsplit(target).path, answer[0]))
        return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, front, *arguments):
        self.front = front
        super().__init__(*arguments)

    def handle_any(self):
        target = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0))) or None
        if target.path == "/__mail.json":
            mails = self.front.emulator.mails(parse_qs(target.query)["to"][0])
            return self.reply(200, [("content-type", "application/json")], json.dumps(mails).encode())
        if not target.path.startswith("/api/auth/"):
            return self.reply(404, [], b"")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_CONNECTION}
        return self.reply(*self.front.forward(self.command, self.path, headers, body))

    do_GET = do_POST = do_OPTIONS = handle_any

    def reply(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _OF_THE_CONNECTION:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
