"""From a provider's own API to the voucher: connector, reader, matching and booking together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from samklang.sandboxes.adyen import ACCOUNT, PASSWORD, USER, AdyenSandbox
from samklang.sandboxes.base import serve
from samklang.sandboxes.nets_easy import SECRET_KEY, NetsSandbox
from samklang.sandboxes.paypal import CLIENT, SECRET, PayPalSandbox
from tests.accounting.shop import line, order, paid
from tests.reconciliation.conftest import Desk

#: Nets' and PayPal's fees are those of financial services, which bear no VAT.
FEES = [
    {"provider": "nets", "treatment": "EXEMPT"}, {"provider": "paypal", "treatment": "EXEMPT"},
    {"provider": "adyen", "treatment": "RC_EU"},
]  # fmt: skip
#: A day that has ended in every time zone.
THEN = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=2)


class Provider(NamedTuple):
    """A provider's stand-in; `sell` makes a sale of 1,250.00 and gives what the shop keeps of it, `pay` pays it out."""

    app: Any
    settings: dict[str, Any]
    sell: Callable[[str], str]
    pay: Callable[[], object]
    fee: str


def nets() -> Provider:
    box = NetsSandbox(lambda: THEN)

    def sell(number: str) -> str:
        payment = box.reserve(125_000, reference=number)
        box.charge(payment, 125_000)
        return payment

    return Provider(box.app, {"secret_key": SECRET_KEY}, sell, box.pay_out, "19.75")


def paypal() -> Provider:
    box = PayPalSandbox(lambda: THEN)
    box.until = datetime.now(UTC)
    login = {"client_id": CLIENT, "client_secret": SECRET}
    return Provider(box.app, login, lambda number: box.pay("1250.00", number), lambda: box.withdraw("1000.00"), "39.50")


def adyen() -> Provider:
    box = AdyenSandbox(lambda: THEN)
    login = {"merchant_account": ACCOUNT, "user": USER, "password": PASSWORD, "first_batch": 1}
    return Provider(box.app, login, lambda number: box.pay("1250.00", number), box.close_batch, "18.75")


@pytest.mark.parametrize(
    ("provider", "connector", "make"),
    [("nets", "nets_easy", nets), ("paypal", "paypal", paypal), ("adyen", "adyen", adyen)],
    ids=["nets", "paypal", "adyen"],
)
def test_what_is_fetched_is_matched_and_booked(
    desk: Desk, provider: str, connector: str, make: Callable[[], Provider]
) -> None:
    from samklang.hub.models import Connection
    from samklang.reconciliation.fetching import fetch_all

    made = make()
    desk.flow()
    desk.company = desk.settings(statements_from=["psp"], fees=FEES)
    desk.sells(order("1001", [line("1250")], paid(provider, "1250", f"{THEN:%Y-%m-%d}", made.sell("1001"))))
    made.pay()
    with serve(made.app) as base:
        settings = {**made.settings, "api_address": base}
        Connection.objects.create(tenant=desk.tenant, name="psp", connector=connector, settings=settings)
        assert [one[1:] for one in fetch_all(desk.company)] == [(1, 0, "")]
        assert [one[1:] for one in fetch_all(desk.company)] == [(0, 0, "")]
    assert desk.run().matched == 1
    assert desk.problems() == {}
    (settled,) = [voucher for voucher in desk.records() if voucher.source == "settlement"]
    assert sum(part.amount for part in settled.lines) == 0
    assert Decimal(made.fee) in {part.amount for part in settled.lines}
