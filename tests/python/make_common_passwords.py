"""Writes the passwords that the service refuses as too common.

    python3 make_common_passwords.py

The list is the one that Django's CommonPasswordValidator reads: 20,000 lower-cased
passwords by how often they were found in leaks, compiled by Royce Williams. Shorter
ones are left out, since their length alone refuses them. Needs pip and a package index.
"""

import gzip
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from pathlib import Path

DJANGO = "5.2.19"
MIN_LENGTH = 8
# What is left of a byte order mark that somebody read in the wrong encoding.
MOJIBAKE = "пїѕ"

target = Path(__file__).parents[2] / "shared" / "src" / "domain" / "common_passwords.txt"

with tempfile.TemporaryDirectory() as directory:
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", directory, f"django=={DJANGO}"]
    subprocess.run(download, check=True)
    (wheel,) = Path(directory).glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read("django/contrib/auth/common-passwords.txt.gz")).decode()

words = {unicodedata.normalize("NFKC", word).lower() for word in text.splitlines()}
words = {word for word in words if len(word) >= MIN_LENGTH and MOJIBAKE not in word}
# In the order of their bytes, as the service searches them.
lines = sorted(words, key=str.encode)
target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
print(f"{len(lines)} passwords")
