"""Brings users of the copies back into the live tables, each in one transaction."""

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .copies import Tables
from .deployed import Refusal
from .rows import MARK, Restored, Row, Torn, account_keys, look_whole, restored

_ATTEMPTS = 6
_MOST_KEYS = 100
# What a change of a row changes, of all that a restore decides by or takes along.
_USER = ("id", "sessionsValidFrom", "passwordChangedAt", "identities")
_ACCOUNT = ("userId", "passwordChangedAt", "providerTokens", "backupCodes", "lastUsedStep", "failures")
# Codes of a cancelled transaction that pass by themselves.
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class Outcome(Enum):
    """What becomes of a user."""

    BACK = "back"
    SET_BACK = "set back"
    PRESENT = "there, left alone"
    DONE = "done before; --again does it once more"
    LEFT = "deleted since by their own wish, left so"
    TAKEN = "not restored: an address or a provider's account is another user's by now"
    TORN = "not restored: the rows do not belong together"
    TOO_MANY = "not restored: more accounts than one transaction takes"
    BUSY = "not restored: the user keeps changing; run it again"

    @property
    def is_failure(self) -> bool:
        return self in (Outcome.TAKEN, Outcome.TORN, Outcome.TOO_MANY, Outcome.BUSY)


@dataclass(frozen=True)
class Restore:
    """How a restore is done. Without `apply` nothing is written."""

    dynamodb: Any
    live: Tables
    copies: Tables
    sessions: str
    # Whether users who are there are set back.
    replace: bool
    # Whether users are restored whom a restore from these copies has brought back before.
    again: bool
    apply: bool
    # Fingerprints, as the log has them, of users who left by their own wish.
    left: frozenset[str]
    clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    def bring_back(self, user: Row) -> Outcome:
        """Brings one user of the copy back, or says why not. Can be repeated."""
        user_id = user["id"]["S"]
        for attempt in range(_ATTEMPTS):
            live = self._get(self.live.users, "id", user_id)
            if live and self._is_whole(live):
                if not self.again and live.get(MARK, {}).get("S") == self.copies.users:
                    return Outcome.DONE
                if not self.replace:
                    return Outcome.PRESENT
            if fingerprint(user_id) in self.left and not live:
                return Outcome.LEFT
            outcome = self._attempt(user, live)
            if outcome is not Outcome.BUSY:
                return outcome
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
        return Outcome.BUSY

    def _is_whole(self, live: Row) -> bool:
        """Whether a user who is there has all accounts; without them nobody gets in."""
        try:
            look_whole(live, self._accounts(self.live.accounts, account_keys(live)))
        except Torn:
            return False
        return True

    def _attempt(self, user: Row, live: Row | None) -> Outcome:
        user_id = user["id"]["S"]
        keys = account_keys(user)
        keys += [key for key in (account_keys(live) if live else []) if key not in keys]
        if len(keys) + 1 > _MOST_KEYS:
            return Outcome.TOO_MANY
        accounts = self._accounts(self.copies.accounts, account_keys(user))
        live_accounts = self._accounts(self.live.accounts, keys)
        if any(row["userId"] != user["id"] for row in live_accounts.values()):
            return Outcome.TAKEN
        try:
            back = restored(user, accounts, live, live_accounts, self._generations(user_id), self.clock(), self.copies.users)
        except Torn:
            return Outcome.TORN
        done = Outcome.SET_BACK if live else Outcome.BACK
        if not self.apply:
            return done
        return done if self._write(back, live, live_accounts) else Outcome.BUSY

    def _write(self, back: Restored, live: Row | None, live_accounts: dict[str, Row]) -> bool:
        """Whether it was written; not if somebody was faster."""
        items: list[dict] = [{"Put": {"TableName": self.live.users, "Item": back.user, **_as_read("id", live, _USER)}}]
        kept = {row["identity"]["S"]: row for row in back.accounts}
        for key, row in kept.items():
            condition = _as_read("identity", live_accounts.get(key), _ACCOUNT)
            items.append({"Put": {"TableName": self.live.accounts, "Item": row, **condition}})
        for key in live_accounts.keys() - kept.keys():
            condition = _as_read("identity", live_accounts[key], _ACCOUNT)
            items.append({"Delete": {"TableName": self.live.accounts, "Key": {"identity": {"S": key}}, **condition}})
        try:
            self.dynamodb.transact_write_items(TransactItems=items)
        except self.dynamodb.exceptions.TransactionCanceledException as error:
            codes = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])}
            # A condition that failed shows in the next read as what it is.
            if codes <= {"None", "ConditionalCheckFailed", *_PASSING}:
                return False
            raise
        return True

    def _get(self, table: str, key: str, value: str) -> Row | None:
        return self.dynamodb.get_item(TableName=table, Key={key: {"S": value}}, ConsistentRead=True).get("Item")

    def _accounts(self, table: str, keys: list[str]) -> dict[str, Row]:
        found: dict[str, Row] = {}
        wanted = {table: {"Keys": [{"identity": {"S": key}} for key in dict.fromkeys(keys)], "ConsistentRead": True}}
        for attempt in range(_ATTEMPTS):
            answer = self.dynamodb.batch_get_item(RequestItems=wanted)
            found |= {row["identity"]["S"]: row for row in answer["Responses"].get(table, [])}
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return found
            time.sleep(0.1 * 2**attempt)
        raise Refusal(f"{table} is throttled: run it again with a smaller --parallel")

    def _generations(self, user_id: str) -> list[int]:
        """The generations of the session rows that still lie there."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.sessions,
            KeyConditionExpression="userId = :user",
            ExpressionAttributeValues={":user": {"S": user_id}},
            ProjectionExpression="validFrom",
            ConsistentRead=True,
        )
        return [int(row["validFrom"]["N"]) for page in pages for row in page["Items"]]

    def by_name(self, name: str) -> Row:
        """A user of the copy, by id or address; `Refusal` if there is none."""
        user_id = name
        if "@" in name:
            account = self._get(self.copies.accounts, "identity", f"email:{name.strip().lower()}")
            user_id = account["userId"]["S"] if account else ""
        user = self._get(self.copies.users, "id", user_id) if user_id else None
        if user is None:
            raise Refusal(f"the backup has no user {name}; an address is known as it is stored, or give the id")
        return user

    def users(self) -> Any:
        """All users of the copy."""
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=self.copies.users):
            yield from page["Items"]


def _as_read(key: str, live: Row | None, names: tuple[str, ...]) -> dict:
    """The condition that a row is as it was read, or not there."""
    if live is None:
        # One of the keys is a reserved word.
        return {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": key}}
    terms = [f"{name} = :{name}" if name in live else f"attribute_not_exists({name})" for name in names]
    values = {f":{name}": live[name] for name in names if name in live}
    return {"ConditionExpression": " AND ".join(terms), "ExpressionAttributeValues": values}


def fingerprint(identifier: str) -> str:
    """What the log calls an identifier."""
    return hashlib.sha256(identifier.encode()).hexdigest()[:16]
