"""The main job between the WooCommerce and Fortnox stand-ins: initial sync both ways, orders, stock and status back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.connectors.contract import Tokens
from samklang.sandboxes.base import Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox
from samklang.sandboxes.woocommerce import WooSandbox


class Pair:
    """A shop and an ERP, connected."""

    def __init__(self, shop: WooSandbox, ledger: FortnoxSandbox, addresses: tuple[str, str]) -> None:
        from samklang.hub.links import DatabaseTokens
        from samklang.hub.models import Channel, Connection, Tenant
        from samklang.hub.setup import config

        self.shop, self.ledger = shop, ledger
        self.tenant = Tenant.objects.create(slug="pair", name="Par AB")
        self.shop_row = Connection.objects.create(
            tenant=self.tenant, name="shop", connector="woocommerce", settings={"url": addresses[0]}
        )
        config.set_secrets(self.shop_row, {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"})
        settings = {"client_id": "sandbox", "api_address": addresses[1], "login_address": addresses[1]}
        self.erp_row = Connection.objects.create(tenant=self.tenant, name="erp", connector="fortnox", settings=settings)
        config.set_secrets(self.erp_row, {"client_secret": "sandbox-secret"})
        given = ledger.tokens()
        DatabaseTokens(self.erp_row).save(
            Tokens(
                access=str(given["access_token"]), refresh=str(given["refresh_token"]), expires_at=time.time() + 3600
            )
        )
        self.channel = Channel.objects.create(tenant=self.tenant, code="se", connection=self.shop_row)

    def preset(self, name: str) -> list[Any]:
        from samklang.hub.flows import use_preset

        return use_preset(name, self.channel, self.erp_row)

    def apply(self, flows: list[Any]) -> dict[str, Any]:
        """Plan, then switch on and run until nothing is left."""
        from samklang.hub.setup.plan import plan_flow, switch_on

        plans = {flow.type: plan_flow(flow) for flow in flows}
        for flow in flows:
            switch_on(flow)
        self.sync()
        return plans

    def sync(self, sweep: bool = False) -> None:
        from samklang.engine.embedded import Embedded
        from samklang.engine.port import Job
        from samklang.engine.work import perform, read_jobs
        from samklang.hub import models

        engine = Embedded(perform)
        engine.start()
        try:
            for _ in range(2):  # what was written in the first round is read in the second
                engine.wake(Job("tick", lane=0))
                for _, job in read_jobs():
                    engine.wake(msgspec.structs.replace(job, task="sweep") if sweep else job)
                assert engine.wait_until_idle(120, horizon=60)
        finally:
            assert engine.stop()
        open_ = [(p.what, p.items.first()) for p in models.Problem.objects.filter(closed_at=None)]
        assert open_ == []
        left = models.Binding.objects.exclude(state="idle").values_list("connection__name", "type", "key", "state")
        assert list(left) == []


@contextlib.contextmanager
def pair(shop: WooSandbox, ledger: FortnoxSandbox) -> Iterator[Pair]:
    with serve(Faulty(shop.app)) as shop_address, serve(Faulty(ledger.app)) as ledger_address:
        yield Pair(shop, ledger, (shop_address, ledger_address))


pytestmark = pytest.mark.usefixtures("database", "unlimited")


def test_the_erps_articles_fill_an_empty_shop_and_orders_come_back() -> None:
    ledger = FortnoxSandbox(articles=60, rate=0)
    with pair(WooSandbox(products=0, customers=3), ledger) as both:
        plans = both.apply(both.preset("erp rules"))
        articles = {number for number, row in ledger.snapshot()["articles"].items() if row["Active"]}
        assert plans["product"].create == len(articles)
        shop = both.shop.snapshot()["products"]
        assert set(shop) >= articles, "article numbers are the same, byte for byte"
        stock = {number: row["DisposableQuantity"] for number, row in ledger.snapshot()["articles"].items()}
        assert {n: shop[n]["stock"] for n in articles} == {n: max(0, int(stock[n])) for n in articles}

        orders = [both.shop.place_order(coupon=n % 2 == 0, company=n % 3 == 0) for n in range(6)]
        both.sync()
        erp = {row["ExternalInvoiceReference1"]: (number, row) for number, row in ledger.snapshot()["orders"].items()}
        assert set(erp) == {f"se/{order['number']}" for order in orders}
        for order in orders:
            assert Decimal(str(erp[f"se/{order['number']}"][1]["Total"])) == Decimal(order["total"])

        first = erp[f"se/{orders[0]['number']}"][0]
        ledger.deliver(first)
        ledger.invoice(first)
        both.sync()
        states = both.shop.snapshot()["orders"]
        assert states[str(orders[0]["number"])]["status"] == "completed"
        assert {states[str(order["number"])]["status"] for order in orders[1:]} == {"processing"}

        before = both.shop.snapshot(), ledger.snapshot()
        both.sync(sweep=True)
        assert (both.shop.snapshot(), ledger.snapshot()) == before, "a sweep in peace changes nothing"


def test_the_shops_products_with_variants_fill_an_empty_erp() -> None:
    shop = WooSandbox(products=25, customers=3)
    with pair(shop, FortnoxSandbox(articles=0, rate=0)) as both:
        plans = both.apply(both.preset("shop rules"))
        rows = shop.snapshot()["products"]
        skus = {sku for sku, row in rows.items() if row["type"] != "variable"}
        assert set(both.ledger.snapshot()["articles"]) == skus, "one article per variant, SKUs byte for byte"
        assert plans["product"].create == sum(row["type"] != "variation" for row in rows.values())
        prices = {key.split("/")[1]: Decimal(str(value)) for key, value in both.ledger.snapshot()["prices"].items()}
        assert set(prices) == skus

        order = shop.place_order(company=True)
        both.sync()
        (row,) = both.ledger.snapshot()["orders"].values()
        assert Decimal(str(row["Total"])) == Decimal(order["total"])

        both.shop.set_status(int(order["id"]), "cancelled")
        both.sync()
        (row,) = both.ledger.snapshot()["orders"].values()
        assert row["Cancelled"] is True, "a cancelled order in the shop is cancelled in the ERP"


def test_two_filled_systems_are_joined_and_only_differences_are_sent() -> None:
    shop = WooSandbox(products=15, customers=0)
    ledger = FortnoxSandbox(articles=sum(row["type"] != "variable" for row in shop.snapshot()["products"].values()))
    ledger.switch(rate=0)
    changed = next(sku for sku, row in shop.snapshot()["products"].items() if row["type"] == "simple")
    shop.change(changed, name="Ett helt annat namn")
    with pair(shop, ledger) as both:
        flow = next(flow for flow in both.preset("shop rules") if flow.type == "product")
        from samklang.hub.setup.plan import plan_flow

        plan = plan_flow(flow)
        assert plan.create == 0
        assert plan.fields.get("name", 0) >= 1
        assert changed in {
            sample.fields["name"][1] and sample.key.upper() for sample in plan.samples if "name" in sample.fields
        }
        both.apply([flow])
        assert both.ledger.snapshot()["articles"][changed]["Description"] == "Ett helt annat namn"
        again = plan_flow(flow)
        assert (again.create, again.change) == (0, 0), again.samples
