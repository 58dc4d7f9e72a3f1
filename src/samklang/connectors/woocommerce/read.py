"""Pages of records out of the shop: one read of /products gives products, prices and stock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from samklang.connectors.contract import Choice, Gone, Item, Page
from samklang.connectors.kit.rows import Broken, Items, Name, Rows, items, readable
from samklang.connectors.kit.system import Asked
from samklang.connectors.woocommerce import shapes
from samklang.connectors.woocommerce.client import Shop
from samklang.connectors.woocommerce.map import UNFINISHED, Mapper, plain
from samklang.records.ids import sku_key

PRODUCTS = Rows(shapes.ProductRow)
REFUNDS = Rows(shapes.Refunded)
T = TypeVar("T")


def _asked(row: type[msgspec.Struct]) -> dict[str, object]:
    """What is asked for: exactly what the row holds."""
    return {"_fields": ",".join(row.__struct_encode_fields__)}


PRODUCT_FIELDS = _asked(shapes.ProductRow)

#: Feed → path, decoder, what is asked for, the type that a row stands for.
FEEDS: dict[str, tuple[str, Rows[Any], dict[str, object], str]] = {
    "catalogue": ("/products", PRODUCTS, PRODUCT_FIELDS, "product"),
    "orders": ("/orders", Rows(shapes.OrderRow), _asked(shapes.OrderRow), "order"),
    "customers": ("/customers", Rows(shapes.CustomerRow), _asked(shapes.CustomerRow), "customer"),
}
_ALL = frozenset(("product", "price", "stock", "order", "order_status", "customer"))


class Reader:
    """Reads one shop."""

    def __init__(self, shop: Shop, settings: Mapping[str, Any]) -> None:
        self._shop, self._settings = shop, settings

    def mapper(self) -> Mapper:
        """The mapping, with the shop's settings as they are now."""
        return Mapper(self._settings, self._shop.facts())

    def pages(self, feed: str, asked: Asked) -> Iterator[Page]:
        """The feed, all of it or what changed; the list of customers knows no changes."""
        path, rows, fields, _ = FEEDS[feed]
        since = asked.since if feed != "customers" else None
        for some in self._shop.slices(path, rows, fields, since, asked.resume):
            yield Page(self._items(feed, some.rows, asked.types), some.total, some.resume)

    def fetch(self, feed: str, ids: Sequence[str]) -> Iterator[Page]:
        """Single records; what is missing or in the trash is gone."""
        path, rows, fields, type_ = FEEDS[feed]
        missing = dict.fromkeys(ids)
        for some in self._shop.by_ids(path, rows, ids, fields):
            for row in some:
                missing.pop(str(row.id), None)
            yield Page(self._items(feed, some, _ALL))
        yield Page([Gone(type=type_, external_id=id_) for id_ in missing])

    def variations(self, parent: int) -> list[shapes.ProductRow | Broken]:
        """All variations of a product."""
        rows = self._shop.short(f"/products/{parent}/variations", PRODUCTS, PRODUCT_FIELDS)
        return list(rows)

    def refunds(self, order: int) -> list[shapes.Refunded | Broken]:
        """All refunds of an order: its own row tells their sums only."""
        rows = self._shop.short(f"/orders/{order}/refunds", REFUNDS, _asked(shapes.Refunded))
        return list(rows)

    def _items(self, feed: str, rows: Sequence[Any], types: frozenset[str]) -> Items:
        known, transport = self.mapper(), self._shop.transport
        if feed == "orders":
            refunds = transport.by_key(self.refunds, (row.id for row in readable(rows) if row.refunds))

            def sold(row: shapes.OrderRow) -> list[Item]:
                return known.order(row, types, refunds.get(row.id, ()))

            return items("order", rows, sold, known.name_of_order)
        if feed == "customers":
            return items("customer", rows, known.customer, lambda row: Name(str(row.id), f"customer {row.id}"))
        parents = (row.id for row in readable(rows) if row.type == "variable" and row.variations)
        below = transport.by_key(self.variations, parents)

        def make(row: shapes.ProductRow) -> list[Item]:
            return known.catalogue(row, below.get(row.id, ()), types)

        return items("product", rows, make, lambda row: Name(str(row.id), row.sku or row.name, sku_key(row.sku)))

    # ------------------------------------------------------------------------------------------------ choices

    def statuses(self) -> list[Choice]:
        """Order statuses."""
        rows = self._shop.whole("/reports/orders/totals", shapes.StatusRow)
        return [Choice(one.slug, plain(one.name)) for one in rows if one.slug not in UNFINISHED]

    def gateways(self) -> list[Choice]:
        """Payment methods that are on."""
        on = (one for one in self._shop.whole("/payment_gateways", shapes.MethodRow) if one.enabled)
        return [Choice(str(one.id), plain(one.title or one.method_title)) for one in on]

    def shipping(self) -> list[Choice]:
        """Shipping methods of all zones, by the title that orders bear."""
        zones = (f"/shipping/zones/{zone.id}/methods" for zone in self._shop.whole("/shipping/zones", shapes.ZoneRow))
        methods = self._shop.transport.by_key(lambda path: self._shop.whole(path, shapes.MethodRow), zones)
        titles = (one.title or one.method_title for some in methods.values() for one in some if one.enabled)
        return [Choice(title) for title in dict.fromkeys(titles)]
