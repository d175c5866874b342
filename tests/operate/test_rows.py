"""What becomes of rows that the service's own routes do not make in a moment."""

import sys
import unittest

from aws import ROOT

sys.path.insert(0, str(ROOT / "infra"))

from operating.rows import Restored, Row, Torn, restored  # noqa: E402

OWNER = {"S": "u1"}


def number(value: int) -> dict:
    return {"N": str(value)}


def user(**more: dict) -> Row:
    times = {name: number(100) for name in ("createdAt", "sessionsValidFrom", "passwordChangedAt", "recoveredAt")}
    identities = {"L": [{"S": "email:a@acme.dev"}, {"S": "google:1"}]}
    return {"id": OWNER, "identities": identities, "emailChange": {"S": "hash"}, **times, **more}


def accounts(set_at: int = 100, **link: dict) -> dict[str, Row]:
    google = {"identity": {"S": "google:1"}, "userId": OWNER, "providerId": {"S": "google"}, "sessionsValidFrom": number(150)}
    address = {"identity": {"S": "email:a@acme.dev"}, "userId": OWNER, "providerId": {"S": "credential"}}
    return {"email:a@acme.dev": address | {"passwordChangedAt": number(set_at)}, "google:1": google | link}


def factor(**more: dict) -> dict[str, Row]:
    row = {"identity": {"S": "two-factor:u1"}, "userId": OWNER, "providerId": {"S": "two-factor"}, "enabled": {"BOOL": True}}
    return {"two-factor:u1": row | {"secret": {"S": "sealed"}, "lastUsedStep": number(7), "backupCodes": {"SS": ["a", "b"]}} | more}


def back(
    row: Row,
    rows: dict[str, Row],
    live_user: Row | None = None,
    live: dict[str, Row] | None = None,
    sessions: tuple[int, ...] = (),
    now: int = 1000,
) -> Restored:
    return restored(row, rows, live_user, live or {}, list(sessions), now, "mark")


def by_key(found: Restored) -> dict[str, Row]:
    return {row["identity"]["S"]: row for row in found.accounts}


class Generations(unittest.TestCase):
    def generation(self, *arguments: object, **named: object) -> int:
        found = back(*arguments, **named)
        moved = found.user["sessionsValidFrom"]
        self.assertEqual(found.user["passwordChangedAt"], moved)
        self.assertEqual(by_key(found)["email:a@acme.dev"]["passwordChangedAt"], moved)
        return int(moved["N"])

    def test_they_are_later_than_all_that_was_whatever_the_clock_says(self) -> None:
        self.assertEqual(self.generation(user(), accounts()), 1000)
        self.assertEqual(self.generation(user(), accounts(), now=5), 101)
        self.assertEqual(self.generation(user(), accounts(), user(sessionsValidFrom=number(2000)), now=5), 2001)
        self.assertEqual(self.generation(user(), accounts(), user(passwordChangedAt=number(3000)), now=5), 3001)
        self.assertEqual(self.generation(user(), accounts(), sessions=(50, 4000), now=5), 4001)

    def test_a_change_of_address_that_was_under_way_is_forgotten(self) -> None:
        self.assertNotIn("emailChange", back(user(), accounts()).user)


class Recoveries(unittest.TestCase):
    """Whether mailed codes count depends on the order of three times, which moving one must not change."""

    def test_a_password_that_was_set_by_mail_stays_one(self) -> None:
        by_mail = user(twoFactorSince=number(80), recoveredAt=number(120), passwordChangedAt=number(120))
        found = back(by_mail, accounts(120) | factor())
        self.assertEqual(found.user["recoveredAt"], found.user["passwordChangedAt"])
        # A link of after the recovery stays one, and a void one stays void.
        self.assertEqual(by_key(found)["google:1"]["sessionsValidFrom"], found.user["recoveredAt"])
        void = back(by_mail, accounts(120, sessionsValidFrom=number(110)) | factor())
        self.assertEqual(by_key(void)["google:1"]["sessionsValidFrom"], number(110))

    def test_another_is_none(self) -> None:
        later = user(twoFactorSince=number(80), passwordChangedAt=number(140))
        for row, rows in ((user(twoFactorSince=number(130)), accounts()), (later, accounts(140))):
            found = back(row, rows | factor())
            self.assertEqual((found.user["recoveredAt"], by_key(found)["google:1"]["sessionsValidFrom"]), (number(100), number(150)))


class Accounts(unittest.TestCase):
    def test_the_newer_tokens_of_a_provider_stay(self) -> None:
        old = accounts(providerTokens={"S": "old"}, refreshingBy={"S": "x"}, refreshingUntil=number(9))
        kept = by_key(back(user(), old, user(), accounts(providerTokens={"S": "new"})))["google:1"]
        self.assertEqual(kept["providerTokens"], {"S": "new"})
        alone = by_key(back(user(), old))["google:1"]
        self.assertEqual(alone["providerTokens"], {"S": "old"})
        self.assertFalse({"refreshingBy", "refreshingUntil"} & set(alone))

    def test_a_factor_knows_what_was_used(self) -> None:
        enrolled = user(twoFactorSince=number(130))
        later = factor(lastUsedStep=number(9), backupCodes={"SS": ["b", "c"]}, failures={"SS": ["f"]})
        kept = by_key(back(enrolled, accounts() | factor(failures={"SS": ["old"]}), enrolled, later))["two-factor:u1"]
        self.assertEqual((kept["lastUsedStep"], kept["backupCodes"], kept["failures"]), (number(9), {"SS": ["b"]}, {"SS": ["f"]}))
        none_left = by_key(back(enrolled, accounts() | factor(), enrolled, factor(backupCodes={"SS": ["c"]})))["two-factor:u1"]
        self.assertNotIn("backupCodes", none_left)

    def test_rows_that_do_not_fit_are_refused(self) -> None:
        without_link = {"email:a@acme.dev": accounts()["email:a@acme.dev"]}
        foreign = accounts(userId={"S": "u2"})
        disabled = accounts() | factor(enabled={"BOOL": False})
        for row, rows in [
            (user(), without_link),
            (user(), foreign),
            (user(), accounts() | factor()),
            (user(twoFactorSince=number(130)), accounts()),
            (user(twoFactorSince=number(130)), disabled),
            (user(passwordChangedAt=number(130)), accounts()),
            (user(), accounts(130)),
        ]:
            with self.assertRaises(Torn):
                back(row, rows)
        # An enrolment that was only begun is none.
        back(user(), disabled)


if __name__ == "__main__":
    unittest.main()
