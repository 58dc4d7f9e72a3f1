"""Pages of records out of Fortnox' lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from samklang.connectors.contract import Choice, Item, Page, Part
from samklang.connectors.fortnox import map as shapes
from samklang.connectors.fortnox.client import Client
from samklang.connectors.kit.kept import Kept
from samklang.connectors.kit.paging import chunks
from samklang.connectors.kit.rows import Broken, Name, Rows, items
from samklang.connectors.kit.system import Asked, listed
from samklang.records import Customer, PriceList
from samklang.records.ids import sku_key
from samklang.records.money import ZERO

S = TypeVar("S", bound=msgspec.Struct)
_ZONE = ZoneInfo("Europe/Stockholm")
_AT_ONCE = 50
_ARTICLES = Rows(shapes.Article, "ArticleNumber")
_CUSTOMERS = Rows(shapes.Person, "CustomerNumber")


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
        self.lists = listed(settings.get("price_lists"))
        self.days = int(settings.get("status_days") or 90)
        self._now = now
        self._kept = Kept(now)

    def today(self) -> date:
        """The business day in Sweden."""
        return datetime.fromtimestamp(self._now(), _ZONE).date()

    def articles(self, asked: Asked) -> Iterator[Page]:
        """Products. Active and inactive articles are asked for apart, as list rows do not tell which they are."""
        for active in (True, False):
            query = _since(asked) | {"filter": "active" if active else "inactive"}
            make = partial(self._product_items, active=active)
            for page in self.client.pages("Articles", _ARTICLES, "articles", **query):
                rows = self._whole(page.rows, lambda row: ("articles", row.article_number))
                yield Page(items("product", rows, make, _of_article), page.total)

    def _product_items(self, row: shapes.Article, active: bool) -> list[Item]:
        return [self.product_item(row, active)]

    def product_item(self, row: shapes.Article, active: bool) -> Item:
        """The article as a product item; its number is the id of both the product and its variant."""
        record = shapes.product(row, active, self.details, self.today(), self.connection)
        part = Part("variant", sku_key(row.article_number), row.article_number)
        return Item(record=record, external_id=row.article_number, parts=(part,))

    def stock(self, asked: Asked) -> Iterator[Page]:
        """Stock levels of all articles."""
        for page in self.client.pages("Articles", _ARTICLES, "articles"):
            yield Page(items("stock", page.rows, lambda row: [Item(record=shapes.stock(row))], _of_article), page.total)

    def prices(self, asked: Asked) -> Iterator[Page]:
        """Price lists, the preselected list's prices, and the chosen other lists' article by article."""
        chosen = {row.code: row.description.strip() for row in self.price_lists() if row.code in self.lists}
        if "price_list" in asked.types:
            named = (PriceList(name=name, code=code, currency="SEK") for code, name in chosen.items())
            yield Page([Item(record=record, external_id=record.code) for record in named])
        if "price" in asked.types:
            for page in self.client.pages("Articles", _ARTICLES, "articles"):
                found = items("price", page.rows, self._base_price, _of_article)
                good = [row for row in page.rows if isinstance(row, shapes.Article)]
                calls = (partial(self._list_prices, row, *one) for one in chosen.items() for row in good)
                found.extend(item for some in self.client.transport.overlap(calls) for item in some)
                yield Page(found, page.total)

    def price_lists(self) -> list[shapes.NamedList]:
        """All price lists of the company."""
        return self.client.listed("PriceLists", shapes.NamedList, "pricelists")

    def price_list_choices(self) -> list[Choice]:
        """Price lists by name; the preselected one is everybody's."""
        return [Choice(row.description.strip()) for row in self.price_lists() if not row.pre_selected]

    def choices_in(self, register: str) -> list[Choice]:
        """The values of a register such as ways of delivery."""
        rows = self.client.listed(register, shapes.NamedList, register.lower())
        return [Choice(row.code, row.description.strip()) for row in rows]

    def _base_price(self, row: shapes.Article) -> list[Item]:
        return [Item(record=shapes.price(row, row.sales_price or ZERO, self.gross))]

    def _list_prices(self, row: shapes.Article, code: str, name: str) -> list[Item]:
        steps = self.client.listed("Prices", shapes.Step, "prices", "sublist", code, row.article_number)
        return [Item(record=shapes.price(row, s.price, self.gross, name, int(s.from_quantity))) for s in steps]

    def customers(self, asked: Asked) -> Iterator[Page]:
        """Customers, with country and VAT number where details are wanted."""
        for page in self.client.pages("Customers", _CUSTOMERS, "customers", **_since(asked)):
            rows = self._whole(page.rows, lambda row: ("customers", row.customer_no))
            yield Page(items("customer", rows, self._customer_items, _of_customer), page.total)

    def _customer_items(self, row: shapes.Person) -> list[Item]:
        return [Item(record=self.person(row), external_id=row.customer_no)]

    def person(self, row: shapes.Person) -> Customer:
        """A customer; details tell the price list too."""
        return shapes.customer(row, self.details, self.names() if self.details else {})

    def names(self) -> dict[str, str]:
        """Code → name of the price lists, "" for the preselected one, which is everybody's; kept for ten minutes."""
        lists = self._kept("price lists", self.price_lists)
        return {one.code: "" if one.pre_selected else one.description.strip() for one in lists}

    def _whole(self, rows: list[S | Broken], path: Callable[[S], tuple[str, str]]) -> Iterable[S | Broken]:
        """The objects behind list rows where details are wanted: a call for each."""

        def one(row: S | Broken) -> S | Broken:
            return row if isinstance(row, Broken) else self.client.get(type(row), *path(row)) or row

        return self.client.transport.overlap(partial(one, row) for row in rows) if self.details else rows

    def order_status(self, asked: Asked) -> Iterator[Page]:
        """Status of the orders that bear a reference of ours and that changed themselves or by their invoice.

        A full read goes back `status_days`, by the date of the document.
        """
        query = _since(asked) or {"fromdate": (self.today() - timedelta(days=self.days)).isoformat()}
        orders = self.client.listed("Orders", shapes.SalesDocument, "orders", **query)
        numbers = dict.fromkeys(head.document_number for head in orders if head.external_invoice_reference1)
        invoices: dict[str, shapes.Invoice] = {}
        # An invoice made from an order may lack the reference, so after a change every invoice is looked at.
        heads = self.client.listed("Invoices", shapes.SalesDocument, "invoices", **query)
        looked_at = [head.document_number for head in heads if asked.since or head.external_invoice_reference1]
        calls = (partial(self.client.get, shapes.Invoice, "invoices", number) for number in looked_at)
        for invoice in self.client.transport.overlap(calls):
            if invoice and shapes.is_number(invoice.order_reference):
                invoices[str(invoice.order_reference)] = invoice
                numbers.setdefault(str(invoice.order_reference))
            elif invoice and invoice.external_invoice_reference1:
                record = shapes.status(None, invoice)
                yield Page([Item(record=record, parent=invoice.external_id)])
        for some in chunks(list(numbers), _AT_ONCE):
            found = self.client.transport.overlap(partial(self._status, n, invoices.get(n)) for n in some)
            yield Page([item for item in found if item], len(numbers))

    def _status(self, number: str, invoice: shapes.Invoice | None) -> Item | None:
        order = self.client.get(shapes.SalesOrder, "orders", number)
        if order is None or not order.external_invoice_reference1:
            return None
        if invoice is None and shapes.is_number(order.invoice_reference):
            invoice = self.client.get(shapes.Invoice, "invoices", str(order.invoice_reference))
        return Item(record=shapes.status(order, invoice), parent=number)


def _since(asked: Asked) -> dict[str, Any]:
    return {"lastmodified": wall_time(asked.since)} if asked.since else {}


def _of_article(row: shapes.Article) -> Name:
    return Name(row.article_number, row.article_number, sku_key(row.article_number))


def _of_customer(row: shapes.Person) -> Name:
    return Name(row.customer_no, row.customer_no, f"no:{row.customer_no}")
