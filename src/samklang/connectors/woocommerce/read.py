"""Pages of records out of the shop: one read of /products gives products, prices and stock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from samklang.connectors.contract import Bad, Gone, Item, Page
from samklang.connectors.woocommerce.client import Broken, Rows, Shop
from samklang.connectors.woocommerce.map import Mapper, broken
from samklang.connectors.woocommerce.rows import CustomerRow, OrderRow, ProductRow

PRODUCTS = Rows(ProductRow)
PRODUCT_FIELDS = {"_fields": ",".join(ProductRow.__struct_fields__)}

#: Feed → path, decoder, what is asked for, the type that a missing row stands for.
_FEEDS: dict[str, tuple[str, Rows[Any], dict[str, object], str]] = {
    "catalogue": ("/products", PRODUCTS, {**PRODUCT_FIELDS}, "product"),
    "orders": ("/orders", Rows(OrderRow), {"_fields": ",".join(OrderRow.__struct_fields__)}, "order"),
    "customers": ("/customers", Rows(CustomerRow), {"_fields": ",".join(CustomerRow.__struct_fields__)}, "customer"),
}
_SKIPPED = ("grouped", "external")  # nothing of their own to sell or stock


class Reader:
    """Reads one shop."""

    def __init__(self, shop: Shop, mapper: Mapper) -> None:
        self._shop, self._map = shop, mapper

    def pages(self, feed: str, since: datetime | None, types: frozenset[str], resume: str) -> Iterator[Page]:
        """The feed, all of it or what changed; the list of customers knows no changes."""
        path, rows, asked, _ = _FEEDS[feed]
        for some in self._shop.slices(path, rows, asked, since if feed != "customers" else None, resume):
            yield Page(self._items(feed, some.rows, types), some.total, some.resume)

    def fetch(self, feed: str, ids: Sequence[str]) -> Iterator[Page]:
        """Single records; what is missing or in the trash is gone."""
        path, rows, asked, type_ = _FEEDS[feed]
        every = frozenset(("product", "price", "stock", "order", "order_status", "customer"))
        missing = dict.fromkeys(ids)
        for some in self._shop.by_ids(path, rows, ids, asked):
            for row in some:
                missing.pop(str(row.id), None)
            yield Page(self._items(feed, some, every))
        yield Page([Gone(type=type_, external_id=id_) for id_ in missing])

    def variations(self, parent: int) -> list[ProductRow | Broken]:
        """All variations of a product."""
        found: list[ProductRow | Broken] = []
        while True:
            asked = {"per_page": 100, "offset": len(found), "orderby": "id", "order": "asc", **PRODUCT_FIELDS}
            some = PRODUCTS(self._shop.call("GET", f"/products/{parent}/variations", asked))
            found += some
            if len(some) < 100:
                return found

    def _items(self, feed: str, rows: Sequence[Any], types: frozenset[str]) -> list[Item | Bad | Gone]:
        parents = [row.id for row in rows if isinstance(row, ProductRow) and row.type == "variable" and row.variations]
        below = dict(zip(parents, self._shop.each(partial(self.variations, id_) for id_ in parents), strict=True))
        items: list[Item | Bad | Gone] = []
        for row in rows:
            if isinstance(row, Broken):
                items.append(broken(_FEEDS[feed][3], row))
            elif isinstance(row, OrderRow):
                items.extend(self._map.order(row, types))
            elif isinstance(row, CustomerRow):
                items.append(self._map.customer(row))
            elif row.type not in _SKIPPED:
                items.extend(self._map.catalogue(row, below.get(row.id, ()), types))
        return items
