"""Plans: what the draft would do to every system, in numbers and record by record, before anybody says that it is
meant. The engine computes and applies them; ask again until `state` is what you wait for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from samklang import engine
from samklang.api.v1 import cursors
from samklang.api.v1.connections import Why
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door
from samklang.api.v1.errors import Clash, NotThere
from samklang.api.v1.shapes import Answer, Page, struct
from samklang.api.v1.webhooks import Number
from samklang.engine.port import plan_job
from samklang.hub.models import PlanLine, PlanRun
from samklang.hub.setup import planning
from samklang.hub.setup.consequences import Consequences
from samklang.people import audit
from samklang.people.rights import Right

door = Door("plans")


class Progress(Answer):
    """How far it is: what is being done, how much of it, of how much (0 = unknown)."""

    what: str = ""
    done: int = 0
    total: int = 0


class PlanError(Answer):
    """Why a plan could not be computed or applied."""

    code: str
    what: str
    where: str
    do_this: str


class PlanLook(Answer):
    """A plan. `result` is there once it is counted; `outdated` says why it can no longer be applied."""

    id: int
    state: Literal["reading", "ready", "applying", "applied", "failed", "dropped"]
    at: datetime
    by: str
    counted_at: datetime | None
    applied_at: datetime | None
    applied_by: str
    why: str
    progress: Progress
    result: struct(Consequences) | None  # type: ignore[valid-type]
    outdated: str
    error: PlanError | None


class PlanLineRow(Answer):
    """One record that would be created or changed, or cannot be. `flow` counts the flows of the result from 0; `fields`
    are pairs of before and after."""

    flow: int
    action: str
    key: str
    title: str
    fields: dict[str, list[str]]
    harm: bool
    mails: bool
    reason: str


def _plain(run: PlanRun) -> dict[str, Any]:
    ready = run.state == planning.State.READY
    return {
        "id": run.pk, "state": run.state, "at": run.at, "by": run.by, "counted_at": run.counted_at,
        "applied_at": run.applied_at, "applied_by": run.applied_by, "why": run.why, "progress": run.progress,
        "result": run.result or None, "outdated": planning.outdated(run) if ready else "", "error": run.error or None,
    }  # fmt: skip


def _run(call: Call, number: int) -> PlanRun:
    run = PlanRun.objects.select_related("tenant").filter(tenant=call.tenant, pk=number).first()
    if run is None:
        raise NotThere(f"There is no plan {number}")
    return run


def _wake(call: Call) -> None:
    if engine.current is not None:
        engine.current.wake(plan_job(call.tenant.pk))


@door.post("/plans", Right.CONFIGURE, PlanLook, status=202)
def plan_make(call: Call) -> Any:
    """Plan the draft. Both sides of flows that would begin are read; nothing is written to any system."""
    run = planning.ask(call.tenant, call.actor.name)
    audit.note(call.actor, gettext_noop("asked for a plan"), f"plan {run.pk}")
    _wake(call)
    return _plain(run)


@door.get("/plans/latest", Right.SEE, PlanLook)
def plan_latest(call: Call) -> Any:
    """The plan that there is to look at: the one that is alive, else the newest."""
    run = planning.latest(call.tenant)
    if run is None:
        raise NotThere("There is no plan")
    return _plain(_run(call, run.pk))


@door.get("/plans/{number}", Right.SEE, PlanLook)
def plan(call: Call, number: Number) -> Any:
    """One plan."""
    return _plain(_run(call, number))


@door.get("/plans/{number}/lines", Right.SEE, Page[PlanLineRow])
def plan_lines(
    call: Call,
    number: Number,
    flow: Annotated[int, Field(ge=0, le=10_000)] | None = None,
    action: Literal["", "create", "change", "blocked"] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:
    """What a plan would do, record by record."""
    rows = PlanLine.objects.filter(tenant=call.tenant, plan=_run(call, number)).order_by("flow", "id")
    if flow is not None:
        rows = rows.filter(flow=flow)
    if action:
        rows = rows.filter(action=action)
    after = cursors.read(cursor, int)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return cursors.cut(list(rows[: limit + 1]), limit, lambda row: row.pk)


@door.post("/plans/{number}/apply", Right.CONFIGURE, PlanLook, status=202)
def plan_apply(call: Call, number: Number, payload: Why) -> Any:
    """The plan is meant: the configuration changes, and what became due is transferred."""
    run = _run(call, number)
    planning.approve(run, call.actor.name, payload.why)
    audit.note(call.actor, gettext_noop("applied a plan"), f"plan {number}", why=payload.why)
    _wake(call)
    return _plain(_run(call, number))


@door.delete("/plans/{number}", Right.CONFIGURE)
def plan_stop(call: Call, number: Number) -> Any:
    """Drop a plan that is being computed or waits for a person."""
    if not planning.stop(_run(call, number)):
        raise Clash("The plan is being applied, or is over")
    audit.note(call.actor, gettext_noop("dropped a plan"), f"plan {number}")
