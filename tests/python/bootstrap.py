"""Makes, or completes, a virtual environment with what some files require.

    python3 bootstrap.py DIRECTORY REQUIREMENTS...

Prints the path of its interpreter. Does nothing when it is there already.
"""

import subprocess
import sys
import venv
from pathlib import Path

directory = Path(sys.argv[1]).resolve()
requirements = [Path(name).resolve() for name in sys.argv[2:]]
python = directory / "bin" / "python"
stamp = directory / "requirements.txt"
required = b"".join(path.read_bytes() for path in requirements)

if not stamp.exists() or stamp.read_bytes() != required:
    venv.create(directory, with_pip=True)
    install = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    for path in requirements:
        install += ["--requirement", path]
    subprocess.run(install, check=True, stdout=sys.stderr)
    stamp.write_bytes(required)
print(python)
