"""Which quota or partition is met first, and at how many users.

The demand is that of the busiest second, which usage.py makes out of the mean.
"""

import math
from dataclasses import dataclass

from model import Use, read, use
from usage import MONTH, PROFILES, Assumptions

DAY = 24 * 3600


@dataclass(frozen=True)
class Demand:
    """What is asked of a quota."""

    # Key of quotas.json.
    quota: str
    about: str
    amount: float
    allowed: float
    # What moves it.
    moves: str

    @property
    def share(self) -> float:
        return self.amount / self.allowed


def quotas() -> dict[str, dict]:
    return read("quotas.json")["quotas"]


def executions(month: Use, given: Assumptions) -> dict[str, float]:
    """Executions at once in the busiest second, by function."""
    return {name: function.busy * given.peak_factor for name, function in month.functions.items()}


def peak_rate(month: Use, given: Assumptions) -> float:
    """Requests in the busiest second."""
    return month.requests / MONTH * given.peak_factor


def demands(month: Use, seen: dict, at: dict[str, dict], given: Assumptions = Assumptions()) -> list[Demand]:
    """All of them, the scarcest first. What does not grow with the users is
    left to the page: one key of a table belongs to one user, address or client."""
    allowed = {name: quota["value"] for name, quota in at.items()}
    allowed["lambda_rps_per_concurrency"] *= allowed["lambda_concurrency"]
    second = given.peak_factor / MONTH
    day = DAY / MONTH
    rate = peak_rate(month, given)
    busy = sum(executions(month, given).values())
    most_read = max(month.read_units, key=month.read_units.__getitem__)
    most_written = max(month.write_units, key=month.write_units.__getitem__)
    reads, writes = month.read_units[most_read] * second, month.write_units[most_written] * second
    secrets = reads_of_secrets(month, seen, allowed["lambda_growth"], given)
    ask, grow, reputation = "a request for more", "growing slowly; warm throughput", "reputation, and a request for more"
    found = [
        Demand(quota, about, amount, allowed[quota], moves)
        for quota, about, amount, moves in (
            ("gateway_rps", "API Gateway: requests a second", rate, f"{ask}; a second account or region"),
            ("lambda_concurrency", "Lambda: executions at once", busy, f"{ask}; the memory of the functions that hash"),
            ("lambda_rps_per_concurrency", "Lambda: requests a second", rate, "ten times the executions at once: a request for more of those"),
            ("table_read_units", f"DynamoDB: read units a second of {most_read}", reads, ask),
            ("table_write_units", f"DynamoDB: write units a second of {most_written}", writes, ask),
            ("new_table_read_units", f"DynamoDB: read units a second of a new {most_read}", reads, grow),
            ("new_table_write_units", f"DynamoDB: write units a second of a new {most_written}", writes, grow),
            ("ses_day", "SES: mails a day", month.mails * day, reputation),
            ("ses_rate", "SES: mails a second", month.mails * second, reputation),
            ("ses_sandbox_day", "SES in the sandbox: mails a day", month.mails * day, "leaving the sandbox"),
            ("secrets_rps", "Secrets Manager: reads a second, all processes starting at once", secrets, "nothing that would have to be moved"),
        )
    ]
    return sorted(found, key=lambda demand: demand.share, reverse=True)


def reads_of_secrets(month: Use, seen: dict, growth: float, given: Assumptions) -> float:
    """Reads a second if all processes of the busiest second start within ten,
    as far as Lambda starts so many. A process is good for ten requests a second."""
    reads = 0.0
    for name, busy in executions(month, given).items():
        processes = max(busy, month.functions[name].requests / MONTH * given.peak_factor / 10)
        reads += min(processes, growth) / 10 * seen["functions"][name]["secrets_read_at_start"]
    return reads


def users_at(quota: str, profile: str, seen: dict, at: dict[str, dict], given: Assumptions = Assumptions()) -> float:
    """How many monthly users meet a quota, infinity if none do: the demand grows
    with them, or has an upper bound."""
    users = 10**9
    [demand] = [found for found in demands(use(users, PROFILES[profile], seen, given), seen, at, given) if found.quota == quota]
    return users / demand.share if demand.share >= 1 else math.inf
