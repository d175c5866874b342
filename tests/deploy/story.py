"""What people do, told by Node to the deployed API as it is to the local stack."""

import re
import subprocess

import yaml

import processes

BASE = "/api/auth"


class Story:
    """The scripts of `tests/npm`, with the stand-in for Google and GitHub."""

    def __init__(self, root):
        self.directory = root / "tests" / "npm"
        self._install()
        self.provider = processes.ready_at(processes.start(["node", "idp.mjs"], cwd=self.directory))

    def tell(self, front, script, *arguments):
        """Whether the story came to its end, and what it printed."""
        done = subprocess.run(
            ["node", script, front.url, *arguments],
            cwd=self.directory,
            env={**processes.environment(), "OAUTH_PROVIDER_URL": self.provider},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        return done.returncode == 0, done.stdout

    def _install(self):
        lock = (self.directory / "package-lock.json").read_bytes()
        stamp = self.directory / "node_modules" / ".installed"
        if not stamp.exists() or stamp.read_bytes() != lock:
            subprocess.run(["npm", "ci", "--silent"], cwd=self.directory, check=True)
            stamp.write_bytes(lock)


class Operations:
    """The operations of the API's document."""

    def __init__(self, document):
        paths = yaml.safe_load(document.read_text())["paths"]
        self._documented = {}
        self._functions = {}
        for path, item in paths.items():
            for method, operation in item.items():
                if method == "parameters":
                    continue
                key = f"{method.upper()} {path}"
                self._documented[key] = {int(status) for status in operation["responses"]}
                self._functions[key] = operation["x-function"]

    def find(self, noted):
        """The operation that a request was for."""
        request = f"{noted.method} {noted.path.removeprefix(BASE)}"
        if request in self._documented:
            return request
        matches = (key for key in self._documented if re.fullmatch(re.sub(r"{\w+}", "[^/]+", key), request))
        return next(matches, None)

    def function(self, noted):
        """The function that a request was for."""
        return self._functions.get(self.find(noted))

    def faults(self, requests):
        """A line for each operation that was not asked for, or not answered as documented."""
        answered = {}
        for noted in requests:
            if noted.method != "OPTIONS":
                answered.setdefault(self.find(noted), set()).add(noted.status)
        for key, documented in self._documented.items():
            statuses = answered.pop(key, None)
            if not statuses:
                yield f"{key} was not asked for"
                continue
            for status in statuses:
                if status >= 500 or status not in documented:
                    yield f"{key} answered {status}"
        for key, statuses in answered.items():
            yield f"{key or 'something that is no operation'} was asked for and answered {statuses}"
