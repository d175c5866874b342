"""What a user's rows of the backup become before they are live again.

Pure: rows in, rows out, as DynamoDB writes them in JSON. The meaning of the rows
is that of shared/src/adapters/dynamodb.
"""

from dataclasses import dataclass

Row = dict[str, dict]

# Attribute of a restored user: which restore it was, so that none is done twice.
MARK = "restoredBy"
_LEFTOVERS = ("refreshingUntil", "refreshingBy")
_PROVIDER_TOKENS = ("providerTokens", "providerScopes")


class Torn(Exception):
    """The rows of the backup do not belong together: its instant fell into a change of this user."""


@dataclass(frozen=True)
class Restored:
    """The rows of a user that go live together."""

    user: Row
    accounts: list[Row]


def factor_key(user_id: str) -> str:
    """The key of a user's second factor in the table of accounts."""
    return f"two-factor:{user_id}"


def account_keys(user: Row) -> list[str]:
    """The keys that a user's accounts may have: all ways in, and the second factor."""
    return [*(item["S"] for item in user.get("identities", {"L": []})["L"]), factor_key(user["id"]["S"])]


def restored(
    user: Row,
    accounts: dict[str, Row],
    live_user: Row | None,
    live_accounts: dict[str, Row],
    sessions: list[int],
    now: int,
    mark: str,
) -> Restored:
    """The rows of a user as they come back.

    `accounts` and `live_accounts` are by key, `sessions` the generations of the
    session rows that lie there. The generation is one that nothing ever had, and
    the password's time is moved to it in both rows: with the one die all sessions,
    challenges, trusted devices and links that change an address or delete, with
    the other all reset and magic links. Raises `Torn`.
    """
    look_whole(user, accounts)
    known = [_millis(row, name) for row in (user, live_user or {}) for name in ("sessionsValidFrom", "passwordChangedAt")]
    generation = max(now, 1 + max([*known, *sessions]))
    moved = _number(generation)
    back = {**user, "sessionsValidFrom": moved, "passwordChangedAt": moved, MARK: {"S": mark}}
    back.pop("emailChange", None)
    old_recovery = _millis(user, "recoveredAt") or _millis(user, "createdAt")
    by_mail = _is_password_by_mail(user, old_recovery)
    if by_mail:
        back["recoveredAt"] = moved
    return Restored(back, [_account(row, live_accounts.get(key), moved, old_recovery if by_mail else None) for key, row in accounts.items()])


def look_whole(user: Row, accounts: dict[str, Row]) -> None:
    """Raises `Torn` unless a user has all the accounts that the user's row is about, of the same moment.

    A password is good only if both rows say the same of when it was set. One that a
    reset ended between them must not become good by moving both times.
    """
    *identities, factor = account_keys(user)
    owner = user["id"]
    for key in identities:
        account = accounts.get(key, {})
        if account.get("userId") != owner:
            raise Torn(f"an account of {key.split(':')[0]} is not there")
        if key.startswith("email:") and _millis(account, "passwordChangedAt") != _millis(user, "passwordChangedAt"):
            raise Torn("the password is of another moment")
    is_enabled = accounts.get(factor, {}).get("enabled") == {"BOOL": True}
    if is_enabled != ("twoFactorSince" in user):
        raise Torn("the second factor is half there")


def _is_password_by_mail(user: Row, recovered_at: int) -> bool:
    """Whether mailed codes are no second factor for this user: the rule of domain/user.rs, but for the address."""
    return "twoFactorSince" in user and _millis(user, "twoFactorSince") < recovered_at and _millis(user, "passwordChangedAt") <= recovered_at


def _account(row: Row, live: Row | None, moved: dict, old_recovery: int | None) -> Row:
    kind = row["providerId"]["S"]
    live = live if live and live.get("userId") == row["userId"] else None
    if kind == "two-factor":
        return _factor(row, live)
    if kind == "credential":
        return {**row, "passwordChangedAt": moved}
    link = {name: value for name, value in row.items() if name not in _LEFTOVERS}
    if live:
        # A refresh token may have been spent since; the one that is there is the newer.
        link |= {name: live[name] for name in _PROVIDER_TOKENS if name in live}
    if old_recovery is not None and _millis(row, "sessionsValidFrom") >= old_recovery:
        # The recovery has moved: what came after it stays after it.
        link["sessionsValidFrom"] = moved
    return link


def _factor(row: Row, live: Row | None) -> Row:
    """Codes that were used since stay used: where nothing tells which, none is left."""
    back = {name: value for name, value in row.items() if name not in ("backupCodes", "failures")}
    if live is None:
        return back
    unused = sorted(set(row.get("backupCodes", {}).get("SS", [])) & set(live.get("backupCodes", {}).get("SS", [])))
    if unused:
        back["backupCodes"] = {"SS": unused}
    if "failures" in live:
        back["failures"] = live["failures"]
    back["lastUsedStep"] = _number(max(_millis(row, "lastUsedStep"), _millis(live, "lastUsedStep")))
    return back


def _millis(row: Row, name: str) -> int:
    return int(row.get(name, {}).get("N", 0))


def _number(value: int) -> dict:
    return {"N": str(value)}
