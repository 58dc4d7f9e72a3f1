"""Articles and their stock as lists."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.db.models import QuerySet

from samklang.hub import listing
from samklang.hub.looks.rows import (
    MANY,
    PAGE,
    At,
    Row,
    Slice,
    bounded,
    merged,
    place_of,
    place_text,
    targets,
    undone,
)
from samklang.hub.models import Connection, Flow, Stored, Tenant
from samklang.hub.orders import connections_of
from samklang.records import Product, StockLevel, decode
from samklang.records.ids import sku_key

_FOUND = 1000  # records that a search looks at


class Asked(NamedTuple):
    """Which articles or levels: `search` is the beginning of a number, a GTIN or a word of the name; `delivery` open =
    what some target lacks or refused."""

    search: str = ""
    delivery: str = ""

    def __bool__(self) -> bool:
        return any(self)


class ProductLook(NamedTuple):
    """One product at its master, with how each target stands."""

    product: Product
    master: str
    changed_at: float
    targets: list[At]


class StockLook(NamedTuple):
    """What one warehouse has of an article, or what a channel is told of it (`channel` is then its code)."""

    level: StockLevel
    name: str
    channel: str
    master: str
    changed_at: float
    targets: list[At]


def products(tenant: Tenant, asked: Asked, after: str = "", size: int = PAGE) -> Slice[ProductLook]:
    """A page of products by number. ValueError when `after` is nothing that a page could have given."""
    rows, place, count = _page(tenant, "product", asked, after, size)
    names = dict(Connection.objects.filter(tenant=tenant).values_list("pk", "name"))
    at = targets(tenant, "product", [row.key for row in rows], list(names))
    found = []
    for row in rows:
        product = decode("product", row.body)
        assert isinstance(product, Product)
        found.append(ProductLook(product, names[row.connection], row.changed_at, at.get(row.key, [])))
    return Slice(found, place, count)


def stock(tenant: Tenant, asked: Asked, after: str = "", size: int = PAGE) -> Slice[StockLook]:
    """A page of stock levels by article and warehouse. ValueError as `products`."""
    rows, place, count = _page(tenant, "stock", asked, after, size)
    systems = dict(Connection.objects.filter(tenant=tenant).values_list("pk", "name"))
    at = targets(tenant, "stock", [row.key for row in rows], list(systems))
    levels = [level for row in rows if isinstance(level := decode("stock", row.body), StockLevel)]
    names = _names(tenant, [sku_key(level.sku) for level in levels])
    found = []
    for row, level in zip(rows, levels, strict=True):
        channel = level.warehouse[1:] if level.warehouse.startswith("@") else ""
        name = names.get(sku_key(level.sku), "")
        found.append(StockLook(level, name, channel, systems[row.connection], row.changed_at, at.get(row.key, [])))
    return Slice(found, place, count)


def all_products(tenant: Tenant, asked: Asked, size: int = 500) -> Iterator[ProductLook]:
    """Every product that is asked for, page by page."""
    after = ""
    while page := products(tenant, asked, after, size):
        yield from page.rows
        after = page.after
        if not after:
            return


def all_stock(tenant: Tenant, asked: Asked, size: int = 500) -> Iterator[StockLook]:
    """Every level that is asked for, page by page."""
    after = ""
    while page := stock(tenant, asked, after, size):
        yield from page.rows
        after = page.after
        if not after:
            return


def masters(tenant: Tenant, type_: str) -> list[int]:
    """Connections that some flow names as the source of a type."""
    return sorted(set(Flow.objects.filter(tenant=tenant, type=type_).values_list("source", flat=True)))


def _page(tenant: Tenant, type_: str, asked: Asked, after: str, size: int) -> tuple[list[Row], str, int]:
    """Rows of a type's masters, where the next page begins, and the bounded count."""
    places = masters(tenant, type_)
    stored = Stored.objects.filter(tenant=tenant, type=type_, gone=False)
    if asked:
        return _page_of(stored, places, sorted(_keys(tenant, type_, asked)), after, size)
    rows, place = merged(places, lambda one: stored.filter(connection=one), place_of(after), size)
    count = sum(bounded(stored.filter(connection=one)) for one in places)
    return rows, place_text(place), min(count, MANY + 1)


def _page_of(
    stored: QuerySet[Stored], places: list[int], keys: list[str], after: str, size: int
) -> tuple[list[Row], str, int]:
    """The same of known keys, of which there may be many: a database is not asked for all of them at once. They are
    counted in it while they are few; of many, those that are gone at their master count too."""
    begins = place_of(after)
    rest = keys[bisect_left(keys, begins[0]) :] if begins else keys
    rows: list[Row] = []
    place: tuple[str, int] | None = None
    for start in range(0, len(rest), _FOUND):
        some = rest[start : start + _FOUND]
        found, place = merged(places, _among(stored, some), begins, size - len(rows))
        rows += found
        if len(rows) == size:
            more = rest[start + _FOUND :]
            place = place or ((rows[-1].key, rows[-1].connection) if more else None)
            break
    few = stored.filter(key__in=keys[:_FOUND])
    count = sum(few.filter(connection=one).count() for one in places) if len(keys) <= _FOUND else len(keys)
    return rows, place_text(place), min(count, MANY + 1)


def _among(stored: QuerySet[Stored], keys: list[str]) -> Callable[[int], QuerySet[Stored]]:
    return lambda place: stored.filter(connection=place, key__in=keys)


def _keys(tenant: Tenant, type_: str, asked: Asked) -> set[str]:
    found: set[str] | None = None
    if asked.search:
        terms = listing.found(tenant.pk, "product", asked.search).values_list("key", flat=True)[:_FOUND]
        found = set(terms) if type_ == "product" else _levels_of(tenant, asked.search, set(terms))
    if asked.delivery:
        rows = undone(tenant).filter(connection__in=connections_of(tenant.pk), type=type_)
        open_ = set(rows.values_list("key", flat=True)[: MANY + 1])
        found = open_ if found is None else found & open_
    return found or set()


def _levels_of(tenant: Tenant, typed: str, products: set[str]) -> set[str]:
    """Keys of stock levels of these products' articles, or whose own number begins as typed."""
    skus = {sku_key(typed)}
    bodies = Stored.objects.filter(
        tenant=tenant, connection__in=masters(tenant, "product"), type="product", key__in=sorted(products)
    ).values_list("body", flat=True)
    for body in bodies:
        product = decode("product", bytes(body))
        assert isinstance(product, Product)
        skus |= {variant.key for variant in product.variants}
    found: set[str] = set()
    for place in masters(tenant, "stock"):
        rows = Stored.objects.filter(tenant=tenant, connection=place, type="stock")
        warehouses = _warehouses(tenant, place)
        keys = [f"{sku}|{warehouse}" for sku in sorted(skus) for warehouse in warehouses]
        for start in range(0, len(keys), 5000):
            found |= set(rows.filter(key__in=keys[start : start + 5000]).values_list("key", flat=True))
    return found


def _warehouses(tenant: Tenant, master: int) -> set[str]:
    """Names of the warehouses that a master tells of, as far as its first levels show, and its channels' pots."""
    rows = Stored.objects.filter(tenant=tenant, connection=master, type="stock").order_by("key")
    names = {key.rpartition("|")[2] for key in rows.values_list("key", flat=True)[:500]}
    pots = Flow.objects.filter(tenant=tenant, type="stock", source=master).values_list("channel__code", flat=True)
    return names | {f"@{code}" for code in pots} | {""}


def _names(tenant: Tenant, skus: list[str]) -> dict[str, str]:
    """Article number → name, where the article is a product of its own."""
    rows = Stored.objects.filter(
        tenant=tenant, connection__in=masters(tenant, "product"), type="product", key__in=list(dict.fromkeys(skus))
    ).values_list("key", "body")
    found = {}
    for key, body in rows:
        product = decode("product", bytes(body))
        assert isinstance(product, Product)
        found[key] = product.name
    return found
