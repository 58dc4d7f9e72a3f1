"""One order is one trace: every hop over all systems, processes and days as OpenTelemetry spans.

The trace's number is a hash of tenant and order key. So whoever works on an order, whenever, finds its trace without
anything stored, and a sampler that goes by the number keeps an order whole or not at all.

    hop    a step of the order's journey (read, created …): in the order's trace, with a link to the job that made it
    send   a batch on its way to a target: in the order's trace if it holds one order, else in its job's
    call   one request to an outside system: under the job or batch that made it
    job    a run of the orders' lane: a trace of its own

Only the types of `journey.TRACED` and the lane of orders make spans; a catalogue makes none. Attributes are our own
words and numbers and the order's key, never what an outside system or a person wrote: no addresses, no texts of errors.
Until `use` (keeping/otel.py calls it where the operator asks for traces) nothing here does anything.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from hashlib import blake2b

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer, TracerProvider
from opentelemetry.util.types import Attributes

from samklang.connectors.contract import Done, Exchange, Match, Result, Want
from samklang.hub.models import Connection

_ORDERS = 0  # the lane whose jobs are traced

_tracer: Tracer | None = None

#: The number that the next root span's trace shall have; 0 = any. The provider's generator of numbers reads it.
number: ContextVar[int] = ContextVar("trace_number", default=0)


def use(provider: TracerProvider) -> None:
    """Send spans to this provider; its generator of ids must heed `number`."""
    global _tracer
    _tracer = provider.get_tracer("samklang")


def number_of(tenant: int, key: str) -> int:
    """The number of an order's trace. `key` is the order's, or that of a record that hangs on it (order#…)."""
    order = key.partition("#")[0]
    return int.from_bytes(blake2b(f"{tenant}/{order}".encode(), digest_size=16).digest())


def hops(row: Connection, type_: str, steps: Sequence[tuple[str, str]]) -> None:
    """What happened at a connection to records of one type: (record key, what) each in its order's trace."""
    if _tracer is None:
        return
    job = trace.get_current_span().get_span_context()
    links = [Link(job)] if job.is_valid else []
    for key, what in steps:
        _root(_tracer, row, key, f"{type_} {what}", {**_of(row, type_), "samklang.outcome": what}, links).end()


def send(
    row: Connection, type_: str, attempt: Callable[[Sequence[Want]], list[Result | Match]], wants: Sequence[Want]
) -> list[Result | Match]:
    """Run the attempt at a batch of a traced type, with a span around it."""
    if _tracer is None:
        return attempt(wants)
    attributes = {**_of(row, type_), "samklang.records": len(wants)}
    if len(wants) == 1:
        span = _root(_tracer, row, wants[0].key, f"send {type_}", attributes)
    else:
        span = _tracer.start_span(f"send {type_}", attributes=attributes)
    with _current(span):
        results = attempt(wants)
        outcomes = Counter(_outcome(result) for result in results)
        span.set_attribute("samklang.outcome", sorted(outcomes))
        if set(outcomes) - {"done", "matched"}:
            span.set_status(StatusCode.ERROR)
        return results


def call(connector: str, exchange: Exchange) -> None:
    """A request that has ended, under the span that is current where it was made; none without such a span."""
    if _tracer is None or not trace.get_current_span().is_recording():
        return
    began = int(exchange.at.timestamp() * 1e9)
    span = _tracer.start_span(
        f"{exchange.method} {connector}",
        kind=SpanKind.CLIENT,
        start_time=began,
        attributes={
            "samklang.connector": connector, "http.request.method": exchange.method,
            "http.response.status_code": exchange.status, "samklang.waited": exchange.waited,
        },
    )  # fmt: skip
    if exchange.error or exchange.status >= 400:
        span.set_status(StatusCode.ERROR)
    span.end(began + int(exchange.seconds * 1e9))


@contextlib.contextmanager
def job(task: str, what: str, lane: int) -> Iterator[None]:
    """A span around a job of the orders' lane; `name_job` adds whose it is."""
    if _tracer is None or lane != _ORDERS:
        yield
        return
    span = _tracer.start_span(f"{task} {what}".strip(), context=Context(), attributes={"samklang.task": task})
    with _current(span):
        yield


def name_job(row: Connection) -> None:
    """Say on the running job's span which connection it works for."""
    trace.get_current_span().set_attributes(_of(row))


def _of(row: Connection, type_: str = "") -> dict[str, str | int]:
    kind = {"samklang.type": type_} if type_ else {}
    return {
        "samklang.tenant": row.tenant_id, "samklang.connection": row.name, "samklang.connector": row.connector, **kind,
    }  # fmt: skip


def _root(
    tracer: Tracer, row: Connection, key: str, name: str, attributes: dict[str, str | int], links: Sequence[Link] = ()
) -> Span:
    """A span at the top of an order's trace."""
    own: Attributes = {**attributes, "samklang.order": key.partition("#")[0]}
    wish = number.set(number_of(row.tenant_id, key))
    try:
        return tracer.start_span(name, context=Context(), attributes=own, links=links)
    finally:
        number.reset(wish)


@contextlib.contextmanager
def _current(span: Span) -> Iterator[None]:
    """The span is current and ends with the block. An error leaves its mark, not its text: that may hold anything."""
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", error.__class__.__name__)
            raise


def _outcome(result: Result | Match) -> str:
    """`done`, `matched`, or an error's code."""
    return "matched" if isinstance(result, Match) else "done" if isinstance(result, Done) else result.code
