"""Requests and answers against a vendor's OpenAPI 3 or Swagger 2 document, by its names and types.

Stricter than a usual validator where documents are loose: a field that the document does not name is an error, and so
is a read-only field in a request or a write-only one in an answer. Where a document is known to disagree with the
service, the vendor's own module (`fortnox_document` …) amends the tree or derives from `Document`, and says why.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SPECS = Path(os.environ.get("SAMKLANG_SPECS", Path(__file__).parents[2] / ".." / "shared")) / "specs"
_VERBS = ("get", "post", "put", "patch", "delete")
Tree = dict[str, Any]


def tree(file: str) -> Tree:
    """The vendor's document at this place below specs/, or a skip that says where it is looked for."""
    path = SPECS / file
    if not path.exists():
        pytest.skip(f"the vendor's document is not here; set SAMKLANG_SPECS to the folder that holds specs/{file}")
    text = path.read_text(encoding="utf-8")
    found: Tree = json.loads(text) if path.suffix == ".json" else yaml.load(text, Loader=yaml.CSafeLoader)
    return found


class Document:
    """A vendor's document.

    `below` is what addresses have before the document's paths, `everywhere` names query arguments that every address
    takes, `partial` the verbs whose bodies may leave required fields out.
    """

    def __init__(
        self, tree: Tree, *, below: str = "", everywhere: Collection[str] = (), partial: Collection[str] = ()
    ) -> None:
        self.tree = tree
        self._below, self._everywhere, self._partial = below, frozenset(everywhere), frozenset(partial)
        # The address with the fewest parts left open is the one that is meant.
        self._paths = [
            (re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path)) + "$"), path)
            for path in sorted(tree["paths"], key=lambda path: path.count("{"))
        ]

    def knows(self, path: str) -> bool:
        """Whether the address lies in the part that the document describes."""
        return path.startswith(self._below)

    def operation(self, method: str, path: str) -> Tree:
        """The operation of an address, its path's own parameters among its own; fails for one that there is not."""
        below = path.removeprefix(self._below)
        for pattern, template in self._paths:
            item = self.tree["paths"][template]
            if pattern.match(below) and method.lower() in item:
                found: Tree = item[method.lower()]
                return {**found, "parameters": [*item.get("parameters", ()), *found.get("parameters", ())]}
        raise AssertionError(f"{method} {path} is not in the vendor's document")

    def check_request(self, method: str, path: str, query: Iterable[tuple[str, str]], body: bytes) -> None:
        """Address, query and body fit the document."""
        operation, where = self.operation(method, path), f"{method} {path}"
        given = [self._resolved(one) for one in operation["parameters"]]
        known = {one["name"]: one for one in given if one["in"] == "query"}
        for name, value in query:
            plain = re.sub(r"\[\d+\]", "[0]", name)
            assert plain in known or name in self._everywhere, f"{where}: {name} is no parameter"
            if plain in known:
                self._check_text(value, known[plain].get("schema", known[plain]), f"{where} ?{name}")
        schema = self._of_request(operation, given)
        if body and schema is not None:
            self.check(_sent(body), schema, where, method)
        else:
            assert not body, f"{where}: a body where the document has none"
            required = operation.get("requestBody", {}).get("required") or any(
                one["in"] == "body" and one.get("required") for one in given
            )
            assert not required, f"{where} without a body"

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> None:
        """The body fits what the document says for this status."""
        where = f"{method} {path} {status}"
        answers = self.operation(method, path)["responses"]
        declared = answers.get(str(status)) or answers.get("default")
        assert declared is not None, f"{where}: the document knows no such answer"
        declared = self._resolved(declared)
        schema = declared.get("schema") or next(iter(declared.get("content", {}).values()), {}).get("schema")
        if schema is None:
            assert body == b"", f"{where}: a body where the document has none"
            return
        self.check(load(body), schema, where)

    def check(self, value: Any, schema: Tree, where: str, method: str = "") -> None:
        """Recursively: type, names, length, range, choices, dates. `method` is a request's, empty in an answer."""
        schema = self._merged(schema)
        if value is None and (schema.get("nullable") or not schema):
            return
        for word in ("anyOf", "oneOf"):
            if schema.get(word):
                self._check_one_of(value, schema[word], where, method)
                return
        kinds = schema.get("type") or ("object" if "properties" in schema else None)
        if isinstance(kinds, list):
            if value is None and "null" in kinds:
                return
            kinds = next(kind for kind in kinds if kind != "null")
        if kinds == "object":
            self._check_object(value, schema, where, method)
        elif kinds == "array":
            assert isinstance(value, list), f"{where}: {value!r} is no list"
            for part in value:
                self.check(part, schema.get("items", {}), where, method)
        elif kinds in ("number", "integer"):
            self._check_number(value, schema, where, kinds)
        elif kinds == "boolean":
            assert isinstance(value, bool), f"{where}: {value!r} is no boolean"
        elif kinds == "string":
            self._check_string(value, schema, where)

    # ------------------------------------------------------------------------------------------------ inside

    def _check_one_of(self, value: Any, schemas: list[Tree], where: str, method: str) -> None:
        said = []
        for one in schemas:
            try:
                self.check(value, one, where, method)
                return
            except AssertionError as departure:
                said.append(str(departure))
        raise AssertionError(f"{where} fits none: {'; '.join(said)}")

    def _check_object(self, value: Any, schema: Tree, where: str, method: str) -> None:
        assert isinstance(value, dict), f"{where}: {value!r} is no object"
        properties, more = schema.get("properties", {}), schema.get("additionalProperties")
        missing = set(schema.get("required", ())) - set(value)
        if method:
            missing = {n for n in missing if not self._merged(properties.get(n, {})).get("readOnly")}
        assert not missing or method in self._partial, f"{where}: {missing} missing"
        if not properties and not more:
            return  # an object of which the document says nothing
        for name, part in value.items():
            if name not in properties and more:
                if isinstance(more, dict):
                    self.check(part, more, f"{where} {name}", method)
                continue
            assert name in properties, f"{where}: the document has no field {name}"
            inner = self._merged(properties[name])
            assert not (method and inner.get("readOnly")), f"{where}: {name} is read only"
            assert method or not inner.get("writeOnly"), f"{where}: {name} is write only"
            self.check(part, properties[name], f"{where} {name}", method)

    def _check_number(self, value: Any, schema: Tree, where: str, kind: str) -> None:
        assert isinstance(value, int | Decimal) and not isinstance(value, bool), f"{where}: {value!r} is no number"
        assert kind == "number" or value == int(value), f"{where}: {value} is no integer"
        lowest, highest = schema.get("minimum", value), schema.get("maximum", value)
        assert lowest <= value <= highest, f"{where}: {value} out of range"

    def _check_string(self, value: Any, schema: Tree, where: str) -> None:
        assert isinstance(value, str), f"{where}: {value!r} is no text"
        assert len(value) <= schema.get("maxLength", len(value)), f"{where}: {value!r} is too long"
        if schema.get("format") == "date":
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", value), f"{where}: {value!r} is no date"
        if value:
            assert value in schema.get("enum", (value,)), f"{where}: {value!r} is none of {schema['enum']}"
            assert len(value) >= schema.get("minLength", 0), f"{where}: {value!r} is too short"

    def _check_text(self, value: str, schema: Tree, where: str) -> None:
        """A query argument: text that stands for a value of the schema's type."""
        kind = self._merged(schema).get("type")
        if kind == "integer":
            assert re.fullmatch(r"-?\d+", value), f"{where}: {value!r} is no whole number"
        elif kind == "boolean":
            assert value in ("true", "false", "1", "0"), f"{where}: {value!r} is no boolean"
        elif kind == "string":
            self._check_string(value, self._merged(schema), where)

    def _of_request(self, operation: Tree, given: list[Tree]) -> Tree | None:
        for one in given:
            if one["in"] == "body":
                return one["schema"]  # type: ignore[no-any-return]
        content = self._resolved(operation.get("requestBody", {})).get("content", {})
        return next((one["schema"] for one in content.values() if "schema" in one), None)

    def _resolved(self, node: Tree) -> Tree:
        while "$ref" in node:
            found: Any = self.tree
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def _merged(self, schema: Tree) -> Tree:
        """The schema with its references and `allOf` put together."""
        schema = self._resolved(schema)
        if "allOf" not in schema:
            return schema
        whole: Tree = {name: part for name, part in schema.items() if name != "allOf"}
        for one in map(self._merged, schema["allOf"]):
            for name, part in one.items():
                if name == "properties":
                    whole[name] = {**whole.get(name, {}), **part}
                elif name == "required":
                    whole[name] = [*whole.get(name, ()), *part]
                else:
                    whole.setdefault(name, part)
        return whole


def load(body: bytes) -> Any:
    """JSON with decimals that keep their digits."""
    return json.loads(body, parse_float=Decimal)


def _sent(body: bytes) -> Any:
    """A request's body: JSON, or the fields of a form; of a file, that there is one."""
    if body.startswith(b"--"):
        return {name.decode(): {} for name in re.findall(rb'form-data; name="([^"]+)"; filename=', body)}
    try:
        return load(body)
    except ValueError:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))


class Checked:
    """ASGI wrapper around a stand-in: what every request and every answer departs from the document in.

    `found` are the departures, `seen` the operations that were used, as METHOD and path with ids as N.
    """

    def __init__(self, app: ASGIApp, document: Document) -> None:
        self.app = app
        self.document = document
        self.found: list[str] = []
        self.seen: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.document.knows(scope["path"]) or scope["path"].startswith("/_sandbox"):
            await self.app(scope, receive, send)
            return
        sent, got, status = b"", b"", 0
        messages: list[Message] = []
        while not messages or messages[-1].get("more_body"):
            messages.append(await receive())
            sent += messages[-1].get("body", b"")

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        async def watched(message: Message) -> None:
            nonlocal got, status
            status = message.get("status", status)
            got += message.get("body", b"")
            await send(message)

        method, path = scope["method"], scope["path"]
        self.seen.add(f"{method} {re.sub(r'[0-9]+', 'N', path)}")
        await self.app(scope, replay, watched)
        query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
        checks = (
            lambda: self.document.check_request(method, path, query, sent),
            lambda: self.document.check_answer(method, path, status, got),
        )
        for check in checks[1:] if status in (400, 401, 404, 405) else checks:  # who is refused may have asked wrongly
            try:
                check()
            except AssertionError as departure:
                self.found.append(str(departure))
