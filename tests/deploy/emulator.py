"""AWS on this machine: ministack, which runs the functions and enforces their roles."""

import json
import socket
import sys
import time
import urllib.request

import boto3
from botocore.config import Config

import processes

REGION = "us-east-1"
ACCOUNT = "000000000000"


class Emulator:
    """Starts it; it keeps all that it has in memory and in `directory`."""

    def __init__(self, directory):
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / "emulator.log"
        self.log.unlink(missing_ok=True)
        temporary = directory / "tmp"
        temporary.mkdir(exist_ok=True)
        # The emulator hands its own environment on to the functions.
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        settings = {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "S3_DATA_DIR": str(temporary / "s3"),
            "STATE_DIR": str(temporary / "state"),
            "TMPDIR": str(temporary),
        }
        environment = {**processes.environment(), **self.environment, **settings}
        processes.start([sys.executable, "-m", "ministack"], log=self.log, env=environment)
        self._wait()

    def client(self, service):
        """A client with the rights of the account's owner."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 1}, read_timeout=120),
        )

    def mails(self, address):
        """All mail to an address, newest first, as the local stack shows it."""
        with urllib.request.urlopen(f"{self.url}/_ministack/ses/messages", timeout=30) as answer:
            messages = json.load(answer)["messages"].get(ACCOUNT, [])
        found = [message for message in messages if address in message["To"]]
        return [
            {
                "to": message["To"],
                "subject": message["Subject"],
                "text": message["BodyText"],
                "links": [word for word in message["BodyText"].split() if word.startswith(("http://", "https://"))],
            }
            for message in reversed(found)
        ]

    def _wait(self):
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"the emulator does not come up; see {self.log}")


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
