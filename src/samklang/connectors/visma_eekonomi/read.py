"""Pages of records out of eEkonomi's lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from samklang.connectors.contract import Item, Page, Part
from samklang.connectors.kit.rows import Broken, Name, Rows, items
from samklang.connectors.kit.system import Asked
from samklang.connectors.visma_eekonomi import map as shapes
from samklang.connectors.visma_eekonomi.client import Client
from samklang.records import Price
from samklang.records.ids import sku_key

_ZONE = ZoneInfo("Europe/Stockholm")
_ARTICLES = Rows(shapes.Article, "Id")
_CUSTOMERS = Rows(shapes.Person, "Id")


class Reader:
    """Reads one company."""

    def __init__(self, client: Client, settings: Mapping[str, Any], now: Callable[[], float]) -> None:
        self.client = client
        self.connection = str(settings.get("connection") or "visma")
        self.gross = bool(settings.get("prices_include_tax"))
        self.lists = bool(settings.get("price_lists"))
        self.days = int(settings.get("status_days") or 90)
        self._now = now

    def today(self) -> date:
        """The business day in Sweden."""
        return datetime.fromtimestamp(self._now(), _ZONE).date()

    def percents(self) -> dict[str, Decimal | None]:
        """Sales category → its VAT rate."""
        return {row.id: row.vat_rate_percent for row in self.client.listed(shapes.Coding, "articleaccountcodings")}

    def articles(self, asked: Asked) -> Iterator[Page]:
        """Products, each article one."""
        percents = self.percents()
        make = partial(self.product_items, percents)
        for page in self.client.pages(_ARTICLES, "articles", **_changed("ChangedUtc", asked.since)):
            yield Page(items("product", page.rows, make, _of_article), page.total)

    def product_items(self, percents: Mapping[str, Decimal | None], row: shapes.Article) -> list[Item]:
        """The article as a product item; its id is that of both the product and its variant."""
        record = shapes.product(row, percents.get(row.coding_id), self.today(), self.connection)
        return [Item(record=record, external_id=row.id, parts=(Part("variant", sku_key(row.number), row.id),))]

    def stock(self, asked: Asked) -> Iterator[Page]:
        """Stock levels of all articles but services."""
        for page in self.client.pages(_ARTICLES, "articles"):
            rows = [row for row in page.rows if isinstance(row, Broken) or row.is_service_article is not True]
            yield Page(items("stock", rows, lambda row: [Item(record=shapes.stock(row))], _of_article), page.total)

    def prices(self, asked: Asked) -> Iterator[Page]:
        """The articles' own prices, and those of the price lists where the company has them (Pro)."""
        company = self.client.company()
        currency = (company.currency_code if company else None) or "SEK"
        percents, known = self.percents(), dict[str, shapes.Article]()

        def base(row: shapes.Article) -> list[Item]:
            known[row.id] = row
            return [Item(record=shapes.price(row, percents.get(row.coding_id), self.gross, currency))]

        for page in self.client.pages(_ARTICLES, "articles"):
            yield Page(items("price", page.rows, base, _of_article), page.total)
        if not self.lists:
            return
        named = {row.id: row for row in self.client.listed(shapes.NamedList, "salespricelists") if not row.is_standard}
        yield Page([Item(record=shapes.price_list(row), external_id=row.id) for row in named.values()])

        def listed(row: shapes.ListRow) -> list[Item]:
            of_list, article = named.get(row.sales_price_list_id), known.get(row.article_id)
            if of_list is None or article is None or row.net_price is None:
                return []
            record = Price(
                sku=article.number, currency=of_list.currency_code or "SEK", amount=row.net_price, tax_included=False,
                price_list=(of_list.name or "").strip(), tax_percent=percents.get(article.coding_id),
            )  # fmt: skip
            return [Item(record=record)]

        for rows in self.client.pages(Rows(shapes.ListRow, "ArticleId"), "salespricelists", "prices"):
            yield Page(items("price", rows.rows, listed, lambda row: Name(row.article_id, row.article_id)), rows.total)

    def customers(self, asked: Asked) -> Iterator[Page]:
        """Customers."""
        for page in self.client.pages(_CUSTOMERS, "customers", **_changed("ChangedUtc", asked.since)):
            yield Page(items("customer", page.rows, _customer_items, _of_customer), page.total)

    def order_status(self, asked: Asked) -> Iterator[Page]:
        """Status of the orders and invoices that bear a reference of ours and that changed themselves.

        A full read goes back `status_days`.
        """
        since = asked.since or datetime.fromtimestamp(self._now(), UTC) - timedelta(days=self.days)
        invoices: dict[str, shapes.Invoice] = {}
        for invoice in self.client.listed(shapes.Invoice, "customerinvoices", modifiedSinceUtc=_instant(since)):
            if invoice.order:
                invoices[invoice.order] = invoice
            elif invoice.reference and not invoice.is_credit_invoice:
                # The hub knows it by the invoice or, where a person booked it, by the draft; the other is nobody's.
                names = [f"invoice-{invoice.id}", *([f"draft-{invoice.draft}"] if invoice.draft else [])]
                yield Page([Item(record=shapes.status(None, invoice), parent=name) for name in names])
        orders: dict[str, shapes.SalesOrder] = {}
        for order in self.client.listed(shapes.SalesOrder, "orders", **_changed("ModifiedUtc", since)):
            if order.reference:
                orders[order.id] = order
        missing = [id_ for id_ in invoices if id_ not in orders]
        calls = (partial(self.client.get, shapes.SalesOrder, "orders", id_) for id_ in missing)
        orders |= {order.id: order for order in self.client.transport.overlap(calls) if order and order.reference}
        lacking = [order for order in orders.values() if order.status == 4 and order.id not in invoices]
        for found in self.client.transport.overlap(partial(self._invoice_of, order) for order in lacking):
            invoices |= {str(invoice.order): invoice for invoice in found}
        yield Page([Item(record=shapes.status(order, invoices.get(id_)), parent=id_) for id_, order in orders.items()])

    def _invoice_of(self, order: shapes.SalesOrder) -> Iterable[shapes.Invoice]:
        return self.client.listed(shapes.Invoice, "customerinvoices", filter=f"CreatedFromOrderId eq {order.id}")


def _instant(since: datetime) -> str:
    return f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _changed(name: str, since: datetime | None) -> dict[str, str]:
    """A filter for what changed; none for everything."""
    return {"filter": f"{name} ge {_instant(since)}"} if since else {}


def _customer_items(row: shapes.Person) -> list[Item]:
    return [Item(record=shapes.customer(row), external_id=row.id)]


def _of_article(row: shapes.Article) -> Name:
    return Name(row.id, row.number, sku_key(row.number))


def _of_customer(row: shapes.Person) -> Name:
    return Name(row.id, row.customer_no or row.name, f"no:{row.customer_no}")
