"""Pages of records out of the shop.

Products and customers can be asked for by the time of their last change. Orders cannot, but they can be sorted by it:
the newest come first, and the read ends at the first that is old enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from samklang.connectors.contract import Gone, Item, Page
from samklang.connectors.kit.rows import Broken, Items, Name, Rows, items, readable
from samklang.connectors.kit.system import Asked, listed
from samklang.connectors.starweb import map as starweb_map
from samklang.connectors.starweb import orders, shapes
from samklang.connectors.starweb.client import Shop
from samklang.records.ids import sku_key
from samklang.records.times import instant

VARIANTS = Rows(shapes.VariantRow, "variantId")
PRODUCTS = Rows(shapes.ProductRow, "productId")
_ORDERS = Rows(shapes.OrderRow, "orderId")
_CUSTOMERS = Rows(shapes.CustomerRow, "customerId")
_PRODUCT = {"include": "primaryVariant,primaryVariant.prices,languages,categories"}
ORDER = {"include": "items,items.bundledItems,addresses,customer,externalServices"}
_CUSTOMER = {"include": "addresses"}
_SEARCHABLE = re.compile(r"[A-Za-z0-9._-]+")
_ALL = frozenset(("product", "price", "stock", "order", "order_status", "customer"))


class Reader:
    """Reads one shop."""

    def __init__(self, shop: Shop, settings: Mapping[str, Any]) -> None:
        self._shop, self._settings = shop, settings
        self._one: dict[str, tuple[str, Rows[Any], Mapping[str, object], Callable[..., Items], str]] = {
            "catalogue": ("/products", PRODUCTS, _PRODUCT, self._catalogue, "product"),
            "orders": ("/orders", _ORDERS, ORDER, self._orders, "order"),
            "customers": ("/customers", _CUSTOMERS, _CUSTOMER, self._customers, "customer"),
        }

    # ------------------------------------------------------------------------------------------------ the installation

    def lists(self) -> dict[int, shapes.PriceListRow]:
        """Price lists by id."""
        return {row.id: row for row in self._shop.table("/pricelists", shapes.PriceListRow)}

    def range(self) -> starweb_map.Range:
        """What products refer to by id."""
        shop = self._shop
        values: dict[int, tuple[str, str]] = {}
        for id_, axis in shop.labels("/product-attributes", shapes.Attribute).items():
            names = shop.labels(f"/product-attributes/{id_}/values", shapes.AttributeValue)
            values |= {value: (axis, name) for value, name in names.items()}
        categories = shop.table("/product-categories", shapes.Category, include="languages")
        return starweb_map.Range(
            shop=shop.shop(), lists=self.lists(), values=values,
            brands=shop.labels("/product-manufacturers", shapes.Manufacturer),
            categories={row.id: shop.label(row) for row in categories},
        )  # fmt: skip

    def trade(self) -> orders.Trade:
        """What orders refer to by id, and the connection's settings."""
        shop, settings = self._shop, self._settings
        return orders.Trade(
            channel=str(settings["channel"]), connection=str(settings["connection"]),
            time_zone=str(settings.get("time_zone") or "UTC"),
            statuses=shop.labels("/order-statuses", shapes.StatusRow),
            codes={row.id: row.id_code or "" for row in shop.table("/order-statuses", shapes.StatusRow)},
            payment_methods=shop.labels("/payment-methods", shapes.PaymentMethod),
            shipping_methods=shop.labels("/shipping-methods", shapes.ShippingMethod),
            lists=self.lists(),
            reserved=_words(settings, "reserved"), gift_cards=_words(settings, "gift_cards"),
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------ feeds

    def catalogue(self, asked: Asked) -> Iterator[Page]:
        """Price lists; products with prices and stock, all or those that changed."""
        if "price_list" in asked.types and not asked.resume:
            known = self.range()
            found = [(row, starweb_map.price_list(row, known)) for row in known.lists.values() if not row.is_master]
            yield Page([Item(record=record, external_id=str(row.id)) for row, record in found])
        yield from self._by_id("catalogue", "productId", asked)

    def customers(self, asked: Asked) -> Iterator[Page]:
        """Customers with an account; guests come with their orders."""
        return self._by_id("customers", "customerId", asked)

    def _by_id(self, feed: str, key: str, asked: Asked) -> Iterator[Page]:
        path, rows, include, make, _ = self._one[feed]
        params: dict[str, object] = {**include, "sortBy": key, "sortOrder": "ASC"}
        if asked.since is not None:
            params["updatedSince"] = asked.since.astimezone(UTC).isoformat(timespec="seconds")
        for some in self._shop.slices(path, rows, params, asked.resume):
            yield Page(make(some.rows, asked.types), some.total, some.resume)

    def orders(self, asked: Asked) -> Iterator[Page]:
        """Orders whose payment is confirmed: all of them, or from the newest back to `since`."""
        since = asked.since
        order = ("orderId", "ASC") if since is None else ("modifiedAt", "DESC")
        params = {**ORDER, "sortBy": order[0], "sortOrder": order[1]}
        for some in self._shop.slices("/orders", _ORDERS, params, asked.resume):
            fresh = [row for row in some.rows if since is None or isinstance(row, Broken) or _changed(row) >= since]
            yield Page(self._orders(fresh, asked.types), some.total if since is None else 0, some.resume)
            if since is not None and any(_changed(row) < since for row in readable(some.rows)[-1:]):
                return

    def fetch(self, feed: str, ids: Sequence[str]) -> Iterator[Page]:
        """Single records; what the shop no longer has is gone."""
        path, rows, include, make, type_ = self._one[feed]

        def one(id_: str) -> Items:
            answer = self._shop.call("GET", f"{path}/{id_}", include, expect=(404,))
            if answer.status == 404:
                return [Gone(type=type_, external_id=id_)]
            return make(rows(b"[%s]" % bytes(answer.of(shapes.Listing).data), answer.where), _ALL)

        for found in self._shop.transport.overlap(partial(one, id_) for id_ in ids if id_.isdigit()):
            yield Page(found)

    # ------------------------------------------------------------------------------------------------ rows

    def _catalogue(self, rows: Sequence[shapes.ProductRow | Broken], types: frozenset[str]) -> Items:
        known = self.range()
        several = (row.id for row in readable(rows) if row.has_several_variants)
        below = self._shop.transport.by_key(self.variants, several)

        def make(row: shapes.ProductRow) -> Iterator[Item]:
            return starweb_map.catalogue(row, below.get(row.id, _own(row)), known, types)

        return items("product", rows, make, _name_of_product)

    def variants(self, product: int) -> list[shapes.VariantRow | Broken]:
        """All variants of a product, with their prices."""
        return self._shop.whole(f"/products/{product}/variants", VARIANTS, {"include": "prices"})

    def articles(self, row: shapes.ProductRow) -> Sequence[shapes.VariantRow]:
        """The product's variants that can be read."""
        return readable(self.variants(row.id)) if row.has_several_variants else _own(row)

    def with_sku(self, sku: str) -> list[shapes.ProductRow]:
        """Products that have this SKU. The shop's own search takes plain letters and digits only; others are looked for
        one by one."""
        if _SEARCHABLE.fullmatch(sku):
            found = self._shop.whole("/products", PRODUCTS, {**_PRODUCT, "filterSku": sku})
            return readable(found)
        every = (row for some in self._shop.slices("/products", PRODUCTS, _PRODUCT) for row in readable(some.rows))
        return [row for row in every if any(sku_key(one.sku) == sku_key(sku) for one in self.articles(row))]

    def _orders(self, rows: Sequence[shapes.OrderRow | Broken], types: frozenset[str]) -> Items:
        trade = self.trade()
        return items(
            "order", rows, lambda row: orders.read(row, trade, types),
            lambda row: Name(str(row.id), str(row.id), trade.key(row.id)),
        )  # fmt: skip

    def _customers(self, rows: Sequence[shapes.CustomerRow | Broken], types: frozenset[str]) -> Items:
        lists = self.lists()
        return items(
            "customer", rows, lambda row: starweb_map.customer(row, lists),
            lambda row: Name(str(row.id), f"customer {row.id}"),
        )  # fmt: skip


def _own(row: shapes.ProductRow) -> list[shapes.VariantRow]:
    return [row.primary_variant.data] if row.primary_variant else []


def _name_of_product(row: shapes.ProductRow) -> Name:
    sku = next((one.sku for one in _own(row)), "")
    label = next((word.name for word in row.languages.data), "")
    return Name(str(row.id), sku or label or str(row.id), sku_key(sku))


def _changed(row: shapes.OrderRow) -> datetime:
    return instant(row.modified_at or row.created_at, "modifiedAt")


def _words(settings: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in listed(settings.get(name)))
