"""Problems: what is wrong, on which records, who looks after it; trying all again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from ninja import Query
from pydantic import Field

from samklang import engine
from samklang.api.v1 import cursors
from samklang.api.v1.acts import BulkLook, ReasonInput, bulk_plain, wake_bulk
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door, Input
from samklang.api.v1.errors import NotThere, Unfit
from samklang.api.v1.shapes import Answer, Counted
from samklang.api.v1.webhooks import Number
from samklang.engine.work import jobs_of_problem
from samklang.hub import bulk, problems
from samklang.hub.looks import troubles as looks
from samklang.hub.models import Problem, ProblemNote
from samklang.people import audit
from samklang.people.models import Member
from samklang.people.rights import Right

door = Door("problems")


class ProblemRow(Answer):
    """Equal errors together. `connection` is empty where it is the hub's own."""

    id: int
    code: str
    connection: str
    type: str
    what: str
    do_this: str
    first_at: datetime
    last_at: datetime
    closed_at: datetime | None
    assignee: str
    records: int


class ItemRow(Answer):
    """A record that has the problem, and the number of the call that shows it (GET /exchanges/{number})."""

    id: int
    connection: str
    direction: Literal["in", "out"]
    type: str
    key: str
    external_id: str
    message: str
    where: str
    at: datetime
    exchange: int | None


class NoteRow(Answer):
    """What somebody said about it."""

    by: str
    at: datetime
    text: str


class ProblemLook(ProblemRow):
    """A problem with a page of its records and what people said."""

    items: list[ItemRow]
    next: str | None
    notes: list[NoteRow]


class AssignInput(Input):
    """E-mail address of the member who looks after it; empty = nobody."""

    email: Annotated[str, Field(max_length=254)] = ""


class CommentInput(Input):
    """What is said about it."""

    text: Annotated[str, Field(min_length=1, max_length=4000, pattern=r"\S")]


def _plain(row: Problem, records: int) -> dict[str, Any]:
    return {
        "id": row.pk, "code": row.code, "connection": row.system, "type": row.type, "what": row.what,
        "do_this": row.do_this, "first_at": row.first_at, "last_at": row.last_at, "closed_at": row.closed_at,
        "assignee": row.assignee.email if row.assignee else "", "records": records,
    }  # fmt: skip


def _note(row: ProblemNote) -> dict[str, Any]:
    return {"by": row.by, "at": row.at, "text": row.text}


def _find(call: Call, number: int) -> Problem:
    rows = Problem.objects.select_related("connection", "assignee")
    row = rows.filter(tenant=call.tenant, pk=number).first()
    if row is None:
        raise NotThere(f"There is no problem {number}")
    return row


def _member(call: Call, email: str) -> Member:
    member = Member.objects.filter(tenant=call.tenant, user__email=email.strip().casefold()).first()
    if member is None:
        raise Unfit(f"{email} is no member", where="email", do_this="Name a member of the tenant, or nobody.")
    return member


@door.get("/problems", Right.SEE, Counted[ProblemRow])
def problems_list(
    call: Call,
    q: Annotated[str, Query(max_length=100, description="A code, or a part of the wording.")] = "",
    connection: Annotated[str, Query(max_length=40)] = "",
    assignee: Annotated[
        str, Query(max_length=254, description="E-mail address of a member; `nobody` for those that nobody has.")
    ] = "",
    state: Literal["open", "closed"] = "open",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:
    """Problems, the newest first."""
    who = None if not assignee else 0 if assignee == "nobody" else _member(call, assignee).user_id
    with cursors.judged():
        asked = looks.Asked(q, connection, who, state == "closed")
        found = looks.problems(call.tenant, asked, cursors.text(cursor), limit)
    return cursors.of_slice(found, lambda row: _plain(row, row.n))  # type: ignore[attr-defined]  # annotated


@door.get("/problems/{number}", Right.SEE, ProblemLook)
def problem(call: Call, number: Number, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """One problem, however long it is over, with a page of its records."""
    with cursors.judged():
        found = looks.problem(call.tenant, number, cursors.text(cursor), limit)
    if found is None:
        raise NotThere(f"There is no problem {number}")
    page = cursors.of_slice(
        found.troubles,
        lambda one: {
            "id": one.item.pk, "connection": one.item.connection.name if one.item.connection else "",
            "direction": one.item.direction, "type": one.item.type, "key": one.item.key,
            "external_id": one.item.external_id, "message": one.message, "where": one.item.where, "at": one.item.at,
            "exchange": one.exchange.pk if one.exchange else None,
        },
    )  # fmt: skip
    whole = _plain(_find(call, number), page["total"])
    return {**whole, "items": page["items"], "next": page["next"], "notes": [_note(row) for row in found.notes]}


@door.post("/problems/{number}/retry", Right.OPERATE, BulkLook, status=202)
def problem_retry(call: Call, number: Number) -> Any:
    """Try all its records again. What could not be read is read once more, whole."""
    row = _find(call, number)
    made = bulk.start(call.tenant.pk, "mend", call.actor.name, problem=row)
    audit.note(call.actor, gettext_noop("problem tried again"), f"problem {number}", code=row.code, count=made.total)
    wake_bulk(made)
    if engine.current is not None:
        for job in jobs_of_problem(row):
            engine.current.wake(job)
    return bulk_plain(made)


@door.post("/problems/{number}/give-up", Right.OPERATE, BulkLook, status=202)
def problem_give_up(call: Call, number: Number, payload: ReasonInput) -> Any:
    """Give all its deliveries up: the systems are left as they are, and the next change goes there again."""
    row = _find(call, number)
    made = bulk.start(call.tenant.pk, "give up", call.actor.name, problem=row, reason=payload.reason)
    audit.note(call.actor, gettext_noop("problem given up"), f"problem {number}", code=row.code, count=made.total)
    wake_bulk(made)
    return bulk_plain(made)


@door.put("/problems/{number}/assignee", Right.OPERATE, ProblemRow)
def problem_assign(call: Call, number: Number, payload: AssignInput) -> Any:
    """Say who looks after it."""
    row = _find(call, number)
    member = _member(call, payload.email) if payload.email else None
    problems.assign(row, member.user_id if member else None)
    audit.note(call.actor, gettext_noop("problem assigned"), f"problem {number}", to=payload.email)
    return _plain(_find(call, number), row.items.count())


@door.post("/problems/{number}/comments", Right.OPERATE, NoteRow, status=201)
def problem_comment(call: Call, number: Number, payload: CommentInput) -> Any:
    """Say something about it."""
    row = problems.comment(_find(call, number), call.actor.name, payload.text)
    audit.note(call.actor, gettext_noop("problem commented"), f"problem {number}")
    return _note(row)
