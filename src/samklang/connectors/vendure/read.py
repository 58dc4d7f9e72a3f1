"""Pages of records out of Vendure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from samklang.connectors.contract import Gone, Item, Page, Part
from samklang.connectors.kit.paging import chunks
from samklang.connectors.kit.rows import Items, Name, items
from samklang.connectors.kit.system import Asked
from samklang.connectors.vendure import map as vendure_map
from samklang.connectors.vendure import shapes
from samklang.connectors.vendure.client import Client
from samklang.records.ids import sku_key

T = TypeVar("T", bound=shapes.Ref)
_SIZE = 50
_PLACED = {"orderPlacedAt": {"isNull": False}, "active": {"eq": False}}


class Kind(NamedTuple, Generic[T]):
    """Where a kind of rows is found, and what they become."""

    root: str
    row: type[T]
    type: str
    make: Callable[[T], Iterator[Item]]
    label: Callable[[T], str]

    def items(self, rows: list[T]) -> Items:
        return items(self.type, rows, self.make, lambda row: Name(row.id, self.label(row)))


class Reader:
    """The feeds of one channel."""

    def __init__(self, client: Client, channel: str, country: str, time_zone: str) -> None:
        self._client = client
        self._channel = channel
        self._country = country
        self._time_zone = time_zone

    def orders(self, asked: Asked) -> Iterator[Page]:
        """Orders that were placed, and their status."""
        return self._pages(self._orders(asked.types), asked.resume, **_PLACED, **_news(asked))

    def customers(self, asked: Asked) -> Iterator[Page]:
        """Customers."""

        def make(row: shapes.Member) -> Iterator[Item]:
            yield Item(record=vendure_map.member(row), external_id=row.id)

        kind = Kind("customers", shapes.Member, "customer", make, lambda row: row.email)
        return self._pages(kind, asked.resume, **_news(asked))

    def variants(self, asked: Asked) -> Iterator[Page]:
        """Stock and prices of all variants."""
        return self._pages(self._variants(asked.types), asked.resume)

    def products(self, asked: Asked) -> Iterator[Page]:
        """Products. A product's own time does not move when only a variant changes, so variants are asked as well."""
        news = _news(asked)
        if not news:
            return self._pages(self._products(), asked.resume)
        own = self._client.pages("products", shapes.Ref, 500, **news)
        through = self._client.pages("productVariants", shapes.OfProduct, 500, **news)
        ids = {row.id for page in own for row in page.rows} | {row.product_id for page in through for row in page.rows}
        return self._by_id(self._products(), sorted(ids))

    def fetch(self, feed: str, ids: Sequence[str]) -> Iterator[Page]:
        """Single orders, products or variants.

        Only a product that is missing is Gone. An order may exist but not be placed yet; stock and prices have no id of
        their own, so a variant that is gone says nothing about them.
        """
        if feed == "orders":
            yield from self._by_id(self._orders(frozenset({"order", "order_status"})), ids, **_PLACED)
        elif feed == "variants":
            yield from self._by_id(self._variants(frozenset({"stock", "price"})), ids)
        else:
            missing = dict.fromkeys(ids)
            for page in self._by_id(self._products(), ids):
                for item in page.items:
                    missing.pop(item.external_id, None)
                yield page
            yield Page([Gone(type="product", external_id=id_) for id_ in missing])

    def _pages(self, kind: Kind[T], resume: str = "", **filters: Any) -> Iterator[Page]:
        for page in self._client.pages(kind.root, kind.row, _SIZE, resume, **filters):
            yield Page(kind.items(page.rows), page.total, page.resume)

    def _by_id(self, kind: Kind[T], ids: Iterable[str], **filters: Any) -> Iterator[Page]:
        for some in chunks(list(dict.fromkeys(ids)), _SIZE):
            found = self._client.some(kind.root, kind.row, _SIZE, id={"in": some}, **filters)
            yield Page(kind.items(found.items))

    # ------------------------------------------------------------------------------------------------ kinds of rows

    def _orders(self, types: frozenset[str]) -> Kind[shapes.Order]:
        def make(row: shapes.Order) -> Iterator[Item]:
            record = vendure_map.order(row, self._channel, self._time_zone)
            if "order" in types:
                yield Item(record=record, external_id=row.id)
            if "order_status" in types:
                yield Item(record=vendure_map.order_status(row, record.key), external_id=row.id, parent=row.id)

        return Kind("orders", shapes.Order, "order", make, lambda row: row.code)

    def _products(self) -> Kind[shapes.Product]:
        language = self._client.get("activeChannel", shapes.Channel).default_language_code
        today = datetime.now(UTC).date()

        def make(row: shapes.Product) -> Iterator[Item]:
            parts = tuple(Part("variant", sku_key(v.sku), v.id) for v in row.variants)
            record = vendure_map.product(row, language, self._country, today)
            yield Item(record=record, external_id=row.id, parts=parts)

        return Kind("products", shapes.Product, "product", make, lambda row: row.slug)

    def _variants(self, types: frozenset[str]) -> Kind[shapes.Stocked]:
        inclusive = self._client.get("activeChannel", shapes.Channel).prices_include_tax

        def make(row: shapes.Stocked) -> Iterator[Item]:
            if "stock" in types:
                yield Item(record=vendure_map.stock(row))
            if "price" in types:
                yield from (Item(record=price) for price in vendure_map.prices(row, inclusive))

        type_ = "stock" if "stock" in types else "price"
        return Kind("productVariants", shapes.Stocked, type_, make, lambda row: row.sku)


def _news(asked: Asked) -> dict[str, Any]:
    return {"updatedAt": {"after": asked.since.isoformat()}} if asked.since else {}
