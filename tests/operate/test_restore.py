"""infra/restore: users come back, and nothing else does."""

import json
import signal
import subprocess
import sys
import time
import unittest
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import commands
from aws import ROOT, Altered, as_operator, command, describe, documented_actions, emulator, tool, variables
from service import Device, Service, code

sys.path.insert(0, str(ROOT / "infra"))

from operating.bringing_back import Outcome, Restore, fingerprint  # noqa: E402
from operating.copies import Tables  # noqa: E402

PASSWORD = "correct horse battery"
OTHER = "staple of another horse"
LIVE = ("UsersTable", "AccountsTable", "SessionsTable", "VerificationTokensTable")
LOG = "/restore/log"
STACK = "restored"
MINUTE = timedelta(minutes=1)


def setUpModule() -> None:
    global service
    service = Service()
    outputs = {f"{name}Name": name for name in LIVE} | {"LogGroupName": LOG}
    describe(STACK, {"LogRetentionDays": "30"}, outputs)
    emulator().client("logs").create_log_group(logGroupName=LOG)


def tearDownModule() -> None:
    service.stop()


def deliver_log(*lines: str) -> None:
    """Has the emulated log say of deletions what the functions have said, or these lines."""
    logs = emulator().client("logs")
    stream = f"account-{time.time_ns()}"
    logs.create_log_stream(logGroupName=LOG, logStreamName=stream)
    events = [{"timestamp": time.time_ns() // 1_000_000, "message": line} for line in lines or service.log("user.deleted")]
    if events:
        logs.put_log_events(logGroupName=LOG, logStreamName=stream, logEvents=events)


def ago(**since: int) -> str:
    return (datetime.now(UTC) - timedelta(**since)).strftime("%Y-%m-%dT%H:%M:%SZ")


def tables() -> dict[str, list[str]]:
    """All that the tables hold, in an order of its own."""
    return {name: sorted(json.dumps(row, sort_keys=True) for row in service.rows(name)) for name in LIVE}


class Backup:
    """Copies of the tables, as they are when this is made, and when something has happened between the two."""

    made = 0

    def __init__(self, between: Callable[[], object] = lambda: None) -> None:
        Backup.made += 1
        self.names = (f"UsersCopy{Backup.made}", f"AccountsCopy{Backup.made}")
        self.at = ago(seconds=1)
        users, accounts = self.names
        service.copy("AccountsTable", accounts)
        between()
        service.copy("UsersTable", users)

    def restore(self, *arguments: str, **environment: str) -> tuple[int, str]:
        return tool("restore", *self.arguments(*arguments), environment={"AWS_ENDPOINT_URL_DYNAMODB": service.aws, **environment})

    def arguments(self, *arguments: str) -> list[str]:
        return [STACK, "--to", self.at, "--copies", *self.names, *arguments]


def lose(user_id: str, email: str) -> None:
    """Deletes a user's rows as nobody should: the sessions stay."""
    service.dynamodb.delete_item(TableName="UsersTable", Key={"id": {"S": user_id}})
    service.dynamodb.delete_item(TableName="AccountsTable", Key={"identity": {"S": f"email:{email}"}})


def new_user(name: str) -> tuple[Device, str, str]:
    """A device that is signed in, the address, and the user's id."""
    email, device = f"{name}-{time.time_ns()}@example.com", Device(service)
    return device, email, device.sign_up(email, PASSWORD)


def reset_token(email: str) -> str:
    Device(service).post("/request-password-reset", email=email, redirectTo="/reset")
    return service.mailed(email)[0].split("?")[0].rsplit("/", 1)[1]


class OfCopies(unittest.TestCase):
    """From copies that are there into the tables that people use."""

    def test_who_is_missing_comes_back_signed_out(self) -> None:
        device, email, user_id = new_user("bob")
        second = Device(service)
        self.assertEqual(second.sign_in(email, PASSWORD), 200)
        out = Device(service)
        out.sign_in(email, PASSWORD)
        stolen = dict(out.cookies)
        other, *_ = new_user("ann")
        backup = Backup()
        self.assertEqual(out.post("/sign-out")[0], 200)
        token = reset_token(email)
        newcomer, *_ = new_user("eve")
        lose(user_id, email)
        self.assertFalse(device.is_signed_in)

        before = tables()
        done, said = backup.restore()
        self.assertEqual((done, tables()), (0, before), said)
        self.assertIn("1 back\n", said)
        self.assertIn("nothing is written", said)

        done, said = backup.restore("--apply")
        self.assertEqual(done, 0, said)
        self.assertIn("1 back\n", said)
        out.cookies = stolen
        for each in (device, second, out):
            self.assertFalse(each.is_signed_in)
        self.assertEqual(Device(service).post("/reset-password", token=token, newPassword=OTHER)[0], 400)
        again = Device(service)
        self.assertEqual(again.sign_in(email, PASSWORD), 200)
        self.assertTrue(again.is_signed_in)
        self.assertFalse(device.is_signed_in)
        # Nobody else notices.
        self.assertTrue(other.is_signed_in and newcomer.is_signed_in)

        after = tables()
        done, said = backup.restore("--apply")
        self.assertEqual((done, tables()), (0, after), said)
        self.assertIn("1 done before", said)

    def test_who_is_there_is_set_back_only_on_demand(self) -> None:
        device, email, user_id = new_user("dora")
        spare, used = reset_token(email), reset_token(email)
        Device(service).post("/sign-in/magic-link", email=email, callbackURL="/home")
        magic = service.mailed(email)[0].removeprefix(service.url)
        self.assertTrue(magic.startswith("/magic-link/verify?token="), magic)
        backup = Backup()
        # Links of before the change, and a session of after it.
        self.assertEqual(Device(service).post("/reset-password", token=used, newPassword=OTHER)[0], 200)
        later = Device(service)
        self.assertEqual(later.sign_in(email, OTHER), 200)
        newcomer, late_email, _ = new_user("eve")

        done, said = backup.restore("--user", user_id, "--apply")
        self.assertEqual(done, 0, said)
        self.assertIn(f"{user_id}: there, left alone", said)
        self.assertTrue(later.is_signed_in)

        done, said = backup.restore("--user", email.upper(), "--replace", "--apply")
        self.assertEqual(done, 0, said)
        self.assertIn(f"{user_id}: set back", said)
        self.assertFalse(device.is_signed_in or later.is_signed_in)
        for token in (spare, used):
            self.assertEqual(Device(service).post("/reset-password", token=token, newPassword="a third password")[0], 400)
        by_link = Device(service)
        self.assertIn(by_link.ask("GET", magic)[0], (302, 303))
        self.assertFalse(by_link.is_signed_in)
        self.assertEqual(Device(service).sign_in(email, OTHER), 401)
        self.assertEqual(Device(service).sign_in(email, PASSWORD), 200)
        self.assertTrue(newcomer.is_signed_in)
        # A new link is good: the rows agree on when the password was set.
        token = reset_token(email)
        self.assertEqual(Device(service).post("/reset-password", token=token, newPassword=OTHER)[0], 200)
        self.assertEqual(Device(service).sign_in(email, OTHER), 200)

        after = tables()
        done, said = backup.restore("--user", user_id, "--replace", "--apply")
        self.assertEqual((done, tables()), (0, after), said)
        self.assertIn("done before; --again", said)
        done, said = backup.restore("--user", user_id, "--replace", "--again", "--apply")
        self.assertEqual(done, 0, said)
        self.assertIn(f"{user_id}: set back", said)
        self.assertEqual(Device(service).sign_in(email, OTHER), 401)
        self.assertEqual(Device(service).sign_in(email, PASSWORD), 200)
        # Who has lost an account since is not done with.
        service.dynamodb.delete_item(TableName="AccountsTable", Key={"identity": {"S": f"email:{email}"}})
        done, said = backup.restore("--user", user_id, "--apply")
        self.assertEqual(done, 0, said)
        self.assertEqual(Device(service).sign_in(email, PASSWORD), 200)

    def test_everybody_can_be_set_back_at_once(self) -> None:
        devices = [new_user(f"lee-{number}") for number in range(3)]
        backup = Backup()
        for device, email, _ in devices:
            device.post("/update-user", name="Scribbled over")
        newcomer, *_ = new_user("eve")
        done, said = backup.restore("--replace", "--apply")
        self.assertEqual(done, 0, said)
        self.assertFalse(any(device.is_signed_in for device, *_ in devices))
        self.assertTrue(newcomer.is_signed_in)
        for _, email, _ in devices:
            again = Device(service)
            self.assertEqual(again.sign_in(email, PASSWORD), 200)
            self.assertEqual(again.ask("GET", "/get-session")[1]["user"]["name"], "Ann")
        after = tables()
        done, said = backup.restore("--replace", "--apply")
        self.assertEqual((done, tables()), (0, after), said)

    def test_who_has_left_stays_away(self) -> None:
        device, email, user_id = new_user("carl")
        backup = Backup()
        self.assertEqual(device.post("/delete-user", password=PASSWORD)[0], 200)
        deliver_log()
        done, said = backup.restore("--apply")
        self.assertEqual(done, 0, said)
        self.assertIn("1 deleted since by their own wish, left so", said)
        self.assertEqual(Device(service).sign_in(email, PASSWORD), 401)
        # Unless they ask for it.
        done, said = backup.restore("--apply", "--user", email)
        self.assertEqual(done, 0, said)
        self.assertEqual(Device(service).sign_in(email, PASSWORD), 200)

    def test_whose_deletion_is_undecided_and_who_is_gone_stays_away(self) -> None:
        users = [new_user(f"mia-{number}") for number in range(2)]
        backup = Backup()
        (_, email, gone), (_, _, there) = users
        lose(gone, email)
        deliver_log(*(json.dumps({"event": "user.deletion_undecided", "user": fingerprint(each)}) for each in (gone, there)))
        done, said = backup.restore("--apply", "--replace")
        self.assertEqual(done, 0, said)
        self.assertIn("1 deleted since by their own wish, left so", said)
        found = {row["id"]["S"] for row in service.rows("UsersTable")}
        self.assertEqual({gone, there} & found, {there})

    def test_a_log_that_does_not_reach_back_is_not_relied_on(self) -> None:
        backup = Backup()
        made, kept = datetime.now(UTC) - timedelta(days=20), 7

        def answer(operation: str, body: dict) -> dict:
            if operation.endswith(".DescribeLogGroups"):
                [group] = [group for group in body["logGroups"] if group["logGroupName"] == LOG]
                group["creationTime"] = int(made.timestamp() * 1000)
                group.pop("retentionInDays", None)
                if kept:
                    group["retentionInDays"] = kept
            return body

        with Altered(answer) as altered:
            for kept, days, expected in [(7, 6, 0), (7, 8, 2), (None, 19, 0), (None, 21, 2), (30, 21, 2)]:
                backup.at = ago(days=days)
                done, said = backup.restore(AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=altered.url)
                self.assertEqual(done, expected, (kept, days, said))
                self.assertEqual("does not tell who has deleted themselves before" in said, expected == 2, said)

    def test_nobody_loses_an_address_that_was_free(self) -> None:
        _, email, user_id = new_user("gil")
        backup = Backup()
        lose(user_id, email)
        newcomer = Device(service)
        newcomer.sign_up(email, OTHER)
        done, said = backup.restore("--apply")
        self.assertEqual(done, 1, said)
        self.assertIn(f"{user_id}: not restored: an address", said)
        self.assertTrue(newcomer.is_signed_in)
        self.assertEqual(Device(service).sign_in(email, OTHER), 200)

    def test_accounts_that_are_missing_come_back_to_their_user(self) -> None:
        _, email, user_id = new_user("hal")
        backup = Backup()
        service.dynamodb.delete_item(TableName="AccountsTable", Key={"identity": {"S": f"email:{email}"}})
        self.assertEqual(Device(service).sign_in(email, PASSWORD), 401)
        done, said = backup.restore("--apply", "--user", user_id)
        self.assertEqual(done, 0, said)
        self.assertIn(f"{user_id}: set back", said)
        self.assertEqual(Device(service).sign_in(email, PASSWORD), 200)

    def test_used_codes_stay_used(self) -> None:
        device, email, user_id = new_user("fay")
        status, factor = device.post("/two-factor/enable", password=PASSWORD)
        self.assertEqual(status, 200, factor)
        self.assertEqual(device.post("/two-factor/verify-totp", code=code(factor["totpURI"]))[0], 200)
        backup = Backup()
        used, unused = factor["backupCodes"][:2]

        def enter(backup_code: str) -> int:
            entering = Device(service)
            status, answer = entering.post("/sign-in/email", email=email, password=PASSWORD)
            self.assertTrue(answer["twoFactorRedirect"], answer)
            return entering.post("/two-factor/verify-backup-code", code=backup_code)[0]

        self.assertEqual(enter(used), 200)
        done, said = backup.restore("--apply", "--replace", "--user", user_id)
        self.assertEqual(done, 0, said)
        self.assertNotEqual(enter(used), 200)
        self.assertEqual(enter(unused), 200)

        # Where the row is gone, nothing tells which were used: none is left.
        second = Backup()
        lose(user_id, email)
        service.dynamodb.delete_item(TableName="AccountsTable", Key={"identity": {"S": f"two-factor:{user_id}"}})
        done, said = second.restore("--apply", "--user", user_id)
        self.assertEqual(done, 0, said)
        self.assertNotEqual(enter(factor["backupCodes"][2]), 200)
        entering = Device(service)
        entering.post("/sign-in/email", email=email, password=PASSWORD)
        self.assertEqual(entering.post("/two-factor/verify-totp", code=code(factor["totpURI"], 1))[0], 200)

    def test_a_code_that_is_used_meanwhile_stays_used(self) -> None:
        device, email, user_id = new_user("ned")
        factor = device.post("/two-factor/enable", password=PASSWORD)[1]
        self.assertEqual(device.post("/two-factor/verify-totp", code=code(factor["totpURI"]))[0], 200)
        backup = Backup()

        def use() -> int:
            entering = Device(service)
            entering.post("/sign-in/email", email=email, password=PASSWORD)
            return entering.post("/two-factor/verify-backup-code", code=factor["backupCodes"][0])[0]

        class Meddling:
            """Has the code used when all is read and nothing is written."""

            used: list[int] = []

            def __getattr__(self, name: str) -> object:
                return getattr(service.dynamodb, name)

            def transact_write_items(self, **request: object) -> object:
                if not self.used:
                    self.used.append(use())
                return service.dynamodb.transact_write_items(**request)

        dynamodb = Meddling()
        live, copies = Tables("UsersTable", "AccountsTable"), Tables(*backup.names)
        restore = Restore(dynamodb, live, copies, "SessionsTable", replace=True, again=False, apply=True, left=frozenset())
        self.assertEqual(restore.bring_back(restore.by_name(user_id)), Outcome.SET_BACK)
        self.assertEqual(dynamodb.used, [200])
        self.assertNotEqual(use(), 200)

    def test_a_restore_that_was_killed_goes_on(self) -> None:
        _, email, user_id = new_user("ida")
        user = next(row for row in service.rows("UsersTable") if row["id"]["S"] == user_id)
        account = next(row for row in service.rows("AccountsTable") if row["userId"]["S"] == user_id)
        many = {}
        for number in range(150):
            other, key = f"{number:04}{user_id[4:]}", f"{number:04}-{email}"
            many[other] = key
            row = {**user, "id": {"S": other}, "email": {"S": key}, "identities": {"L": [{"S": f"email:{key}"}]}}
            service.dynamodb.put_item(TableName="UsersTable", Item=row)
            row = {**account, "identity": {"S": f"email:{key}"}, "userId": {"S": other}, "accountId": {"S": other}}
            service.dynamodb.put_item(TableName="AccountsTable", Item=row)
        backup = Backup()
        for other, key in many.items():
            lose(other, key)

        def back() -> dict[str, dict]:
            return {row["id"]["S"]: row for row in service.rows("UsersTable") if row["id"]["S"] in many}

        killed = subprocess.Popen(
            command("restore", *backup.arguments("--apply", "--parallel", "1")),
            env=variables({"AWS_ENDPOINT_URL_DYNAMODB": service.aws}),
            stdout=subprocess.DEVNULL,
        )
        while not back():
            self.assertIsNone(killed.poll())
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        first = back()
        self.assertTrue(0 < len(first) < len(many), len(first))
        done, said = backup.restore("--apply")
        self.assertEqual(done, 0, said)
        self.assertIn(f"{len(many) - len(first)} back\n", said)
        found = back()
        self.assertEqual(set(found), set(many))
        for other, row in first.items():
            self.assertEqual(found[other], row, "what was done is not done again")
        accounts = {row["identity"]["S"]: row for row in service.rows("AccountsTable")}
        for other, key in many.items():
            self.assertEqual(accounts[f"email:{key}"]["passwordChangedAt"], found[other]["passwordChangedAt"])
        self.assertEqual(Device(service).sign_in(many[min(many)], PASSWORD), 200)

    def test_what_is_unsafe_is_refused(self) -> None:
        backup = Backup()
        users, accounts = backup.names

        def refused(reason: str, *arguments: str) -> None:
            done, said = tool("restore", STACK, *arguments, "--apply", environment={"AWS_ENDPOINT_URL_DYNAMODB": service.aws})
            self.assertEqual((done, said.count("\n")), (2, 1), said)
            self.assertIn(reason, said)

        refused("is the live table", "--to", backup.at, "--copies", "UsersTable", accounts)
        refused("is no table of users", "--to", backup.at, "--copies", accounts, users)
        refused("there is no table Gone", "--to", backup.at, "--copies", users, "Gone")
        refused("does not tell who has deleted themselves", "--to", ago(days=31), "--copies", users, accounts)
        refused("the backup has no user nobody@example.com", "--to", backup.at, "--copies", users, accounts, "--user", "nobody@example.com")
        done, said = tool("restore", "no-such-stack", "--to", backup.at)
        self.assertEqual((done, said), (2, "restore: there is no stack no-such-stack in us-east-1\n"))

    def test_rows_that_do_not_belong_together_are_left_out(self) -> None:
        _, email, user_id = new_user("jim")
        backup = Backup()
        service.dynamodb.delete_item(TableName=backup.names[1], Key={"identity": {"S": f"email:{email}"}})
        lose(user_id, email)
        done, said = backup.restore("--apply")
        self.assertEqual(done, 1, said)
        self.assertIn(f"{user_id}: not restored: the rows do not belong together", said)

    def test_a_password_that_a_reset_ended_between_the_copies_stays_ended(self) -> None:
        _, email, user_id = new_user("lou")
        token = reset_token(email)
        backup = Backup(lambda: Device(service).post("/reset-password", token=token, newPassword=OTHER))
        lose(user_id, email)
        done, said = backup.restore("--apply", "--user", user_id)
        self.assertEqual(done, 1, said)
        self.assertIn(f"{user_id}: not restored: the rows do not belong together", said)
        self.assertEqual(Device(service).sign_in(email, PASSWORD), 401)


class OfPointInTimeRecovery(unittest.TestCase):
    """The copies, as DynamoDB is asked for them: in the emulated account, which has the call."""

    def setUp(self) -> None:
        self.dynamodb = emulator().client("dynamodb")
        self.name = f"pitr-{time.time_ns()}"
        keys = {"Users": "id", "Accounts": "identity", "Sessions": "userId"}
        for table, key in keys.items():
            shape = {"KeySchema": [{"AttributeName": key, "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}]}
            self.dynamodb.create_table(TableName=f"{self.name}-{table}", BillingMode="PAY_PER_REQUEST", **shape)
            enabled = {"PointInTimeRecoveryEnabled": True}
            self.dynamodb.update_continuous_backups(TableName=f"{self.name}-{table}", PointInTimeRecoverySpecification=enabled)
        outputs = {f"{table}TableName": f"{self.name}-{table}" for table in keys} | {"LogGroupName": LOG}
        describe(self.name, {"LogRetentionDays": "30"}, outputs)
        _, _, self.user_id = new_user("kim")
        for live, table in zip(LIVE, keys):
            for row in service.rows(live):
                if self.user_id in (row.get("id", row.get("userId"))["S"],) and table != "Sessions":
                    self.dynamodb.put_item(TableName=f"{self.name}-{table}", Item=row)
        # As DynamoDB has it: the last five minutes cannot be had yet.
        now = datetime.now(UTC)
        self.first, self.last = now - 60 * MINUTE, now - 5 * MINUTE
        self.waiting = 1

    def answer(self, operation: str, body: dict) -> dict:
        """What the emulator answers, with the window and the waiting of DynamoDB, and a log that is older."""
        if operation.endswith(".DescribeLogGroups"):
            for group in body["logGroups"]:
                group["creationTime"] = int(self.first.timestamp() * 1000)
        if operation.endswith(".DescribeContinuousBackups"):
            window = {"EarliestRestorableDateTime": self.first.timestamp(), "LatestRestorableDateTime": self.last.timestamp()}
            body["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"] |= window
        if operation.endswith(".RestoreTableToPointInTime"):
            self.asked.append(body["TableDescription"]["TableName"])
        if operation.endswith(".DescribeTable") and body.get("Table", {}).get("TableName") in self.asked and self.waiting:
            self.waiting -= 1
            body["Table"]["TableStatus"] = "CREATING"
        return body

    def restore(self, *arguments: str, **environment: str) -> tuple[int, str]:
        self.asked: list[str] = []
        with Altered(self.answer) as altered:
            ours = {"AWS_ENDPOINT_URL_DYNAMODB": altered.url, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": altered.url}
            return tool("restore", self.name, *arguments, environment={**ours, **environment})

    def test_both_tables_are_asked_for_once_and_waited_for(self) -> None:
        at = (self.last - MINUTE).strftime("%Y-%m-%dT%H:%M:%SZ")
        with as_operator(documented_actions()[1]) as credentials:
            done, said = self.restore("--to", at, **credentials)
        self.assertEqual(done, 0, said)
        self.assertEqual([name.split("-")[2] for name in self.asked], ["Users", "Accounts"])
        self.assertIn("waits for", said)
        self.assertIn("1 there, left alone", said)
        for table in ("Users", "Accounts"):
            self.dynamodb.delete_item(TableName=f"{self.name}-{table}", Key=self.key(table))
        with as_operator(documented_actions()[1]) as credentials:
            done, said = self.restore("--to", at, "--apply", **credentials)
        self.assertEqual((done, self.asked), (0, []), said)
        self.assertEqual(list(commands.faults(said)), [])
        self.assertIn("1 back\n", said)
        self.assertIn(f"aws dynamodb delete-table --table-name {self.name}-Users-", said)
        [row] = self.dynamodb.scan(TableName=f"{self.name}-Users")["Items"]
        self.assertEqual(row["id"]["S"], self.user_id)

    def key(self, table: str) -> dict:
        [row] = self.dynamodb.scan(TableName=f"{self.name}-{table}")["Items"]
        return {name: row[name] for name in ("id", "identity") if name in row}

    def test_what_cannot_be_had_is_refused_before_anything_is_asked_for(self) -> None:
        for at in (self.first - MINUTE, self.last + MINUTE):
            done, said = self.restore("--to", at.strftime("%Y-%m-%dT%H:%M:%SZ"))
            self.assertEqual((done, self.asked), (2, []), said)
            self.assertIn("can be had from", said)
        disabled = {"PointInTimeRecoveryEnabled": False}
        self.dynamodb.update_continuous_backups(TableName=f"{self.name}-Accounts", PointInTimeRecoverySpecification=disabled)
        done, said = self.restore("--to", (self.last - MINUTE).strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.assertEqual((done, self.asked), (2, []), said)
        self.assertIn("Accounts has no point-in-time recovery", said)

    def test_copies_of_another_instant_or_table_are_refused(self) -> None:
        instant = self.last - MINUTE
        at = instant.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.restore("--to", at)
        users, accounts = (f"{self.name}-{table}-{at.replace('-', '').replace(':', '')}" for table in ("Users", "Accounts"))

        def answer(operation: str, body: dict) -> dict:
            body = self.answer(operation, body)
            if operation.endswith(".DescribeTable") and body["Table"]["TableName"] in (users, accounts):
                name = body["Table"]["TableName"]
                source = "Users" if name == users else self.source
                arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{self.name}-{source}"
                of = int(instant.timestamp()) + self.apart * (name == users)
                body["Table"]["RestoreSummary"] = {"SourceTableArn": arn, "RestoreDateTime": of, "RestoreInProgress": False}
            return body

        cases = [("Accounts", 30, None), ("Accounts", -30, None), ("Accounts", 90, f"not of {at}"), ("Accounts", -3600, f"not of {at}"), ("Users", 0, "is no copy of")]
        for self.source, self.apart, expected in cases:
            with Altered(answer) as altered:
                ours = {"AWS_ENDPOINT_URL_DYNAMODB": altered.url, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": altered.url}
                done, said = tool("restore", self.name, "--to", at, environment=ours)
            if expected is None:
                self.assertEqual(done, 0, said)
            else:
                self.assertEqual(done, 2, said)
                self.assertIn(expected, said)


if __name__ == "__main__":
    unittest.main()
