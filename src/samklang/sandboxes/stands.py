"""The sandboxes as stands: what `samklang connector check` and the contract suite try connectors on.

with open_stand("woocommerce") as stand:
    run_checks(connector_class("woocommerce"), stand)
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import FaultKind, Happening, MemoryTokens, Specimen, Stand
from samklang.connectors.contract import Tokens, TokenStore
from samklang.records import (
    Customer,
    Document,
    Order,
    OrderStatus,
    Parcel,
    Price,
    Product,
    Record,
    Shipment,
    StockLevel,
)
from samklang.records.ids import sku_key
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox
from samklang.sandboxes.woocommerce import CONSUMER_KEY, CONSUMER_SECRET, WooSandbox


class Seen(msgspec.Struct):
    """One request as it reached the system."""

    method: str
    path: str
    query: str
    body: bytes


#: Compares a request with the vendor's document; gives what departs from it.
Judge = Callable[[Seen], Sequence[str]]


class Watched:
    """ASGI wrapper that keeps every request with its body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.seen: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        one = Seen(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), b"")
        self.seen.append(one)

        async def watched() -> Message:
            message = await receive()
            one.body += message.get("body", b"")
            return message

        await self.app(scope, watched, send)


class FaultyStand(Stand):
    """A stand behind `Faulty`. `maps`: fields of its answers that hold data by names of their own."""

    maps: tuple[str, ...] = ()

    def __init__(self, app: ASGIApp, judge: Judge | None = None) -> None:
        self.watched = Watched(app)
        self.faulty = Faulty(self.watched)
        self.base = ""  # known once it is served
        self._judge = judge

    def fault(
        self, kind: FaultKind, *, after: int = 0, times: int | None = None, method: str = "", seconds: float = 1.0
    ) -> None:
        fault = Fault(kind, after=after, times=times, method=method, seconds=seconds, maps=self.maps)
        self.faulty.faults = [fault]

    def no_faults(self) -> None:
        self.faulty.faults = []

    def requests(self) -> int:
        return sum(self.faulty.counts.values())

    def complaints(self) -> Sequence[str] | None:
        if self._judge is None:
            return None
        return [said for one in self.watched.seen for said in self._judge(one)]


class Clock:
    """The system's clock: the real one, unless a stand sets it."""

    def __init__(self) -> None:
        self.at: datetime | None = None

    def seconds(self) -> float:
        """Seconds since the epoch."""
        return self.at.timestamp() if self.at else time.time()

    def instant(self) -> datetime:
        """Now in UTC."""
        return self.at or datetime.now(UTC)


def _price_key(sku: str) -> str:
    return f"{sku_key(sku)}||SEK|1"


class WooStand(FaultyStand):
    """A WooCommerce shop with some 150 articles, 110 customers and 120 orders."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.shop = WooSandbox(250, customers=110, now=self.clock.seconds)
        for _ in range(120):
            self.shop.place_order()
        super().__init__(self.shop.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {"url": self.base, "consumer_key": CONSUMER_KEY, "consumer_secret": CONSUMER_SECRET}

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "consumer_secret": "cs_of-somebody-else"}

    def held(self, type_: str) -> set[str] | None:
        rows = [row for row in self.shop.catalogue.rows.values() if row.status != "trash"]
        articles = [row for row in rows if row.type != "variable" and row.sku]
        if type_ == "product":
            return {sku_key(row.sku or f"woocommerce-{row.id}") for row in rows if not row.parent}
        if type_ == "stock":
            return {f"{sku_key(row.sku)}|" for row in articles if row.manage_stock is True}
        if type_ == "price":
            return {_price_key(row.sku) for row in articles if self.shop.catalogue.price(row)}
        if type_ in ("order", "order_status"):
            return {f"{specimens.CHANNEL}/{id_}" for id_ in self.shop.orders.orders}
        return None

    def count(self, record: Record) -> int:
        shop = self.shop
        rows = [row for row in shop.catalogue.rows.values() if row.status != "trash"]
        if isinstance(record, Product):
            skus = Counter(row.sku for row in rows)
            wanted = {record.code, *(variant.sku for variant in record.variants)}
            return max(skus[sku] for sku in wanted) if all(skus[sku] for sku in wanted) else 0
        if isinstance(record, Price):
            return sum(
                row.sku == record.sku and Decimal(shop.catalogue.price(row) or -1) == record.amount for row in rows
            )
        if isinstance(record, StockLevel):
            return sum(row.sku == record.sku and row.stock_quantity == record.available for row in rows)
        if isinstance(record, OrderStatus):
            return int(self._order(record.order).status == "completed")
        if isinstance(record, Shipment):
            number = record.parcels[0].tracking_no
            return sum(number in note["note"] for note in self._order(record.order).notes)
        raise TypeError(f"a shop takes no {record.type}")

    def _order(self, key: str) -> Any:
        return self.shop.orders.orders[int(key.rpartition("/")[2])]

    def figures(self) -> Mapping[tuple[str, str], str]:
        shop = self.shop
        prices = {("price", _price_key(row.sku)): shop.catalogue.price(row) for row in shop.catalogue.rows.values()}
        orders = {
            ("order", f"{specimens.CHANNEL}/{order.id}"): str(shop.orders.totals(order)["total"])
            for order in shop.orders.orders.values()
        }
        return {name: amount for name, amount in (prices | orders).items() if amount}

    def specimen(self, type_: str, n: int) -> Specimen | None:
        if type_ == "product":
            return Specimen(record=specimens.sweater(n) if n % 2 else specimens.product(n))
        if type_ in ("price", "stock"):
            record = specimens.price(n) if type_ == "price" else specimens.stock(n)
            return Specimen(record=record, before=(specimens.product(n),))
        placed = self.shop.place_order(status="processing")
        key = f"{specimens.CHANNEL}/{placed['id']}"
        ids = {("order", key): str(placed["id"])}
        if type_ == "order_status":
            invoice = Document(kind="invoice", number=f"F{n}", state="booked")
            status = OrderStatus(
                order=key, raw="done", lifecycle="confirmed", fulfilment="shipped", documents=(invoice,)
            )
            return Specimen(record=status, ids=ids)
        if type_ == "shipment":
            parcel = Parcel(tracking_no=f"SE{n}PN", tracking_url=f"https://sparning.example/{n}")
            shipment = Shipment(order=key, number="1", state="handed_over", carrier_code="postnord", parcels=(parcel,))
            return Specimen(record=shipment, ids=ids)
        return None

    def happens(self, at: datetime) -> Happening:
        self.clock.at = at
        try:
            placed = self.shop.place_order()
        finally:
            self.clock.at = None
        return Happening("orders", "order", f"{specimens.CHANNEL}/{placed['id']}")


class FortnoxStand(FaultyStand):
    """A company in Fortnox with more than 500 articles and customers, and 12 orders that bear a reference."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.company = FortnoxSandbox(510, customers=510, rate=0, now=self.clock.instant)
        ledger = self.company.ledger
        articles = list(ledger.articles)
        for n, customer in zip(range(12), ledger.customers, strict=False):
            rows = [{"ArticleNumber": articles[n], "OrderedQuantity": "1"}]
            reference = f"{specimens.CHANNEL}/{n}"
            ledger.put_order({"CustomerNumber": customer, "ExternalInvoiceReference1": reference, "OrderRows": rows})
        super().__init__(self.company.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {
            "client_id": self.company.client_id, "client_secret": self.company.client_secret,
            "api_address": self.base, "login_address": self.base,
        }  # fmt: skip

    def tokens(self, *, right: bool) -> TokenStore:
        given = (
            self.company.tokens() if right else {"access_token": "dead", "refresh_token": "dead", "expires_in": 3600}
        )
        return MemoryTokens(
            Tokens(
                access=str(given["access_token"]),
                refresh=str(given["refresh_token"]),
                expires_at=time.time() + float(str(given["expires_in"])),
            )
        )

    def held(self, type_: str) -> set[str] | None:
        ledger = self.company.ledger
        if type_ == "product":
            return {sku_key(number) for number in ledger.articles}
        if type_ == "stock":
            return {f"{sku_key(number)}|" for number in ledger.articles}
        if type_ == "price":
            return {_price_key(number) for number in ledger.articles}
        return None

    def count(self, record: Record) -> int:
        held = self.company.snapshot()
        if isinstance(record, Product):
            return int(all(variant.sku in held["articles"] for variant in record.variants))
        if isinstance(record, Price):
            step = "0" if record.min_qty <= 1 else str(record.min_qty)
            return int(held["prices"].get(f"A/{record.sku}/{step}") == record.amount)
        if isinstance(record, StockLevel):
            return int(held["articles"].get(record.sku, {}).get("QuantityInStock") == record.on_hand)
        if isinstance(record, Customer):
            return sum(row.get("Email") == record.email for row in held["customers"].values())
        if isinstance(record, Order):
            papers = [*held["orders"].values(), *held["invoices"].values()]
            return sum(
                row.get("ExternalInvoiceReference1") == record.key and not row.get("Cancelled") for row in papers
            )
        return sum(name == record.key for name in held["price_lists"].values())

    def figures(self) -> Mapping[tuple[str, str], str]:
        held = self.company.snapshot()
        prices = {
            ("price", _price_key(name[2:-2])): str(amount)
            for name, amount in held["prices"].items()
            if name.startswith("A/") and name.endswith("/0")
        }
        papers = [*held["orders"].values(), *held["invoices"].values()]
        orders = {("order", row.get("ExternalInvoiceReference1", "")): str(row["Total"]) for row in papers}
        return prices | orders

    def specimen(self, type_: str, n: int) -> Specimen | None:
        article = specimens.product(n)
        found: dict[str, Specimen] = {
            "product": Specimen(record=article),
            "price": Specimen(record=specimens.price(n, tax_included=False), before=(article,)),
            "stock": Specimen(record=specimens.stock(n), before=(article,)),
            "customer": Specimen(record=specimens.customer(n)),
            "price_list": Specimen(record=specimens.price_list(n)),
            "order": Specimen(
                record=specimens.order(n),
                before=(article, specimens.customer(n)),
                options={"document": "invoice", "book": True} if n % 2 else {},
            ),
        }
        return found.get(type_)

    def happens(self, at: datetime) -> Happening:
        number = next(iter(self.company.ledger.articles))
        self.clock.at = at
        try:
            self.company.name(number, f"Bytt namn {at:%H:%M}")
        finally:
            self.clock.at = None
        return Happening("articles", "product", sku_key(number))


STANDS: Mapping[str, type[WooStand] | type[FortnoxStand]] = {"woocommerce": WooStand, "fortnox": FortnoxStand}


@contextlib.contextmanager
def open_stand(name: str, judge: Judge | None = None) -> Iterator[Stand]:
    """The stand of a system with a sandbox, running; KeyError for others.

    `judge` compares each request with the vendor's document, where that is at hand.
    """
    stand = STANDS[name](judge)
    with serve(stand.faulty) as stand.base:
        yield stand
