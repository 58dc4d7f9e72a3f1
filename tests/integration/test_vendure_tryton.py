"""Everything together on real systems: a Tryton ERP and a Vendure shop with Samklang between them.

The ERP's catalogue, prices and stock come to the shop; a customer buys there; the order becomes a sale in the ERP with
the same total and VAT; the warehouse ships, the accountant invoices; status, tracking and stock come back to the shop.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration import tryton_seed
from tests.integration.tryton_server import Tryton, tryton
from tests.integration.vendure_server import Vendure, vendure

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def erp() -> Iterator[Tryton]:
    with tryton() as running:
        yield running


@pytest.fixture(scope="module")
def shop() -> Iterator[Vendure]:
    with vendure(articles=False) as running:
        yield running


class Hub:
    """One tenant with both systems connected and every flow switched on."""

    def __init__(self, erp: Tryton, shop: Vendure) -> None:
        from samklang.hub import flows
        from samklang.hub.models import Channel, Connection, Tenant
        from samklang.hub.setup import config

        tenant = Tenant.objects.create(slug="nordljus", name="Nordljus Handel AB")
        self.tenant = tenant
        settings = {"url": erp.url, "database": erp.database, "user": erp.user}
        self.erp = Connection.objects.create(tenant=tenant, name="erp", connector="tryton", settings=settings)
        settings = {"url": shop.url, "user": shop.user, "capture": True}
        self.shop = Connection.objects.create(tenant=tenant, name="shop", connector="vendure", settings=settings)
        for row, server in ((self.erp, erp), (self.shop, shop)):
            config.set_secrets(row, {"password": server.password})
        channel = Channel.objects.create(
            tenant=tenant,
            code="butik",
            connection=self.shop,
            country="SE",
            currency="SEK",
            time_zone="Europe/Stockholm",
        )
        base = {"is": "equals", "field": "price_list", "value": ""}
        outward: dict[str, dict[str, Any]] = {"product": {}, "price": {"when": base}, "stock": {}}
        for type_, more in {**outward, "order_status": {}, "shipment": {}}.items():
            flows.set_flow(channel, type_, self.erp, self.shop, enabled=True, **more)
        for type_ in ("customer", "order"):
            flows.set_flow(channel, type_, self.shop, self.erp, enabled=True, **flows.manners(type_))

    def sync(self) -> None:
        """What the engine does between two ticks: read every feed, deliver until nothing is due."""
        from samklang.engine.work import read_jobs
        from samklang.hub import delivery, intake, store

        rows = {row.pk: row for row in (self.erp, self.shop)}
        for _, job in read_jobs(self.tenant.pk):
            intake.read(rows[job.connection], job.what)
        for _ in range(20):
            work = [(row, type_) for row in rows.values() for type_ in store.due_types(self.tenant.pk, row.pk)]
            if not work:
                return
            for row, type_ in work:
                row.refresh_from_db()
                assert row.state == "active", row.reason
                delivery.deliver(row, type_)
                delivery.wake_waiting()
        raise AssertionError(f"still due: {work}")

    def problems(self) -> list[str]:
        from samklang.hub.models import Problem

        found = Problem.objects.filter(tenant=self.tenant, closed_at__isnull=True)
        return [f"{problem} {[item.message for item in problem.items.all()[:3]]}" for problem in found]


def test_an_order_goes_from_the_shop_through_the_erp_and_back(database: Path, erp: Tryton, shop: Vendure) -> None:
    hub = Hub(erp, shop)
    hub.sync()
    assert hub.problems() == []
    articles = {a.sku: (f, a) for f in tryton_seed.families() for a in f.articles}
    rows = shop.admin(
        "{ productVariants(options: {take: 1000}) { items { sku enabled priceWithTax taxRateApplied { value } "
        "stockLevels { stockOnHand } options { name } } } }"
    )["productVariants"]["items"]
    assert {row["sku"] for row in rows} == articles.keys()
    for row in rows:
        family, article = articles[row["sku"]]
        assert row["enabled"], row
        assert Decimal(row["priceWithTax"]) / 100 == family.price, row["sku"]
        assert row["taxRateApplied"]["value"] == tryton_seed.VAT[family.tax_class]
        assert sum(level["stockOnHand"] for level in row["stockLevels"]) == article.stock
        assert sorted(option["name"] for option in row["options"]) == sorted(article.options.values())

    plenty = [sku for sku, (_, article) in articles.items() if article.stock > 20]
    food = next(sku for sku in plenty if articles[sku][0].tax_class == "food")
    art = next(sku for sku in plenty if articles[sku][0].tax_class == "reduced")
    jumper = next(sku for sku in plenty if articles[sku][1].options)
    basket = {food: 3, art: 1, jumper: 2}
    code = shop.order(basket, email="marta.hagg@example.com")
    hub.sync()
    assert hub.problems() == []
    bought = shop.find_order(code)
    sale = erp.sale(f"butik/{code}")
    assert sale, "the order did not reach the ERP"
    assert sale["state"] == "processing"
    assert sale["total_amount"] == Decimal(bought["totalWithTax"]) / 100
    assert sale["tax_amount"] == Decimal(bought["totalWithTax"] - bought["total"]) / 100
    for sku, pieces in basket.items():
        assert shop.stock(sku) == (articles[sku][1].stock, pieces), "allocated once, not twice"

    hub.sync()
    erp.ship(f"butik/{code}", tracking="SE0001SK")
    invoice = erp.invoice(f"butik/{code}")
    assert invoice["total_amount"] == sale["total_amount"]
    hub.sync()
    assert hub.problems() == []
    sent = shop.find_order(code)
    assert sent["fulfillments"] == [{"state": "Shipped", "method": "PostNord", "trackingCode": "SE0001SK"}]
    assert (sent["state"], sent["payments"][0]["state"]) == ("Shipped", "Settled")
    for sku, pieces in basket.items():
        left = articles[sku][1].stock - pieces
        assert erp.stock(sku) == left
        assert shop.stock(sku) == (left, 0)

    from samklang.hub.models import Transfer

    hub.sync()
    last = Transfer.objects.order_by("-id").first()
    before = last.pk if last else 0
    hub.sync()
    written = Transfer.objects.filter(pk__gt=before, created__gt=0) | Transfer.objects.filter(
        pk__gt=before, updated__gt=0
    )
    assert list(written) == [], "nothing is news any more"
    assert erp.sale(f"butik/{code}"), "one sale"
    _tell(hub, sale, bought, sent, invoice)


def _tell(
    hub: Hub, sale: dict[str, Any], bought: dict[str, Any], sent: dict[str, Any], invoice: dict[str, Any]
) -> None:
    """The story in figures, for `-s` and for docs/vendure-tryton.md."""
    from samklang.hub.models import Binding, Step

    there = Binding.objects.filter(connection=hub.shop, delivered__isnull=False)
    for type_ in ("product", "price", "stock"):
        print(f"{type_ + ' Tryton → Vendure':28}{there.filter(type=type_).count():6}")
    gross, vat = Decimal(bought["totalWithTax"]) / 100, Decimal(bought["totalWithTax"] - bought["total"]) / 100
    print(f"{'order in Vendure':28}{gross:>10} SEK, of which VAT {vat:>8}")
    print(f"{'sale in Tryton':28}{sale['total_amount']:>10} SEK, of which VAT {sale['tax_amount']:>8}")
    print(f"{'invoice in Tryton':28}{invoice['total_amount']:>10} SEK")
    print(f"{'back in Vendure':28}{sent['state']}, tracking {sent['fulfillments'][0]['trackingCode']}")
    for step in Step.objects.order_by("at").select_related("connection"):
        print(f"    {step.connection.name:6}{step.type:14}{step.what:10}{step.text}")
