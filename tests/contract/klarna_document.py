"""Klarna's requests and answers against its own OpenAPI (`openapi.Document`).

Where the document is known to disagree with the service, the check follows the service:

- the types of an order line stand in one string with bars, which no true value is;
- created captures and refunds have no body, though a refund's is declared as text;
- 400, 401, 409 and 429 are in no operation; they have the shape of all errors.
"""

from __future__ import annotations

from tests.contract import openapi

_ERROR = {"$ref": "#/components/schemas/ErrorMessageDto"}


class Document(openapi.Document):
    """The vendor's document of order management."""

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> None:
        where = f"{method} {path} {status}"
        if status in (400, 401, 409, 429):
            self.operation(method, path)
            self.check(openapi.load(body), _ERROR, where)
        elif method == "POST" and status < 300:
            assert str(status) in self.operation(method, path)["responses"], f"{where}: no such answer"
            assert body == b"", f"{where}: a body where the service gives none"
        else:
            super().check_answer(method, path, status, body)


def load() -> Document:
    """The document, or a skip that says where it is looked for."""
    tree = openapi.tree("klarna/order-management-api-openapi.yml")
    kind = tree["components"]["schemas"]["order_line"]["properties"]["type"]
    kind["enum"] = kind.pop("pattern").split("|")
    return Document(tree)


class Settlements(openapi.Document):
    """The vendor's document of settlements, which forgets who has no right."""

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> None:
        if status in (401, 429):
            self.check(openapi.load(body), {"$ref": "#/components/schemas/ErrorResponse"}, f"{method} {path} {status}")
        else:
            super().check_answer(method, path, status, body)


def settlements() -> Settlements:
    """The document of the settlements API, likewise."""
    return Settlements(openapi.tree("klarna/klarna-settlements-api-openapi.yml"), below="/settlements/v1")
