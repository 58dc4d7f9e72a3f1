"""Tryton, an ERP: catalogue, prices, stock, customers and order status out; customers and orders in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.connectors.contract import Account, Surroundings
from samklang.connectors.errors import Forbidden, Rejected
from samklang.connectors.kit.system import System
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


class Tryton(System):
    """One Tryton database, as one of its users."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self._client = Client(settings, self.manifest, around)
        self.transport = self._client.transport
        reader = self._reader = Reader(self._client, str(settings.get("country") or "SE"))
        writer = Writer(self._client, settings)
        self.feeds = {
            "products": reader.products, "prices": reader.prices, "stock": reader.stock,
            "customers": reader.customers, "orders": reader.orders,
        }  # fmt: skip
        self.writes = {"customer": self.each(writer.customer), "order": self.each(writer.order)}
        self.looks = {"customer": writer.find_customer, "order": writer.find_order}

    def check(self) -> Account:
        version = self._client.version()
        for model, group in _NEEDED.items():
            try:
                self._client.count(model, [["id", "=", 0]])
            except Rejected as error:
                raise Forbidden(error.what, do_this=f"Give Samklang's user in Tryton the group for {group}.") from error
        rounding = self._client.rows("account.configuration", [], shapes.Configuration)
        warning = "Tax rounding is per line: orders whose VAT was counted otherwise will be refused."
        warnings = (warning,) if any(row.tax_rounding == "line" for row in rounding) else ()
        return Account(title=self._reader.company().party.name or "", version=version, warnings=warnings)
