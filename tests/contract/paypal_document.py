"""PayPal's requests and answers against its own OpenAPI of the Transaction Search API (1.9).

Where the document cannot say what the service does, the check follows the service: errors come in one shape by many
names, of which the document lists some. The login server is in no document.
"""

from __future__ import annotations

from tests.contract import openapi


class Document(openapi.Document):
    """The vendor's document."""

    def knows(self, path: str) -> bool:
        return path.startswith("/v1/reporting/")


def load() -> Document:
    """The document, or a skip that says where it is looked for."""
    tree = openapi.tree("paypal/reporting_transactions_v1.json")
    for name in ("400", "403"):
        error = tree["components"]["schemas"][f"error_{name}"]["properties"]
        for field in ("name", "message"):
            error[field].pop("enum", None)
    return Document(tree)
