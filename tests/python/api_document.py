"""The API's document, infra/openapi.yaml."""

from pathlib import Path

import yaml

PATH = Path(__file__).parents[2] / "infra" / "openapi.yaml"
METHODS = ("get", "post")


def load() -> dict:
    return yaml.safe_load(PATH.read_text())


def resolved(node, root: dict):
    """A copy without references. What stands beside one wins."""
    if isinstance(node, list):
        return [resolved(item, root) for item in node]
    if not isinstance(node, dict):
        return node
    target = {}
    if "$ref" in node:
        target = root
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        target = resolved(target, root)
    return target | {key: resolved(value, root) for key, value in node.items() if key != "$ref"}


def operations(document: dict):
    """Method, path and operation of every route, in the document's order."""
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method in METHODS:
            if operation := item.get(method):
                yield method.upper(), path, operation | {"parameters": shared + operation.get("parameters", [])}


def codes(response: dict) -> list[str]:
    """The error codes that a response may carry."""
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return [code for part in schema.get("allOf", []) for code in part["properties"]["code"].get("enum", [])]
