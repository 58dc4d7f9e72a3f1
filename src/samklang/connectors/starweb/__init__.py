"""Starweb, a Swedish shop platform: Shop API v2. See README.md for what is synced and manifest.toml for the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from samklang.connectors.contract import Account, Choice, ChoiceKind, Hint, Match, Page, Surroundings, Want
from samklang.connectors.kit.hooks import body_as, check_token, signed_address
from samklang.connectors.kit.rows import Rows, readable
from samklang.connectors.kit.system import System
from samklang.connectors.registry import load_manifest
from samklang.connectors.starweb import shapes
from samklang.connectors.starweb.catalogue import CatalogueWriter
from samklang.connectors.starweb.client import Shop
from samklang.connectors.starweb.read import Reader
from samklang.connectors.starweb.write import Writer

_EVENTS = (
    "order-created", "order-completed", "order-updated", "order-status-changed", "order-deleted", "product-created",
    "product-updated", "product-removed", "customer-created", "customer-updated", "customer-deleted",
)  # fmt: skip
_HOOKS = Rows(shapes.HookRow, "webHookId")


class Starweb(System):
    """One shop at Starweb."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self._shop = Shop(settings, self.manifest, around)
        self.transport = self._shop.transport
        reader = self._reader = Reader(self._shop, settings)
        words = {type_: how.status_map for type_, how in self.manifest.writes.items()}
        writer = self._writer = Writer(self._shop, reader, settings, words)
        goods = CatalogueWriter(self._shop, reader)
        self.feeds = {
            "catalogue": reader.catalogue, "orders": reader.orders, "customers": reader.customers,
        }  # fmt: skip
        self.writes = {
            "product": self.each(goods.product), "price": self.each(goods.price), "stock": self.each(goods.stock),
            "price_list": self.each(goods.price_list), "customer": self.each(writer.customer),
            "order_status": self.each(writer.status), "shipment": self.each(writer.shipment),
            "order_edit": self.each(writer.edit),
        }  # fmt: skip
        self.looks = {"product": goods.find_product, "price_list": goods.find_price_list}

    def check(self) -> Account:
        shop = self._shop.shop()
        warnings = [] if shop.status in ("open", "") else [f"The shop is {shop.status}."]
        if self.settings.get("takes_payments"):
            warnings.append("The shop takes payments itself: do not let Samklang capture them too.")
        return Account(title=f"{shop.name} ({shop.base_currency})", version="Shop API v2", warnings=tuple(warnings))

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        return self._reader.fetch(feed, external_ids)

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        if type_ == "customer":
            return self._writer.find_customers(wants, match)
        return super().find(type_, wants, match)

    def choices(self, what: ChoiceKind) -> list[Choice]:
        shop = self._shop
        if what in ("price_list", "customer_group"):
            rows = shop.table("/pricelists", shapes.PriceListRow)
            wanted = [row for row in rows if row.is_customer_pricelist or (what == "price_list" and not row.is_master)]
            return [Choice(row.name.strip()) for row in wanted]
        labels = {
            "order_status": lambda: shop.labels("/order-statuses", shapes.StatusRow),
            "shipping_method": lambda: shop.labels("/shipping-methods", shapes.ShippingMethod),
            "payment_method": lambda: shop.labels("/payment-methods", shapes.PaymentMethod),
            "carrier": lambda: shop.labels("/shipping-tracking-types", shapes.Tracker),
        }
        return [Choice(name) for name in labels[what]().values()] if what in labels else super().choices(what)

    def register_hooks(self, address: str, secret: str) -> None:
        """One for each event. Starweb signs nothing, so the address has a token in it."""
        url = signed_address(address, secret)
        held = self._shop.whole("/web-hooks", _HOOKS, {})
        ours = {row.event: row for row in readable(held) if row.url.partition("?")[0] == address}
        for event in _EVENTS:
            known = ours.get(event)
            body = {"name": f"Samklang {event}", "event": event, "url": url}
            if known is None:
                self._shop.call("POST", "/web-hooks", None, body)
            elif known.url != url:
                self._shop.call("PATCH", f"/web-hooks/{known.id}", None, {"url": url})

    def hints(self, headers: Mapping[str, str], body: bytes, secret: str) -> list[Hint]:
        check_token(headers, secret)
        told = body_as(shapes.HookBody, body)
        ids = {"orders": told.order_id, "catalogue": told.product_id, "customers": told.customer_id}
        named = [Hint(feed, str(id_)) for feed, id_ in ids.items() if id_]
        return named or [Hint("orders")]  # the body is undocumented: whatever it was, orders are cheap to look at
