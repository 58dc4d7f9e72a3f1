"""Pages of records out of Tryton. Changes are found by write times, pages go by id."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from samklang.connectors.contract import Item, Page, Part
from samklang.connectors.kit.paging import Slice
from samklang.connectors.kit.rows import Name, items
from samklang.connectors.kit.system import Asked
from samklang.connectors.tryton import map as tryton_map
from samklang.connectors.tryton import shapes
from samklang.connectors.tryton.client import Client
from samklang.records import Price, PriceList, StockLevel
from samklang.records.ids import sku_key
from samklang.records.money import ZERO

_SIZE = 100
#: Goods that are for sale; services such as freight are no catalogue.
_SOLD = [["salable", "=", True], ["type", "=", "goods"]]


class Reader:
    """The feeds of one Tryton database."""

    def __init__(self, client: Client, country: str) -> None:
        self._client = client
        self._country = country

    def _today(self) -> date:
        return self._client.call("model.ir.date.today", type_=shapes.Day, reads=True).value

    # ---------------------------------------------------------------------------------------------- catalogue

    def _templates(self, since: datetime | None, resume: str) -> Iterator[Slice[shapes.Template]]:
        fields = self._client.known(shapes.Template, own="product.template", products="product.product")
        domain = [*_SOLD, changed(since, "", "products.", "products.identifiers.", "account_category.")]
        # active_test: articles that are switched off come too, as archived, so that a shop can take them away.
        return self._client.pages(
            "product.template", domain, shapes.Template, fields, _SIZE, resume, active_test=False
        )  # fmt: skip

    def products(self, asked: Asked) -> Iterator[Page]:
        """Templates with their variants."""
        today = self._today()
        total = 0 if asked.since else self._client.count("product.template", _SOLD, active_test=False)

        def make(row: shapes.Template) -> Iterator[Item]:
            record = tryton_map.product(row, self._country, today)
            ids = {variant.code: str(variant.id) for variant in row.variants}
            parts = tuple(Part("variant", v.key, ids[v.sku]) for v in record.variants)
            yield Item(record=record, external_id=str(row.id), parts=parts)

        for page in self._templates(asked.since, asked.resume):
            found = items("product", page.rows, make, lambda row: Name(str(row.id), row.name))
            yield Page(found, total, page.resume)

    def prices(self, asked: Asked) -> Iterator[Page]:
        """Price lists; list prices without VAT, and the prices that each list gives at its quantities."""
        lists = self._client.rows("product.price_list", [], shapes.PriceListRow)
        since = asked.since
        if since and self._client.count("product.price_list", changed(since, "", "lines.")):
            since = None  # a changed formula changes every price
        currency = self.company().currency.code or ""
        if "price_list" in asked.types and not asked.resume:
            yield Page(
                [Item(record=PriceList(name=row.name, currency=currency), external_id=str(row.id)) for row in lists]
            )
        if "price" not in asked.types:
            return
        for page in self._templates(since, asked.resume):
            articles = {v.id: (row, v) for row in page.rows for v in row.variants if v.code and v.active and row.active}
            # A negative price would be an InvalidRecord, so prices are made one by one in `items`.
            wanted = {
                id_: partial(Price, sku=v.code or "", currency=currency, tax_percent=row.percent)
                for id_, (row, v) in articles.items()
            }
            prices = [
                partial(wanted[id_], amount=v.list_price_used.value, tax_included=False)
                for id_, (_, v) in articles.items()
                if v.list_price_used
            ]
            calls = [partial(self._priced, row, step, list(articles)) for row in lists for step in row.steps]
            usual: dict[tuple[int, int], Decimal] = {}
            for row, step, priced in self._client.transport.overlap(calls):
                for entry in priced:
                    amount = entry.sale_price_uom.value if entry.sale_price_uom else None
                    if amount is None or (step > 1 and usual.get((row.id, entry.id)) == amount):
                        continue
                    usual[row.id, entry.id] = amount
                    at = {"price_list": row.name, "min_qty": step, "tax_included": row.tax_included}
                    prices.append(partial(wanted[entry.id], amount=amount, **at))
            yield Page(items("price", prices, lambda price: [Item(record=price())], _of_price), resume=page.resume)

    def _priced(
        self, row: shapes.PriceListRow, step: int, products: list[int]
    ) -> tuple[shapes.PriceListRow, int, list[shapes.PricedRow]]:
        context = {"price_list": row.id, "quantity": float(step)}
        return row, step, self._client.rows("product.product", [["id", "in", products]], shapes.PricedRow, **context)

    def company(self) -> shapes.Company:
        """The user's company."""
        own = [["id", "=", self._client.context["company"]]]
        return self._client.rows("company.company", own, shapes.Company)[0]

    # -------------------------------------------------------------------------------------------------- stock

    def stock(self, asked: Asked) -> Iterator[Page]:
        """Stock levels of each warehouse, with what is reserved for customers and on its way from suppliers."""
        warehouses = self._client.rows("stock.location", [["type", "=", "warehouse"]], shapes.Warehouse)
        today = self._today()
        domain: list[Any] = [*_SOLD, ["code", "!=", None]]
        if asked.since:
            moved = self._client.rows("stock.move", changed(asked.since, ""), shapes.OpenMove)
            domain.append(["id", "in", sorted({move.product for move in moved})])
        for page in self._client.pages("product.product", domain, shapes.Coded, ["code"], 500, asked.resume):
            ids = [row.id for row in page.rows]
            levels: list[Any] = []
            for warehouse in warehouses:
                at = {"locations": [warehouse.id], "stock_date_end": today}
                counted = self._client.rows("product.product", [["id", "in", ids]], shapes.Quantity, **at)
                reserved = self._open(ids, warehouse.id, "from_location", "to_location", "customer")
                incoming = self._open(ids, warehouse.id, "to_location", "from_location", "supplier")
                name = warehouse.code or warehouse.name or str(warehouse.id)
                for row in counted:
                    level = StockLevel(
                        sku=row.code or "", warehouse=name, on_hand=row.quantity,
                        reserved=reserved.get(row.id, ZERO), incoming=incoming.get(row.id, ZERO),
                    )  # fmt: skip
                    levels.append(Item(record=level))
            yield Page(levels, resume=page.resume)

    def _open(self, products: list[int], warehouse: int, here: str, there: str, kind: str) -> dict[int, Decimal]:
        """Pieces of each product in moves that are planned or assigned but not done."""
        place = [[here, "child_of", [warehouse], "parent"], [f"{there}.type", "=", kind]]
        domain = [["product", "in", products], *place, ["state", "in", ["draft", "assigned"]]]
        found: dict[int, Decimal] = {}
        for move in self._client.rows("stock.move", domain, shapes.OpenMove):
            found[move.product] = found.get(move.product, ZERO) + move.internal_quantity
        return found

    # ------------------------------------------------------------------------------------- customers and orders

    def customers(self, asked: Asked) -> Iterator[Page]:
        """Parties, without our own companies."""
        own = [row.party.id for row in self._client.rows("company.company", [], shapes.Company)]
        domain = [
            ["id", "not in", own], changed(asked.since, "", "addresses.", "contact_mechanisms.", "identifiers."),
        ]  # fmt: skip
        fields = self._client.known(shapes.Party, own="party.party")

        def make(row: shapes.Party) -> Iterator[Item]:
            yield Item(record=tryton_map.customer(row), external_id=str(row.id))

        for page in self._client.pages("party.party", domain, shapes.Party, fields, _SIZE, asked.resume):
            found = items("customer", page.rows, make, lambda row: Name(str(row.id), row.name or ""))
            yield Page(found, resume=page.resume)

    def orders(self, asked: Asked) -> Iterator[Page]:
        """Status and shipments of the sales that bear a reference."""
        fields = self._client.known(shapes.Sale, shipments="stock.shipment.out")
        domain = [["reference", "!=", None], changed(asked.since, "", "shipments.", "invoices.")]
        for page in self._client.pages("sale.sale", domain, shapes.Sale, fields, _SIZE, asked.resume):
            found: list[Any] = []
            for row in page.rows:
                sale = str(row.id)
                if "order_status" in asked.types:
                    found.append(Item(record=tryton_map.order_status(row), external_id=sale, parent=sale))
                if "shipment" in asked.types:
                    sent = tryton_map.shipments(row)
                    found += [Item(record=one, external_id=str(id_), parent=sale) for id_, one in sent]
            yield Page(found, resume=page.resume)


def changed(since: datetime | None, *where: str) -> list[Any]:
    """Domain: the record, or one of the named related records, was made or written at or after that time."""
    if since is None:
        return []
    at = since.astimezone(UTC).replace(tzinfo=None)
    return ["OR", *([f"{path}{field}", ">=", at] for path in where for field in ("create_date", "write_date"))]


def _of_price(price: partial[Price]) -> Name:
    code = price.keywords["sku"]
    return Name("", code, sku_key(code))
