"""What was transferred, asked and done: runs with their counts, calls with their answers, the audit, statistics."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Query
from pydantic import AwareDatetime, Field

from samklang.api.v1 import cursors
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door
from samklang.api.v1.errors import NotThere
from samklang.api.v1.shapes import Answer, Looked, Page
from samklang.api.v1.webhooks import Number
from samklang.hub.looks import charts, overview
from samklang.hub.looks import logs as looks
from samklang.hub.looks.masking import masked
from samklang.hub.looks.rows import time_zone
from samklang.hub.models import ExchangeRow, Transfer
from samklang.people import audit
from samklang.people.rights import Right

door = Door("logs")
Of = Annotated[str, Query(max_length=40)]


class TransferRow(Answer):
    """A run: a read of a feed (`in`), or a drain of deliveries (`out`), with its counts."""

    id: int
    connection: str
    direction: Literal["in", "out"]
    what: str
    sweep: bool
    started: datetime
    seconds: float | None
    considered: int
    created: int
    updated: int
    skipped: int
    failed: int
    result: Literal["running", "ok", "failed"]
    error: str


class ExchangeRowOut(Answer):
    """A call to an outside system. `status` 0: there was no answer."""

    id: int
    connection: str
    at: datetime
    method: str
    url: str
    status: int
    seconds: float
    error: str
    about: str


class Exchange(ExchangeRowOut):
    """A call with what was sent and answered (the first 8 KB). Secrets were never stored; buyers' data are •••, and
    `masked` is true, unless the token has the right `operate`."""

    sent: str
    got: str
    masked: bool


class AuditRow(Answer):
    """Who did what, when, to which thing."""

    id: int
    at: datetime
    actor: str
    what: str
    about: str
    details: dict[str, Any]


class DayCount(Answer):
    """A day, and a count for each name."""

    day: date
    counts: dict[str, int]


class SpeedRow(Answer):
    """Seconds from an order's being read to its being taken by a target: half, and 95 of 100, were no slower."""

    target: str
    orders: int
    half: float
    most: float


class CauseRow(Answer):
    """One kind of error that is open."""

    code: str
    connection: str
    what: str
    problems: int
    records: int


class AgreementRow(Answer):
    """A day of a channel: whether the systems know the same orders (O-23)."""

    channel: str
    day: date
    placed: int
    taken: dict[str, int]
    sent: int
    told: int
    agrees: bool


class Statistics(Answer):
    """Figures over days, by the tenant's calendar."""

    orders: list[DayCount]
    failures: list[DayCount]
    speeds: list[SpeedRow]
    causes: list[CauseRow]
    agreement: list[AgreementRow]


class SystemRow(Answer):
    """How a system is: ok, wait or bad."""

    connection: str
    health: str
    waiting: int
    stopped: int


class Overview(Answer):
    """How all is at a glance."""

    in_step: int
    on_their_way: int
    stopped: int
    problems: int
    brakes: int
    systems: list[SystemRow]


def _transfer(row: Transfer) -> dict[str, Any]:
    names = (
        "direction", "what", "sweep", "started", "seconds", "considered", "created", "updated", "skipped", "failed",
        "result", "error",
    )  # fmt: skip
    return {"id": row.pk, "connection": row.connection.name, **{name: getattr(row, name) for name in names}}


def _exchange(call: Call, row: ExchangeRow) -> dict[str, Any]:
    may = call.known.may(Right.OPERATE)
    return {
        "id": row.pk, "connection": row.connection.name, "at": row.at, "method": row.method,
        "url": masked(row.url, may), "status": row.status, "seconds": row.seconds, "error": masked(row.error, may),
        "about": row.about,
    }  # fmt: skip


@door.get("/transfers", Right.SEE, Looked[TransferRow])
def transfers(
    call: Call,
    connection: Of = "",
    direction: Literal["", "in", "out"] = "",
    what: Of = "",
    result: Literal["", "running", "ok", "failed"] = "",
    moved: Annotated[bool, Query(description="Only runs that moved something, or failed to.")] = False,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:
    """Runs, the newest first."""
    with cursors.judged():
        asked = looks.Runs(connection, direction, what, result, moved)
        return cursors.of_slice(looks.transfers(call.tenant, asked, cursors.text(cursor), limit), _transfer)


@door.get("/transfers/{number}", Right.SEE, TransferRow)
def transfer(call: Call, number: Number) -> Any:
    """One run."""
    row = Transfer.objects.select_related("connection").filter(tenant=call.tenant, pk=number).first()
    if row is None:
        raise NotThere(f"There is no transfer {number}")
    return _transfer(row)


@door.get("/exchanges", Right.SEE, Looked[ExchangeRowOut])
def exchanges(
    call: Call,
    connection: Of = "",
    about: Annotated[str, Query(max_length=300, description="Key of a record: channel/number of an order …")] = "",
    url: Annotated[str, Query(max_length=200, description="A part of the address.")] = "",
    failed: bool = False,
    since: AwareDatetime | None = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:
    """Calls to outside systems, the newest first; without their bodies."""
    with cursors.judged():
        asked = looks.Calls(connection, about, url, failed, since)
        found = looks.calls(call.tenant, asked, cursors.text(cursor), limit)
    return cursors.of_slice(found, lambda row: _exchange(call, row))


@door.get("/exchanges/{number}", Right.SEE, Exchange)
def exchange(call: Call, number: Number) -> Any:
    """One call, with what was sent and answered."""
    row = ExchangeRow.objects.select_related("connection").filter(tenant=call.tenant, pk=number).first()
    if row is None:
        raise NotThere(f"There is no exchange {number}")
    may = call.known.may(Right.OPERATE)
    sent, got = masked(row.sent_text, may), masked(row.got_text, may)
    return {**_exchange(call, row), "sent": sent, "got": got, "masked": not may}


@door.get("/audit", Right.PEOPLE, Page[AuditRow])
def audit_notes(
    call: Call,
    about: Annotated[str, Query(max_length=300, description="The beginning of the thing's name: `order `, …")] = "",
    since: AwareDatetime | None = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:
    """Who did what, the newest first."""
    rows = audit.notes(call.tenant, about=about, before=cursors.read(cursor, int), since=since)
    return cursors.cut(list(rows[: limit + 1]), limit, lambda row: row.pk)


@door.get("/statistics", Right.SEE, Statistics)
def statistics(call: Call, days: Annotated[int, Field(ge=1, le=90)] = 30) -> Any:
    """Orders by day and channel, failures by day and system, speed, causes of errors, whether both sides agree."""
    with timezone.override(time_zone(call.tenant)):
        span = charts.days_back(days)
        agreement = charts.agreement(call.tenant, span[-14:])
        return {
            "orders": _days(charts.orders_by_day(call.tenant, span)),
            "failures": _days(charts.failures_by_day(call.tenant, span)),
            "speeds": charts.speeds(call.tenant),
            "causes": charts.causes(call.tenant),
            "agreement": [
                {"channel": channel, **row._asdict(), "agrees": row.agrees}
                for channel, rows in agreement.items()
                for row in rows
            ],
        }


def _days(found: charts.Daily) -> list[dict[str, Any]]:
    return [
        {"day": day, "counts": {name: counts[n] for name, counts in found.series.items() if counts[n]}}
        for n, day in enumerate(found.days)
    ]


@door.get("/overview", Right.SEE, Overview)
def overview_look(call: Call) -> Any:
    """How all is at a glance."""
    found, figures = overview.overview(call.tenant), overview.figures(call.tenant)
    return {
        "in_step": found.in_step, "on_their_way": found.moving, "stopped": found.stopped,
        "problems": figures.problems, "brakes": figures.brakes,
        "systems": [
            {"connection": one.row.name, "health": one.health, "waiting": one.moving, "stopped": one.stopped}
            for one in found.systems
        ],
    }  # fmt: skip
