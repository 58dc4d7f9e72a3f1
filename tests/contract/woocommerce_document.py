"""Requests against the shop's own index: the machine-readable list of routes and arguments that WooCommerce publishes.

The index was recorded from a real shop (WooCommerce 10.0.2) and is read in place. A request fits when its path and
method are there, its query arguments are known, and its body has known fields of the right types. Read-only fields may
not be written. `_fields` and the keys in the query belong to WordPress itself and stand in no index.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHARED = Path(os.environ.get("SAMKLANG_SPECS", Path(__file__).parents[3] / "shared"))
_INDEX = SHARED / "samples" / "woocommerce" / "auth_bad_wpjson_root.json"
_EVERYWHERE = {"_fields", "consumer_key", "consumer_secret"}


def index() -> Index:
    """The index; where it is not here, an empty one that knows every request (a test of its own then says skipped)."""
    return Index(json.loads(_INDEX.read_text())["body"]["routes"] if _INDEX.is_file() else {})


class Index:
    """Routes with their arguments."""

    def __init__(self, routes: dict[str, Any]) -> None:
        self.routes = [(re.compile(name), route) for name, route in routes.items()]

    def departures(self, method: str, path: str, query: str, body: bytes) -> list[str]:
        """Everything in the request that the index does not know."""
        if not self.routes:
            return []
        where = f"{method} {path}"
        ends = [
            end
            for pattern, route in self.routes
            if pattern.fullmatch(path)
            for end in route["endpoints"]
            if method in end["methods"]
        ]
        if not ends:
            return [f"{where}: no such route"]
        args = ends[0]["args"] or {}
        unknown = {name for name, _ in parse_qsl(query)} - set(args) - _EVERYWHERE
        found = [f"{where}: argument {name} is unknown" for name in sorted(unknown)]
        sent = json.loads(body) if body else {}
        if path.endswith("/batch"):
            found += [f"{where}: {verb} is unknown" for verb in set(sent) - {"create", "update", "delete"}]
            for verb in ("create", "update"):
                for row in sent.get(verb, []):
                    found += self._body(f"{where} {verb}", {"id": {"type": "integer"}, **args}, row)
            return found
        return found + self._body(where, args, sent)

    def _body(self, where: str, args: dict[str, Any], body: Any) -> list[str]:
        schema = {"type": "object", "properties": _clean(args), "additionalProperties": False}
        errors = jsonschema.Draft4Validator(schema).iter_errors(body)
        return [f"{where} {'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


def _clean(node: Any) -> Any:
    """WordPress' schemas as JSON Schema: `required` is a flag there, read-only fields are no fields of a request."""
    if isinstance(node, list):
        return [_clean(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _clean(value) for key, value in node.items() if not (key == "required" and isinstance(value, bool))}
    properties = kept.get("properties")
    if isinstance(properties, dict) and kept.get("type") == "object":
        writable = {k: v for k, v in properties.items() if k == "id" or not v.get("readonly")}
        return {**kept, "properties": writable, "additionalProperties": False}
    if kept.get("properties") == []:  # PHP writes an empty object as a list
        del kept["properties"]
    return kept


class Checked:
    """ASGI wrapper that keeps what every request to the shop departs in."""

    def __init__(self, app: ASGIApp, index: Index) -> None:
        self.app = app
        self.index = index
        self.found: list[str] = []
        self.seen: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/wp-json"):
            await self.app(scope, receive, send)
            return
        body, messages = b"", []
        while True:
            message = await receive()
            messages.append(message)
            body += message.get("body", b"")
            if message["type"] != "http.request" or not message.get("more_body"):
                break

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        path = scope["path"].removeprefix("/wp-json")
        self.seen.add(f"{scope['method']} {re.sub(r'[0-9]+', 'N', path)}")
        self.found += self.index.departures(scope["method"], path, scope["query_string"].decode(), body)
        await self.app(scope, replay, send)
