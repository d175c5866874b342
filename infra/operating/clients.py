"""The secret of the OAuth clients, judged by the rules of shared/src/adapters/oauth/clients.rs."""

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

# Providers whose addresses are settings.
KNOWN = ("google", "github")
_RESERVED = ("credential", "email", "two-factor")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_SCOPE = re.compile(r'[!#-\[\]-~]+')
_PLACEHOLDER = re.compile(r"[.…<].*|x{3,}|.*\b(your|change|replace|todo|placeholder|example)\b.*", re.IGNORECASE)


def faults(text: str | None) -> Iterator[tuple[str, str]]:
    """What is wrong with the secret, as the provider and why. Never says what is in it."""
    entries = _parse(text)
    if entries is None:
        yield "", "is no JSON object: no provider works"
        return
    for provider, entry in entries.items():
        # An id that is none might be anything, a secret in the wrong place too.
        name = provider if is_id(provider) else "an entry"
        fault = _fault(provider, entry)
        if fault:
            yield name, fault


def is_id(provider: str) -> bool:
    """Whether a provider may be called so."""
    return _ID.fullmatch(provider) is not None


def _parse(text: str | None) -> dict | None:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        entries = json.loads(text or "", parse_constant=refuse)
    except ValueError:
        return None
    return entries if isinstance(entries, dict) else None


def _fault(provider: str, entry: object) -> str | None:
    issuer = entry.get("issuer") if isinstance(entry, dict) else None
    if isinstance(issuer, str) and not issuer.strip():
        issuer = None
    if provider in KNOWN:
        if issuer is not None:
            return "takes no issuer, since its addresses are settings"
    elif issuer is None:
        return "is ignored: a provider other than google and github needs an issuer"
    elif not is_id(provider):
        return "has an id that is not 1 to 31 of a-z, 0-9 and -"
    elif provider in _RESERVED:
        return "is a reserved id"
    elif not isinstance(issuer, str) or not _is_issuer(issuer.strip()):
        return "has an issuer that is not an https URL without query and fragment"
    if not isinstance(entry, dict):
        return "is not an object of a clientId and a clientSecret"
    if provider not in KNOWN and not _are_scopes(entry.get("scopes", [])):
        return "has scopes that are not a list of scopes"
    return _credentials(entry)


def _credentials(entry: dict) -> str | None:
    for name in ("clientId", "clientSecret"):
        value = entry.get(name, "")
        if not isinstance(value, str):
            return f"has a {name} that is no text"
        if not value.strip():
            return f"has no {name}, and is off"
        if _PLACEHOLDER.fullmatch(value.strip()):
            return f"has a {name} that is a placeholder"
    return None


def _is_issuer(text: str) -> bool:
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        return False
    is_plain = "?" not in text and "#" not in text and not re.search(r"\s", text)
    return url.scheme == "https" and bool(host) and "@" not in url.netloc and is_plain


def _are_scopes(scopes: object) -> bool:
    return isinstance(scopes, list) and all(isinstance(scope, str) and _SCOPE.fullmatch(scope) for scope in scopes)
