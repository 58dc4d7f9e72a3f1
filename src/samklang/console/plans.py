"""The plan as a page: numbers first, then every change, what deserves a warning, and the button. The engine computes
and applies it (setup/planning.py), so the page may be closed meanwhile. And the brakes of what already flows."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from samklang.connectors.errors import Misconfigured
from samklang.console.flows import edit
from samklang.console.frame import go, is_part, show, told, wake
from samklang.engine.port import Job, plan_job
from samklang.hub import guards
from samklang.hub.models import Brake, PlanLine, PlanRun
from samklang.hub.setup import drafts, edits, planning
from samklang.hub.setup.config import Config
from samklang.hub.setup.consequences import Consequences
from samklang.hub.setup.plan import FlowPlan
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right

_PAGE = 50
_ACTIONS = ("create", "change", "harm", "mails", "blocked")


class Figures(NamedTuple):
    """The plan in numbers."""

    create: int
    change: int
    same: int
    harm: int
    mails: int
    blocked: int

    @classmethod
    def of(cls, flows: list[FlowPlan]) -> Figures:
        """Summed over the flows."""
        return cls(
            sum(one.create for one in flows), sum(one.change for one in flows), sum(one.same for one in flows),
            sum(one.archive for one in flows), sum(one.mails for one in flows),
            sum(sum(one.blocked.values()) for one in flows),
        )  # fmt: skip


class Old(NamedTuple):
    """Orders from before that a flow without a cut-over date would send."""

    channel: str
    target: str
    orders: int


@page(Right.SEE)
def plan(request: PageRequest) -> HttpResponse:
    """What the draft would do, once that has been counted."""
    return _plan(request)


def _plan(request: PageRequest) -> HttpResponse:
    shown = drafts.shown(request.tenant)
    run = planning.latest(request.tenant)
    if run and run.state in ("applied", "failed") and shown.draft and shown.draft.at > (run.counted_at or run.at):
        run = None  # about edits that are gone; there are new ones
    found = planning.consequences(run) if run else None
    state = run.state if run else ""
    values: dict[str, Any] = {
        "shown": shown, "run": run, "found": found, "working": state in ("reading", "applying"), "state": state,
        "outdated": planning.outdated(run) if run and state == "ready" else "",
    }  # fmt: skip
    if found:
        lines = _lines(request, run) if run else None
        values |= {"figures": Figures.of(found.flows), "old": _old(found, shown), "lines": lines, **_filter(request)}
        values["more"] = lines[_PAGE - 1].pk if lines is not None and len(lines) > _PAGE - 1 else 0
    return show(request, "parts/plan" if is_part(request) else "plan", **values)


def _old(found: Consequences, shown: drafts.Shown) -> list[Old]:
    """Order flows that begin without a cut-over date, with what they would send of before."""
    old = []
    for flow in found.flows:
        part = edits.find_flow(shown.wanted, (flow.channel, flow.type, flow.target))
        if flow.type == "order" and flow.create and part is not None and part.since is None:
            old.append(Old(flow.channel, flow.target, flow.create))
    return old


# ------------------------------------------------------------------------------------------------ every change


def _filter(request: PageRequest) -> dict[str, Any]:
    given = request.GET
    action = given.get("action", "")
    return {
        "action": action if action in _ACTIONS else "", "flow": given.get("flow", ""),
        "q": given.get("q", "").strip()[:80], "after": given.get("after", ""),
    }  # fmt: skip


def _lines(request: PageRequest, run: PlanRun) -> list[PlanLine]:
    """A page of records that the plan would touch, as the filter asks."""
    asked = _filter(request)
    rows: QuerySet[PlanLine] = PlanLine.objects.filter(tenant=request.tenant, plan=run).order_by("flow", "id")
    if asked["flow"].isdigit():
        rows = rows.filter(flow=int(asked["flow"]))
    if asked["action"] in ("harm", "mails"):
        rows = rows.filter(**{asked["action"]: True})
    elif asked["action"]:
        rows = rows.filter(action=asked["action"])
    if asked["q"]:
        rows = rows.filter(Q(key__icontains=asked["q"]) | Q(title__icontains=asked["q"]))
    if asked["after"].isdigit():
        last = PlanLine.objects.filter(tenant=request.tenant, plan=run, pk=int(asked["after"])).first()
        if last is not None:
            rows = rows.filter(Q(flow__gt=last.flow) | Q(flow=last.flow, pk__gt=last.pk))
    return list(rows[:_PAGE])


# ------------------------------------------------------------------------------------------------ what one can do


def _run(request: PageRequest, number: int) -> PlanRun:
    run = PlanRun.objects.select_related("tenant").filter(tenant=request.tenant, pk=number).first()
    if run is None:
        raise Http404
    return run


@page(None, post=Right.CONFIGURE)
def ask(request: PageRequest) -> HttpResponse:
    """Count the plan, anew."""
    return _ask(request)


def _ask(request: PageRequest) -> HttpResponse:
    try:
        planning.ask(request.tenant, request.user.email)
    except Misconfigured as error:
        messages.error(request, told(error))
    else:
        audit.note(request, gettext_noop("asked for a plan"))
        wake(plan_job(request.tenant.pk))
    return go(request, "plan")


@page(None, post=Right.CONFIGURE)
def stop(request: PageRequest, number: int) -> HttpResponse:
    """Stop counting, or put the plan away."""
    planning.stop(_run(request, number))
    return go(request, "plan")


@page(None, post=Right.CONFIGURE)
def apply(request: PageRequest, number: int) -> HttpResponse:
    """The plan is meant: apply it."""
    try:
        planning.approve(_run(request, number), request.user.email, request.POST.get("why", "").strip())
    except Misconfigured as error:
        messages.error(request, told(error))
    else:
        audit.note(request, gettext_noop("applied the plan"), f"plan {number}", why=request.POST.get("why", "")[:300])
        wake(plan_job(request.tenant.pk))
    return go(request, "plan")


@page(None, post=Right.CONFIGURE)
def from_now(request: PageRequest, channel: str, target: str) -> HttpResponse:
    """Let orders flow from the beginning of today on, and count again."""
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)

    def change(config: Config) -> None:
        part = edits.find_flow(config, (channel, "order", target))
        if part is None:
            raise Misconfigured("This flow is not there any more")
        edits.put_flow(config, msgspec.structs.replace(part, since=today))

    try:
        edit(request, f"{channel}: orders to {target} from {today:%Y-%m-%d}", change)
    except Misconfigured as error:
        messages.error(request, told(error))
        return go(request, "plan")
    return _ask(request)


# ------------------------------------------------------------------------------------------------ brakes


@page(Right.SEE)
def brakes(request: PageRequest) -> HttpResponse:
    """Mass changes that wait for a person, and those that somebody has decided on."""
    rows = Brake.objects.filter(tenant=request.tenant).select_related("connection")
    on = [(brake, guards.WORDS[brake.risk], _behind(brake)) for brake in rows.filter(released_at=None).order_by("pk")]
    done = rows.exclude(released_at=None).order_by("-released_at")[:20]
    return show(request, "brakes", on=on, done=[(brake, guards.WORDS[brake.risk]) for brake in done])


def _behind(brake: Brake) -> list[str]:
    """Keys of a few records behind a brake."""
    return guards.behind(brake)[:8]


@page(None, post=Right.OPERATE)
def brake(request: PageRequest, number: int) -> HttpResponse:
    """Release a brake, or let what is behind it fall."""
    found = Brake.objects.select_related("connection").filter(
        tenant=request.tenant, pk=number, released_at=None
    ).first()  # fmt: skip
    if found is None:
        messages.info(request, _("Somebody has decided on this already."))
        return go(request, "brakes")
    about = f"{found.type} at {found.connection.name}"
    if request.POST.get("do") == "release":
        count = guards.release(found, request.user.email)
        audit.note(request, gettext_noop("released a brake"), about, records=count)
        messages.success(request, _("Released: %(count)s records go out.") % {"count": count})
        wake(Job("tick", lane=3))
    elif request.POST.get("do") == "reject":
        count = guards.reject(found, request.user.email)
        audit.note(request, gettext_noop("rejected a mass change"), about, records=count)
        messages.success(request, _("Rejected: %(count)s records stay as they are.") % {"count": count})
    return go(request, "brakes")
