"""A shop whose orders are paid, a company with books, a ledger: all boxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samklang.connectors import registry
from samklang.records import Order
from tests.conftest import HOMES
from tests.doubles.shelf import Box, boxes

FEES = [
    {"provider": "stripe", "treatment": "RC_EU"},
    {"provider": "paypal", "treatment": "EXEMPT"},
    {"provider": "nets", "treatment": "SE_VAT"},
]


class Desk:
    """The tenant, its shop `web`, its company `ov`, its ledger."""

    def __init__(self, tenant: Any = None) -> None:
        from samklang.hub.models import Channel, Connection, Tenant

        self.tenant = tenant or Tenant.objects.create(slug="ovning", name="Övningsbutiken AB")
        rows = [
            Connection.objects.create(tenant=self.tenant, name=name, connector="shelf", settings={"box": name})
            for name in ("shop", "ledger")
        ]
        self.shop_row, self.ledger_row = rows
        self.channel = Channel.objects.create(tenant=self.tenant, code="web", connection=self.shop_row)
        self.company = self.settings()

    @property
    def shop(self) -> Box:
        return boxes["shop"]

    @property
    def ledger(self) -> Box:
        return boxes["ledger"]

    def settings(self, **more: Any) -> Any:
        """The company with these settings."""
        import msgspec

        from samklang.hub.models import Company
        from samklang.hub.setup.companies import CompanyPart, settings_of

        given = {"name": "Övningsbutiken AB", "org_no": "556334-3689", "oss": True, "fees": FEES}
        part = msgspec.convert({**given, "channels": {"web": {}}, **more}, CompanyPart, strict=False)
        row, _ = Company.objects.update_or_create(
            tenant=self.tenant, code="ov", defaults={"settings": settings_of(part)}
        )
        return row

    def flow(self, **more: Any) -> Any:
        """Vouchers go to the ledger."""
        from samklang.hub.flows import set_flow

        return set_flow(self.channel, "voucher", self.shop_row, self.ledger_row, enabled=True, **more)

    def sells(self, *orders: Order) -> None:
        """The shop has these orders, and the hub has read them."""
        from samklang.hub.intake import read

        for order in orders:
            self.shop.put(order, f"o{order.order_no}")
        assert read(self.shop_row, "orders") is not None

    def takes(self, data: bytes, name: str = "file", **more: Any) -> Any:
        """A file is handed in."""
        from samklang.reconciliation.files import Handed, import_file

        return import_file(self.company, name, data, Handed(by="anna", way="cli", **more))

    def run(self) -> Any:
        from samklang.reconciliation.run import run

        report = run(self.company)
        assert report is not None
        return report

    def vouchers(self, **more: Any) -> dict[str, Any]:
        """Vouchers by key."""
        from samklang.reconciliation.models import Voucher

        return {row.key: row for row in Voucher.objects.filter(company=self.company, **more).order_by("date", "id")}

    def records(self, *keys: str) -> list[Any]:
        from samklang.reconciliation.facts import records
        from samklang.reconciliation.models import Voucher

        rows = Voucher.objects.filter(company=self.company, **({"key__in": keys} if keys else {}))
        return records(rows.select_related("company").order_by("date", "id"))

    def approve(self, *keys: str) -> int:
        """Somebody approves these vouchers, or all that may be."""
        from samklang.reconciliation.vouchers import Seen, approve

        rows = self.vouchers(state="validated").values()
        seen = [Seen(row.pk, bytes(row.hash).hex()) for row in rows if row.key in keys or not keys]
        return approve(self.company, seen, by="berit")

    def deliver(self) -> Any:
        from samklang.hub.delivery import deliver
        from samklang.reconciliation.handover import collect

        transfer = deliver(self.ledger_row, "voucher")
        collect(self.company)
        return transfer

    def problems(self) -> dict[str, list[str]]:
        """Open problems of the books: code → what they are about."""
        from samklang.hub.models import ProblemItem

        found: dict[str, list[str]] = {}
        for item in ProblemItem.objects.filter(direction="acc").select_related("problem").order_by("key"):
            found.setdefault(item.problem.code, []).append(item.where)
        return found


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest) -> str:
    """The books are the same on both databases: every test here runs twice."""
    return str(request.param)


@pytest.fixture
def desk(database: Path) -> Iterator[Desk]:
    registry.packages()["shelf"] = "tests.doubles.shelf"
    boxes.clear()
    yield Desk()
    boxes.clear()
