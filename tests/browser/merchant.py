"""A merchant as he stands after some weeks: a shop, a ledger and a warehouse, orders in every state, things that wait
for a person. All of it went the real road (intake, delivery); only the outside systems are boxes in this process.
"""

from __future__ import annotations

import random
import sys
import types
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from samklang.connectors import registry
from samklang.connectors.contract import Choice, ChoiceKind, Result, Want, Write
from samklang.connectors.errors import Rejected
from samklang.records import (
    Address,
    Charge,
    Customer,
    Order,
    OrderLine,
    OrderStatus,
    Price,
    Product,
    StockLevel,
    Variant,
)
from tests.doubles.shelf import Box, Shelf, boxes

#: Connector name → (title, kind): what the boxes are called on the pages.
SYSTEMS = {"webshop": ("WooCommerce", "shop"), "ledger": ("Fortnox", "erp"), "depot": ("Ongoing WMS", "wms")}

#: What each of them lists for tables.
LISTED: dict[str, dict[str, list[Choice]]] = {
    "webshop": {
        "payment_method": [
            Choice("klarna", "Klarna"), Choice("swish", "Swish"), Choice("bacs", "Bankgiro"), Choice("kort", "Kort"),
        ],
        "shipping_method": [Choice("Budbee hem"), Choice("PostNord MyPack"), Choice("Hämta i butik")],
        "order_status": [
            Choice("processing", "Behandlas"), Choice("on-hold", "Pausad"), Choice("completed", "Klar"),
            Choice("cancelled", "Avbruten"), Choice("delvis", "Delvis skickad"),
        ],
    },
    "ledger": {
        "payment_method": [Choice("30", "30 dagar netto"), Choice("0", "Kontant"), Choice("K", "Kortbetalning")],
        "shipping_method": [Choice("POSTEN", "PostNord MyPack"), Choice("H", "Hämtas")],
    },
    "depot": {
        "carrier": [Choice("BUDBEE/HOME", "Budbee · Hem"), Choice("PBREV/17", "PostNord · MyPack Collect")],
        "warehouse": [Choice("1", "Borås"), Choice("2", "Göteborg")],
    },
}  # fmt: skip

ARTICLES = (
    ("LJUS-204-V", "Stearinljus vit 6-pack", 199), ("LYK-11", "Lykta mässing", 449), ("KOPP-1", "Handdrejad kopp", 149),
    ("FAT-30", "Serveringsfat 30 cm", 389), ("VAS-7", "Vas sjögrön", 529), ("DUK-140", "Linneduk 140 × 250", 799),
    ("SKAL-2", "Skål stengods", 229), ("BRICKA-M", "Bricka björk mellan", 259), ("PLAD-1", "Ullpläd grå", 1095),
    ("KANN-1", "Kanna 1,2 l", 459), ("LJUS-12", "Blockljus 12 cm", 119), ("HAND-2", "Handduk 2-pack", 349),
)  # fmt: skip
BUYERS = (
    ("Anna Sjögren", "Visby", "621 57"), ("Erik Lindqvist", "Umeå", "903 25"), ("Maja Öberg", "Malmö", "211 34"),
    ("Mohammed Ali Hassan", "Södertälje", "151 72"), ("Ingrid Berg", "Kiruna", "981 31"),
    ("Oskar Nyström", "Lund", "222 22"),
    ("Екатерина Смирнова", "Stockholm", "113 51"), ("Karl-Johan af Ugglas", "Växjö", "352 30"),
)  # fmt: skip


class _Named(Shelf):
    """A box that counts as real systems do, that has pages of its own, and takes an order without knowing its buyer
    where it is a warehouse."""

    def choices(self, what: ChoiceKind) -> list[Choice]:
        return LISTED[self.manifest.name][what]

    def link(self, type_: str, external_id: str) -> str:
        return f"https://{self.manifest.name}.example/{type_}/{external_id}"

    def _write(self, type_: str, want: Want) -> Result:
        number = next(self.box.ids) + 20_000
        ids = {("customer", want.record.customer.key): "-", **want.ids} if isinstance(want.record, Order) else want.ids
        known = type_ not in ("product", "customer", "order")
        return super()._write(
            type_,
            msgspec.structs.replace(want, ids=ids, external_id=want.external_id or ("" if known else str(number))),
        )


def _systems() -> None:
    """Register the boxes as connectors with the titles and kinds of real ones."""
    order = {"depot": Write(needs=("variant",))}
    for name, (title, kind) in SYSTEMS.items():
        module = types.ModuleType(f"tests.browser.{name}")
        writes = {**Shelf.manifest.writes, "order": order.get(name, Shelf.manifest.writes["order"])}
        manifest = msgspec.structs.replace(
            Shelf.manifest, name=name, title=title, kind=kind, writes=writes, choices=tuple(LISTED[name])
        )
        module.__dict__[name.title()] = type(name.title(), (_Named,), {"manifest": manifest})
        sys.modules[module.__name__] = module
        registry.packages()[name] = module.__name__
    registry.connector_class.cache_clear()


class Merchant:
    """One tenant with everything in it. `tenant`, `shop`, `erp`, `wms` are rows; `box(name)` is an outside system."""

    def __init__(self, orders: int = 64, slug: str = "nordljus", name: str = "Nordljus Handel AB") -> None:
        from samklang.hub.models import Channel, Connection, Tenant

        _systems()
        self.dice = random.Random(7)
        self.slug = slug
        self.tenant = Tenant.objects.create(slug=slug, name=name)
        self.shop, self.erp, self.wms = (
            Connection.objects.create(
                tenant=self.tenant, name=shown, connector=connector, settings={"box": f"{slug}-{shown}"}
            )
            for shown, connector in (("nordljus-se", "webshop"), ("fortnox", "ledger"), ("lager-boras", "depot"))
        )  # fmt: skip
        self.channel = Channel.objects.create(tenant=self.tenant, code="se", name="nordljus.se", connection=self.shop)
        self._flows()
        self._catalogue()
        self._orders(orders)

    def box(self, row: Any) -> Box:
        """The outside system behind a connection."""
        return boxes[row.settings["box"]]

    def read(self, row: Any, feed: str) -> None:
        """Read a feed of a connection now."""
        from samklang.hub.intake import read

        row.refresh_from_db()
        assert read(row, feed) is not None

    def deliver(self, row: Any, *types_: str) -> None:
        """Deliver what is due of these types at a connection."""
        from samklang.hub.delivery import deliver

        for type_ in types_:
            row.refresh_from_db()
            deliver(row, type_)

    def order(self, number: int, placed: datetime, *skus: str, email: str = "") -> Order:
        """An order as the shop would have it."""
        name, city, postcode = BUYERS[number % len(BUYERS)]
        billing = Address(
            name=name, lines=(f"Storgatan {number % 40 + 1}",), postcode=postcode, city=city, country="SE"
        )
        prices = {sku: Decimal(amount) for sku, _, amount in ARTICLES}
        lines = tuple(
            _line(str(n), sku, prices.get(sku, Decimal(100)), 1 + (number + n) % 3) for n, sku in enumerate(skus, 1)
        )
        freight = Charge(
            kind="shipping", name="Budbee hem", net=Decimal("39.2"), tax=Decimal("9.8"), gross=Decimal(49),
            tax_percent=Decimal(25),
        )  # fmt: skip
        sums = {
            field: sum((getattr(p, field) for p in (*lines, freight)), Decimal(0)) for field in ("net", "tax", "gross")
        }
        buyer = Customer(name=name, email=email or f"kund{number}@example.se", phone="070-174 06 05", billing=billing)
        return Order(
            channel="se", order_no=str(number), placed_at=placed, currency="SEK", customer=buyer, lines=lines,
            charges=(freight,), prices_include_tax=True, billing=billing, shipping=billing, status="processing",
            lifecycle="confirmed", payment="authorised", payment_method="klarna", shipping_method="Budbee hem", **sums,
        )  # fmt: skip

    def _flows(self) -> None:
        from samklang.hub.flows import set_flow

        for type_, source, target in (
            ("product", self.erp, self.shop), ("price", self.erp, self.shop), ("stock", self.wms, self.shop),
            ("customer", self.shop, self.erp), ("order", self.shop, self.erp), ("order", self.shop, self.wms),
            ("order_status", self.wms, self.shop),
        ):  # fmt: skip
            set_flow(self.channel, type_, source, target, enabled=True)

    def _catalogue(self) -> None:
        for sku, name, amount in ARTICLES:
            self.box(self.erp).put(Product(code=sku, name=name, variants=(Variant(sku=sku),)))
            self.box(self.erp).put(Price(sku=sku, currency="SEK", amount=Decimal(amount), tax_included=True))
            pieces = Decimal(self.dice.randrange(0, 140))
            self.box(self.wms).put(
                StockLevel(sku=sku, on_hand=pieces, reserved=min(pieces, Decimal(self.dice.randrange(0, 5))))
            )
            self.box(self.wms).put(Product(code=sku, name=name, variants=(Variant(sku=sku),)))
        self.read(self.erp, "catalogue")
        self.read(self.wms, "catalogue")
        self.box(self.shop).item_error = lambda type_, want: (
            Rejected("The name is too long for the shop", where="name", do_this="Shorten it in the ledger, then retry.")
            if (type_, want.key) == ("product", "duk-140") else None
        )  # fmt: skip
        self.deliver(self.shop, "product", "price", "stock")

    def _orders(self, count: int) -> None:
        from django.utils import timezone

        now, placed = timezone.now(), []
        for n in range(count):
            at = now - timedelta(minutes=37 * n * (1 + n / 12) + 4)
            skus = [self.dice.choice(ARTICLES)[0] for _ in range(1 + n % 3)]
            if n in (3, 11):
                skus[0] = "NY-ARTIKEL"  # no system knows it
            number = 10_500 - n
            order = self.order(number, at.astimezone(UTC), *dict.fromkeys(skus))
            placed.append((number, self.box(self.shop).put(order, id_=str(88_000 + number % 1000))))
        self.box(self.erp).item_error = lambda type_, want: (
            Rejected(
                f"The cost centre 'WEB' of order {want.key} is closed", where="CostCenter",
                do_this="Open the cost centre in Fortnox, or change the flow's result unit, then retry.",
            )
            if type_ == "order" and want.key in {"se/10499", "se/10492", "se/10481"} else None
        )  # fmt: skip
        self.read(self.shop, "orders")
        self.deliver(self.erp, "customer", "order")
        self.deliver(self.wms, "order")
        self._statuses(placed)
        self._calls()

    def _calls(self) -> None:
        """Calls as the transport keeps them: boxes make none."""
        from django.utils import timezone

        from samklang.hub.models import ExchangeRow, Step

        body = (
            '{"Order": {"CustomerName": "Anna Sjögren", "EmailInvoice": "anna@example.se", "City": "Visby",'
            ' "DocumentNumber": "20116", "ExternalInvoiceReference1": "%s", "Total": 1647}}'
        )
        taken = Step.objects.filter(tenant=self.tenant, connection=self.erp, type="order").order_by("-pk")[:40]
        ExchangeRow.objects.bulk_create(
            ExchangeRow(
                tenant=self.tenant, connection=self.erp, at=step.at, method="POST",
                url="https://api.fortnox.example/3/orders", status=400 if step.what == "stopped" else 201,
                seconds=0.21 + n / 100, sent=(body % step.order).encode(), about=step.order,
                got=b'{"ErrorInformation": {"message": "Kostnadsst\xc3\xa4llet WEB \xc3\xa4r st\xc3\xa4ngt"}}'
                if step.what == "stopped" else (body % step.order).encode(),
            )
            for n, step in enumerate(taken)
        )  # fmt: skip
        ExchangeRow.objects.create(
            tenant=self.tenant, connection=self.shop, at=timezone.now(), method="GET", status=0, seconds=10,
            url="https://nordljus.example/wp-json/wc/v3/orders?page=1", error="Timed out after 10 s",
        )  # fmt: skip

    def _statuses(self, placed: list[tuple[int, str]]) -> None:
        """What the warehouse says of the orders that it has: the older, the further."""
        stands = ("ready", "picking", "shipped", "shipped", "delivered")
        rows = {row.reference: id_ for id_, row in self.box(self.wms).rows["order"].items()}
        for n, (number, _) in enumerate(placed):
            there = rows.get(f"se/{number}")
            if there and n > 2:
                stand: Any = stands[min(n // 9, len(stands) - 1)]
                status = OrderStatus(order="", raw=stand, fulfilment=stand)
                self.box(self.wms).put(status, parent=there, id_=f"status-{number}")
        self.read(self.wms, "statuses")
        self.deliver(self.shop, "order_status")


def _line(line_id: str, sku: str, price: Decimal, pieces: int) -> OrderLine:
    gross = price * pieces
    net = (gross / Decimal("1.25")).quantize(Decimal("0.01"))
    name = next((name for code, name, _ in ARTICLES if code == sku), "Ny artikel")
    return OrderLine(
        line_id=line_id, sku=sku, name=name, quantity=Decimal(pieces), unit_price=price, net=net, tax=gross - net,
        gross=gross, tax_percent=Decimal(25),
    )  # fmt: skip
