"""A shop and an ERP as boxes, with the flows between them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from samklang.connectors import registry
from samklang.connectors.contract import Limits
from samklang.connectors.transport import Transport
from samklang.hub import traces
from samklang.hub.keeping import otel
from samklang.records import Customer, Order, OrderLine, Price, Product, StockLevel, Variant
from tests.conftest import HOMES
from tests.doubles.shelf import Box, boxes


class World:
    """One tenant with a shop box and an ERP box."""

    def __init__(self) -> None:
        from samklang.hub.models import Channel, Connection, Tenant

        self.tenant = Tenant.objects.create(slug="nordljus", name="Nordljus Handel AB")
        self.shop_row = self.connection("shop")
        self.erp_row = self.connection("erp")
        self.channel = Channel.objects.create(tenant=self.tenant, code="nordljus", connection=self.shop_row)
        _ = Connection

    @property
    def shop(self) -> Box:
        return boxes["shop"]

    @property
    def erp(self) -> Box:
        return boxes["erp"]

    def connection(self, name: str) -> Any:
        from samklang.hub.models import Connection

        return Connection.objects.create(tenant=self.tenant, name=name, connector="shelf", settings={"box": name})

    def box(self, name: str) -> Box:
        """The outside system behind a connection."""
        return boxes[name]

    def row(self, name: str) -> Any:
        from samklang.hub.models import Connection

        return Connection.objects.select_related("tenant").get(tenant=self.tenant, name=name)

    def flow(self, type_: str, source: str, target: str, **more: Any) -> Any:
        from samklang.hub.flows import set_flow

        return set_flow(self.channel, type_, self.row(source), self.row(target), enabled=True, **more)

    def read(self, name: str, feed: str, **more: Any) -> Any:
        from samklang.hub.intake import read

        report = read(self.row(name), feed, **more)
        assert report is not None
        return report.transfer

    def deliver(self, name: str, type_: str) -> Any:
        from samklang.hub.delivery import deliver

        return deliver(self.row(name), type_)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fault a call is tried again at once: how long it waits is the transport's tests' business."""
    monkeypatch.setattr(Transport, "_rest", lambda *_: None)


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fortnox' 25 calls per 5 seconds are tested elsewhere; here they would only cost time."""
    from samklang.connectors.fortnox import Fortnox

    monkeypatch.setattr(Fortnox, "manifest", msgspec.structs.replace(Fortnox.manifest, limits=Limits(concurrent=4)))


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest) -> str:
    """The hub does the same on both databases: every test here runs twice."""
    return str(request.param)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What would be sent to a collector: traces are on for the test."""
    kept = InMemorySpanExporter()
    provider = otel.provider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(traces, "_tracer", provider.get_tracer("samklang"))
    return kept


@pytest.fixture
def world(database: Path) -> Iterator[World]:
    registry.packages()["shelf"] = "tests.doubles.shelf"
    boxes.clear()
    yield World()
    boxes.clear()


def product(code: str, name: str = "Kopp", **more: Any) -> Product:
    return Product(code=code, name=name, variants=more.pop("variants", (Variant(sku=code),)), **more)


def stock(sku: str, pieces: int, warehouse: str = "") -> StockLevel:
    return StockLevel(sku=sku, on_hand=Decimal(pieces), warehouse=warehouse)


def price(sku: str, amount: str) -> Price:
    return Price(sku=sku, currency="SEK", amount=Decimal(amount), tax_included=True)


def order(no: str, *skus: str, email: str = "anna@example.se", **more: Any) -> Order:
    lines = tuple(
        OrderLine(
            line_id=str(n), sku=sku, quantity=Decimal(1), unit_price=Decimal(125), net=Decimal(100), tax=Decimal(25),
            gross=Decimal(125), tax_percent=Decimal(25),
        )
        for n, sku in enumerate(skus)
    )  # fmt: skip
    n = len(lines)
    customer = more.pop("customer", Customer(name="Anna Berg", email=email))
    channel, placed_at = more.pop("channel", "nordljus"), more.pop("placed_at", datetime(2026, 11, 1, tzinfo=UTC))
    return Order(
        channel=channel, order_no=no, placed_at=placed_at,
        currency="SEK", customer=customer, lines=lines, net=Decimal(100 * n), tax=Decimal(25 * n),
        gross=Decimal(125 * n), prices_include_tax=True, **more,
    )  # fmt: skip
