"""Pages of records out of Tryton. Changes are found by write times, pages go by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from samklang.connectors.contract import Bad, Item, Page, Part
from samklang.connectors.errors import NOT_A_RECORD, bad_data
from samklang.connectors.tryton import map as tryton_map
from samklang.connectors.tryton import shapes
from samklang.connectors.tryton.client import Client
from samklang.records import Price, PriceList, StockLevel
from samklang.records.ids import sku_key

Since = datetime | None
_SIZE = 100
#: Goods that are for sale; services such as freight are no catalogue.
_SOLD = [["salable", "=", True], ["type", "=", "goods"]]


class Reader:
    """The feeds of one Tryton database."""

    def __init__(self, client: Client, country: str) -> None:
        self._client = client
        self._country = country

    def read(self, feed: str, since: Since, types: frozenset[str], resume: str) -> Iterator[Page]:
        """Pages of a feed of the manifest."""
        feeds: dict[str, Callable[[Since, frozenset[str], str], Iterator[Page]]] = {
            "products": self._products, "prices": self._prices, "stock": self._stock, "customers": self._customers,
            "orders": self._orders,
        }  # fmt: skip
        return feeds[feed](since, types, resume)

    def _today(self) -> date:
        return self._client.call("model.ir.date.today", type_=shapes.Day, reads=True).value

    # ---------------------------------------------------------------------------------------------- catalogue

    def _templates(self, since: Since, resume: str, extra: tuple[str, ...] = ()) -> Iterator[list[shapes.Template]]:
        wanted = [
            *self._client.existing("product.template", shapes.TEMPLATE_FIELDS),
            *(f"products.{name}" for name in self._client.existing("product.product", shapes.VARIANT_FIELDS)),
        ]
        domain = [*_SOLD, changed(since, "", "products.", "products.identifiers.", "account_category.")]
        # active_test: articles that are switched off come too, as archived, so that a shop can take them away.
        yield from self._client.pages(
            "product.template", domain, shapes.Template, wanted, _SIZE, resume, active_test=False
        )

    def _products(self, since: Since, types: frozenset[str], resume: str) -> Iterator[Page]:
        today = self._today()
        total = self._client.count("product.template", _SOLD, active_test=False) if since is None else 0
        for rows in self._templates(since, resume):
            items: list[Any] = []
            for row in rows:
                try:
                    record = tryton_map.product(row, self._country, today)
                except NOT_A_RECORD as error:
                    items.append(Bad(type="product", external_id=str(row.id), error=bad_data(error, row.name)))
                    continue
                ids = {variant.code: str(variant.id) for variant in row.variants}
                parts = tuple(Part("variant", v.key, ids[v.sku]) for v in record.variants)
                items.append(Item(record=record, external_id=str(row.id), parts=parts))
            yield Page(items, total, str(rows[-1].id))

    def _prices(self, since: Since, types: frozenset[str], resume: str) -> Iterator[Page]:
        fields = ("name", "tax_included", "lines.quantity")
        lists = self._client.rows("product.price_list", [], shapes.PriceListRow, fields)
        if since and self._client.count("product.price_list", changed(since, "", "lines.")):
            since = None  # a changed formula changes every price
        currency = self._currency()
        if "price_list" in types and not resume:
            found = [PriceList(name=row.name, currency=currency) for row in lists]
            yield Page([Item(record=r, external_id=str(row.id)) for r, row in zip(found, lists, strict=True)])
        if "price" not in types:
            return
        for rows in self._templates(since, resume):
            articles = {v.id: (row, v) for row in rows for v in row.variants if v.code and v.active and row.active}
            items: list[Any] = [
                _price(v.code, currency, v.list_price_used, row.percent)
                for row, v in articles.values()
                if v.list_price_used
            ]
            calls = [partial(self._priced, row, step, list(articles)) for row in lists for step in row.steps]
            usual: dict[tuple[int, int], Decimal] = {}
            for row, step, priced in self._client.transport.overlap(calls):
                for entry in priced:
                    if entry.sale_price_uom is None:
                        continue
                    amount = entry.sale_price_uom.value
                    if step > 1 and usual.get((row.id, entry.id)) == amount:
                        continue
                    usual[row.id, entry.id] = amount
                    template, variant = articles[entry.id]
                    items.append(
                        _price(
                            variant.code,
                            currency,
                            entry.sale_price_uom,
                            template.percent,
                            row.name,
                            step,
                            row.tax_included,
                        )
                    )
            yield Page(items, resume=str(rows[-1].id))

    def _priced(
        self, row: shapes.PriceListRow, step: int, products: list[int]
    ) -> tuple[shapes.PriceListRow, int, list[shapes.PricedRow]]:
        context = {"price_list": row.id, "quantity": float(step)}
        domain = [["id", "in", products]]
        return row, step, self._client.rows("product.product", domain, shapes.PricedRow, ["sale_price_uom"], **context)

    def _currency(self) -> str:
        company = self._client.context["company"]
        (row,) = self._client.rows(
            "company.company", [["id", "=", company]], shapes.Company, ["party.name", "currency.code"]
        )
        return row.currency.code or ""

    # -------------------------------------------------------------------------------------------------- stock

    def _stock(self, since: Since, types: frozenset[str], resume: str) -> Iterator[Page]:
        warehouses = self._client.rows("stock.location", [["type", "=", "warehouse"]], shapes.Ref, ["name", "code"])
        today = self._today()
        domain: list[Any] = [*_SOLD, ["code", "!=", None]]
        if since:
            moved = self._client.rows(
                "stock.move", changed(since, ""), shapes.OpenMove, ["product", "internal_quantity"]
            )
            domain.append(["id", "in", sorted({move.product for move in moved})])
        for rows in self._client.pages("product.product", domain, shapes.Quantity, ["code"], 500, resume):
            ids = [row.id for row in rows]
            items: list[Any] = []
            for warehouse in warehouses:
                at = {"locations": [warehouse.id], "stock_date_end": today}
                counted = self._client.rows(
                    "product.product", [["id", "in", ids]], shapes.Quantity, ["code", "quantity"], **at
                )
                reserved = self._open(
                    ids, ["from_location", "child_of", [warehouse.id], "parent"], "to_location.type", "customer"
                )
                incoming = self._open(
                    ids, ["to_location", "child_of", [warehouse.id], "parent"], "from_location.type", "supplier"
                )
                for row in counted:
                    level = StockLevel(
                        sku=row.code or "",
                        warehouse=warehouse.code or warehouse.name or str(warehouse.id),
                        on_hand=row.quantity,
                        reserved=reserved.get(row.id, Decimal(0)),
                        incoming=incoming.get(row.id, Decimal(0)),
                    )
                    items.append(Item(record=level))
            yield Page(items, resume=str(rows[-1].id))

    def _open(self, products: list[int], here: list[Any], other: str, kind: str) -> dict[int, Decimal]:
        """Pieces of each product in moves that are planned or assigned but not done."""
        domain = [["product", "in", products], here, [other, "=", kind], ["state", "in", ["draft", "assigned"]]]
        found: dict[int, Decimal] = {}
        for move in self._client.rows("stock.move", domain, shapes.OpenMove, ["product", "internal_quantity"]):
            found[move.product] = found.get(move.product, Decimal(0)) + move.internal_quantity
        return found

    # ------------------------------------------------------------------------------------- customers and orders

    def _customers(self, since: Since, types: frozenset[str], resume: str) -> Iterator[Page]:
        own = self._client.rows("company.company", [], shapes.Company, ["party.name", "currency.code"])
        domain = [
            ["id", "not in", [row.party.id for row in own]],
            changed(since, "", "addresses.", "contact_mechanisms.", "identifiers."),
        ]
        fields = self._client.existing("party.party", shapes.PARTY_FIELDS)
        for rows in self._client.pages("party.party", domain, shapes.Party, fields, _SIZE, resume):
            items: list[Any] = []
            for row in rows:
                try:
                    record = tryton_map.customer(row)
                except NOT_A_RECORD as error:
                    items.append(Bad(type="customer", external_id=str(row.id), error=bad_data(error, row.name or "")))
                else:
                    items.append(Item(record=record, external_id=str(row.id)))
            yield Page(items, resume=str(rows[-1].id))

    def _orders(self, since: Since, types: frozenset[str], resume: str) -> Iterator[Page]:
        shipment_fields = self._client.existing("stock.shipment.out", shapes.SHIPMENT_FIELDS)
        fields = [*shapes.SALE_FIELDS, *(f"shipments.{name}" for name in shipment_fields)]
        domain = [["reference", "!=", None], changed(since, "", "shipments.", "invoices.")]
        for rows in self._client.pages("sale.sale", domain, shapes.Sale, fields, _SIZE, resume):
            items: list[Any] = []
            for row in rows:
                parent = str(row.id)
                if "order_status" in types:
                    items.append(Item(record=tryton_map.order_status(row), external_id=parent, parent=parent))
                if "shipment" in types:
                    items += [
                        Item(record=record, external_id=str(number), parent=parent)
                        for number, record in tryton_map.shipments(row)
                    ]
            yield Page(items, resume=str(rows[-1].id))


def changed(since: Since, *where: str) -> list[Any]:
    """Domain: the record, or one of the named related records, was made or written at or after that time."""
    if since is None:
        return []
    at = since.astimezone(UTC).replace(tzinfo=None)
    return ["OR", *([f"{path}{field}", ">=", at] for path in where for field in ("create_date", "write_date"))]


def _price(
    code: str | None,
    currency: str,
    amount: shapes.Dec | None,
    percent: Decimal,
    name: str = "",
    step: int = 1,
    tax: bool = False,
) -> Item | Bad:
    assert code and amount
    try:
        record = Price(
            sku=code,
            currency=currency,
            amount=amount.value,
            tax_included=tax,
            price_list=name,
            min_qty=step,
            tax_percent=percent,
        )
    except NOT_A_RECORD as error:
        return Bad(type="price", external_id="", key=sku_key(code), error=bad_data(error, code))
    return Item(record=record)
