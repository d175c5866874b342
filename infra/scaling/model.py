#!/usr/bin/env python3
"""What the service costs a month, beside Cognito, from what was measured.

    infra/scaling/model.py                        # all sizes, the typical profile
    infra/scaling/model.py --users 250000 --profile heavy

Everything here is a function of usage.py, prices.json and measured.json.
"""

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from usage import MONTH, PROFILES, SIZES, Assumptions

HERE = Path(__file__).resolve().parent
GB = 10**9
Prices = dict[str, dict]


def read(name: str) -> dict:
    return json.loads((HERE / name).read_text())


def prices() -> Prices:
    return read("prices.json")["prices"]


def measured() -> dict:
    """What was measured, of release binaries.

    Raises ValueError if it is of others: their times are no times.
    """
    document = read("measured.json")
    if document.get("build") != "release":
        raise ValueError("measured.json is not of release binaries: run infra/scaling/measure.rs")
    return document


def price(entry: dict, quantity: float) -> float:
    """Dollars for a month's quantity, tier by tier."""
    dollars, below = 0.0, 0.0
    for end, each in entry["tiers"]:
        top = quantity if end is None else min(quantity, end)
        dollars += max(0.0, top - below) * each / entry["per"]
        below = max(below, top)
    return dollars


@dataclass(frozen=True)
class FunctionUse:
    """A month of one function."""

    requests: float
    # Mean milliseconds billed for a request, its share of starts included.
    billed_ms: float
    memory_mb: float
    starts: float
    secret_reads: float
    # Tables that it uses.
    tables: frozenset[str]

    @property
    def gb_seconds(self) -> float:
        return self.requests * self.billed_ms / 1000 * self.memory_mb / 1024

    @property
    def busy(self) -> float:
        """Executions at once, in the mean."""
        return self.requests * self.billed_ms / 1000 / MONTH


@dataclass(frozen=True)
class Use:
    """A month of the service."""

    functions: dict[str, FunctionUse]
    read_units: dict[str, float]
    write_units: dict[str, float]
    bytes_kept: dict[str, float]
    mails: float
    log_bytes: float
    answer_bytes: float

    @property
    def requests(self) -> float:
        return sum(function.requests for function in self.functions.values())


def core(memory_mb: float, given: Assumptions) -> float:
    """The share of a core that a function has; more than one is of no use to it."""
    return min(1.0, memory_mb / given.whole_core_mb)


def request_ms(request: dict, memory_mb: float, given: Assumptions) -> float:
    """How long a request runs on Lambda, once its process has started."""
    computing = request["processor_ms"] * given.arm64_factor / core(memory_mb, given)
    return (
        # What is answered at a set time computes meanwhile.
        max(request["set_time_ms"], computing)
        + request["waits_for_tables"] * given.dynamodb_ms
        + request["waits_for_mail"] * given.mail_ms
        + request["provider_requests"] * given.provider_ms
    )


def start_ms(function: dict, given: Assumptions) -> float:
    """How long the start of a process is billed."""
    reads_secret = function["secrets_read_at_start"] > 0
    compute = function["start_processor_ms"] * given.arm64_factor / core(function["memory_mb"], given)
    return given.start_ms + compute + (given.secret_ms if reads_secret else 0)


def cold_share(requests: float, given: Assumptions) -> float:
    """The share of a function's requests that start a process: those before
    which nobody has come for as long as Lambda keeps one."""
    return max(given.cold_share, math.exp(-requests / MONTH * given.idle_seconds))


def use(users: float, profile: dict[str, float], seen: dict, given: Assumptions = Assumptions()) -> Use:
    """What so many monthly users of a profile make of a month.

    Raises ValueError unless the profile names every request that was measured.
    """
    if set(profile) != set(seen["requests"]):
        raise ValueError(f"not in both profile and measured.json: {sorted(set(profile) ^ set(seen['requests']))}")
    month = {name: users * count for name, count in profile.items()}
    functions = {}
    for name, function in seen["functions"].items():
        own = {key: month[key] for key, request in seen["requests"].items() if request["function"] == name}
        if own:
            functions[name] = function_use(function, own, seen["requests"], given)

    def summed(count: Callable[[dict], float]) -> float:
        return sum(month[key] * count(request) for key, request in seen["requests"].items())

    def units(kind: str) -> dict[str, float]:
        return {table: summed(lambda request: request[kind].get(table, 0)) for table in given.rows}

    lambda_bytes = sum(len(line) + given.line_bytes for line in given.lambda_lines)
    return Use(
        functions=functions,
        read_units=units("read_units"),
        write_units=units("write_units"),
        bytes_kept={table: users * rows * (seen["bytes_per_row"][table] + given.row_bytes) for table, rows in given.rows.items()},
        mails=summed(lambda request: request["mails"]),
        log_bytes=summed(lambda request: request["log_bytes"] + given.line_bytes + lambda_bytes),
        answer_bytes=summed(lambda request: request["answer_bytes"]),
    )


def function_use(function: dict, own: dict[str, float], requests: dict, given: Assumptions) -> FunctionUse:
    """A month of a function that answers these requests."""
    count = sum(own.values())
    memory_mb = function["memory_mb"]
    running = sum(number * math.ceil(request_ms(requests[key], memory_mb, given)) for key, number in own.items())
    starts = count * cold_share(count, given)
    # A process is good for ten requests a second at most, however short they are.
    processes = max(1.0, running / 1000 / MONTH, count / MONTH / 10)
    renewals = min(count, processes * MONTH / given.secret_seconds)
    return FunctionUse(
        requests=count,
        billed_ms=(running + starts * start_ms(function, given)) / count,
        memory_mb=memory_mb,
        starts=starts,
        secret_reads=(starts + renewals) * function["secrets_read_at_start"],
        tables=frozenset(word for key in own for call in requests[key]["calls"] for word in call.split()[1:]),
    )


def cost(month: Use, at: Prices, given: Assumptions = Assumptions()) -> dict[str, float]:
    """Dollars a month, by service."""
    functions = month.functions.values()
    kept_gb = sum(month.bytes_kept.values()) / GB
    recovered_gb = (month.bytes_kept["UsersTable"] + month.bytes_kept["AccountsTable"]) / GB
    log_gb = month.log_bytes / GB
    key_reads = sum(min(function.requests, MONTH / given.table_key_seconds) * len(function.tables) for function in functions)
    return {
        "API Gateway": price(at["http_api_requests"], month.requests),
        "Lambda": price(at["lambda_requests"], month.requests)
        + price(at["lambda_gb_seconds"], sum(function.gb_seconds for function in functions)),
        "DynamoDB, reads and writes": price(at["dynamodb_read_units"], sum(month.read_units.values()))
        + price(at["dynamodb_write_units"], sum(month.write_units.values())),
        "DynamoDB, storage, recovery, keys": price(at["dynamodb_storage"], kept_gb)
        + price(at["dynamodb_recovery"], recovered_gb)
        + price(at["kms_requests"], key_reads),
        "SES": price(at["ses_mails"], month.mails),
        "Secrets Manager": price(at["secrets"], given.secrets)
        + price(at["secrets_requests"], sum(function.secret_reads for function in functions)),
        "CloudWatch, log": price(at["log_ingestion"], log_gb)
        + price(at["log_storage"], log_gb * given.log_months * given.log_compressed),
        "CloudWatch, metrics and alarms": price(at["metrics"], given.metrics)
        + price(at["alarm_metrics"], given.alarm_metrics)
        + price(at["dashboards"], given.dashboards),
        "Transfer to the internet": price(at["transfer_out"], month.answer_bytes / GB),
    }


def total(users: float, profile: str, at: Prices, seen: dict, given: Assumptions = Assumptions()) -> float:
    """Dollars a month, in all."""
    return sum(cost(use(users, PROFILES[profile], seen, given), at, given).values())


def cognito(users: float, plan: str, at: Prices) -> float:
    """Cognito's list price for a month, without the mails that it sends."""
    return price(at[f"cognito_{plan}"], users)


def replication(month: Use, at: Prices) -> float:
    """Dollars a month for one more region that all tables are copied to."""
    written = price(at["dynamodb_replicated_write_units"], sum(month.write_units.values()))
    return written + price(at["dynamodb_storage"], sum(month.bytes_kept.values()) / GB)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the service costs a month.")
    parser.add_argument("--users", type=float, help="monthly users (default: three sizes)")
    parser.add_argument("--profile", choices=PROFILES, default="typical")
    arguments = parser.parse_args()
    at, seen = prices(), measured()
    for users in [arguments.users] if arguments.users else SIZES.values():
        month = use(users, PROFILES[arguments.profile], seen)
        parts = cost(month, at)
        print(f"\n{users:,.0f} monthly users, {arguments.profile}: {month.requests:,.0f} requests")
        for name, dollars in parts.items():
            print(f"  {name:32} {dollars:14,.2f}")
        whole = sum(parts.values())
        print(f"  {'in all':32} {whole:14,.2f}   {whole / users:.6f} a user")
        for plan in ("lite", "essentials", "plus"):
            print(f"  {'Cognito ' + plan.capitalize():32} {cognito(users, plan, at):14,.2f}")


if __name__ == "__main__":
    main()
