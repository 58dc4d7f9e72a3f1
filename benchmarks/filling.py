"""Fills a new database as years of trade would: a catalogue, orders with their way, and what people look at.

Run as a process of its own with the hub's environment; prints `filled`. Two shops and an ERP, all paused, so that
nobody works on it while pages are measured. Bodies are real records; rows go in with COPY, or executemany on SQLite.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import django

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_BETWEEN = 60.0  # seconds from one order to the next
_TRANSFERS, _PROBLEMS, _ITEMS = 50_000, 40, 25
_AT_ONCE = 10_000
_MARK = 7_777_777  # stands in a sample body where each row's number comes


def order_key(n: int) -> str:
    """Key of the n-th order."""
    return f"shop/{1_000_000 + n}"


def article_key(n: int) -> str:
    """Key of the n-th article."""
    return f"kopp-{n:07}"


def changed_at(n: int) -> float:
    """When the n-th order last changed, epoch seconds."""
    return _BEGAN.timestamp() + n * _BETWEEN


# ---------------------------------------------------------------------------------------------------- bodies


def _body(record: Any) -> Callable[[int], bytes]:
    """The canonical bytes of a record with another number in place of the mark."""
    from samklang.records import encode

    sample = encode(record)
    return lambda n: sample.replace(b"%d" % _MARK, b"%07d" % n)


def _samples() -> dict[str, Callable[[int], bytes]]:
    from samklang.records import Address, Customer, Order, OrderLine, OrderStatus, Product, Variant

    billing = Address(name="Anna Sjögren", lines=("Storgatan 7",), postcode="621 57", city="Visby", country="SE")
    customer = Customer(name="Anna Sjögren", email=f"anna{_MARK}@example.se", phone="070-174 06 05", billing=billing)
    lines = tuple(
        OrderLine(
            line_id=str(place), sku=f"KOPP-{place:07}", name="Handdrejad kopp i stengods", quantity=Decimal(2),
            unit_price=Decimal("149"), net=Decimal("238.4"), tax=Decimal("59.6"), gross=Decimal("298"),
            tax_percent=Decimal(25),
        )
        for place in range(3)
    )  # fmt: skip
    order = Order(
        channel="shop", order_no=str(_MARK), placed_at=_BEGAN, currency="SEK", customer=customer, lines=lines,
        net=Decimal("715.2"), tax=Decimal("178.8"), gross=Decimal("894"), prices_include_tax=True, billing=billing,
        shipping=billing, status="processing", lifecycle="confirmed", payment="captured", payment_method="klarna",
    )  # fmt: skip
    text = "<p>Handdrejad kopp i stengods med glasyr i djup sjögrön ton. Tål maskindisk och mikrovågsugn.</p>"
    code = f"KOPP-{_MARK}"
    product = Product(code=code, name=f"Kopp nr {_MARK}", description=text * 6, variants=(Variant(sku=code),))
    status = OrderStatus(order=f"shop/{_MARK}", raw="delivered", lifecycle="closed", fulfilment="shipped")
    records = {"product": product, "order": order, "customer": customer, "order_status": status}
    return {type_: _body(record) for type_, record in records.items()}


# ---------------------------------------------------------------------------------------------------- rows


def put(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Put rows into a table, the fastest way that the database has."""
    from django.db import connection as database

    quoted = ",".join(f'"{name}"' for name in columns.split(", "))
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ",".join("%s" for _ in columns.split(", "))
            for some in _chunks(rows):
                cursor.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({marks})", some)


def _chunks(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    some: list[tuple[Any, ...]] = []
    for row in rows:
        some.append(row)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    yield some


RECORD = "tenant_id, connection_id, type, key, body, hash, changed_at, gone"
BINDING = (
    "tenant_id, connection_id, type, key, external_id, seen, generation, flow_id, source_id, wanted, delivered, sent,"
    " state, due_at, attempts, doubt, troubled, waiting_on, risk, risk_at, token"
)
_REST = (0.0, 0, False, False, "", "", 0.0, 0)  # from due_at on


class _Filling:
    """Everything of one tenant."""

    def __init__(self, articles: int, orders: int) -> None:
        self.articles, self.orders = articles, orders
        self.bodies = _samples()
        self.dice = random.Random(1)

    def set_up(self) -> None:
        """The tenant, its connections and flows."""
        from samklang.hub import flows
        from samklang.hub.models import Channel, Connection, Tenant

        tenant = self.tenant = Tenant.objects.create(slug="bench", name="Bench AB")
        self.shop, self.other, self.erp = (
            Connection.objects.create(
                tenant=tenant, name=name, connector=connector, state=Connection.State.PAUSED, reason="Benchmark",
                settings={"url": "http://127.0.0.1:9"},
            )
            for name, connector in (("shop", "woocommerce"), ("second-shop", "woocommerce"), ("erp", "fortnox"))
        )  # fmt: skip
        self.flow: dict[str, int] = {}
        channel = Channel.objects.create(tenant=tenant, code="shop", connection=self.shop)
        for type_, source, target, more in flows.preset("erp rules", self.shop, self.erp):
            self.flow[type_] = flows.set_flow(channel, type_, source, target, enabled=True, **more).pk

    def _recorded(self, place: Any, type_: str, keys: Callable[[int], str], count: int) -> None:
        """Records of a type at their master, and what their master's binding knows."""
        from samklang.records import content_hash

        body, tenant = self.bodies[type_], self.tenant.pk
        shift = 1_000_000 if type_ in ("order", "order_status") else 0

        def records() -> Iterator[tuple[Any, ...]]:
            for n in range(count):
                said = body(n + shift)
                yield tenant, place.pk, type_, keys(n), said, content_hash(said), changed_at(n % self.orders), False

        put("record", RECORD, records())
        self._bound(place, type_, keys, count, None)

    def _bound(self, place: Any, type_: str, keys: Callable[[int], str], count: int, source: Any) -> None:
        """Bindings of a type: of a master (no source), or of a target that has taken nearly all."""
        tenant, hash_ = self.tenant.pk, b"0123456789abcdef"
        flow = self.flow[type_] if source else None

        def bindings() -> Iterator[tuple[Any, ...]]:
            for n in range(count):
                if source is None:
                    yield (
                        tenant, place.pk, type_, keys(n), str(n + 10), hash_, 1, None, None, None, None, None, "idle",
                        *_REST,
                    )  # fmt: skip
                else:
                    state = "stopped" if n % 10_000 == 7 else "idle"
                    yield (
                        tenant, place.pk, type_, keys(n), str(n + 10), None, 0, flow, source.pk, hash_, hash_, hash_,
                        state, *_REST,
                    )  # fmt: skip

        put("binding", BINDING, bindings())

    def catalogue(self) -> None:
        """Articles of the ERP in the shop."""
        self._recorded(self.erp, "product", article_key, self.articles)
        self._bound(self.shop, "product", article_key, self.articles, self.erp)

    def trade(self) -> None:
        """Orders of the shop in the ERP, their customers, their status back, their steps and calls."""

        def buyer(n: int) -> str:
            return f"mail:anna{n:07}@example.se"

        for type_, master, target, keys in (
            ("customer", self.shop, self.erp, buyer),
            ("order", self.shop, self.erp, order_key),
            ("order_status", self.erp, self.shop, order_key),
        ):
            self._recorded(master, type_, keys, self.orders)
            self._bound(target, type_, keys, self.orders, master)
        way = (
            (self.shop, "order", "read"), (self.erp, "order", "created"), (self.erp, "order_status", "read"),
            (self.shop, "order_status", "updated"),
        )  # fmt: skip
        put(
            "hub_step",
            "tenant_id, order, at, connection_id, type, what, text",
            (
                (self.tenant.pk, order_key(n), self._moment(n, hop), place.pk, type_, what, "")
                for n in range(self.orders)
                for hop, (place, type_, what) in enumerate(way)
            ),
        )
        sent, got = (b'{"Order": {"ExternalInvoiceReference1": "shop", "Rows": [' + b"1, " * 300 + b"1]}}",) * 2
        put(
            "exchange",
            "tenant_id, connection_id, at, method, url, status, seconds, sent, got, error, about",
            (
                (
                    self.tenant.pk, self.erp.pk, self._moment(n), "POST", "https://api.fortnox.se/3/orders", 201, 0.2,
                    sent, got, "", order_key(n),
                )
                for n in range(self.orders)
            ),
        )  # fmt: skip

    def runs(self) -> None:
        """Transfers and open problems."""
        places = [(self.shop.pk, "in", "orders"), (self.erp.pk, "out", "order"), (self.erp.pk, "in", "articles")]
        put(
            "hub_transfer",
            "tenant_id, connection_id, direction, what, sweep, started, seconds, considered, created, updated, skipped,"
            " failed, result, error",
            (
                (self.tenant.pk, *places[n % 3], False, self._moment(4 * n), 1.5, 4, 2, 1, 1, 0, "ok", "")
                for n in range(_TRANSFERS)
            ),
        )
        from samklang.hub.models import Problem, ProblemItem

        for n in range(_PROBLEMS):
            problem = Problem.objects.create(
                tenant=self.tenant, connection=self.erp, fingerprint=f"bench {n}", code="SYNC-120", type="product",
                what=f"Article group {n} is not known", do_this="Make it in the ERP, then retry.",
            )  # fmt: skip
            ProblemItem.objects.bulk_create(
                ProblemItem(
                    tenant=self.tenant, problem=problem, connection=self.erp, direction="out", type="product",
                    key=article_key(n * _ITEMS + item), message="Not known",
                )
                for item in range(_ITEMS)
            )  # fmt: skip

    def _moment(self, n: int, hop: int = 0) -> Any:
        from django.db import connection as database

        at = _BEGAN + timedelta(seconds=n * _BETWEEN + 20 * hop)
        return database.ops.adapt_datetimefield_value(at)


def main() -> None:
    """Fill the database that the environment names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--articles", type=int, required=True)
    parser.add_argument("--orders", type=int, required=True)
    args = parser.parse_args()
    django.setup()
    from django.core.management import call_command
    from django.db import connection as database
    from django.db import transaction

    call_command("migrate", verbosity=0)
    filling = _Filling(args.articles, args.orders)
    with transaction.atomic():
        filling.set_up()
        filling.catalogue()
        filling.trade()
        filling.runs()
    with database.cursor() as cursor:  # as autovacuum and SQLite's own optimiser do in the course of time
        cursor.execute("VACUUM ANALYZE" if database.vendor == "postgresql" else "ANALYZE")
    sys.stdout.write("filled\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
