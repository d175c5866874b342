"""Children that die with this process, however it ends."""

import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG = 1
_started = []


def start(command, log=None, **options):
    """Starts a child in a group of its own; what it writes goes to the file `log`, if there is one."""
    output = open(log, "ab") if log else subprocess.PIPE
    child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT if log else None, preexec_fn=_own_group, **options)
    if log:
        output.close()
    _started.append(child)
    return child


def environment():
    """What every child needs of this process's own environment."""
    return {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}


def ready_at(child, seconds=60):
    """The address that a child says it is ready at."""
    deadline = time.monotonic() + seconds
    line = b""
    while time.monotonic() < deadline:
        if select.select([child.stdout], [], [], 0.2)[0]:
            line = child.stdout.readline()
            if match := re.match(rb"ready (\S+)", line):
                return match[1].decode()
            if not line:
                break
    sys.exit(f"{child.args} did not come up: {line}")


def stop_all():
    """Ends all children and what they have started."""
    for child in reversed(_started):
        _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + 10
    for child in _started:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        _signal(child, signal.SIGKILL)
        child.wait()
    _started.clear()


def _own_group():
    os.setpgid(0, 0)
    # Killed when this process is killed, and so cannot stop it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _signal(child, number):
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass
