"""Stripe's requests and answers against its own OpenAPI (`openapi.Document`), the trimmed copy of version 2023-08-16.

Where the copy cannot say what the service does, the check follows the service: names with brackets are one parameter
(`arrival_date[gte]`), and the source of a transaction that is asked for whole is an object.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.contract import openapi


class Document(openapi.Document):
    """The vendor's document."""

    def check_request(self, method: str, path: str, query: Iterable[tuple[str, str]], body: bytes) -> None:
        known = {one["name"] for one in self.operation(method, path)["parameters"]}
        given = list(query)
        unknown = {name.partition("[")[0] for name, _ in given} - known
        assert not unknown, f"{method} {path}: {unknown} are no parameters"
        super().check_request(method, path, [(name, value) for name, value in given if "[" not in name], body)


def load() -> Document:
    """The document, or a skip that says where it is looked for."""
    tree = openapi.tree("stripe/spec3-2023-09-12.trimmed.json")
    tree["components"]["schemas"]["balance_transaction"]["properties"]["source"] = {}
    return Document(tree)
