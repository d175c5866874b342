"""Checks the API's document: against OpenAPI 3.1, and its examples against its schemas.

    python api_lint.py

Prints what is wrong, and exits with 1 if anything is.
"""

import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

import api_document


def main() -> int:
    document = api_document.load()
    problems = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in OpenAPIV31SpecValidator(document).iter_errors()]
    problems = problems or list(examples(api_document.resolved(document, document), ""))
    print("\n".join(problems), end="")
    return 1 if problems else 0


def examples(node, place: str):
    """Examples anywhere in the document that are not what they stand for."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if not isinstance(node, dict):
        return
    if isinstance(schema := node.get("schema"), dict):
        values = [node["example"]] if "example" in node else []
        values += [example["value"] for example in node.get("examples", {}).values()]
        for value in values:
            for error in Draft202012Validator(schema).iter_errors(value):
                yield f"{place}: example: {error.message}"
    for key, value in node.items():
        yield from examples(value, f"{place}/{key}")


if __name__ == "__main__":
    sys.exit(main())
