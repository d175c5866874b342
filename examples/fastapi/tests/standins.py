"""Servers that stand in for Secrets Manager and for the service, on the wire.

They can be told to fail in ways in which the real ones cannot. The service's own
tests run the application beside the real service.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

Answer = tuple[int, object]
MISSING = (400, {"__type": "ResourceNotFoundException", "Message": "no such version"})


class Standin:
    """A server on a port of its own, which answers what it is told."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler, bytes], Answer]) -> None:
        self.broken: Answer | None = None  # answered to everything
        self.hangs = False
        self._released = Event()
        standin = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                if standin.hangs:
                    standin._released.wait()
                    self.close_connection = True
                    return
                status, content = standin.broken or answer(self, body)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = handle_any  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield
        finally:
            self.stop()

    def stop(self) -> None:
        """Nothing listens any more."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()


class SecretsManagerStandin(Standin):
    """One secret, and how often its stages were read."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.versions: dict[str, tuple[str, str]] = {}  # id and value by stage
        self.reads: Counter[str] = Counter()

    def rotate(self, version: str, value: str) -> None:
        if "AWSCURRENT" in self.versions:
            self.versions["AWSPREVIOUS"] = self.versions["AWSCURRENT"]
        self.versions["AWSCURRENT"] = (version, value)

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        assert request.headers["x-amz-target"] == "secretsmanager.GetSecretValue"
        stage = json.loads(body)["VersionStage"]
        self.reads[stage] += 1
        if stage not in self.versions:
            return MISSING
        version, value = self.versions[stage]
        return 200, {"Name": "secret", "VersionId": version, "SecretString": value, "VersionStages": [stage]}


class ServiceStandin(Standin):
    """The sessions of the service: the user's id by bearer token."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.live: dict[str, str] = {}
        self.asked: list[str] = []

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        self.asked.append(request.path)
        user = self.live.get(request.headers["authorization"].removeprefix("Bearer "))
        return 200, {"session": {"id": "s"}, "user": {"id": user}} if user else None
