"""Writes docs/api.md out of the API's document.

    python api_page.py [--check]

With --check nothing is written: it exits with 1 when the page is out of date.
"""

import json
import sys
from pathlib import Path

import api_document

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
# Longest example on one line.
LINE = 110
CREDENTIALS = {
    "sessionCookie": "session cookie",
    "sessionToken": "session token",
    "accessToken": "access token",
    "twoFactorCookie": "second-factor cookie",
    "stateCookie": "state cookie",
}


def main() -> int:
    document = api_document.load()
    text = page(api_document.resolved(document, document))
    if "--check" in sys.argv:
        return 0 if PAGE.read_text() == text else 1
    PAGE.write_text(text)
    return 0


def page(document: dict) -> str:
    """The whole page: what holds for all, then tag by tag, then the errors."""
    operations = list(api_document.operations(document))
    parts = [
        "# API",
        "Written by `tests/python/api_page.py` out of [`infra/openapi.yaml`](../infra/openapi.yaml), which tools can read: "
        "change that, and run the script. All paths are below `/api/auth`.",
        document["info"]["description"].strip(),
        "Routes that take a body answer these beside what stands with each, and the others all of these but 413 and 415:",
        answers(document["x-answers"]["posted"], {}),
        "What the gateway answers itself:",
        gateway(document["x-gateway-answers"]),
    ]
    everywhere = list(document["x-answers"]["posted"].values())
    for tag in document["tags"]:
        parts += [f"## {tag['name']}", tag["description"].strip()]
        for method, path, operation in operations:
            if tag["name"] in operation["tags"]:
                parts += route(method, path, operation, document["security"], everywhere)
    parts += ["## Error codes", error_codes(document, operations)]
    parts += [
        "## Errors in redirects",
        "A browser that follows a link or comes from a provider learns of errors by the `error` parameter of the page that "
        "it is sent to.",
        redirect_errors(document, operations),
    ]
    return "\n\n".join(parts) + "\n"


def route(method: str, path: str, operation: dict, security: list, everywhere: list):
    yield f"### {method} {path}"
    yield f"{operation['summary']}. {operation.get('description', '').strip()}".strip()
    yield f"Function `{operation['x-function']}`. {who(operation.get('security', security))}"
    fields = parameters(operation["parameters"])
    content = operation.get("requestBody", {}).get("content", {})
    json_body = content.get("application/json", {})
    fields += body_fields(json_body.get("schema", {}))
    if fields:
        yield table(("field", "type", "", ""), fields)
    if "application/x-www-form-urlencoded" in content:
        yield "The body may be a form."
    if json_body.get("example"):
        yield code_block(json_body["example"])
    own = {status: answer for status, answer in operation["responses"].items() if answer not in everywhere}
    yield answers(own, {"302": operation.get("x-redirect-errors", [])})
    success = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    shown = [success["example"]] if "example" in success else [e["value"] for e in success.get("examples", {}).values()]
    for example in shown:
        yield code_block(example)


def who(security: list) -> str:
    names = [CREDENTIALS[name] for choice in security for name in choice]
    if not names:
        return "Needs no session."
    needed = "Takes, but does not need," if {} in security else "Needs"
    *rest, last = names
    return f"{needed} a {', '.join(rest)} or {last}." if rest else f"{needed} a {last}."


def parameters(items: list) -> list:
    return [
        (f"`{item['name']}` ({item['in']})", kind(item["schema"]), needed(item.get("required", False)), meaning(item, item["schema"]))
        for item in items
    ]


def body_fields(schema: dict) -> list:
    required = schema.get("required", [])
    return [
        (f"`{name}`", kind(field), needed(name in required), meaning(field))
        for name, field in schema.get("properties", {}).items()
    ]


def kind(schema: dict) -> str:
    if "anyOf" in schema:
        return " or ".join(kind(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {kind(schema['items'])}s"
    return {"uri-reference": "URL", "email": "e-mail address"}.get(schema.get("format"), schema.get("type", ""))


def needed(is_required: bool) -> str:
    return "required" if is_required else ""


def meaning(*holders: dict) -> str:
    return next((holder["description"].strip() for holder in holders if "description" in holder), "")


def answers(responses: dict, in_redirects: dict) -> str:
    rows = [
        (status, response["description"], listed(api_document.codes(response) or in_redirects.get(status, [])))
        for status, response in sorted(responses.items())
    ]
    return table(("status", "answer", "codes"), rows)


def gateway(own: dict) -> str:
    rows = [(status, f"`{answer['message']}`", answer["meaning"]) for status, answer in own.items()]
    return table(("status", "`message`", "meaning"), rows)


def listed(codes: list) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def error_codes(document: dict, operations: list) -> str:
    statuses: dict[str, set] = {}
    for _, _, operation in operations:
        for status, response in operation["responses"].items():
            for code in api_document.codes(response):
                statuses.setdefault(code, set()).add(status)
    rows = [
        (f"`{code}`", ", ".join(sorted(statuses.get(code, ()))), entry["meaning"], entry["action"])
        for code, entry in document["x-error-codes"].items()
    ]
    return table(("code", "status", "meaning", "what to do"), rows)


def redirect_errors(document: dict, operations: list) -> str:
    routes: dict[str, list] = {}
    for _, path, operation in operations:
        for code in operation.get("x-redirect-errors", []):
            routes.setdefault(code, []).append(path)
    rows = [(f"`{code}`", listed(routes.get(code, [])), meaning) for code, meaning in document["x-redirect-errors"].items()]
    return table(("`error`", "from", "meaning"), rows)


def table(head: tuple, rows: list) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def code_block(value) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > LINE:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    return f"```json\n{text}\n```"


if __name__ == "__main__":
    sys.exit(main())
