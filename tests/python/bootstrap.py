"""Makes, or completes, a virtual environment with what these tests need.

    python3 bootstrap.py DIRECTORY [REQUIREMENTS]

Prints the path of its interpreter. Does nothing when it is there already.
"""

import subprocess
import sys
import venv
from pathlib import Path

requirements = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_name("requirements.txt")
directory = Path(sys.argv[1]).resolve()
python = directory / "bin" / "python"
stamp = directory / "requirements.txt"

if not stamp.exists() or stamp.read_bytes() != requirements.read_bytes():
    venv.create(directory, with_pip=True)
    install = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--requirement", requirements]
    subprocess.run(install, check=True, stdout=sys.stderr)
    stamp.write_bytes(requirements.read_bytes())
print(python)
