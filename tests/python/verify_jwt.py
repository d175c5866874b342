"""Gives the verdict of a back end, examples/fastapi, on a list of tokens.

    python verify_jwt.py --secret VERSION=SECRET [--secret VERSION=SECRET]
                         --issuer ISS --audience AUD [VECTORS.json]

VECTORS.json (or standard input) is `[{"name": …, "token": …, "valid": true|false}, …]`;
without `valid` a token is only judged. Prints
`[{"name": …, "valid": …, "expected": …, "reason": …}, …]`, and exits with 1
when a verdict is not the expected one, with 2 for wrong usage.
"""

import argparse
import json
import sys
from pathlib import Path

import jwt

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "fastapi"))
from app.access_tokens import AccessTokenVerifier, VersionedSecrets  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description="Gives a back end's verdict on a list of tokens.")
    parser.add_argument("--secret", action="append", required=True, metavar="VERSION=SECRET")
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--audience", required=True)
    parser.add_argument("vectors", nargs="?", type=argparse.FileType(), default=sys.stdin)
    arguments = parser.parse_args()
    secrets = dict(secret.split("=", 1) for secret in arguments.secret)
    verifier = AccessTokenVerifier(arguments.issuer, arguments.audience)
    keyring = VersionedSecrets(secrets)

    verdicts = [judge(verifier, keyring, vector) for vector in json.load(arguments.vectors)]
    print(json.dumps(verdicts, indent=1))
    wrong = [verdict for verdict in verdicts if verdict["expected"] not in (None, verdict["valid"])]
    for verdict in wrong:
        print(f"{verdict['name']}: expected valid={verdict['expected']}, {verdict['reason']}", file=sys.stderr)
    return 1 if wrong else 0


def judge(verifier: AccessTokenVerifier, keyring: VersionedSecrets, vector: dict) -> dict:
    verdict = {"name": vector["name"], "valid": True, "expected": vector.get("valid"), "reason": "valid"}
    try:
        verifier.verify(vector["token"], keyring)
    except jwt.InvalidTokenError as error:
        # Whatever else is raised is a fault of the verifier, and ends the run.
        verdict |= {"valid": False, "reason": f"{type(error).__name__}: {error}"}
    return verdict


if __name__ == "__main__":
    sys.exit(main())
