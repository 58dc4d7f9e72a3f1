"""Magento 2 and Adobe Commerce on own servers: REST with MSI. README.md says what is synced, manifest.toml facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.connectors.contract import Account, Choice, ChoiceKind, Surroundings
from samklang.connectors.kit.system import System
from samklang.connectors.magento.catalogue import CatalogueWriter
from samklang.connectors.magento.client import Shop
from samklang.connectors.magento.orders import STATES
from samklang.connectors.magento.read import Reader
from samklang.connectors.magento.write import Writer
from samklang.connectors.registry import load_manifest


class Magento(System):
    """One Magento, seen from one of its store views."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        shop = self._shop = Shop(settings, self.manifest, around)
        self.transport = shop.transport
        reader = Reader(shop, settings)
        goods = CatalogueWriter(shop, reader, settings)
        writer = Writer(shop, reader, self.manifest.writes["order_status"].status_map)
        self.feeds = {
            "catalogue": reader.catalogue, "stock": reader.stock, "orders": reader.orders, "refunds": reader.refunds,
            "customers": reader.customers,
        }  # fmt: skip
        self.writes = {
            "product": goods.products, "price": goods.prices, "stock": goods.stock,
            "price_list": self.each(goods.price_list), "customer": self.each(writer.customer),
            "order_status": self.each(writer.status), "shipment": self.each(writer.shipment),
            "order_edit": self.each(writer.edit),
        }  # fmt: skip
        self.looks = {
            "price_list": goods.find_price_list, "customer": writer.find_customer, "shipment": writer.find_shipment,
        }  # fmt: skip

    def check(self) -> Account:
        store = self._shop.store()
        modules = self._shop.call("GET", "/modules").json()
        warnings = []
        if "Magento_InventoryApi" not in modules:
            warnings.append("The shop has no inventory sources (MSI): stock can be neither read nor written.")
        if not self._shop.percents():
            warnings.append("The shop has no tax rules, so articles' VAT is unknown.")
        if not self.transport.base.startswith("https://"):
            warnings.append("The shop is not on https: anyone on the way can read what is sent.")
        return Account(title=f"{store.base_url} ({store.code}, {store.base_currency_code})", warnings=tuple(warnings))

    def choices(self, what: ChoiceKind) -> list[Choice]:
        if what in ("price_list", "customer_group"):
            return [Choice(code) for code in self._shop.groups().values()]
        if what == "warehouse":
            return [Choice(one.source_code, one.name) for one in self._shop.sources()]
        if what == "order_status":
            return [Choice(state) for state in ("pending", *STATES) if state != "new"]
        return super().choices(what)
