"""Nothing about a buyer and no secret is in any log line, metric or span, whatever befalls an order on its way.

A WooCommerce and a Fortnox stand-in with the real connectors between them: a buyer of striking name orders, the ledger
takes the order and ships it, an answer fails, the login is refused with the buyer's data in the answer, and a connector
trips over the order itself.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest

from samklang import logs
from samklang.connectors.contract import Result, Tokens, Want
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox
from samklang.sandboxes.woocommerce import WooSandbox
from samklang.sandboxes.woocommerce.login import Key

KEY, SECRET = "ck_strikingkey5d41402abc4b2a76b9719d911017c592", "cs_StrikingSecretKvastskaft77"
BUYER = {
    "first_name": "Xaverina", "last_name": "Zwiebelquist", "address_1": "Kråkvinkelsgränd 77", "postcode": "39231",
    "city": "Ödestorpa", "country": "SE", "email": "xaverina.z@lökbacken.example", "phone": "+46 70 987 65 43",
}  # fmt: skip
STRIKING = (
    "xaverina", "zwiebelquist", "kråkvinkel", "39231", "ödestorpa", "lökbacken", "9876543", "987654",
    "strikingkey", "5d41402a", "strikingsecret", "kvastskaft",
)  # fmt: skip


class Scene:
    """The two systems, and the hub between them."""

    def __init__(self, shop: WooSandbox, ledger: FortnoxSandbox, faults: Faulty) -> None:
        self.shop = shop
        self.ledger = ledger
        self.faults = faults

    def order(self) -> str:
        """The buyer orders one article; the order's number."""
        with self.shop.lock:
            sku = next(row.sku for row in self.shop.catalogue.rows.values() if row.sku and row.type != "variable")
            made = self.shop.orders.create(
                {
                    "billing": BUYER,
                    "shipping": {k: v for k, v in BUYER.items() if k != "email"},
                    "line_items": [{"sku": sku, "quantity": 1}],
                    "payment_method": "bacs",
                    "customer_note": "Ring Xaverina på 070-987 65 43",
                    "status": "processing",
                }
            )
            return str(made.id)

    def work(self) -> None:
        """Read everything and deliver what follows, until nothing is due soon."""
        from samklang.engine.embedded import Embedded
        from samklang.engine.work import perform, read_jobs

        engine = Embedded(perform)
        engine.start()
        for _, job in read_jobs():
            engine.wake(job)
        assert engine.wait_until_idle(60)
        assert engine.stop()


@pytest.fixture
def scene(world: Any, unlimited: None) -> Iterator[Scene]:
    from samklang.hub import flows
    from samklang.hub.links import DatabaseTokens
    from samklang.hub.models import Channel, Connection
    from samklang.hub.setup import config

    shop, ledger = WooSandbox(3, customers=0), FortnoxSandbox(articles=0, rate=0)
    shop.login.keys[KEY] = Key(SECRET)
    faults = Faulty(ledger.app)
    with serve(shop.app) as shop_address, serve(faults) as ledger_address:
        shop_row = Connection.objects.create(
            tenant=world.tenant, name="woo", connector="woocommerce", settings={"url": shop_address}
        )
        config.set_secrets(shop_row, {"consumer_key": KEY, "consumer_secret": SECRET})
        erp_row = Connection.objects.create(
            tenant=world.tenant, name="ledger", connector="fortnox",
            settings={"client_id": ledger.client_id, "api_address": ledger_address, "login_address": ledger_address},
        )  # fmt: skip
        config.set_secrets(erp_row, {"client_secret": ledger.client_secret})
        given = ledger.tokens()
        DatabaseTokens(erp_row).save(
            Tokens(
                access=str(given["access_token"]), refresh=str(given["refresh_token"]), expires_at=time.time() + 3600
            )
        )
        channel = Channel.objects.create(tenant=world.tenant, code="woo", connection=shop_row)
        for type_ in ("product", "customer", "order"):
            flows.set_flow(channel, type_, shop_row, erp_row, enabled=True, **flows.manners(type_))
        flows.set_flow(channel, "order_status", erp_row, shop_row, enabled=True)
        yield Scene(shop, ledger, faults)


@pytest.fixture
def loud() -> Iterator[None]:
    """Everything is logged, as JSON."""
    logs.configure(logging.DEBUG, json=True)
    yield
    logs.configure()


def assert_discreet(text: str) -> None:
    """None of it, however it is written: escaped, in another case, a number with other gaps."""
    plain = re.sub(r"[\s()/-]", "", text.lower())
    found = [word for word in STRIKING if word in text.lower() or word.replace(" ", "") in plain]
    assert found == []


def test_nothing_about_a_buyer_and_no_secret_is_told(
    scene: Scene, loud: None, spans: InMemorySpanExporter, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from samklang.connectors.fortnox import Fortnox
    from samklang.hub import metrics, traces
    from samklang.hub.models import Connection, ExchangeRow, Step

    number = scene.order()
    scene.work()
    (document,) = scene.ledger.snapshot()["orders"]
    scene.ledger.deliver(document)
    scene.work()
    key = f"woo/{number}"
    hops = list(Step.objects.filter(order=key).order_by("pk").values_list("type", "what"))
    assert ("order", "created") in hops and ("order_status", "read") in hops, "the order has gone its way"

    scene.faults.faults = [Fault("500", method="POST", times=1)]
    scene.order()
    scene.work()

    def trip(self: object, type_: str, wants: Sequence[Want]) -> Sequence[Result]:
        raise ValueError(f"cannot take {wants[0].record!r}")

    with monkeypatch.context() as patch:
        patch.setattr(Fortnox, "write", trip)
        scene.order()
        scene.work()
    Connection.objects.filter(name="woo").update(open_until=0)
    scene.shop.login.keys.clear()
    scene.work()
    structlog.get_logger().debug("an author looks", customer=BUYER, secret=SECRET, said=f"{BUYER['email']} {KEY}")
    logging.getLogger("urllib3.connectionpool").debug("GET /orders?consumer_secret=%s", SECRET)
    logging.getLogger("a.library").error("cannot mail %s", BUYER["email"])

    said = capsys.readouterr().err
    lines = [json.loads(line) for line in said.splitlines()]
    assert {line["level"] for line in lines} >= {"debug", "error"}
    assert "connector failed" in {line["event"] for line in lines}, "the trip was logged"
    told = [json.loads(span.to_json()) for span in spans.get_finished_spans()]
    assert {f"0x{traces.number_of(Connection.objects.get(name='woo').tenant_id, key):032x}"} <= {
        span["context"]["trace_id"] for span in told
    }
    assert "zwiebelquist" in b"".join(ExchangeRow.objects.values_list("sent", flat=True)).decode().lower(), (
        "it was sent"
    )
    for text in (
        json.dumps(lines, ensure_ascii=False),
        json.dumps(told, ensure_ascii=False),
        generate_latest(metrics.EVERYTHING).decode(),
    ):
        assert_discreet(text)
