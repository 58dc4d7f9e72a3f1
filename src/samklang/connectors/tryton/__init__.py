"""Tryton, an ERP: catalogue, prices, stock, customers and order status out; customers and orders in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from samklang.connectors.contract import Account, Connector, Match, Page, Result, Surroundings, Want
from samklang.connectors.errors import Forbidden, Rejected
from samklang.connectors.registry import load_manifest
from samklang.connectors.tryton import shapes
from samklang.connectors.tryton.client import Client
from samklang.connectors.tryton.read import Reader
from samklang.connectors.tryton.write import Writer

#: What the user must be able to read, with the group that allows it.
_NEEDED = {
    "sale.sale": "Sales", "stock.move": "Stock", "account.invoice": "Accounting", "product.template": "Product",
    "party.party": "Party",
}  # fmt: skip


class Tryton(Connector):
    """One Tryton database, as one of its users."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self._client = Client(settings, self.manifest, around)
        self._reader = Reader(self._client, str(settings.get("country") or "SE"))
        self._writer = Writer(self._client, settings)

    def check(self) -> Account:
        version = self._client.version()
        for model, group in _NEEDED.items():
            try:
                self._client.count(model, [["id", "=", 0]])
            except Rejected as error:
                raise Forbidden(error.what, do_this=f"Give Samklang's user in Tryton the group for {group}.") from error
        warnings = []
        rounding = self._client.rows("account.configuration", [], shapes.Configuration, ["tax_rounding"])
        if any(row.tax_rounding == "line" for row in rounding):
            warnings.append("Tax rounding is per line: orders whose VAT was counted otherwise will be refused.")
        company = self._client.context["company"]
        fields = ("party.name", "currency.code")
        (row,) = self._client.rows("company.company", [["id", "=", company]], shapes.Company, fields)
        return Account(title=row.party.name or "", version=version, warnings=tuple(warnings))

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        return self._reader.read(feed, since, types, resume)

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        return [self._writer.find(type_, want, match) for want in wants]

    def write(self, type_: str, wants: Sequence[Want]) -> Sequence[Result]:
        return self._writer.write(type_, wants)

    def close(self) -> None:
        self._client.transport.close()
