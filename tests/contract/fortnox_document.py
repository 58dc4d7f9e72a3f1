"""Checks Fortnox requests and answers against the vendor's own OpenAPI, read in place, by its names and types.

Stricter than a usual validator where the document is loose: a field that the document does not name is an error.
Where the document itself is known to disagree with the service, the check says so and follows the service:

- lists carry MetaInformation, and take page and limit, which the document leaves out of every list;
- the stock balance is a list, typed as one object;
- ArticleNumber is text, typed as int32 in the path of PUT;
- errors may come with lower-case keys (unconfirmed);
- rows may carry quantities as numbers in a request, typed as text.
"""

from __future__ import annotations

import json
import os
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

_FILE = Path(os.environ.get("SAMKLANG_SPECS", Path(__file__).parents[2] / ".." / "shared")) / "specs/fortnox"
_PAGING = {"page", "limit"}


class Document:
    """The vendor's document."""

    def __init__(self, text: str) -> None:
        self.tree = json.loads(text)
        self.paths = [
            (re.compile(re.sub(r"\{\w+\}", r"[^/]+", path) + "$"), path) for path in sorted(self.tree["paths"], key=len)
        ]

    def operation(self, method: str, path: str) -> dict[str, Any]:
        """The operation of an address; fails for one that the vendor does not have."""
        for pattern, template in self.paths:
            if pattern.match(path) and method.lower() in self.tree["paths"][template]:
                found: dict[str, Any] = self.tree["paths"][template][method.lower()]
                return found
        raise AssertionError(f"{method} {path} is not in the vendor's document")

    def check_request(self, method: str, path: str, query: dict[str, str], body: bytes) -> None:
        """Address, query names and body fit the document."""
        operation = self.operation(method, path)
        known = {given["name"] for given in operation.get("parameters", ()) if given["in"] == "query"} | _PAGING
        assert set(query) <= known, f"{method} {path}: {set(query) - known} is no parameter"
        if body:
            schema = operation["requestBody"]["content"]
            self.check(_load(body), next(iter(schema.values()))["schema"], f"{method} {path}")
        else:
            assert method in ("GET", "DELETE") or path.rsplit("/", 1)[-1].isalpha(), f"{method} {path} without a body"

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> None:
        """The body fits what the document says for this status."""
        answers = self.operation(method, path)["responses"]
        declared = answers.get(str(status)) or answers["default"]
        if status >= 400:
            assert str(status) not in ("200", "201")
        if "content" not in declared:
            assert body == b"", f"{method} {path}: a body where the document has none"
            return
        data = _load(body)
        schema = next(iter(declared["content"].values()))["schema"]
        where = f"{method} {path} {status}"
        if status >= 400 and isinstance(data.get("ErrorInformation"), dict):
            data["ErrorInformation"] = {name.title(): value for name, value in data["ErrorInformation"].items()}
        if isinstance(data, dict) and "MetaInformation" in data:
            meta = data.pop("MetaInformation")
            self.check(meta, {"$ref": "#/components/schemas/fortnox_MetaInformation"}, where)
        if isinstance(data, list):
            assert path.endswith("/stockbalance"), f"{where}: a bare list"
            for row in data:
                self.check(row, schema, where)
            return
        self.check(data, schema, where)

    def check(self, value: Any, schema: dict[str, Any], where: str) -> None:
        """Recursively: type, names, length, range, choices, dates."""
        if "$ref" in schema:
            schema = self.tree["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        kind = schema.get("type")
        if kind == "object":
            assert isinstance(value, dict), f"{where}: {value!r} is no object"
            properties = schema.get("properties", {})
            missing = set(schema.get("required", ())) - set(value) - {"Year"}  # Voucher.Year: required only on paper
            if not where.startswith("PUT"):  # a PUT is a partial update
                assert not missing, f"{where}: {missing} missing"
            for name, part in value.items():
                assert name in properties, f"{where}: the document has no field {name}"
                self.check(part, properties[name], f"{where} {name}")
        elif kind == "array":
            assert isinstance(value, list), f"{where}: {value!r} is no list"
            for part in value:
                self.check(part, schema["items"], where)
        elif kind in ("number", "integer"):
            assert isinstance(value, int | Decimal) and not isinstance(value, bool), f"{where}: {value!r} is no number"
            assert kind == "number" or value == int(value), f"{where}: {value} is no integer"
            assert schema.get("minimum", value) <= value <= schema.get("maximum", value), (
                f"{where}: {value} out of range"
            )
        elif kind == "boolean":
            assert isinstance(value, bool), f"{where}: {value!r} is no boolean"
        elif kind == "string":
            assert isinstance(value, str), f"{where}: {value!r} is no text"
            assert len(value) <= schema.get("maxLength", len(value)), f"{where}: {value!r} is too long"
            if schema.get("format") == "date":
                assert re.fullmatch(r"\d{4}-\d\d-\d\d", value), f"{where}: {value!r} is no date"
            if value:
                assert value in schema.get("enum", (value,)), f"{where}: {value!r} is none of {schema['enum']}"
                assert len(value) >= schema.get("minLength", 0), f"{where}: {value!r} is too short"


def _load(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)


def load() -> Document:
    """The document, or a skip that says where it is looked for."""
    file = _FILE / "openapi-fortnox.json"
    if not file.exists():
        pytest.skip("the vendor's OpenAPI is not here; set SAMKLANG_SPECS to the folder that holds specs/fortnox")
    return Document(file.read_text(encoding="utf-8"))
