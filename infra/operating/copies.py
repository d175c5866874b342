"""The tables as they were: copies made by point-in-time recovery, under names of their own."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .deployed import ClientError, Refusal

WAIT_SECONDS = 5
# What is restored from a backup says so to the second, and is of a moment before.
MOST_APART = timedelta(seconds=60)
KEYS = {"users": "id", "accounts": "identity"}


@dataclass(frozen=True)
class Tables:
    """Names of the tables of users and accounts."""

    users: str
    accounts: str


def names(live: Tables, at: datetime) -> Tables:
    """What the copies of an instant are called, so that a second run finds them."""
    return Tables(*(f"{name[:230]}-{at:%Y%m%dT%H%M%SZ}" for name in (live.users, live.accounts)))


def make(dynamodb: Any, live: Tables, copies: Tables, at: datetime) -> None:
    """Asks for the copies that are not there yet, both of the same instant, and waits for them.

    Raises `Refusal` if a table cannot be had as it was then.
    """
    pairs = [(live.users, copies.users), (live.accounts, copies.accounts)]
    wanted = [(source, target) for source, target in pairs if _describe(dynamodb, target) is None]
    for source, _ in wanted:
        _look_restorable(dynamodb, source, at)
    for source, target in wanted:
        print(f"asks for {source} as of {at:%Y-%m-%dT%H:%M:%SZ} as {target}", flush=True)
        dynamodb.restore_table_to_point_in_time(SourceTableName=source, TargetTableName=target, RestoreDateTime=at)
    for _, target in pairs:
        while (table := _describe(dynamodb, target)) and table["TableStatus"] == "CREATING":
            print(f"waits for {target}; it can be stopped and run again", flush=True)
            time.sleep(WAIT_SECONDS)


def _look_restorable(dynamodb: Any, table: str, at: datetime) -> None:
    try:
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("TableNotFoundException", "ResourceNotFoundException"):
            raise
        raise Refusal(f"the table {table} is gone: docs/operations.md#a-table-is-gone") from error
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise Refusal(f"{table} has no point-in-time recovery")
    first, last = recovery["EarliestRestorableDateTime"], recovery["LatestRestorableDateTime"]
    if not first <= at <= last:
        first, last = (time.astimezone(UTC) for time in (first, last))
        raise Refusal(f"{table} can be had from {first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}")


def look_usable(dynamodb: Any, live: Tables, copies: Tables, at: datetime) -> None:
    """Raises `Refusal` unless the copies are of these tables, whole, and of the instant."""
    for role, key in KEYS.items():
        source, target = getattr(live, role), getattr(copies, role)
        if target in (live.users, live.accounts):
            raise Refusal(f"{target} is the live table, not a copy")
        _usable(dynamodb, source, role, key)
        summary = _usable(dynamodb, target, role, key).get("RestoreSummary", {})
        if "SourceTableArn" in summary and summary["SourceTableArn"].rpartition("/")[2] != source:
            raise Refusal(f"{target} is no copy of {source}")
        instant = summary.get("RestoreDateTime", at).astimezone(UTC)
        if abs(instant - at) > MOST_APART:
            raise Refusal(f"{target} is of {instant:%Y-%m-%dT%H:%M:%SZ}, not of {at:%Y-%m-%dT%H:%M:%SZ}")


def _usable(dynamodb: Any, name: str, role: str, key: str) -> dict:
    table = _describe(dynamodb, name)
    if table is None:
        raise Refusal(f"there is no table {name}")
    if table["TableStatus"] not in ("ACTIVE", "UPDATING"):
        raise Refusal(f"{name} is {table['TableStatus']}")
    if [element["AttributeName"] for element in table["KeySchema"]] != [key]:
        raise Refusal(f"{name} is no table of {role}")
    return table


def _describe(dynamodb: Any, name: str) -> dict | None:
    try:
        return dynamodb.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None
