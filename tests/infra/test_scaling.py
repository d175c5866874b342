"""The cost model: its arithmetic, and that docs/scaling.md is what it makes.

    python3 -m unittest discover tests/infra
"""

import sys
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra" / "scaling"))

import limits  # noqa: E402
import model  # noqa: E402
import page  # noqa: E402
from usage import MONTH, PROFILES, SIZES, Assumptions  # noqa: E402

PRICES = model.prices()
# Assumptions with which one can reckon in the head.
EASY = Assumptions(
    dynamodb_ms=10, mail_ms=100, provider_ms=200, secret_ms=20, arm64_factor=2, whole_core_mb=1000, start_ms=50, cold_share=0.01,
    rows={"UsersTable": 1, "AccountsTable": 2, "SessionsTable": 0, "VerificationTokensTable": 0, "RateLimitsTable": 0}, row_bytes=100,
    lambda_lines=("x" * 74,), line_bytes=26,
)
REQUEST = {
    "function": "session", "calls": ["BatchGetItem Sessions Users"], "round_trips": 1, "read_units": {"UsersTable": 1.0, "SessionsTable": 1.0},
    "write_units": {"SessionsTable": 2.0}, "mails": 1, "provider_requests": 0, "waits_for_tables": 1, "waits_for_mail": 0,
    "set_time_ms": 0, "processor_ms": 1.0, "log_bytes": 300, "answer_bytes": 1000,
}
FUNCTION = {"memory_mb": 500, "start_processor_ms": 2.0, "secrets_read_at_start": 2}
SEEN = {
    "build": "release", "requests": {"get-session": REQUEST}, "functions": {"session": FUNCTION},
    "bytes_per_row": {"UsersTable": 400, "AccountsTable": 900, "SessionsTable": 0, "VerificationTokensTable": 0, "RateLimitsTable": 0},
}


class Tiers(unittest.TestCase):
    def assert_price(self, name: str, quantity: float, dollars: float):
        self.assertAlmostEqual(model.price(PRICES[name], quantity), dollars, places=4, msg=f"{name}, {quantity}")

    def test_a_tier_begins_where_the_last_ended(self):
        self.assert_price("http_api_requests", 0, 0)
        self.assert_price("http_api_requests", 300_000_000, 300)
        self.assert_price("http_api_requests", 301_000_000, 300.9)
        self.assert_price("http_api_requests", 1_000_000_000, 300 + 630)
        # What AWS's price list makes of them, in infracost's tests.
        self.assert_price("lambda_gb_seconds", 7_500_000_000, 100_000.5)
        self.assert_price("lambda_gb_seconds", 18_750_000_000, 100_000.5 + 135_001.125)
        self.assert_price("lambda_gb_seconds", 18_750_000_000 * 2, 100_000.5 + 135_001.125 + 200_000.625)
        self.assert_price("transfer_out", 10_240, 921.6)
        self.assert_price("transfer_out", 10_240 + 40_960, 921.6 + 3_481.6)
        self.assert_price("transfer_out", 10_240 + 40_960 + 102_400 + 3_400, 921.6 + 3_481.6 + 7_168 + 170)
        self.assert_price("log_ingestion", 10_000, 5_000)
        self.assert_price("log_ingestion", 60_000, 12_500)

    def test_prices_are_for_so_many(self):
        self.assert_price("dynamodb_write_units", 2_000_000, 1.25)
        self.assert_price("dynamodb_read_units", 2_000_000, 0.25)
        self.assert_price("secrets_requests", 20_000, 0.10)
        self.assert_price("ses_mails", 2_500, 0.25)

    def test_cognito(self):
        for users, plan, dollars in [
            (10_000, "lite", 0),
            (10_001, "lite", 0.0055),
            (100_000, "lite", 495),
            (1_000_000, "lite", 495 + 4_140),
            (10_000_000, "lite", 495 + 4_140 + 29_250),
            (100_000_000, "lite", 495 + 4_140 + 29_250 + 225_000),
            (1_000, "essentials", 0),
            (1_000_000, "essentials", 14_850),
            (1_000, "plus", 20),
        ]:
            self.assertAlmostEqual(model.cognito(users, plan, PRICES), dollars, places=4, msg=f"{plan}, {users}")

    def test_every_entry_says_where_it_is_from(self):
        for file, kind in [("prices.json", "prices"), ("quotas.json", "quotas")]:
            document = model.read(file)
            self.assertRegex(document["looked_at"], r"^20\d\d-\d\d-\d\d$")
            for name, entry in document[kind].items():
                self.assertRegex(entry["source"], r"^https://(docs\.)?aws\.amazon\.com/", name)
                self.assertIn(entry["verified"], (True, False), name)
                self.assertTrue(entry["seen"] and entry["unit"], name)
        for name, entry in PRICES.items():
            ends = [end for end, _ in entry["tiers"]]
            self.assertIsNone(ends.pop(), name)
            self.assertEqual(ends, sorted(set(ends)), name)


class Reckoning(unittest.TestCase):
    def test_a_request_waits_and_computes(self):
        # Half a core: 1 ms, twice for arm64, twice for the share, and a wait.
        self.assertEqual(model.request_ms(REQUEST, 500, EASY), 1 * 2 * 2 + 10)
        # More memory than a core takes is of no use.
        self.assertEqual(model.request_ms(REQUEST, 4000, EASY), 2 + 10)
        timed = REQUEST | {"set_time_ms": 1000, "waits_for_tables": 0, "waits_for_mail": 2, "provider_requests": 1}
        self.assertEqual(model.request_ms(timed, 1000, EASY), 1000 + 2 * 100 + 200)
        late = timed | {"processor_ms": 600}
        self.assertEqual(model.request_ms(late, 1000, EASY), 1200 + 2 * 100 + 200)
        self.assertEqual(model.start_ms(FUNCTION, EASY), 50 + 2 * 2 * 2 + 20)
        self.assertEqual(model.start_ms(FUNCTION | {"secrets_read_at_start": 0}, EASY), 58)

    def test_who_comes_seldom_starts_a_process(self):
        self.assertAlmostEqual(model.cold_share(1, EASY), 1, places=3)
        # One request in 300 seconds: e to the power of -1.
        self.assertAlmostEqual(model.cold_share(MONTH / 300, EASY), 0.3679, places=4)
        self.assertEqual(model.cold_share(10**9, EASY), 0.01)

    def test_a_month_by_hand(self):
        users, each = 1_000_000, {"get-session": 10}
        month = model.use(users, each, SEEN, EASY)
        session = month.functions["session"]
        self.assertEqual(month.requests, 10_000_000)
        self.assertEqual(session.starts, 100_000)
        # 14 ms, and one request in a hundred 78 ms more.
        self.assertAlmostEqual(session.billed_ms, 14.78)
        self.assertAlmostEqual(session.gb_seconds, 10_000_000 * 0.01478 * 500 / 1024)
        # 3.858 requests a second keep one process busy, which renews both
        # versions every five minutes.
        self.assertAlmostEqual(session.secret_reads, 2 * (100_000 + 8_640))
        parts = model.cost(month, PRICES, EASY)
        for name, dollars in {
            "API Gateway": 10,
            "Lambda": 2 + 72_167.97 * 0.0000133334,
            "DynamoDB, reads and writes": 20 * 0.125 + 20 * 0.625,
            # 0.5 GB and 2 GB, all of which can be recovered; a table key for
            # two tables every five minutes.
            "DynamoDB, storage, recovery, keys": 2.5 * 0.25 + 2.5 * 0.20 + 2 * 8_640 * 0.03 / 10_000,
            "SES": 1_000,
            "Secrets Manager": 3 * 0.40 + 217_280 * 0.05 / 10_000,
            # 300 + 26 of ours and 74 + 26 of Lambda's, kept for a year.
            "CloudWatch, log": 4.26 * 0.50 + 4.26 * 12 * 0.2 * 0.03,
            "CloudWatch, metrics and alarms": 2.70 + 2.00 + 3.00,
            "Transfer to the internet": 10 * 0.09,
        }.items():
            self.assertAlmostEqual(parts.pop(name), dollars, places=4, msg=name)
        self.assertEqual(parts, {})
        self.assertAlmostEqual(model.replication(month, PRICES), 20 * 0.625 + 2.5 * 0.25)

    def test_a_profile_names_what_was_measured(self):
        for each in ({}, {"get-session": 1, "sign-in": 1}):
            with self.assertRaisesRegex(ValueError, "sign-in|get-session"):
                model.use(1, each, SEEN, EASY)

    def test_times_of_development_binaries_are_refused(self):
        for document in ({}, {"build": "development"}):
            with mock.patch.object(model, "read", return_value=document), self.assertRaisesRegex(ValueError, "release"):
                model.measured()


class Limits(unittest.TestCase):
    def demand(self, users: float, quota: str) -> limits.Demand:
        given = replace(EASY, peak_factor=3)
        month = model.use(users, {"get-session": 10}, SEEN, given)
        [found] = [demand for demand in limits.demands(month, SEEN, limits.quotas(), given) if demand.quota == quota]
        return found

    def test_demands_by_hand(self):
        users = MONTH * 100  # 1000 requests a second, 3000 at the peak
        for quota, amount, share in [
            ("gateway_rps", 3_000, 0.3),
            ("lambda_rps_per_concurrency", 3_000, 0.3),
            ("lambda_concurrency", 3_000 * 0.01478, 0.04434),
            ("table_read_units", 3_000, 0.075),
            ("table_write_units", 6_000, 0.15),
            ("new_table_write_units", 6_000, 1.5),
            ("ses_rate", 3_000, 214.2857),
            ("ses_day", 86_400_000, 1_728),
            # 300 processes for 3000 requests a second, within ten seconds, two
            # reads each.
            ("secrets_rps", 60, 0.006),
        ]:
            demand = self.demand(users, quota)
            self.assertAlmostEqual(demand.amount, amount, places=4, msg=quota)
            self.assertAlmostEqual(demand.share, share, places=4, msg=quota)

    def test_the_scarcest_comes_first(self):
        month = model.use(10**6, {"get-session": 10}, SEEN, EASY)
        shares = [demand.share for demand in limits.demands(month, SEEN, limits.quotas(), EASY)]
        self.assertEqual(shares, sorted(shares, reverse=True))


class Page(unittest.TestCase):
    def test_the_page_is_what_the_scripts_make(self):
        self.assertEqual(page.PAGE.read_text(), page.page(), "run infra/scaling/page.py")

    def test_quotas_are_met_where_the_page_says(self):
        seen, quotas = model.measured(), limits.quotas()
        for profile in PROFILES:
            for quota in ("gateway_rps", "ses_day", "new_table_read_units"):
                users = limits.users_at(quota, profile, seen, quotas)
                month = model.use(users, PROFILES[profile], seen)
                [found] = [demand for demand in limits.demands(month, seen, quotas) if demand.quota == quota]
                self.assertAlmostEqual(found.share, 1, places=3, msg=f"{quota}, {profile}")

    def test_the_service_costs_less_from_where_the_page_says(self):
        seen = model.measured()
        for plan in ("lite", "essentials"):
            users = page.crossover(plan, PRICES, seen)
            for factor, is_less in [(0.98, False), (1.02, True)]:
                ours, theirs = model.total(users * factor, "typical", PRICES, seen), model.cognito(users * factor, plan, PRICES)
                self.assertEqual(ours < theirs, is_less, f"{plan}, {users}")

    def test_all_sizes_are_reckoned(self):
        self.assertEqual(list(SIZES.values()), [10**3, 10**6, 10**8])


if __name__ == "__main__":
    unittest.main()
