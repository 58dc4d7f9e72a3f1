"""Pages of records out of Magento, all read behind the last id that was seen.

Variants are articles of their own, linked to a configurable one: a variant that changed makes its parent be read. The
links of all configurable articles are asked for first, trimmed to ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from samklang.connectors.contract import Item, Page
from samklang.connectors.kit.rows import Broken, Items, Name, Rows, items, pages, readable
from samklang.connectors.kit.system import Asked, listed
from samklang.connectors.magento import map as magento_map
from samklang.connectors.magento import orders, shapes
from samklang.connectors.magento.client import SIZE, Shop, Where
from samklang.records import StockLevel
from samklang.records.ids import sku, sku_key

PRODUCTS = Rows(shapes.ProductRow)
ORDERS = Rows(shapes.OrderRow, "entity_id")
_MEMOS, _CUSTOMERS = Rows(shapes.MemoRow, "entity_id"), Rows(shapes.CustomerRow)
_STOCK = Rows(shapes.SourceItem, "sku")
_SOLD = "simple,virtual,configurable"
_LINKS = "id,sku,type_id,extension_attributes[configurable_product_links]"


class Reader:
    """Reads one Magento."""

    def __init__(self, shop: Shop, settings: Mapping[str, Any]) -> None:
        self._shop, self._settings = shop, settings
        self._inclusive = bool(settings.get("prices_include_tax", True))

    def range(self) -> magento_map.Range:
        """What products refer to by id, and the settings."""
        shop, settings = self._shop, self._settings
        return magento_map.Range(
            store=shop.store(), country=str(settings.get("country") or "SE"), inclusive=self._inclusive,
            groups=shop.groups(), percents=shop.percents(), attributes=shop.attributes(),
            categories={str(id_): name for id_, name in shop.categories().items()},
            gtin=str(settings.get("gtin_attribute") or ""), mpn=str(settings.get("mpn_attribute") or ""),
        )  # fmt: skip

    def trade(self) -> orders.Trade:
        """What the settings say of orders."""
        return orders.Trade(
            channel=str(self._settings["channel"]), connection=str(self._settings["connection"]),
            time_zone=self._shop.store().timezone, inclusive=self._inclusive, groups=self._shop.groups(),
            payment_keys=listed(self._settings.get("payment_keys")),
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------ catalogue

    def catalogue(self, asked: Asked) -> Iterator[Page]:
        """Price lists; articles with their prices, all or those that changed."""
        known = self.range()
        if "price_list" in asked.types and not asked.resume:
            lists = [(id_, magento_map.price_list(code, known)) for id_, code in known.groups.items()]
            yield Page([Item(record=record, external_id=str(id_)) for id_, record in lists])
        parent_of = dict(self._links())
        seen: set[int] = set()
        where = [Where("type_id", _SOLD, "in")]
        for some in self._shop.slices("/products", PRODUCTS, where, since=asked.since, resume=asked.resume):
            yield Page(self._products(some.rows, parent_of, seen, known, asked.types), 0, some.resume)

    def _links(self) -> Iterator[tuple[int, int]]:
        """Variant → configurable article, of all that there are."""
        where = [Where("type_id", "configurable")]
        for some in self._shop.slices("/products", PRODUCTS, where, fields=_LINKS):
            for row in readable(some.rows):
                for child in row.extension_attributes.configurable_product_links:
                    yield child, row.id

    def _products(
        self, rows: Sequence[shapes.ProductRow | Broken], parent_of: Mapping[int, int], seen: set[int],
        known: magento_map.Range, types: frozenset[str],
    ) -> Items:  # fmt: skip
        """A page of articles: what stands for itself as it is, and every parent once, with all its variants."""
        here = {row.id: row for row in readable(rows)}
        wanted = [id_ for id_ in dict.fromkeys(parent_of.get(id_, id_) for id_ in here) if id_ not in seen]
        seen.update(wanted)
        here |= self._more([id_ for id_ in wanted if id_ not in here])
        whole = [here[id_] for id_ in wanted if id_ in here]
        links = [child for row in whole for child in _children(row)]
        below = here | self._more([child for child in links if child not in here])

        def make(row: shapes.ProductRow) -> Iterator[Item]:
            children = [below[child] for child in _children(row) if child in below]
            if "product" in types:
                yield magento_map.product(row, children, known)
            for one in children or [row]:
                if "price" in types:
                    yield from magento_map.prices(one, known)

        rest: list[shapes.ProductRow | Broken] = [*whole, *(row for row in rows if isinstance(row, Broken))]
        return items("product", rest, make, lambda row: Name(str(row.id), row.sku, sku_key(row.sku)))

    def _more(self, ids: Iterable[int]) -> dict[int, shapes.ProductRow]:
        found = self._shop.among("/products", PRODUCTS, "entity_id", list(ids))
        return {row.id: row for row in readable(found)}

    def by_skus(self, skus: Sequence[str], fields: str = "") -> dict[str, shapes.ProductRow]:
        """Articles by the compare form of their number."""
        plain = [one for one in skus if "," not in one]  # a comma would part the list
        found = [*self._shop.among("/products", PRODUCTS, "sku", plain, fields)]
        for odd in (one for one in skus if "," in one):
            found += self._shop.search("/products", PRODUCTS, [Where("sku", odd)], fields=fields)[0]
        return {sku_key(row.sku): row for row in readable(found)}

    def stock(self, asked: Asked) -> Iterator[Page]:
        """What lies at each source. Changes of stock leave no trace in time, so it is all read."""
        page, total = int(asked.resume or 0), -1
        while total < 0 or page * SIZE < total:
            page += 1
            rows, total = self._shop.search("/inventory/source-items", _STOCK, sort="sku source_code", page=page)
            yield Page(items("stock", rows, self._level, lambda row: Name("", row.sku)), total, str(page))

    @staticmethod
    def _level(row: shapes.SourceItem) -> Iterator[Item]:
        yield Item(record=StockLevel(sku=sku(row.sku), warehouse=row.source_code, on_hand=row.quantity))

    # ------------------------------------------------------------------------------------------------ orders, customers

    def orders(self, asked: Asked) -> Iterator[Page]:
        """Orders, all or those that changed."""
        trade = self.trade()
        where = [Where("store_id", self._shop.store().id)] if self._settings.get("only_its_orders") else []
        found = self._shop.slices("/orders", ORDERS, where, since=asked.since, resume=asked.resume)
        make = partial(orders.read, trade=trade, types=asked.types)
        return pages("order", found, make, lambda row: Name(str(row.id), row.order_no, trade.key(row.order_no)))

    def refunds(self, asked: Asked) -> Iterator[Page]:
        """Credit memos for which the provider is to be asked."""
        trade = self.trade()
        for some in self._shop.slices("/creditmemos", _MEMOS, since=asked.since, resume=asked.resume):
            ids = dict.fromkeys(row.order_id for row in readable(some.rows) if not row.transaction_id)
            found = self._shop.among("/orders", ORDERS, "entity_id", list(ids))
            make = partial(orders.refund, sold={row.id: row for row in readable(found)}, trade=trade)
            made = items("refund", some.rows, make, lambda row: Name(str(row.id), row.number))
            yield Page(made, 0, some.resume)

    def customers(self, asked: Asked) -> Iterator[Page]:
        """Customers with an account; guests come with their orders."""
        make = partial(magento_map.customer, groups=self._shop.groups())
        found = self._shop.slices("/customers/search", _CUSTOMERS, since=asked.since, resume=asked.resume)
        return pages("customer", found, make, lambda row: Name(str(row.id), f"customer {row.id}"))

    def customer_by_email(self, email: str) -> list[shapes.CustomerRow]:
        """Customers with this address, in any website."""
        return readable(self._shop.search("/customers/search", _CUSTOMERS, [Where("email", email)])[0])


def _children(row: shapes.ProductRow) -> list[int]:
    return row.extension_attributes.configurable_product_links if row.type_id == "configurable" else []
