"""Forges tokens from a good one, each with the verdict it must get.

    python make_vectors.py --secret VERSION=SECRET [--secret VERSION=SECRET]
                           --issuer ISS --audience AUD [--token TOKEN]

The first secret is the current one, a second one the previous. Without --token
a token like the service's is made up. Prints
`[{"name": …, "token": …, "valid": true|false, "header": true|false}, …]`;
`header` says whether the token can travel in an HTTP header. Times are relative
to now: use the vectors within 50 seconds.

Only the standard library: what is forged here must not depend on what a JWT
library consents to sign.
"""

import argparse
import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

REMOVED = object()


class Forge:
    """Makes variants of one good token."""

    def __init__(self, header: dict, claims: dict, secrets: dict[str, str]):
        self.header = header
        self.claims = claims
        self.secrets = list(secrets.items())
        self.key = self.secrets[0][1].encode()

    def signed(self, *, header: dict | None = None, claims: dict | None = None, key: bytes | None = None, digest: str = "sha256") -> str:
        """The good token with some members changed, and a matching signature."""
        return self.sealed(dumps(changed(self.header, header)), dumps(changed(self.claims, claims)), key, digest)

    def sealed(self, header: bytes, claims: bytes, key: bytes | None = None, digest: str = "sha256") -> str:
        """A token of these very bytes, signed."""
        text = f"{encode(header)}.{encode(claims)}"
        mac = hmac.digest(self.key if key is None else key, text.encode(), digest)
        return f"{text}.{encode(mac)}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Forges tokens from a good one.")
    parser.add_argument("--secret", action="append", required=True, metavar="VERSION=SECRET")
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--audience", required=True)
    parser.add_argument("--token")
    arguments = parser.parse_args()
    secrets = dict(secret.split("=", 1) for secret in arguments.secret)
    if arguments.token:
        header, claims = (json.loads(decode(part)) for part in arguments.token.split(".")[:2])
    else:
        header, claims = made_up(next(iter(secrets)), arguments.issuer, arguments.audience)
    forge = Forge(header, claims, secrets)
    good = arguments.token or forge.signed()

    vectors = [*valid(forge, good), *invalid(forge, good)]
    names = [vector["name"] for vector in vectors]
    assert len(set(names)) == len(names), "two vectors have one name"
    json.dump(vectors, sys.stdout, indent=1)


def made_up(version: str, issuer: str, audience: str) -> tuple[dict, dict]:
    now = int(time.time())
    header = {"typ": "at+jwt", "alg": "HS256", "kid": version}
    claims = {
        "sub": "u" * 22,
        "sid": "s" * 43,
        "email": "user@example.com",
        "name": "Some Body",
        "email_verified": False,
        "iat": now,
        "nbf": now,
        "exp": now + 900,
        "iss": issuer,
        "aud": audience,
        "jti": "j" * 22,
    }
    return header, claims


def valid(forge: Forge, good: str) -> Iterator[dict]:
    now = int(time.time())
    yield vector("as issued", good, True)
    yield vector("signed again", forge.signed(), True)
    yield vector("members in another order", forge.sealed(dumps(backwards(forge.header)), dumps(backwards(forge.claims))), True)
    yield vector("white space in the JSON", forge.sealed(json.dumps(forge.header, indent=2).encode(), json.dumps(forge.claims, indent=2).encode()), True)
    yield vector("a claim more", forge.signed(claims={"role": "reader", "nested": {"a": [1, None]}}), True)
    yield vector("a header parameter more", forge.signed(header={"note": "x"}), True)
    yield vector("header nested as deep as can be", nested_header(forge, 126), True)
    yield vector("claims nested as deep as can be", nested_claims(forge, 126), True)
    yield vector("issued long ago, still valid", forge.signed(claims={"iat": now - 600_000, "nbf": now - 600_000}), True)
    yield vector("expires far ahead", forge.signed(claims={"exp": 4_102_444_800}), True)
    yield vector("times 2 s ahead of this clock", forge.signed(claims={"iat": now + 2, "nbf": now + 2}), True)
    if len(forge.secrets) > 1:
        version, secret = forge.secrets[1]
        yield vector("of the previous secret", forge.signed(header={"kid": version}, key=secret.encode()), True)


def invalid(forge: Forge, good: str) -> Iterator[dict]:
    for name, token in [
        *algorithms(forge, good),
        *keys(forge),
        *headers(forge),
        *times(forge),
        *claims(forge),
        *encodings(forge, good),
    ]:
        yield vector(name, token, False)


def algorithms(forge: Forge, good: str) -> Iterator[tuple[str, str]]:
    signature = good.split(".")[2]
    for alg in ["none", "None", "NONE", "nOnE", ""]:
        unsigned = f"{encode(dumps(changed(forge.header, {'alg': alg})))}.{good.split('.')[1]}."
        yield f"alg {alg!r}, no signature", unsigned
        yield f"alg {alg!r}, the good signature", unsigned + signature
        yield f"alg {alg!r}, signed all the same", forge.signed(header={"alg": alg})
    yield "alg HS384", forge.signed(header={"alg": "HS384"}, digest="sha384")
    yield "alg HS512", forge.signed(header={"alg": "HS512"}, digest="sha512")
    yield "alg HS256, signed with HS512", forge.signed(digest="sha512")
    for alg in ["RS256", "ES256", "PS256", "EdDSA", "hs256", "HS256 ", "HS1", "A256GCM"]:
        yield f"alg {alg!r}, HMAC", forge.signed(header={"alg": alg})
    for value in [None, 256, ["HS256"], {"name": "HS256"}, REMOVED]:
        yield f"alg {show(value)}", forge.signed(header={"alg": value})
    yield "RS256, a signature as long as RSA's", ".".join([*forge.signed(header={"alg": "RS256"}).split(".")[:2], encode(b"\x01" * 256)])


def keys(forge: Forge) -> Iterator[tuple[str, str]]:
    version, secret = forge.secrets[0]
    yield "empty key", forge.signed(key=b"")
    yield "another key", forge.signed(key=b"another secret that is long enough to be one")
    yield "key with a line break", forge.signed(key=f"{secret}\n".encode())
    yield "key decoded as base64", forge.signed(key=base64.b64decode(secret + "==", altchars=b"-_", validate=False) or b"x")
    yield "key in base64", forge.signed(key=base64.b64encode(secret.encode()))
    yield "key hashed", forge.signed(key=hashlib.sha256(secret.encode()).digest())
    yield "key cut to 32 bytes", forge.signed(key=secret.encode()[:31])
    for kid in ["", "unknown", "../../dev/null", "/dev/null", "' OR 1=1 --", version.upper() + "x", f"{version} ", f" {version}", "\u0000", "k" * 4000]:
        yield f"kid {kid[:64]!r}", forge.signed(header={"kid": kid})
    yield "kid of /dev/null, empty key", forge.signed(header={"kid": "/dev/null"}, key=b"")
    for value in [None, 1, [version], {"kid": version}, REMOVED]:
        yield f"kid {show(value)}", forge.signed(header={"kid": value})
    if len(forge.secrets) > 1:
        previous, previous_secret = forge.secrets[1]
        yield "current kid, previous key", forge.signed(key=previous_secret.encode())
        yield "previous kid, current key", forge.signed(header={"kid": previous})


def headers(forge: Forge) -> Iterator[tuple[str, str]]:
    jwk = {"kty": "oct", "k": encode(b"attacker's key, and long enough too"), "alg": "HS256"}
    for name, value in {
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/cert.pem",
        "jwk": jwk,
        "x5c": ["MIIB"],
        "x5t": "AAAA",
        "x5t#S256": "AAAA",
    }.items():
        yield f"{name}, signed with the good key", forge.signed(header={name: value})
    yield "jwk, signed with it", forge.signed(header={"jwk": jwk}, key=b"attacker's key, and long enough too")
    for crit in [["exp"], ["b64"], ["unknown"], []]:
        yield f"crit {crit}", forge.signed(header={"crit": crit})
    yield "crit not a list", forge.signed(header={"crit": "exp"})
    for typ in ["JWT", "jwt", "at+jwt ", "at+JWT", "AT+JWT", "application/at+jwt", "", "id+jwt", None, 1, ["at+jwt"], REMOVED]:
        yield f"typ {show(typ)}", forge.signed(header={"typ": typ})
    yield "header not an object", forge.sealed(b'["HS256"]', dumps(forge.claims))
    yield "header null", forge.sealed(b"null", dumps(forge.claims))
    yield "header empty", forge.sealed(b"{}", dumps(forge.claims))
    yield "header not JSON", forge.sealed(b"{", dumps(forge.claims))
    yield "header not UTF-8", forge.sealed(b'{"alg":"\xff"}', dumps(forge.claims))
    yield "header nested too deep", forge.sealed(b"[" * 2500 + b"]" * 2500, dumps(forge.claims))
    yield "header nested too deep, in a member", nested_header(forge, 127)
    yield "header nested much too deep, in a member", nested_header(forge, 2000)
    yield "header with alg twice", forge.sealed(b'{"alg":"none",' + dumps(forge.header)[1:], dumps(forge.claims))
    yield "header with kid twice", forge.sealed(dumps(forge.header)[:-1] + b',"kid":"unknown"}', dumps(forge.claims))


def nested_header(forge: Forge, depth: int) -> str:
    return forge.sealed(nested(forge.header, depth), dumps(forge.claims))


def nested_claims(forge: Forge, depth: int) -> str:
    return forge.sealed(dumps(forge.header), nested(forge.claims, depth))


def nested(members: dict, depth: int) -> bytes:
    """An object with one more member, of so many arrays in each other."""
    return dumps(members)[:-1] + b',"x":' + b"[" * depth + b"]" * depth + b"}"


def times(forge: Forge) -> Iterator[tuple[str, str]]:
    now = int(time.time())
    for seconds in [6, 30, 61, 3600, 10**9]:
        yield f"expired {seconds} s ago", forge.signed(claims={"exp": now - seconds})
    for name in ["nbf", "iat"]:
        for seconds in [60, 3600, 10**9]:
            yield f"{name} {seconds} s ahead", forge.signed(claims={name: now + seconds})
    later = now + 900
    for name in ["exp", "nbf", "iat"]:
        value = later if name == "exp" else now - 10
        for wrong in [REMOVED, None, str(value), f" {value}", "", float(value), value + 0.5, True, [value], {"value": value}, 10**20, -(10**20)]:
            yield f"{name} {show(wrong, value)}", forge.signed(claims={name: wrong})
        yield f"{name} in exponent form", forge.sealed(dumps(forge.header), dumps(changed(forge.claims, {name: "@"})).replace(b'"@"', b"1e10" if name == "exp" else b"1e9"))
        yield f"{name} NaN", forge.sealed(dumps(forge.header), dumps(changed(forge.claims, {name: "@"})).replace(b'"@"', b"NaN"))
        yield f"{name} Infinity", forge.sealed(dumps(forge.header), dumps(changed(forge.claims, {name: "@"})).replace(b'"@"', b"Infinity"))
    for exp in [0, -1, -later]:
        yield f"exp {exp}" if exp > -2 else "exp negative", forge.signed(claims={"exp": exp})
    yield "exp of 5000 digits", forge.sealed(dumps(forge.header), dumps(changed(forge.claims, {"exp": "@"})).replace(b'"@"', b"9" * 5000))
    yield "exp in milliseconds of the past", forge.signed(claims={"exp": 1})


def claims(forge: Forge) -> Iterator[tuple[str, str]]:
    issuer, audience = forge.claims["iss"], forge.claims["aud"]
    for name, good in [("iss", issuer), ("aud", audience)]:
        for wrong in [REMOVED, None, "", "https://evil.example", good + "/", good.upper(), f"{good}.evil.example", f" {good}", good[:-1], 1, True, {"value": good}]:
            yield f"{name} {show(wrong, good)}", forge.signed(claims={name: wrong})
        yield f"{name} in a list", forge.signed(claims={name: [good]})
        yield f"{name} in a list with another", forge.signed(claims={name: [good, "https://evil.example"]})
        yield f"{name} an empty list", forge.signed(claims={name: []})
    for name in ["sub", "sid", "jti"]:
        for wrong in [REMOVED, None, 1, True, ["x"], {"x": "y"}]:
            yield f"{name} {show(wrong)}", forge.signed(claims={name: wrong})
    for name in ["sub", "sid"]:
        yield f"{name} empty", forge.signed(claims={name: ""})
    for name, value in [("sub", "victim"), ("exp", int(time.time()) + 10**6), ("aud", "https://evil.example")]:
        body = dumps(forge.claims)
        yield f"{name} twice, the good one last", forge.sealed(dumps(forge.header), b"{" + dumps({name: value})[1:-1] + b"," + body[1:])
        yield f"{name} twice, the good one first", forge.sealed(dumps(forge.header), body[:-1] + b"," + dumps({name: value})[1:])
    for name, body in [("a list", b"[]"), ("null", b"null"), ("a text", b'"x"'), ("a number", b"1"), ("empty object", b"{}"), ("nothing", b""), ("not JSON", b"{"), ("followed by text", dumps(forge.claims) + b"x"), ("not UTF-8", b'{"sub":"\xff"}'), ("UTF-16", json.dumps(forge.claims).encode("utf-16")), ("after a byte order mark", b"\xef\xbb\xbf" + dumps(forge.claims)), ("nested too deep", b"[" * 2500 + b"]" * 2500)]:
        yield f"claims: {name}", forge.sealed(dumps(forge.header), body)


def encodings(forge: Forge, good: str) -> Iterator[tuple[str, str]]:
    header, body, signature = good.split(".")
    yield "empty", ""
    yield "only dots", ".."
    yield "one part", header
    yield "two parts", f"{header}.{body}"
    yield "four parts", f"{good}.{signature}"
    yield "five parts, as an encrypted token", f"{header}.{body}.{signature}.{body}.{signature}"
    yield "final dot", f"{good}."
    yield "first dot", f".{good}"
    yield "double dot", f"{header}..{body}.{signature}"
    yield "empty header", f".{body}.{signature}"
    yield "empty claims", f"{header}..{signature}"
    yield "empty signature", f"{header}.{body}."
    yield "signature of zeros", f"{header}.{body}.{encode(bytes(32))}"
    yield "signature cut by one", good[:-1]
    yield "signature cut by half", good[:-22]
    yield "signature longer by one", f"{good}A"
    yield "signature twice", f"{good}{signature}"
    yield "signature's last bits changed", good[:-1] + next(c for c in "AEIMQUYcgkosw048" if c != good[-1])
    yield "signature's unused bits set", good[:-1] + unused_bits_set(good[-1])
    yield "signature of another token", f"{header}.{body}.{forge.signed(claims={'jti': 'another'}).split('.')[2]}"
    yield "claims of another token", f"{header}.{forge.signed(claims={'sub': 'victim'}).split('.')[1]}.{signature}"
    yield "header of another token", f"{forge.signed(header={'note': 'x'}).split('.')[0]}.{body}.{signature}"
    yield "parts in another order", f"{body}.{header}.{signature}"
    yield "padding", ".".join(part + "=" * (-len(part) % 4 or 4) for part in good.split("."))
    yield "signature padded", f"{good}="
    yield "standard base64 alphabet", forge_with_alphabet(forge)
    yield "base64 of other characters", f"{header}.{body}.{signature[:-2]}!*"
    yield "percent-encoded dots", good.replace(".", "%2E")
    yield "claims changed by one character", f"{header}.{body[:10]}{'A' if body[10] != 'A' else 'B'}{body[11:]}.{signature}"
    yield "case swapped", good.swapcase()
    yield "good token twice", f"{good},{good}"
    yield "in quotes", f'"{good}"'
    yield "space inside", f"{header}. {body}.{signature}"
    yield "100 KB, well signed", forge.signed(claims={"name": "x" * 75_000})
    yield "9 KB, well signed", forge.signed(claims={"name": "x" * 6_500})
    yield "100 KB of nothing", "A" * 100_000
    yield "1000 parts", ".".join(["eyJhIjoxfQ"] * 1000)
    yield "line break at the end", f"{good}\n"
    yield "space before", f" {good}"
    yield "NUL at the end", f"{good}\u0000"
    yield "line break inside", f"{header}.\n{body}.{signature}"
    yield "full-width dots", good.replace(".", "．")
    yield "zero-width space inside", f"{header}\u200b.{body}.{signature}"


def forge_with_alphabet(forge: Forge) -> str:
    """A signature that base64 and base64url write differently, in base64."""
    for number in range(1000):
        token = forge.signed(claims={"n": number})
        head, signature = token.rsplit(".", 1)
        if set(signature) & {"-", "_"}:
            return f"{head}.{signature.replace('-', '+').replace('_', '/')}"
    raise AssertionError("no such signature")


def unused_bits_set(character: str) -> str:
    """Another last character of 43, for the same 32 bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) | 1]


def vector(name: str, token: str, is_valid: bool) -> dict[str, Any]:
    travels = len(token) <= 8000 and token.isascii() and token.isprintable() and token == token.strip() != ""
    return {"name": name, "token": token, "valid": is_valid, "header": travels}


def changed(members: dict, changes: dict | None) -> dict:
    return {name: value for name, value in {**members, **(changes or {})}.items() if value is not REMOVED}


def backwards(members: dict) -> dict:
    return dict(reversed(members.items()))


def show(value: Any, good: Any = None) -> str:
    if value is REMOVED:
        return "missing"
    text = json.dumps(value)
    return text.replace(str(good), "<good>") if good is not None else text


def dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


if __name__ == "__main__":
    main()
