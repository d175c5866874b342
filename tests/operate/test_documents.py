"""What the pages for operators say of alarms, of the log, and of the AWS CLI."""

import re
import unittest
from pathlib import Path

import commands
from aws import ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
FIRST_USER = (ROOT / "docs" / "first-user.md").read_text()
# What a query says beside fields of the log.
WORDS = {
    "filter", "fields", "stats", "sort", "limit", "desc", "asc", "by", "as", "and", "or", "not", "in", "like",
    "count", "max", "min", "pct", "bin", "ispresent", "h", "m", "@timestamp",
}  # fmt: skip


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def log_fields() -> set[str]:
    """The members of a line of the log, as the code has them."""
    outcome = (ROOT / "shared" / "src" / "http" / "outcome.rs").read_text()
    metrics = (ROOT / "shared" / "src" / "http" / "metrics.rs").read_text()
    found = set()
    for struct in ("struct Line<'a>", "pub struct Audit"):
        body = outcome.split(f"{struct} {{")[1].split("\n}")[0]
        found |= {camel(name) for name in re.findall(r"^    (\w+):", body, re.MULTILINE)}
    return found - {"metrics", "audit"} | set(re.findall(r'"([A-Z]\w+)"', metrics))


class Alarms(unittest.TestCase):
    def test_every_alarm_has_a_section_that_says_where_to_look_and_what_to_do(self) -> None:
        template = (ROOT / "infra" / "observability.yaml").read_text()
        alarms = set(re.findall(r'AlarmName: !Sub "\$\{StackName\}-([a-z-]+)"', template))
        self.assertGreaterEqual(len(alarms), 11)
        sections = dict(re.findall(r"^### ([a-z-]+)\n(.*?)(?=^### |\Z)", OPERATIONS.split("## When an alarm rings\n")[1], re.MULTILINE | re.DOTALL))
        self.assertEqual(set(sections), alarms)
        for name, text in sections.items():
            for part in ("- **Look**: ", "- **Do**: "):
                self.assertEqual(text.count(part), 1, name)
            # What it sends the reader to is there.
            for query in re.findall(r"\*([A-Z][^*]+|rotations|cold starts)\*", text):
                if query in ("Errors", "Duration", "Concurrent executions", "Throttled requests", "Look", "Do"):
                    continue
                self.assertRegex(OPERATIONS, rf"\*\*{re.escape(query)}", name)


class Queries(unittest.TestCase):
    def test_they_ask_for_what_the_log_has(self) -> None:
        queries = re.findall(r"```insights\n(.*?)```", OPERATIONS, re.DOTALL)
        self.assertGreater(len(queries), 10)
        fields = log_fields()
        self.assertLessEqual({"durationMs", "mailFailed", "reason", "HashTime"}, fields)
        code = "".join(path.read_text() for path in (ROOT / "shared" / "src").rglob("*.rs"))
        for query in queries:
            aliases = set(re.findall(r"\bas (\w+)", query))
            for value in re.findall(r'(?:event|message) = ("[^"]+")', query) + re.findall(r'"[a-z_]+\.[a-z_]+"', query):
                self.assertIn(value, code, query)
            for pattern in re.findall(r"/\^?([a-z_]+)\$?/", query):
                self.assertIn(pattern, code, query)
            bare = re.sub(r'"[^"]*"|/[^/\n]+/', "", query)
            used = set(re.findall(r"@?[A-Za-z]\w*", bare)) - WORDS - aliases
            self.assertTrue(used <= fields, f"{used - fields} in {query}")


class Commands(unittest.TestCase):
    def test_every_command_of_the_pages_is_one_of_the_cli(self) -> None:
        for text in (OPERATIONS, FIRST_USER):
            self.assertGreater(text.count("aws "), 1)
            self.assertEqual(list(commands.faults("\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)))), [])

    def test_what_is_no_command_is_noticed(self) -> None:
        for text, fault in [
            ("aws sesv2 verify-sender --email a", "there is no aws sesv2 verify-sender"),
            ("aws nothing at-all", "there is no aws nothing at-all"),
            ("X=$(aws sesv2 get-account --sandbox --query 'x --y')", "aws sesv2 get-account has no --sandbox"),
            ("aws dynamodb delete-table \\\n  --name x", "aws dynamodb delete-table has no --name"),
            ("true && aws dynamodb delete-table --region x", "aws dynamodb delete-table wants --table-name"),
        ]:
            self.assertIn(fault, list(commands.faults(text)))

    def test_redirect_addresses_are_those_of_the_template(self) -> None:
        template = (ROOT / "template.yaml").read_text()
        for provider in ("google", "github"):
            self.assertIn(f"${{BaseUrl}}/api/auth/callback/{provider}", template)
            self.assertIn(f"https://app.example.com/api/auth/callback/{provider}", FIRST_USER)


class Links(unittest.TestCase):
    def test_what_pages_and_tools_lead_to_is_there(self) -> None:
        pages = [ROOT / "README.md", ROOT / "infra" / "iam.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*/*.md")]
        self.assertGreater(len(pages), 40)
        for page in pages:
            text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
            for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
                self.assert_leads(page, page.parent / target if target else page, anchor)
        for path in (ROOT / "infra" / "operating").glob("*.py"):
            for target, anchor in re.findall(r"(docs/[\w-]+\.md)#([\w-]+)", path.read_text()):
                self.assert_leads(path, ROOT / target, anchor)

    def assert_leads(self, origin: Path, path: Path, anchor: str) -> None:
        self.assertTrue(path.exists(), f"{origin} leads to {path}")
        if anchor:
            headings = re.findall(r"^#+ (.*)", path.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            self.assertIn(anchor, anchors, f"{origin} leads to {path}")


if __name__ == "__main__":
    unittest.main()
