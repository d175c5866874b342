"""Who asks for what, and what is taken for granted. Change these to your own.

Numbers of requests are those of one monthly user in one month: somebody who asks
for anything in it. Their names are those of measured.json.
"""

from dataclasses import dataclass, field

MONTH = 30 * 24 * 3600

# A person who comes back most days: half sign in with a provider, a session
# lives on while it is used, and the front end asks for it at every page.
TYPICAL = {
    "sign-up": 0.05,
    "verify-email": 0.05,
    "provider-sign-up": 0.03,
    "sign-in": 1.0,
    "sign-in-refused": 0.15,
    "sign-in-challenged": 0.05,
    "second-factor": 0.05,
    "provider-start": 0.53,
    "provider-sign-in": 0.5,
    "magic-link-request": 0.1,
    "magic-link": 0.1,
    "get-session": 60,
    "get-session-extends": 8,
    "token": 20,
    "sign-out": 0.3,
    "reset-request": 0.05,
    "reset-link": 0.05,
    "reset-password": 0.04,
}

PROFILES = {
    # Once a week, and back ends that verify access tokens by themselves.
    "light": TYPICAL | {"get-session": 15, "get-session-extends": 4, "token": 5, "sign-in": 0.8},
    "typical": TYPICAL,
    # All day in a single-page application that asks at every click, with an
    # access token every 15 minutes.
    "heavy": TYPICAL | {"get-session": 400, "get-session-extends": 20, "token": 200, "sign-in": 2.0},
}

SIZES = {"1 thousand": 1_000, "1 million": 1_000_000, "100 million": 100_000_000}


@dataclass(frozen=True)
class Assumptions:
    """What nothing here measures. Times are milliseconds."""

    # A call of DynamoDB from Lambda in the same region: "single-digit milliseconds".
    dynamodb_ms: float = 5
    # SES takes a mail; the service allows 50 to 500.
    mail_ms: float = 150
    # A provider answers.
    provider_ms: float = 200
    # Secrets Manager answers, at the start of a process.
    secret_ms: float = 20
    # How many times as long a core of Lambda's arm64 computes as one of the machine
    # measured. Twice is careful: Graviton2 is slower than current x86-64 cores, and
    # argon2 has AVX2 code there and none of its own for arm64.
    arm64_factor: float = 2
    # Memory, in MB, from which on a function has a whole core; below it has a share.
    whole_core_mb: float = 1769
    # Added to the start of a process: TLS to AWS, and the loading of the binary.
    start_ms: float = 60
    # How long Lambda keeps a process that nobody asks, in seconds. Not documented.
    idle_seconds: float = 300
    # Share of requests that start a process however many come: growth, and
    # processes that Lambda replaces.
    cold_share: float = 0.002
    # The busiest second, as a multiple of the month's mean.
    peak_factor: float = 5
    # Rows that are there, for each monthly user: users are kept who do not come.
    rows: dict[str, float] = field(default_factory=lambda: {
        "UsersTable": 3, "AccountsTable": 3.6, "SessionsTable": 2, "VerificationTokensTable": 0.1, "RateLimitsTable": 0.5,
    })
    # What DynamoDB adds to each row, in bytes, when it bills storage.
    row_bytes: int = 100
    # samconfig.toml keeps the log of production for a year; what is kept is compressed.
    log_months: float = 12
    log_compressed: float = 0.2
    # What Lambda writes itself about a request, as JSON: a start and a report.
    lambda_lines: tuple[str, ...] = (
        '{"time":"2026-10-08T07:30:41.076Z","type":"platform.start","record":{"requestId":"f0c9f58b-8ebe-4e84-a656-95eb6eee865a",'
        '"functionArn":"arn:aws:lambda:us-east-1:123456789012:function:lambda-auth-SessionFunction-AbCdEfGhIjKl","version":"$LATEST"}}',
        '{"time":"2026-10-08T07:30:29.470Z","type":"platform.report","record":{"requestId":"79b5e81f-9cdd-4145-b1f6-7c50ef8a2a36",'
        '"metrics":{"durationMs":12.34,"billedDurationMs":13,"memorySizeMB":512,"maxMemoryUsedMB":23},"status":"success"}}',
    )
    # What CloudWatch adds to each line.
    line_bytes: int = 26
    # docs/observability.md: metrics, what alarms look at, the dashboard.
    metrics: int = 9
    alarm_metrics: int = 20
    dashboards: int = 1
    # Signing, encryption, clients of providers.
    secrets: int = 3
    # How often a process reads its secrets again while it is used, in seconds.
    secret_seconds: float = 300
    # How long DynamoDB keeps the key of a table for a caller, in seconds.
    table_key_seconds: float = 300
