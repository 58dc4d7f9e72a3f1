"""Traces: one order is one trace over all hops; a catalogue makes none; without the operator's wish nothing is done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from samklang.connectors.contract import Exchange
from samklang.connectors.errors import RemoteFault
from samklang.engine.embedded import Embedded
from samklang.engine.port import Job, deliver_job
from samklang.engine.watch import watched
from samklang.engine.work import perform
from samklang.hub import traces
from samklang.hub.keeping import otel
from samklang.records import OrderStatus
from tests.hub.conftest import World, order, price, product, stock


def run(job: Job) -> None:
    """As an engine would, in this thread; what it wakes is left."""
    with watched(job, 0.0):
        perform(job, Embedded(lambda job, engine: None))


def names(spans: InMemorySpanExporter, number: int) -> list[str]:
    """Spans of one trace, in the order in which they began."""
    found = [span for span in spans.get_finished_spans() if span.context.trace_id == number]
    return [span.name for span in sorted(found, key=lambda span: span.start_time or 0)]


def span(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    (found,) = [span for span in spans.get_finished_spans() if span.name == name]
    return found


def calls(world: World) -> Any:
    """The ERP makes a request of its own whenever something is written to it."""
    from samklang.hub.links import open_link

    def request(type_: str, wants: object) -> None:
        url = "https://erp.example/orders?email=anna@example.se"
        open_link(world.erp_row).capture(
            Exchange(method="POST", url=url, status=201, at=datetime.now(UTC), seconds=0.01, waited=0.5)
        )

    world.erp.before_write = request


@pytest.fixture
def flowing(world: World) -> World:
    world.flow("product", "erp", "shop")
    world.flow("customer", "shop", "erp")
    world.flow("order", "shop", "erp")
    world.flow("order_status", "erp", "shop", options={"status_map": {"shipped": "completed"}})
    world.erp.put(product("A-1"))
    world.read("erp", "catalogue")
    return world


def test_all_hops_of_an_order_are_one_trace_whatever_job_made_them(flowing: World, spans: InMemorySpanExporter) -> None:
    tenant, shop, erp = flowing.tenant.pk, flowing.shop_row.pk, flowing.erp_row.pk
    calls(flowing)
    flowing.shop.put(order("1001", "A-1"))
    run(Job("read", shop, "orders", 0, tenant))
    run(deliver_job(tenant, erp, "customer"))
    run(deliver_job(tenant, erp, "order"))
    erp_id = next(iter(flowing.erp.rows["order"]))
    flowing.erp.put(OrderStatus(order="", raw="sent", fulfilment="shipped"), parent=erp_id)
    run(Job("read", erp, "statuses", 0, tenant))
    run(deliver_job(tenant, shop, "order_status"))

    assert names(spans, traces.number_of(tenant, "nordljus/1001")) == [
        "order read",
        "send order",
        "POST shelf",
        "order created",
        "order_status read",  # that the ERP has it is told to the shop at once (P-07)
        "order_status read",
        "send order_status",
        "order_status created",
    ]
    sent = span(spans, "send order")
    (request,) = [s for s in spans.get_finished_spans() if s.parent and s.parent.span_id == sent.context.span_id]
    assert sent.attributes == {
        "samklang.tenant": tenant, "samklang.connection": "erp", "samklang.connector": "shelf",
        "samklang.type": "order", "samklang.records": 1, "samklang.outcome": ("done",),
        "samklang.order": "nordljus/1001",
    }  # fmt: skip
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 201


def test_a_hop_leads_to_the_job_that_made_it(flowing: World, spans: InMemorySpanExporter) -> None:
    flowing.shop.put(order("1001", "A-1"))
    run(Job("read", flowing.shop_row.pk, "orders", 0, flowing.tenant.pk))
    job, hop = span(spans, "read orders"), span(spans, "order read")
    assert [link.context.span_id for link in hop.links] == [job.context.span_id]
    assert job.context.trace_id != hop.context.trace_id
    assert job.attributes is not None
    assert job.attributes["samklang.connector"] == "shelf"
    assert hop.parent is None and job.parent is None


def test_what_fails_is_marked_and_says_its_code_never_its_text(flowing: World, spans: InMemorySpanExporter) -> None:
    flowing.shop.put(order("1001", "A-1"))
    flowing.read("shop", "orders")
    flowing.deliver("erp", "customer")
    flowing.erp.item_error = lambda type_, want: RemoteFault("anna@example.se broke it")
    flowing.deliver("erp", "order")
    sent = span(spans, "send order")
    assert sent.status.status_code is StatusCode.ERROR
    assert sent.status.description is None
    assert sent.attributes is not None
    assert sent.attributes["samklang.outcome"] == ("SYNC-103",)
    assert names(spans, traces.number_of(flowing.tenant.pk, "nordljus/1001"))[-1] == "order retry"

    with pytest.raises(ValueError, match="anna"), watched(Job("read", what="orders", lane=0), 0.0):
        raise ValueError("anna@example.se")
    failed = span(spans, "read orders")
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes is not None
    assert failed.attributes["error.type"] == "ValueError"
    assert failed.events == ()


def test_a_step_that_is_rolled_back_leaves_no_span(flowing: World, spans: InMemorySpanExporter) -> None:
    from django.db import transaction

    from samklang.hub.journey import step

    with pytest.raises(ValueError, match="again"), transaction.atomic():
        step(flowing.shop_row, "order", [("nordljus/1001", "read", "")])
        raise ValueError("again")
    assert spans.get_finished_spans() == ()


def test_a_catalogue_makes_no_spans(world: World, spans: InMemorySpanExporter) -> None:
    for type_ in ("product", "stock", "price"):
        world.flow(type_, "erp", "shop")
    for n in range(5):
        world.erp.put(product(f"A-{n}"))
        world.erp.put(stock(f"A-{n}", 7))
        world.erp.put(price(f"A-{n}", "125"))
    run(Job("read", world.erp_row.pk, "catalogue", 1, world.tenant.pk))
    for type_ in ("product", "stock", "price"):
        run(deliver_job(world.tenant.pk, world.shop_row.pk, type_))
    assert len(world.shop.of("price")) == 5
    assert spans.get_finished_spans() == ()


def test_without_a_provider_no_span_is_even_begun(flowing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def begun(*_: object, **__: object) -> None:
        raise AssertionError("a span was begun")

    monkeypatch.setattr(traces, "_tracer", None)
    monkeypatch.setattr(traces, "_root", begun)
    monkeypatch.setattr(traces, "_current", begun)
    calls(flowing)
    flowing.shop.put(order("1001", "A-1"))
    run(Job("read", flowing.shop_row.pk, "orders", 0, flowing.tenant.pk))
    run(deliver_job(flowing.tenant.pk, flowing.erp_row.pk, "customer"))
    run(deliver_job(flowing.tenant.pk, flowing.erp_row.pk, "order"))
    assert len(flowing.erp.of("order")) == 1


def test_an_orders_number_is_the_same_everywhere_and_its_own() -> None:
    number = traces.number_of(7, "nordljus/1001")
    assert f"{number:032x}" == "79cb44acdf2da47798969989208a9f4a", (
        "another number would cut traces in two at an upgrade"
    )
    assert traces.number_of(7, "nordljus/1001#erp/3") == number, "what hangs on an order belongs to it"
    assert len({number, traces.number_of(8, "nordljus/1001"), traces.number_of(7, "nordljus/1002")}) == 3


def test_a_sampler_keeps_an_order_whole_or_not_at_all(
    flowing: World, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    half = otel.provider()
    half.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(traces, "_tracer", half.get_tracer("samklang"))
    keys = [f"nordljus/{n}" for n in range(200)]
    for what in ("read", "created", "updated"):
        traces.hops(flowing.shop_row, "order", [(key, what) for key in keys])
    found = [len(names(spans, traces.number_of(flowing.tenant.pk, key))) for key in keys]
    assert set(found) == {0, 3}
    assert 50 < found.count(3) < 150


def test_traces_are_asked_for_by_the_standard_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(traces, "_tracer", None)
    monkeypatch.setattr(otel, "_EXPORTER", "opentelemetry.exporter.nowhere.at.all")
    otel.configure()
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318")
    otel.configure()
    said = capsys.readouterr().err
    assert "no traces" in said and "samklang[otel]" in said
    assert traces._tracer is None


def test_the_service_is_called_samklang_unless_the_operator_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert otel.provider().resource.attributes["service.name"] == "samklang"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "hub-north")
    assert otel.provider().resource.attributes["service.name"] == "hub-north"
