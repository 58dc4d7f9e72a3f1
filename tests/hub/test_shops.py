"""Starweb and Magento with Fortnox: an empty shop filled by the ledger, an empty ledger filled by the shop, and orders
of every shape, whose totals come to the öre to what the buyer pays."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from samklang.connectors.contract import Tokens
from samklang.sandboxes import magento, starweb
from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox
from samklang.sandboxes.magento import MagentoSandbox
from samklang.sandboxes.starweb import StarwebSandbox
from tests.hub.test_initial_sync import Pair

SHAPES: list[Mapping[str, Any]] = [
    {}, {"payment": "bank"}, {"discount": 10}, {"gift_card": 100}, {"discount": 7, "gift_card": 33, "payment": "card"},
]  # fmt: skip


class Star:
    """A Starweb shop as these tests use it."""

    name = "starweb"
    done, words = "Behandlad", {}
    shapes = (*SHAPES, {"company": True}, {"reseller": True})

    def __init__(self, products: int, **more: Any) -> None:
        self.box = StarwebSandbox(products, customers=0, **more)

    def settings(self, address: str) -> tuple[dict[str, Any], dict[str, str]]:
        return (
            {"url": address, "client_id": starweb.CLIENT_ID, "gift_cards": starweb.GIFT_CARD},
            {"client_secret": starweb.CLIENT_SECRET},
        )

    def articles(self) -> dict[str, Decimal]:
        """What the shop has of each article that can be seen."""
        rows = self.box.snapshot()["articles"]
        return {sku: Decimal(row["stock"] or 0) for sku, row in rows.items() if row["active"]}

    def place(self, **shape: Any) -> tuple[str, Decimal]:
        """An order's number and what it is worth, gift cards and all."""
        made = self.box.place_order(**shape)
        return str(made["orderId"]), made["amountToPay"] + Decimal(shape.get("gift_card", 0))

    def says(self, number: str) -> str:
        return str(self.box.snapshot()["orders"][number]["status"])

    def cancel(self, number: str) -> None:
        self.box.cancel(int(number))


class Mage:
    """A Magento shop as these tests use it."""

    name = "magento"
    done, words = "processing", {"shipped": "complete"}  # complete when it is invoiced, too
    shapes = (*SHAPES, {"company": True}, {"retailer": True}, {"fee": 19})

    def __init__(self, products: int, **more: Any) -> None:
        self.box = MagentoSandbox(products, customers=0, **more)

    def settings(self, address: str) -> tuple[dict[str, Any], dict[str, str]]:
        return (
            {"url": address, "consumer_key": magento.CONSUMER[0], "access_token": magento.TOKEN[0]},
            {"consumer_secret": magento.CONSUMER[1], "access_token_secret": magento.TOKEN[1]},
        )

    def articles(self) -> dict[str, Decimal]:
        rows = self.box.catalogue.rows.values()
        return {
            row["sku"]: Decimal(self.box.catalogue.salable(row["sku"]))
            for row in rows
            if row["type_id"] == "simple" and row["status"] == 1
        }

    def place(self, **shape: Any) -> tuple[str, Decimal]:
        made = self.box.place_order(**shape)
        return str(made["increment_id"]), made["grand_total"] + Decimal(shape.get("gift_card", 0))

    def says(self, number: str) -> str:
        return str(self.box.snapshot()["orders"][number]["status"])

    def cancel(self, number: str) -> None:
        rows = self.box.orders.rows
        self.box.cancel(next(id_ for id_, row in rows.items() if row["increment_id"] == number))


class Shop(Pair):
    """One of the shops with Fortnox behind it."""

    def __init__(self, front: Star | Mage, ledger: FortnoxSandbox, addresses: tuple[str, str]) -> None:
        from samklang.hub.links import DatabaseTokens
        from samklang.hub.models import Channel, Connection, Tenant
        from samklang.hub.setup import config

        self.front, self.ledger = front, ledger
        self.tenant = Tenant.objects.create(slug="pair", name="Par AB")
        settings, secrets = front.settings(addresses[0])
        self.shop_row = Connection.objects.create(
            tenant=self.tenant, name="shop", connector=front.name, settings=settings
        )
        config.set_secrets(self.shop_row, secrets)
        behind = {"client_id": ledger.client_id, "api_address": addresses[1], "login_address": addresses[1]}
        self.erp_row = Connection.objects.create(tenant=self.tenant, name="erp", connector="fortnox", settings=behind)
        config.set_secrets(self.erp_row, {"client_secret": ledger.client_secret})
        given = {name: str(value) for name, value in ledger.tokens().items()}
        DatabaseTokens(self.erp_row).save(
            Tokens(access=given["access_token"], refresh=given["refresh_token"], expires_at=time.time() + 3600)
        )
        self.channel = Channel.objects.create(tenant=self.tenant, code="se", connection=self.shop_row)

    def orders(self) -> dict[str, tuple[str, Any]]:
        """The ledger's orders by the shop's number."""
        rows = self.ledger.snapshot()["orders"].items()
        return {row["ExternalInvoiceReference1"].removeprefix("se/"): (number, row) for number, row in rows}


@contextlib.contextmanager
def shop(front: Star | Mage, ledger: FortnoxSandbox) -> Iterator[Shop]:
    with serve(Faulty(front.box.app)) as front_address, serve(Faulty(ledger.app)) as ledger_address:
        yield Shop(front, ledger, (front_address, ledger_address))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, database: Path, unlimited: None) -> None:
    """What Magento takes off is sent again at once."""
    from samklang.hub import pots

    monkeypatch.setattr(pots, "_TOLD", 0.0)


@pytest.fixture
def home() -> str:
    return "sqlite"


@pytest.mark.parametrize("front", [Star, Mage])
def test_the_ledger_fills_an_empty_shop(front: type[Star] | type[Mage]) -> None:
    ledger = FortnoxSandbox(articles=25, rate=0)
    with shop(front(0), ledger) as both:
        flows = both.preset("erp rules")
        if both.front.words:
            status = next(flow for flow in flows if flow.type == "order_status")
            status.options = {**status.options, "status_map": both.front.words}
            status.save()
        both.apply(flows)
        rows = {number: row for number, row in ledger.snapshot()["articles"].items() if row["Active"]}
        there = both.front.articles()
        assert there == {number: max(Decimal(0), row["DisposableQuantity"]) for number, row in rows.items()}

        first, worth = both.front.place()
        both.sync()
        number, row = both.orders()[first]
        assert row["Total"] == worth
        ledger.deliver(number)
        ledger.invoice(number)
        both.sync()
        assert both.front.says(first) == both.front.done
        before = both.front.box.snapshot(), ledger.snapshot()
        both.sync(sweep=True)
        assert (both.front.box.snapshot(), ledger.snapshot()) == before, "a sweep in peace changes nothing"


@pytest.mark.parametrize(
    ("front", "way"),
    [
        (Star, {}), (Star, {"inclusive": True, "fees_inclusive": True}), (Star, {"whole_kronor": True}),
        (Mage, {}), (Mage, {"inclusive": False}),
    ],
)  # fmt: skip
def test_the_shop_fills_an_empty_ledger_and_every_order_comes_to_the_same(
    front: type[Star] | type[Mage], way: dict[str, Any]
) -> None:
    from samklang.hub.flows import set_flow

    with shop(front(12, **way), FortnoxSandbox(articles=0, rate=0)) as both:
        both.apply([set_flow(both.channel, "price_list", both.shop_row, both.erp_row), *both.preset("shop rules")])
        assert set(both.ledger.snapshot()["articles"]) >= set(both.front.articles())
        placed = [both.front.place(**shape) for shape in both.front.shapes]
        both.sync()
        assert {number: row["Total"] for number, (_, row) in both.orders().items()} == dict(placed)
        both.front.cancel(placed[0][0])
        both.sync()
        assert {number for number, (_, row) in both.orders().items() if row["Cancelled"]} == {placed[0][0]}
        before = both.front.box.snapshot(), both.ledger.snapshot()
        both.sync(sweep=True)
        assert (both.front.box.snapshot(), both.ledger.snapshot()) == before
