"""The tenant whose database is filled: two shops, a ledger, a warehouse, a payment provider, the flows between them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar, cast

from django.db import connection as database
from django.db import transaction

from benchmarks.numbered import DAYS, SHOPS, Size
from samklang.connectors.contract import Tokens
from samklang.hub import flows, listing, store
from samklang.hub.links import DatabaseTokens
from samklang.hub.models import Binding, Channel, Connection, Flow, Tenant
from samklang.hub.setup import config
from samklang.records import Record, content_hash, encode

PAGE = 1000  # records in one transaction
T = TypeVar("T")


class Told(NamedTuple):
    """A record as its master tells it, with its external id there."""

    record: Record
    external_id: str


class House:
    """The tenant, its connections by name, its flows by (type, target)."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.now = time.time()
        self.tenant = Tenant.objects.create(slug="bench", name="Bench AB")
        self.shops = {code: self._connection(f"shop-{code}", "woocommerce", url="http://127.0.0.1:9") for code in SHOPS}
        self.erp = self._connection("ledger", "fortnox", client_id="bench")
        self.wms = self._connection("warehouse", "ongoing", address="http://127.0.0.1:9", user="bench", goods_owner=1)
        self.pay = self._connection("payments", "klarna", username="bench", region="eu")
        for row, secrets in (
            *((row, {"consumer_key": "ck", "consumer_secret": "cs"}) for row in self.shops.values()),
            (self.erp, {"client_secret": "secret"}), (self.wms, {"password": "secret"}),
            (self.pay, {"password": "secret"}),
        ):  # fmt: skip
            config.set_secrets(row, secrets)
        DatabaseTokens(self.erp).save(Tokens(access="a", refresh="r", expires_at=self.now + 3600))
        self.flow: dict[tuple[str, int], Flow] = {}
        self.channels = {code: self._channel(code, shop) for code, shop in self.shops.items()}

    def _connection(self, name: str, connector: str, **settings: Any) -> Connection:
        return Connection.objects.create(
            tenant=self.tenant, name=name, connector=connector, settings=settings, state=Connection.State.PAUSED,
            reason="Benchmark",
        )  # fmt: skip

    def _channel(self, code: str, shop: Connection) -> Channel:
        made = Channel.objects.create(
            tenant=self.tenant, code=code, name=f"bench.{code}", connection=shop, country=code.upper(),
            currency="SEK" if code == "se" else "EUR",
        )  # fmt: skip
        for type_, source, target in (
            ("product", self.erp, shop), ("price", self.erp, shop), ("product", self.erp, self.wms),
            ("stock", self.wms, shop), ("customer", shop, self.erp), ("order", shop, self.erp),
            ("order", shop, self.wms), ("order_status", self.wms, shop), ("shipment", self.wms, shop),
            ("capture", self.wms, self.pay),
        ):  # fmt: skip
            self.flow[type_, target.pk] = flows.set_flow(
                made, type_, source, target, enabled=True, **flows.manners(type_)
            )
        return made

    def at(self, order: int) -> float:
        """When an order was placed, epoch seconds: spread evenly over the days up to now."""
        return self.now - (self.size.orders - order) * DAYS * 86_400 / self.size.orders

    def age(self, order: int) -> float:
        """Its age in days."""
        return (self.now - self.at(order)) / 86_400

    # -------------------------------------------------------------------------------------------- records

    def tells(self, place: Connection, type_: str, told: Sequence[Told], listed: bool = True) -> None:
        """A master tells of records: stored, bound, and found by their words, as intake does it. `listed`: the type
        flows from here (what is only a cause of other records is not searched by)."""
        bodies = [(one.record.key, encode(one.record)) for one in told]
        store.keep_records(self.tenant.pk, place.pk, type_, ((key, body, content_hash(body)) for key, body in bodies))
        if listed:
            listing.note(self.tenant.pk, place.pk, type_, [listing.Known(one.record) for one in told])
        rows = zip(told, bodies, strict=True)
        store.bind(
            self.tenant.pk, place.pk, type_,
            ((key, one.external_id or None, content_hash(body), 1) for one, (key, body) in rows),
        )  # fmt: skip

    def holds(self, target: Connection, type_: str, told: Sequence[Told], numbers: Callable[[Told], str]) -> None:
        """A target has taken records, under numbers of its own ("" = it gives none)."""
        flow, tenant = self.flow[type_, target.pk], self.tenant.pk
        hashes = {one.record.key: content_hash(encode(one.record)) for one in told}
        store.bind(tenant, target.pk, type_, ((one.record.key, numbers(one) or None, None, 0) for one in told))
        store.agree(
            tenant, target.pk, type_, flow.source_id, flow.pk, ((key, hash_, hash_) for key, hash_ in hashes.items())
        )

    def not_in_step(self, target: Connection, type_: str, keys: Sequence[str], state: str, **more: Any) -> None:
        """Deliveries of these records that are not done."""
        rows = Binding.objects.filter(tenant=self.tenant, connection=target, type=type_, key__in=list(keys))
        rows.update(state=state, delivered=None, attempts=1, **more)


def pages(things: Iterable[T], size: int = PAGE) -> Iterator[list[T]]:
    """Things page by page, each in a transaction of its own."""
    rest = iter(things)
    while page := list(itertools.islice(rest, size)):
        with transaction.atomic():
            yield page


def put(table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Put rows into a table, the fastest way that the database has."""
    names = columns.split(", ")
    quoted = ",".join(f'"{name}"' for name in names)
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            streamed = cast("Sequence[Any]", rows)  # any iterable will do, says sqlite3; the stubs want a sequence
            cursor.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({','.join(['%s'] * len(names))})", streamed)


def moment(seconds: float) -> Any:
    """A point in time as `put` takes it."""
    return database.ops.adapt_datetimefield_value(datetime.fromtimestamp(seconds, UTC))
