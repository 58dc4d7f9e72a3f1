"""Pages of records out of Vendure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from samklang.connectors.contract import Bad, Gone, Item, Page, Part
from samklang.connectors.kit.rows import Name, items
from samklang.connectors.kit.system import Asked
from samklang.connectors.vendure import map as vendure_map
from samklang.connectors.vendure import shapes
from samklang.connectors.vendure.client import Client
from samklang.records.ids import sku_key

T = TypeVar("T", bound=shapes.Ref)
Items = list[Item | Bad | Gone]
_SIZE = 50
_PLACED = {"orderPlacedAt": {"isNull": False}, "active": {"eq": False}}


class Reader:
    """The feeds of one channel."""

    def __init__(self, client: Client, channel: str, country: str, time_zone: str) -> None:
        self._client = client
        self._channel = channel
        self._country = country
        self._time_zone = time_zone

    def orders(self, asked: Asked) -> Iterator[Page]:
        """Orders that were placed, and their status."""
        make = self._order_items(asked.types)
        return self._pages("orders", shapes.Order, make, asked.resume, **_PLACED, **_news(asked))

    def customers(self, asked: Asked) -> Iterator[Page]:
        """Customers."""
        return self._pages("customers", shapes.Member, _customer_items, asked.resume, **_news(asked))

    def variants(self, asked: Asked) -> Iterator[Page]:
        """Stock and prices of all variants."""
        return self._pages("productVariants", shapes.Stocked, self._variant_items(asked.types), asked.resume)

    def products(self, asked: Asked) -> Iterator[Page]:
        """Products. A product's own time does not move when only a variant changes, so variants are asked as well."""
        make, news = self._product_items(), _news(asked)
        if not news:
            return self._pages("products", shapes.Product, make, asked.resume)
        own = self._client.pages("products", shapes.Ref, 500, **news)
        through = self._client.pages("productVariants", shapes.OfProduct, 500, **news)
        ids = {row.id for page in own for row in page.rows} | {row.product_id for page in through for row in page.rows}
        return self._by_id("products", shapes.Product, make, sorted(ids))

    def fetch(self, feed: str, ids: Sequence[str]) -> Iterator[Page]:
        """Single orders, products or variants.

        Only a product that is missing is Gone. An order may exist but not be placed yet; stock and prices have no id of
        their own, so a variant that is gone says nothing about them.
        """
        if feed == "orders":
            make = self._order_items(frozenset({"order", "order_status"}))
            yield from self._by_id("orders", shapes.Order, make, ids, **_PLACED)
        elif feed == "variants":
            both = self._variant_items(frozenset({"stock", "price"}))
            yield from self._by_id("productVariants", shapes.Stocked, both, ids)
        else:
            missing = dict.fromkeys(ids)
            for page in self._by_id("products", shapes.Product, self._product_items(), ids):
                for item in page.items:
                    missing.pop(item.external_id, None)
                yield page
            yield Page([Gone(type="product", external_id=id_) for id_ in missing])

    def _pages(
        self, root: str, type_: type[T], make: Callable[[list[T]], Items], resume: str = "", **filters: Any
    ) -> Iterator[Page]:
        for page in self._client.pages(root, type_, _SIZE, resume, **filters):
            yield Page(make(page.rows), page.total, page.resume)

    def _by_id(
        self, root: str, type_: type[T], make: Callable[[list[T]], Items], ids: Iterable[str], **filters: Any
    ) -> Iterator[Page]:
        wanted = list(dict.fromkeys(ids))
        for first in range(0, len(wanted), _SIZE):
            some = {"id": {"in": wanted[first : first + _SIZE]}}
            yield Page(make(self._client.some(root, type_, _SIZE, **some, **filters).items))

    # ------------------------------------------------------------------------------------------------ items

    def _order_items(self, types: frozenset[str]) -> Callable[[list[shapes.Order]], Items]:
        def make(row: shapes.Order) -> Iterator[Item]:
            record = vendure_map.order(row, self._channel, self._time_zone)
            if "order" in types:
                yield Item(record=record, external_id=row.id)
            if "order_status" in types:
                yield Item(record=vendure_map.order_status(row, record.key), external_id=row.id, parent=row.id)

        return lambda rows: items("order", rows, make, lambda row: Name(row.id, row.code))

    def _product_items(self) -> Callable[[list[shapes.Product]], Items]:
        language = self._client.get("activeChannel", shapes.Channel).default_language_code
        today = datetime.now(UTC).date()

        def make(row: shapes.Product) -> Iterator[Item]:
            parts = tuple(Part("variant", sku_key(v.sku), v.id) for v in row.variants)
            record = vendure_map.product(row, language, self._country, today)
            yield Item(record=record, external_id=row.id, parts=parts)

        return lambda rows: items("product", rows, make, lambda row: Name(row.id, row.slug))

    def _variant_items(self, types: frozenset[str]) -> Callable[[list[shapes.Stocked]], Items]:
        inclusive = self._client.get("activeChannel", shapes.Channel).prices_include_tax

        def make(row: shapes.Stocked) -> Iterator[Item]:
            if "stock" in types:
                yield Item(record=vendure_map.stock(row))
            if "price" in types:
                yield from (Item(record=price) for price in vendure_map.prices(row, inclusive))

        type_ = "stock" if "stock" in types else "price"
        return lambda rows: items(type_, rows, make, lambda row: Name(row.id, row.sku))


def _customer_items(rows: list[shapes.Member]) -> Items:
    def make(row: shapes.Member) -> Iterator[Item]:
        yield Item(record=vendure_map.member(row), external_id=row.id)

    return items("customer", rows, make, lambda row: Name(row.id, row.email_address))


def _news(asked: Asked) -> dict[str, Any]:
    return {"updatedAt": {"after": asked.since.isoformat()}} if asked.since else {}
