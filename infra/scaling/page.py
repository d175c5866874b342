#!/usr/bin/env python3
"""Writes docs/scaling.md: the text of page.md, with the figures of the model.

    infra/scaling/page.py
    infra/scaling/page.py --check    # exit code 1 unless the page is so already
"""

import argparse
import math
import re
import sys
from dataclasses import replace
from pathlib import Path

import limits
import model
from usage import MONTH, PROFILES, SIZES, Assumptions

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "scaling.md"
TEMPLATE = Path(__file__).with_name("page.md")
PLANS = ("lite", "essentials", "plus")
GIVEN = Assumptions()


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes docs/scaling.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 unless the page is up to date")
    arguments = parser.parse_args()
    text = page()
    if not arguments.check:
        PAGE.write_text(text)
    elif PAGE.read_text() != text:
        print("docs/scaling.md is not what infra/scaling/page.py writes", file=sys.stderr)
        return 1
    return 0


def page() -> str:
    """The whole page. Raises KeyError for a figure that nobody makes."""
    found = figures()
    return re.sub(r"\{\{(\w+)\}\}", lambda match: found[match[1]], TEMPLATE.read_text())


def figures() -> dict[str, str]:
    at, seen, quotas = model.prices(), model.measured(), limits.quotas()
    months = {name: model.use(users, PROFILES["typical"], seen) for name, users in SIZES.items()}
    thousand, million, hundred_million = months.values()
    hash_ms = model.request_ms(seen["requests"]["sign-in"], seen["functions"]["signin"]["memory_mb"], GIVEN)
    machine = seen["machine"]
    return {
        "costs": costs(months, at),
        "profiles": profiles(at, seen),
        "usage": usage(),
        "requests": requests(at, seen),
        "quotas": quota_table(months, seen, quotas),
        "needs": needs(seen, quotas),
        "sensitivity": sensitivity(at, seen),
        "unverified": unverified(at, quotas),
        "machine": f"{machine['processor']}, {machine['cores']} cores, load {machine['load_at_start']} at the start, on {seen['taken']}",
        "prices_date": model.read("prices.json")["looked_at"],
        "crossover_lite": number(crossover("lite", at, seen)),
        "crossover_essentials": number(crossover("essentials", at, seen)),
        "fixed": money(sum(model.cost(model.use(0.001, PROFILES["typical"], seen), at).values())),
        "replication": ", ".join(f"{money(model.replication(month, at))} at {name}" for name, month in months.items()),
        "nearest": nearest(months, seen, quotas),
        "peak_rps": number(limits.peak_rate(hundred_million, GIVEN)),
        "log_tb": number(hundred_million.log_bytes / 10**12),
        "log_share": f"{model.cost(hundred_million, at)['CloudWatch, log'] / sum(model.cost(hundred_million, at).values()):.0%}",
        "sign_in_ms": number(hash_ms),
        "get_session_ms": number(model.request_ms(seen["requests"]["get-session"], seen["functions"]["session"]["memory_mb"], GIVEN)),
        "lambda_lines_share": f"{lambda_bytes() * hundred_million.requests / hundred_million.log_bytes:.0%}",
        "cold_thousand": cold(thousand, "signin"),
        "cold_million": cold(million, "signin"),
        "new_table_read": number(quotas["new_table_read_units"]["value"]),
        "new_table_write": number(quotas["new_table_write_units"]["value"]),
        "cognito_free": number(at["cognito_lite"]["tiers"][0][0]),
        "start_ms": number(model.start_ms(seen["functions"]["session"], GIVEN)),
        **{f"given_{name}": f"{value:g}" for name, value in vars(GIVEN).items() if isinstance(value, int | float)},
        "partition_read": number(quotas["partition_read_units"]["value"]),
        "partition_write": number(quotas["partition_write_units"]["value"]),
        "transactions": str(sum("TransactWriteItems" in " ".join(request["calls"]) for request in seen["requests"].values())),
        "request_count": str(len(seen["requests"])),
        "whole_core": f"{seen['functions']['signin']['memory_mb']}",
        "start_added": f"{GIVEN.start_ms:g}",
        "cold_floor": f"{GIVEN.cold_share:.1%}",
    }


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown, with numbers on the right."""
    rules = ["--:" if re.match(r"[*$]*\d", cell) else "---" for cell in rows[0]]
    lines = [f"| {' | '.join(line)} |" for line in [head, *rows]]
    return "\n".join([lines[0], f"|{'|'.join(rules)}|", *lines[1:]])


def lambda_bytes() -> int:
    """What Lambda's own lines about a request take in the log."""
    return sum(len(line) + GIVEN.line_bytes for line in GIVEN.lambda_lines)


def cold(month: model.Use, function: str) -> str:
    """The share of a function's requests that start a process."""
    use = month.functions[function]
    return percent(use.starts / use.requests)


def costs(months: dict[str, model.Use], at: model.Prices) -> str:
    parts = {name: model.cost(month, at) for name, month in months.items()}
    whole = {name: sum(part.values()) for name, part in parts.items()}
    rows = [[service, *(money(part[service]) for part in parts.values())] for service in next(iter(parts.values()))]
    rows.append(["**in all**", *(f"**{money(dollars)}**" for dollars in whole.values())])
    rows.append(["for each user", *(small(dollars / SIZES[name]) for name, dollars in whole.items())])
    for plan in PLANS:
        rows.append([f"Cognito {plan.capitalize()}", *(money(model.cognito(users, plan, at)) for users in SIZES.values())])
    return table(["a month", *SIZES], rows)


def profiles(at: model.Prices, seen: dict) -> str:
    rows = []
    for name, profile in PROFILES.items():
        dollars = [model.total(users, name, at, seen) for users in SIZES.values()]
        rows.append([name, number(sum(profile.values())), *map(money, dollars)])
    return table(["profile", "requests of a user", *SIZES], rows)


def usage() -> str:
    rows = [[f"`{request}`", *(f"{profile[request]:g}" for profile in PROFILES.values())] for request in PROFILES["typical"]]
    return table(["request", *PROFILES], rows)


def requests(at: model.Prices, seen: dict) -> str:
    """What a million of each cost, at the prices of the first million."""
    rows = []
    for name in PROFILES["typical"]:
        request = seen["requests"][name]
        memory = seen["functions"][request["function"]]["memory_mb"]
        milliseconds = math.ceil(model.request_ms(request, memory, GIVEN))
        read, written = (sum(request[kind].values()) for kind in ("read_units", "write_units"))
        kept = request["log_bytes"] + GIVEN.line_bytes + lambda_bytes()
        million = 10**6
        dollars = (
            model.price(at["http_api_requests"], million)
            + model.price(at["lambda_requests"], million)
            + model.price(at["lambda_gb_seconds"], million * milliseconds / 1000 * memory / 1024)
            + model.price(at["dynamodb_read_units"], million * read)
            + model.price(at["dynamodb_write_units"], million * written)
            + model.price(at["ses_mails"], million * request["mails"])
            + model.price(at["log_ingestion"], million * kept / model.GB)
        )
        units, trips = f"{read:g} + {written:g}", str(request["round_trips"])
        rows.append([f"`{name}`", request["function"], trips, units, str(request["mails"]), str(milliseconds), str(memory), money(dollars)])
    return table(["request", "function", "round trips", "units read + written", "mails", "ms billed", "MB", "a million"], rows)


def quota_table(months: dict[str, model.Use], seen: dict, quotas: dict) -> str:
    by_size = {name: {demand.quota: demand for demand in limits.demands(month, seen, quotas)} for name, month in months.items()}
    last = by_size[list(SIZES)[-1]]
    rows = []
    for quota, demand in last.items():
        shares = [percent(found[quota].share) for found in by_size.values()]
        met = [number(limits.users_at(quota, profile, seen, quotas)) for profile in PROFILES]
        rows.append([demand.about, number(demand.allowed), *shares, *met, demand.moves])
    return table(["quota", "default", *SIZES, *(f"met at, {profile}" for profile in PROFILES), "what moves it"], rows)


def nearest(months: dict[str, model.Use], seen: dict, quotas: dict) -> str:
    """What is met at each size outside of SES's sandbox, the scarcest first, and
    what is next."""
    lines = []
    for name, month in months.items():
        demands = [demand for demand in limits.demands(month, seen, quotas) if demand.quota != "ses_sandbox_day"]
        met = [f"{demand.about}, {percent(demand.share)}" for demand in demands if demand.share >= 1]
        next_one = next(demand for demand in demands if demand.share < 1)
        lines.append(f"- **{name}**: {'; '.join(met) or 'nothing'}. Next is {next_one.about}, {percent(next_one.share)}.")
    return "\n".join(lines)


def needs(seen: dict, quotas: dict) -> str:
    """What a hundred million users ask for, by profile."""
    users = SIZES["100 million"]
    rows: dict[str, list[str]] = {}
    for profile in PROFILES:
        month = model.use(users, PROFILES[profile], seen)
        second = GIVEN.peak_factor / MONTH
        rate = limits.peak_rate(month, GIVEN)
        busy = sum(limits.executions(month, GIVEN).values())
        column = {
            "requests in the busiest second": rate,
            "executions at once": math.ceil(busy),
            "concurrency to ask for: that, or a tenth of the requests": max(busy, rate / quotas["lambda_rps_per_concurrency"]["value"]),
            "read units a second of the busiest table": max(month.read_units.values()) * second,
            "write units a second of the busiest table": max(month.write_units.values()) * second,
            "partitions that these take, at least": math.ceil(max(
                max(month.read_units.values()) * second / quotas["partition_read_units"]["value"],
                max(month.write_units.values()) * second / quotas["partition_write_units"]["value"],
            )),
            "mails in the busiest second": month.mails * second,
            "mails a day": month.mails / MONTH * limits.DAY,
            "log, TB a month": month.log_bytes / 10**12,
            "rows, TB": sum(month.bytes_kept.values()) / 10**12,
        }
        for name, amount in column.items():
            rows.setdefault(name, [name]).append(number(math.ceil(amount) if amount > 20 else amount))
    return table(["at 100 million", *PROFILES], list(rows.values()))


def sensitivity(at: model.Prices, seen: dict) -> str:
    cases = {
        "as assumed": GIVEN,
        "a core of Lambda as fast as that measured": replace(GIVEN, arm64_factor=1),
        "a core of Lambda four times as slow": replace(GIVEN, arm64_factor=4),
        "a call of DynamoDB in 3 ms": replace(GIVEN, dynamodb_ms=3),
        "a call of DynamoDB in 10 ms": replace(GIVEN, dynamodb_ms=10),
        "one request in 50 starts a process": replace(GIVEN, cold_share=0.02),
        "the log kept for a month": replace(GIVEN, log_months=1),
    }
    rows = [[name, *(money(model.total(users, "typical", at, seen, given)) for users in SIZES.values())] for name, given in cases.items()]
    return table(["in all, typical", *SIZES], rows)


def unverified(at: model.Prices, quotas: dict) -> str:
    entries = [*at.items(), *quotas.items()]
    return "\n".join(f"- `{name}`: {entry['seen']}." for name, entry in entries if not entry["verified"])


def crossover(plan: str, at: model.Prices, seen: dict) -> float:
    """From how many users on the service costs less than Cognito."""
    low, high = 1.0, 10.0**9
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        if model.total(middle, "typical", at, seen) > model.cognito(middle, plan, at):
            low = middle
        else:
            high = middle
    return high


def money(dollars: float) -> str:
    return f"${dollars:,.2f}" if dollars < 100 else f"${dollars:,.0f}"


def small(dollars: float) -> str:
    return f"${dollars:.5f}"


def number(amount: float) -> str:
    """To three digits; nobody knows the users of next year better."""
    if math.isinf(amount):
        return "never"
    if amount == 0:
        return "0"
    rounded = round(amount, 2 - math.floor(math.log10(abs(amount))))
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:,g}"


def percent(share: float) -> str:
    if share >= 10:
        return f"{number(share)} times"
    return f"{share:.0%}" if share >= 0.1 else f"{share:.2%}"


if __name__ == "__main__":
    sys.exit(main())
