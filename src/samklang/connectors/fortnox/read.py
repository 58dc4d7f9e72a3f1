"""Pages of records out of Fortnox' lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from samklang.connectors.contract import Bad, Item, Page, Part
from samklang.connectors.errors import NOT_A_RECORD, BadData, bad_data
from samklang.connectors.fortnox import map as shapes
from samklang.connectors.fortnox.client import Client
from samklang.records import PriceList
from samklang.records.ids import sku_key
from samklang.records.money import ZERO

S = TypeVar("S", bound=msgspec.Struct)
_ZONE = ZoneInfo("Europe/Stockholm")
_AT_ONCE = 50


def wall_time(since: datetime) -> str:
    """`since` as `lastmodified` wants it: Swedish wall time to the minute (zone unconfirmed).

    In the first of the two hours that autumn repeats, an hour earlier: what changes in the second one bears a smaller
    wall time than `since` and would be missed.
    """
    local = since.astimezone(_ZONE)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        local = local.replace(tzinfo=None) - timedelta(hours=1)
    return local.strftime("%Y-%m-%d %H:%M")


class Reader:
    """Reads one company."""

    def __init__(self, client: Client, settings: Mapping[str, Any], now: Callable[[], float]) -> None:
        self.client = client
        self.connection = str(settings.get("connection") or "fortnox")
        self.details = bool(settings.get("details"))
        self.gross = bool(settings.get("prices_include_tax"))
        self.lists = [code.strip() for code in str(settings.get("price_lists") or "").split(",") if code.strip()]
        self.days = int(settings.get("status_days") or 90)
        self._now = now

    def today(self) -> date:
        """The business day in Sweden."""
        return datetime.fromtimestamp(self._now(), _ZONE).date()

    def articles(self, since: datetime | None) -> Iterator[Page]:
        """Products. Active and inactive articles are asked for apart, as list rows do not tell which they are."""
        for active in (True, False):
            query = _since(since) | {"filter": "active" if active else "inactive"}
            for rows, total in self.client.pages("Articles", "articles", **query):
                make = partial(self.product_item, active=active, detail=self.details)
                yield self._page("product", rows, total, shapes.Article, make)

    def product_item(self, row: shapes.Article, active: bool, detail: bool = False) -> Item:
        """The article as a product item; its number is the id of both the product and its variant."""
        if detail:
            row = self.client.get(shapes.Article, "articles", row.article_number) or row
        record = shapes.product(row, active, self.details, self.today(), self.connection)
        part = Part("variant", sku_key(row.article_number), row.article_number)
        return Item(record=record, external_id=row.article_number, parts=(part,))

    def stock(self) -> Iterator[Page]:
        """Stock levels of all articles."""
        for rows, total in self.client.pages("Articles", "articles"):
            yield self._page("stock", rows, total, shapes.Article, lambda row: Item(record=shapes.stock(row)))

    def prices(self, types: frozenset[str]) -> Iterator[Page]:
        """Price lists, the preselected list's prices, and the chosen other lists' article by article."""
        lists = self.price_lists()
        chosen = {row.code: row.description.strip() for row in lists if row.code in self.lists}
        if "price_list" in types:
            named = (PriceList(name=name, code=code, currency="SEK") for code, name in chosen.items())
            yield Page([Item(record=record, external_id=record.code) for record in named])
        if "price" in types:
            for rows, total in self.client.pages("Articles", "articles"):
                page = self._page("price", rows, total, shapes.Article, self._base_price)
                for code, name in chosen.items():
                    calls = (partial(self._list_prices, raw, code, name) for raw in rows)
                    page.items.extend(item for some in self.client.transport.overlap(calls) for item in some)
                yield page

    def price_lists(self) -> list[shapes.NamedList]:
        """All price lists of the company."""
        return self.client.listed(shapes.NamedList, "PriceLists", "pricelists")

    def _base_price(self, row: shapes.Article) -> Item:
        return Item(record=shapes.price(row, row.sales_price or ZERO, self.gross))

    def _list_prices(self, raw: msgspec.Raw, code: str, name: str) -> list[Item]:
        try:
            row = msgspec.json.decode(raw, type=shapes.Article)
        except msgspec.DecodeError:
            return []  # already a Bad of the preselected list
        steps = self.client.listed(shapes.Step, "Prices", "prices", "sublist", code, row.article_number)
        return [Item(record=shapes.price(row, s.price, self.gross, name, int(s.from_quantity))) for s in steps]

    def customers(self, since: datetime | None) -> Iterator[Page]:
        """Customers."""
        for rows, total in self.client.pages("Customers", "customers", **_since(since)):
            yield self._page("customer", rows, total, shapes.Person, self.customer_item)

    def customer_item(self, row: shapes.Person) -> Item:
        """The customer, with country and VAT number where details are wanted."""
        if self.details:
            row = self.client.get(shapes.Person, "customers", row.customer_number) or row
        return Item(record=shapes.customer(row, self.details), external_id=row.customer_number)

    def order_status(self, since: datetime | None) -> Iterator[Page]:
        """Status of the orders that bear a reference of ours and that changed themselves or by their invoice.

        A full read goes back `status_days`, by the date of the document.
        """
        query = _since(since) or {"fromdate": (self.today() - timedelta(days=self.days)).isoformat()}
        orders = self.client.listed(shapes.SalesDocument, "Orders", "orders", **query)
        numbers = dict.fromkeys(head.document_number for head in orders if head.external_invoice_reference1)
        invoices: dict[str, shapes.Invoice] = {}
        # An invoice made from an order may lack the reference, so after a change every invoice is looked at.
        heads = self.client.listed(shapes.SalesDocument, "Invoices", "invoices", **query)
        looked_at = [head.document_number for head in heads if since or head.external_invoice_reference1]
        calls = (partial(self.client.get, shapes.Invoice, "invoices", number) for number in looked_at)
        for invoice in self.client.transport.overlap(calls):
            if invoice and shapes.is_number(invoice.order_reference):
                invoices[str(invoice.order_reference)] = invoice
                numbers.setdefault(str(invoice.order_reference))
            elif invoice and invoice.external_invoice_reference1:
                record = shapes.status(None, invoice)
                yield Page([Item(record=record, parent=invoice.external_id)])
        rest = iter(numbers)
        while some := list(islice(rest, _AT_ONCE)):
            found = self.client.transport.overlap(partial(self._status, n, invoices.get(n)) for n in some)
            yield Page([item for item in found if item], len(numbers))

    def _status(self, number: str, invoice: shapes.Invoice | None) -> Item | None:
        order = self.client.get(shapes.SalesOrder, "orders", number)
        if order is None or not order.external_invoice_reference1:
            return None
        if invoice is None and shapes.is_number(order.invoice_reference):
            invoice = self.client.get(shapes.Invoice, "invoices", str(order.invoice_reference))
        return Item(record=shapes.status(order, invoice), parent=number)

    def _page(self, type_: str, rows: list[msgspec.Raw], total: int, as_: type[S], make: Callable[[S], Item]) -> Page:
        """Items of the rows; one that is no record becomes Bad. Overlapped where a row costs a call of its own."""

        def one(raw: msgspec.Raw) -> Item | Bad:
            try:
                return make(msgspec.json.decode(raw, type=as_))
            except msgspec.DecodeError as error:
                return Bad(type=type_, external_id=_number(raw), error=BadData(f"A row of {type_}: {error}"))
            except NOT_A_RECORD as error:
                number = _number(raw)
                return Bad(type=type_, external_id=number, key=sku_key(number), error=bad_data(error, number))

        if self.details and type_ in ("product", "customer"):
            return Page(list(self.client.transport.overlap(partial(one, raw) for raw in rows)), total)
        return Page([one(raw) for raw in rows], total)


def _since(since: datetime | None) -> dict[str, Any]:
    return {"lastmodified": wall_time(since)} if since else {}


def _number(raw: msgspec.Raw) -> str:
    row = msgspec.json.decode(raw)
    return str(row.get("ArticleNumber") or row.get("CustomerNumber") or "") if isinstance(row, dict) else ""
