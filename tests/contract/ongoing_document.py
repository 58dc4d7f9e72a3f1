"""Ongoing's requests and answers against its goods owner document, which a client that was generated from the vendor's
own has kept (names, types, what is required). Where that is known to be loose:

- it lists no answer but the good ones: a refusal is any object;
- the day of delivery is typed as a time and given as a day in the vendor's own examples;
- it marks what the address must name, which is checked here beyond what OpenAPI's helper asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.contract.openapi import SPECS, Document, Tree, tree

_HERE = "/nordljus"
_FILE = "ongoing/ongoing-goods-owner-rest-v1.reconstructed.json"


class OngoingDocument(Document):
    """The document below the name of an installation."""

    def check_request(self, method: str, path: str, query: Iterable[tuple[str, str]], body: bytes) -> None:
        query = list(query)
        super().check_request(method, path, query, body)
        given = {name for name, _ in query}
        for one in self.operation(method, path)["parameters"]:
            missing = one["in"] == "query" and one.get("required") and one["name"] not in given
            assert not missing, f"{method} {path}: {one['name']} is missing"


def load() -> OngoingDocument:
    """The document, or a skip that says where it is looked for."""
    whole: Tree = tree(_FILE)
    for operations in whole["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return OngoingDocument(whole, below=_HERE)


def example(words: str) -> Any:
    """The vendor's own example whose file name holds these words."""
    found: list[Path] = [file for file in sorted((SPECS / "ongoing/examples").glob("*.json")) if words in file.name]
    assert len(found) == 1, f"{words!r} names {len(found)} examples"
    return json.loads(found[0].read_text(encoding="utf-8"))
