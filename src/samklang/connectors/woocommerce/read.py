"""Pages of records out of the shop: one read of /products gives products, prices and stock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from samklang.connectors.contract import Bad, Choice, ChoiceKind, Gone, Item, Page
from samklang.connectors.kit.rows import Broken, Name, Rows, items
from samklang.connectors.kit.system import Asked
from samklang.connectors.woocommerce.client import Shop
from samklang.connectors.woocommerce.map import UNFINISHED, Mapper, plain
from samklang.connectors.woocommerce.rows import (
    CustomerRow,
    MethodRow,
    OrderRow,
    ProductRow,
    Refunded,
    StatusRow,
    ZoneRow,
)
from samklang.records.ids import sku_key

PRODUCTS = Rows(ProductRow)
REFUNDS = Rows(Refunded)
T = TypeVar("T")


def _asked(row: type[msgspec.Struct]) -> dict[str, object]:
    """What is asked for: exactly what the row holds."""
    return {"_fields": ",".join(row.__struct_encode_fields__)}


PRODUCT_FIELDS = _asked(ProductRow)

#: Feed → path, decoder, what is asked for, the type that a row stands for.
FEEDS: dict[str, tuple[str, Rows[Any], dict[str, object], str]] = {
    "catalogue": ("/products", PRODUCTS, PRODUCT_FIELDS, "product"),
    "orders": ("/orders", Rows(OrderRow), _asked(OrderRow), "order"),
    "customers": ("/customers", Rows(CustomerRow), _asked(CustomerRow), "customer"),
}
_ALL = frozenset(("product", "price", "stock", "order", "order_status", "customer"))


class Reader:
    """Reads one shop."""

    def __init__(self, shop: Shop, mapper: Mapper) -> None:
        self._shop, self._map = shop, mapper

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

    def variations(self, parent: int) -> list[ProductRow | Broken]:
        """All variations of a product."""
        rows = self._shop.short(f"/products/{parent}/variations", PRODUCTS, PRODUCT_FIELDS)
        return list(rows)

    def refunds(self, order: int) -> list[Refunded | Broken]:
        """All refunds of an order: its own row tells their sums only."""
        rows = self._shop.short(f"/orders/{order}/refunds", REFUNDS, _asked(Refunded))
        return list(rows)

    def _below(self, parents: Sequence[int], read: Callable[[int], list[T]]) -> dict[int, list[T]]:
        """What lies below some rows, several calls at once."""
        return dict(zip(parents, self._shop.transport.overlap(partial(read, id_) for id_ in parents), strict=True))

    def _items(self, feed: str, rows: Sequence[Any], types: frozenset[str]) -> list[Item | Bad | Gone]:
        if feed == "orders":
            refunds = self._below([row.id for row in rows if isinstance(row, OrderRow) and row.refunds], self.refunds)

            def sold(row: OrderRow) -> list[Item]:
                return self._map.order(row, types, refunds.get(row.id, ()))

            return items("order", rows, sold, self._map.name_of_order)
        if feed == "customers":
            return items("customer", rows, self._map.customer, lambda row: Name(str(row.id), f"customer {row.id}"))
        parents = [row.id for row in rows if isinstance(row, ProductRow) and row.type == "variable" and row.variations]
        below = self._below(parents, self.variations)

        def make(row: ProductRow) -> list[Item]:
            return self._map.catalogue(row, below.get(row.id, ()), types)

        return items("product", rows, make, lambda row: Name(str(row.id), row.sku or row.name, sku_key(row.sku)))


def choices(shop: Shop, what: ChoiceKind) -> list[Choice]:
    """Order statuses, payment methods that are on, or shipping methods of all zones by the title that orders bear."""
    if what == "order_status":
        statuses = shop.whole("/reports/orders/totals", StatusRow)
        return [Choice(one.slug, plain(one.name)) for one in statuses if one.slug not in UNFINISHED]
    if what == "payment_method":
        on = (one for one in shop.whole("/payment_gateways", MethodRow) if one.enabled)
        return [Choice(str(one.id), plain(one.title or one.method_title)) for one in on]
    zones = (f"/shipping/zones/{zone.id}/methods" for zone in shop.whole("/shipping/zones", ZoneRow))
    of_zones = shop.transport.overlap(partial(shop.whole, path, MethodRow) for path in zones)
    titles = (one.title or one.method_title for methods in of_zones for one in methods if one.enabled)
    return [Choice(title) for title in dict.fromkeys(titles)]
