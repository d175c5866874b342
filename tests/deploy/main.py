"""Deploys the service to an emulated AWS and tries it there, from `sam build` to the deletion of the stack.

    tests/deploy/run [--without-arm64]

Builds for both architectures, deploys the one of this machine to ministack, which
runs the real binaries and enforces the roles of the functions, and lets people use
every route. Then it takes grants away, rotates the secret, updates the stack, and
deletes it. Prints a line for each thing that holds, and stops at the first that
does not. All of its state is below target/.
"""

import argparse
import platform
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import processes
from deployed import Deployed
from emulator import Emulator
from front import Front
from production import Production
from stack import Sam, Stack
from story import Story

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "target" / "deploy"
# Architectures as SAM names them, and as an ELF header does.
ARCHITECTURES = {"x86_64": 62, "arm64": 183}
HERE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
ARM_TARGET = "aarch64-unknown-linux-gnu"


def main():
    parser = argparse.ArgumentParser(prog="tests/deploy/run", description=__doc__.splitlines()[0])
    parser.add_argument("--without-arm64", action="store_true", help="build for this machine alone")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(DIRECTORY / "tmp", ignore_errors=True)
    report = Report()
    try:
        sam = Sam(ROOT, DIRECTORY)
        template = report.check(f"sam build, {HERE}", lambda: build(sam, HERE))
        other = next(name for name in ARCHITECTURES if name != HERE)
        if options.without_arm64 or not can_build(other):
            report.skip(f"sam build, {other}")
        else:
            report.check(f"sam build, {other}", lambda: build(sam, other))
        emulator = Emulator(DIRECTORY)
        story = Story(ROOT)
        deployed = Deployed(ROOT, Stack(sam, emulator, "lambda-auth"), Front(emulator), story, template, HERE)
        for name, check in deployed.checks():
            report.check(name, check)
        for name, check in Production(ROOT, sam, emulator, template, HERE).checks():
            report.check(name, check)
    finally:
        processes.stop_all()
        report.close()


def build(sam, architecture):
    """Builds the template, and looks whether the binaries are for the architecture."""
    template = sam.build(ROOT / "template.yaml", architecture, architecture)
    binaries = list(template.parent.glob("*/bootstrap"))
    functions = len(list((ROOT / "functions").glob("*/Cargo.toml")))
    assert len(binaries) == functions, f"sam built {len(binaries)} of {functions} functions"
    for binary in binaries:
        machine = int.from_bytes(binary.read_bytes()[18:20], "little")
        assert machine == ARCHITECTURES[architecture], f"{binary} is for machine {machine}"
    return template


def can_build(architecture):
    """Whether Rust has its standard library for an architecture, which is added where it can be."""
    if architecture != "arm64":
        return True
    add = ["rustup", "target", "add", ARM_TARGET]
    try:
        added = subprocess.run(add, cwd=ROOT, capture_output=True, text=True, timeout=300)
        reason = added.stderr.strip()
        found = added.returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        found, reason = False, error
    if not found:
        print(f"   Rust's {ARM_TARGET} is not installed, and cannot be: {reason}")
    return found


class Report:
    """A line for each check; ends the script at the first that fails."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, run):
        begun = time.monotonic()
        try:
            result = run()
        except (Exception, SystemExit) as error:
            self.failed += 1
            if not isinstance(error, (AssertionError, SystemExit)):
                traceback.print_exc(file=sys.stdout)
            print(f"FAIL {name}\n{error}", flush=True)
            sys.exit(1)
        self.passed += 1
        print(f"ok {name} ({time.monotonic() - begun:.0f} s)", flush=True)
        return result

    def skip(self, name):
        self.skipped += 1
        print(f"SKIPPED {name}", flush=True)

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)


main()
