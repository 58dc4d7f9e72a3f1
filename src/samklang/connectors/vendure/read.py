"""Pages of records out of Vendure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from samklang.connectors.contract import Bad, Gone, Item, Page, Part
from samklang.connectors.errors import NOT_A_RECORD, bad_data
from samklang.connectors.vendure import map as vendure_map
from samklang.connectors.vendure import shapes
from samklang.connectors.vendure.client import Client
from samklang.records.ids import sku_key

T = TypeVar("T")
_SIZE = 50
_PLACED = {"orderPlacedAt": {"isNull": False}, "active": {"eq": False}}


class Reader:
    """The feeds of one channel."""

    def __init__(self, client: Client, channel: str, country: str, time_zone: str) -> None:
        self._client = client
        self._channel = channel
        self._country = country
        self._time_zone = time_zone

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str) -> Iterator[Page]:
        """Pages of a feed of the manifest."""
        news = {"updatedAt": {"after": since.isoformat()}} if since else {}
        if feed == "orders":
            yield from self._pages(shapes.ORDERS, shapes.Order, self._orders(types), resume, **_PLACED, **news)
        elif feed == "customers":
            yield from self._pages(shapes.CUSTOMERS, shapes.Customer, self._customers, resume, **news)
        elif feed == "variants":
            yield from self._pages(shapes.VARIANTS, shapes.Variant, self._variants(types), resume)
        elif since is None:
            yield from self._pages(shapes.PRODUCTS, shapes.Product, self._products(), resume)
        else:
            yield from self._by_id(shapes.PRODUCTS, shapes.Product, self._products(), self._changed_products(news))

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        """Single orders, products or variants; ids that no longer exist come as Gone."""
        if feed == "orders":
            types = frozenset({"order", "order_status"})
            pages = self._by_id(shapes.ORDERS, shapes.Order, self._orders(types), external_ids, **_PLACED)
        elif feed == "products":
            pages = self._by_id(shapes.PRODUCTS, shapes.Product, self._products(), external_ids)
        else:
            both = frozenset({"stock", "price"})
            yield from self._by_id(shapes.VARIANTS, shapes.Variant, self._variants(both), external_ids)
            return  # stock and prices have no id of their own: a variant that is gone says nothing about them
        seen = set()
        for page in pages:
            seen |= {item.external_id for item in page.items}
            yield page
        type_ = "order" if feed == "orders" else "product"
        # An order that exists but is not placed yet is not gone; it comes when it is placed.
        gone = [Gone(type=type_, external_id=id_) for id_ in external_ids if id_ not in seen]
        if gone and type_ == "product":
            yield Page(list(gone))

    def _pages(
        self, query: str, type_: type[T], items: Callable[[list[T]], list[Any]], resume: str, **filters: Any
    ) -> Iterator[Page]:
        for rows, total, after in self._client.pages(query, type_, _SIZE, resume, filters=filters):
            yield Page(items(rows), total, after)

    def _by_id(
        self, query: str, type_: type[T], items: Callable[[list[T]], list[Any]], ids: Iterable[str], **filters: Any
    ) -> Iterator[Page]:
        wanted = list(dict.fromkeys(ids))
        for first in range(0, len(wanted), _SIZE):
            some = {"id": {"in": wanted[first : first + _SIZE]}}
            for rows, _, _ in self._client.pages(query, type_, _SIZE, filters={**some, **filters}):
                yield Page(items(rows))

    def _changed_products(self, news: dict[str, Any]) -> list[str]:
        """A product's own time does not move when only a variant changes."""
        own = self._client.pages(shapes.PRODUCT_IDS, shapes.Ref, 500, filters=news)
        ids = {row.id for rows, _, _ in own for row in rows}
        through = self._client.pages(shapes.VARIANT_PRODUCTS, shapes.Variant, 500, filters=news)
        return sorted(ids | {row.product_id for rows, _, _ in through for row in rows})

    # ------------------------------------------------------------------------------------------------ items

    def _orders(self, types: frozenset[str]) -> Callable[[list[shapes.Order]], list[Any]]:
        def items(rows: list[shapes.Order]) -> list[Any]:
            found: list[Any] = []
            for row in rows:
                try:
                    record = vendure_map.order(row, self._channel, self._time_zone)
                    if "order" in types:
                        found.append(Item(record=record, external_id=row.id))
                    if "order_status" in types:
                        status = vendure_map.order_status(row, record.key)
                        found.append(Item(record=status, external_id=row.id, parent=row.id))
                except NOT_A_RECORD as error:
                    found.append(Bad(type="order", external_id=row.id, error=bad_data(error, row.code)))
            return found

        return items

    def _customers(self, rows: list[shapes.Customer]) -> list[Any]:
        found: list[Any] = []
        for row in rows:
            addresses = row.addresses or []
            billing = next((a for a in addresses if a.default_billing_address), addresses[0] if addresses else None)
            shipping = next((a for a in addresses if a.default_shipping_address and a is not billing), None)
            try:
                record = vendure_map.customer(row, billing, shipping)
            except NOT_A_RECORD as error:
                found.append(Bad(type="customer", external_id=row.id, error=bad_data(error, row.email_address)))
            else:
                found.append(Item(record=record, external_id=row.id))
        return found

    def _products(self) -> Callable[[list[shapes.Product]], list[Any]]:
        language = self._client.get(shapes.CHANNEL, shapes.Channel).default_language_code
        today = datetime.now(UTC).date()

        def items(rows: list[shapes.Product]) -> list[Any]:
            found: list[Any] = []
            for row in rows:
                try:
                    record = vendure_map.product(row, language, self._country, today)
                except NOT_A_RECORD as error:
                    found.append(Bad(type="product", external_id=row.id, error=bad_data(error, row.slug)))
                    continue
                parts = tuple(Part("variant", sku_key(v.sku), v.id) for v in row.variants)
                found.append(Item(record=record, external_id=row.id, parts=parts))
            return found

        return items

    def _variants(self, types: frozenset[str]) -> Callable[[list[shapes.Variant]], list[Any]]:
        channel = self._client.get(shapes.CHANNEL, shapes.Channel)

        def items(rows: list[shapes.Variant]) -> list[Any]:
            found: list[Any] = []
            for row in rows:
                try:
                    if "stock" in types:
                        found.append(Item(record=vendure_map.stock(row)))
                    if "price" in types:
                        found += [Item(record=p) for p in vendure_map.prices(row, channel.prices_include_tax)]
                except NOT_A_RECORD as error:
                    type_ = "stock" if "stock" in types else "price"
                    found.append(Bad(type=type_, external_id=row.id, error=bad_data(error, row.sku)))
            return found

        return items
