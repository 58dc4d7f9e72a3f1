"""Fortnox requests and answers against the vendor's own OpenAPI, read in place (`openapi.Document`).

Where the document itself is known to disagree with the service, the check says so and follows the service:

- lists carry MetaInformation, and take page and limit, which the document leaves out of every list;
- the stock balance is a list, typed as one object;
- ArticleNumber is text, typed as int32 in the path of PUT;
- errors may come with lower-case keys (unconfirmed);
- a PUT is a partial update, and Voucher.Year is required only on paper;
- the fiscal year of the voucher that a file is hung on is an argument, as it is where a voucher is made. Other clients
  were refused with it in the body; the document has neither.
"""

from __future__ import annotations

import json
from typing import Any

from tests.contract import openapi

BELOW = ("/3/", "/api/")  # the login server is not in the document
_PAGING = ("page", "limit")


class Document(openapi.Document):
    """The vendor's document."""

    def __init__(self, tree: openapi.Tree) -> None:
        super().__init__(tree, everywhere=_PAGING, partial=("PUT",))

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> None:
        """The body fits what the document says for this status."""
        data = openapi.load(body) if body else None
        where = f"{method} {path} {status}"
        if isinstance(data, list):
            assert path.endswith("/stockbalance"), f"{where}: a bare list"
            schema = self.operation(method, path)["responses"]["200"]["content"]["application/json"]["schema"]
            for row in data:
                self.check(row, schema, where)
            return
        if status >= 400 and isinstance(data, dict) and isinstance(data.get("ErrorInformation"), dict):
            data["ErrorInformation"] = {name.title(): value for name, value in data["ErrorInformation"].items()}
        if isinstance(data, dict) and "MetaInformation" in data:
            self.check(data.pop("MetaInformation"), {"$ref": "#/components/schemas/fortnox_MetaInformation"}, where)
        super().check_answer(method, path, status, json.dumps(data, default=_number).encode() if body else body)


def _number(value: Any) -> float:
    return float(value)


def load() -> Document:
    """The document, or a skip that says where it is looked for."""
    tree = openapi.tree("fortnox/openapi-fortnox.json")
    for schema in tree["components"]["schemas"].values():
        if "Year" in schema.get("required", ()):
            schema["required"] = [name for name in schema["required"] if name != "Year"]
    made = tree["paths"]["/3/vouchers"]["post"]["parameters"]
    tree["paths"]["/3/voucherfileconnections"]["post"]["parameters"] = made
    return Document(tree)
