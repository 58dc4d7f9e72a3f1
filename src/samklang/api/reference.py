"""docs/reference/api.md and openapi.json, written from the operations themselves: python -m samklang.api.reference."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import django
import msgspec

FOLDER = Path(__file__).parents[3] / "docs" / "reference"
PAGE, DOCUMENT = FOLDER / "api.md", FOLDER / "openapi.json"

_HEAD = """<!-- Written by `python -m samklang.api.reference`; a test holds it to the operations. -->
# The API, version 1

Addresses begin with `https://HUB/api/v1/t/TENANT`. A call carries `Authorization: Bearer TOKEN`; the right that it asks
for stands beside it ([people](../how-to/people.md)). [How to call it](../how-to/api.md) begins with the first call;
[openapi.json](openapi.json) says the same as this page to
programs, and every installation answers it under `/api/v1/openapi.json`.

**Answers.** JSON. Times are ISO 8601 in UTC, amounts decimals as text. Fields are only ever added. `?` behind a field's
type: it may be null; `= …` or *optional*: it may be left out. Lists come in pages: `items`, and `next`, the `cursor` of
the page after; `total` where a list is counted.

**Refusals.** `application/problem+json` with `status`, `code`, `detail`, `do_this`, and `errors` that name each value
that does not fit; the codes are explained under [errors](errors.md).

| status | it means |
|---|---|
| 400 | the call cannot be read |
| 401 | no token, or one that is worth nothing any more |
| 403 | the token lacks the right |
| 404 | nothing is there, or it is another tenant's |
| 405 | the address is right, the method is not |
| 409 | not just now, or the `Idempotency-Key` is in use |
| 412 | somebody else has changed it meanwhile (`If-Match`) |
| 413 | more than a call may carry |
| 422 | a value does not fit |
| 424 | an outside system was asked and did not do its part |
| 428 | the change does not say what it was made on (`If-Match`) |
| 429 | too many calls: `Retry-After` says how long to wait |
| 500 | a defect of ours |
"""
#: Parameters that many operations have, explained once.
_EVERYWHERE = frozenset({"tenant", "Idempotency-Key", "limit", "cursor"})


def page(document: Mapping[str, Any]) -> str:
    """The page for people."""
    found: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found.setdefault(operation["tags"][0], []).extend(_operation(method, path, operation))
    chapters = [line for tag, lines in found.items() for line in ("", f"## {tag.capitalize()}", "", *lines)]
    schemas = document["components"]["schemas"]
    shapes = ["", "## Shapes", "", *(line for name in sorted(schemas) for line in _shape(name, schemas[name]))]
    return _HEAD + "\n".join([*chapters, *shapes]) + "\n"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    short = path.removeprefix("/api/v1/t/{tenant}")
    yield f"- **{method.upper()} `{short}`** · {operation['security'][0]['Bearer'][0]} · {operation['summary']}."
    if operation.get("description"):
        yield f"  {_line(operation['description'])}"
    own = (one for one in operation.get("parameters", ()) if "$ref" not in one)
    named = [one for one in own if one["name"] not in _EVERYWHERE and one["in"] != "path"]
    if named:
        yield f"  With {', '.join(map(_parameter, named))}."
    if "requestBody" in operation:
        ((kind, body),) = operation["requestBody"]["content"].items()
        yield f"  Takes {_type(body['schema'])}{' as a form' if kind.startswith('multipart') else ''}."
    for status, answer in operation["responses"].items():
        if status < "300":
            content = answer.get("content", {})
            plain = content.get("application/json")
            found = _type(plain["schema"]) if plain else f"a file ({' or '.join(content)})" if content else "nothing"
            yield f"  Gives {status}: {found}."


def _parameter(one: Mapping[str, Any]) -> str:
    says = one.get("description") or one["schema"].get("description", "")
    return f"`{one['name']}`{f' ({_line(says).rstrip(chr(46))})' if says else ''}"


def _shape(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'- <a id="{name.lower()}"></a>**{name}**: {_line(schema.get("description", "")) or _type(schema)}'
    fields = schema.get("properties", {})
    must = schema.get("required", ())
    if fields:
        yield "  " + " · ".join(_field(field, fields[field], field in must) for field in fields)


def _field(name: str, schema: Mapping[str, Any], must: bool) -> str:
    default = schema.get("default")
    told = "" if must else " *optional*" if default in (None, "", [], {}) else f" = {_json(default)}"
    return f"`{name}` {_type(schema)}{told}"


_TEXTS = {"date-time": "time", "date": "day", "decimal": "decimal", "binary": "file"}


def _type(schema: Mapping[str, Any]) -> str:
    """A type in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return " or ".join(f"`{value}`" if value != "" else "nothing" for value in schema["enum"])
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            kinds = [_type(one) for one in schema[word] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds)) + ("?" if len(kinds) < len(schema[word]) else "")
    if "const" in schema:
        return f"`{schema['const']}`"
    match schema.get("type"):
        case "array" if "prefixItems" in schema:
            return f"({', '.join(map(_type, schema['prefixItems']))})"
        case "array":
            return f"list of {_type(schema.get('items', {}))}"
        case "object" if schema.get("properties"):
            return ", ".join(f"`{name}` {_type(one)}" for name, one in schema["properties"].items())
        case "object":
            inner = schema.get("additionalProperties")
            return f"map of {_type(inner)}" if isinstance(inner, dict) and inner else "object"
        case "string":
            return _TEXTS.get(schema.get("format", ""), "text")
        case "integer" | "number":
            return "number"
        case "boolean":
            return "yes/no"
    return "anything"


def _line(text: str) -> str:
    return " ".join(text.split())


def compact(document: Mapping[str, Any]) -> str:
    """The document, one operation and one schema to a line: what changes is seen in a difference of two versions."""
    return "\n".join(_lines(document, 3)) + "\n"


def _lines(part: Any, deep: int, name: str = "", end: str = "") -> Iterator[str]:
    head = f"{_json(name)}: " if name else ""
    if deep == 0 or not isinstance(part, dict) or not part:
        yield f"{head}{_json(part)}{end}"
        return
    yield head + "{"
    last = list(part)[-1]
    for key, value in part.items():
        yield from _lines(value, deep - 1, key, "" if key == last else ",")
    yield "}" + end


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def write() -> None:
    """Write both files as the operations are now."""
    from samklang.api.v1.openapi import document

    PAGE.write_text(page(document()), encoding="utf-8")
    DOCUMENT.write_text(compact(document()), encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "samklang.settings")
    django.setup()
    write()
