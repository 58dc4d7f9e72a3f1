"""Plans that take longer than a page: the engine computes them, they wait for a person, and the engine applies them.

All of it stands in a row (`PlanRun`), so a page may be closed and a process may be killed: reading begins again, and
applying goes on, because doing either twice comes to the same. A plan can only be applied while what it was counted on
still holds: the draft and the configuration are as they were, and it is not older than a day.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta

import msgspec
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from samklang.connectors.errors import Defect, Misconfigured, SamklangError
from samklang.hub import leases
from samklang.hub.models import Draft, PlanLine, PlanRun, Tenant
from samklang.hub.setup import config, drafts
from samklang.hub.setup.consequences import Consequences, carry_out, foresee
from samklang.hub.setup.plan import Progress

State = PlanRun.State
#: States in which a plan is the tenant's only one.
ALIVE = (State.READING, State.READY, State.APPLYING)
LISTED = 20_000  # records of each flow and action that are listed; the counts are whole
LASTS = timedelta(days=1)  # after which a plan must be counted anew
_OFTEN = 0.5  # seconds between two words on progress
_LINES = 1000


class _Stopped(Exception):
    """The plan was dropped while it was being computed."""


def latest(tenant: Tenant) -> PlanRun | None:
    """The plan that there is to look at: the one that is alive, else the newest."""
    return PlanRun.objects.filter(tenant=tenant).exclude(state=State.DROPPED).order_by("-pk").first()


def consequences(run: PlanRun) -> Consequences | None:
    """What a plan would do, once that has been counted."""
    return msgspec.convert(run.result, Consequences) if run.result else None


def ask(tenant: Tenant, by: str) -> PlanRun:
    """Plan the draft anew; the plan before it is dropped. Misconfigured while one is being applied, or when there is
    nothing to plan."""
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant.pk)
        if PlanRun.objects.filter(tenant=tenant, state=State.APPLYING).exists():
            raise Misconfigured("A plan is being applied just now", do_this="Wait until it has ended.")
        shown = drafts.shown(tenant)
        if shown.draft is None:
            raise Misconfigured(
                "Nothing is edited, so there is nothing to plan", do_this="Edit a flow or a rule first."
            )
        PlanRun.objects.filter(tenant=tenant, state__in=ALIVE).update(state=State.DROPPED)
        return PlanRun.objects.create(
            tenant=tenant, by=by, text=config.dump(shown.wanted), base=config.dump(shown.now),
            progress={"what": "", "done": 0, "total": 0},
        )  # fmt: skip


def stop(run: PlanRun) -> bool:
    """Drop a plan that is being computed or waits for a person; False when it is too late for that."""
    waiting = PlanRun.objects.filter(pk=run.pk, state__in=(State.READING, State.READY, State.FAILED))
    return bool(waiting.update(state=State.DROPPED))


def outdated(run: PlanRun) -> str:
    """Why a plan that is ready can no longer be applied; "" when it can."""
    if run.counted_at and timezone.now() - run.counted_at > LASTS:
        return _("It was counted more than a day ago.")
    shown = drafts.shown(run.tenant)
    if config.dump(shown.now) != run.base:
        return _("The configuration has changed since.")
    if config.dump(shown.wanted) != run.text:
        return _("The draft has been edited since.")
    return ""


def approve(run: PlanRun, by: str, why: str) -> None:
    """A person says that the plan is meant: the engine applies it. Misconfigured when it is not the one to apply."""
    with transaction.atomic():
        now = PlanRun.objects.select_for_update().select_related("tenant").get(pk=run.pk)
        reason = outdated(now) if now.state == State.READY else _("It has been dropped, or is applied already.")
        if reason:
            raise Misconfigured(f"This plan cannot be applied. {reason}", do_this="Count it anew and look at it again.")
        now.state, now.applied_by, now.why = State.APPLYING, by, why[:300]
        now.progress = {"what": "", "done": 0, "total": 0}
        now.save()


def at_work() -> list[int]:
    """Tenants with a plan that the engine must see to."""
    found = PlanRun.objects.filter(state__in=(State.READING, State.APPLYING))
    return list(found.values_list("tenant_id", flat=True).distinct())


def work(tenant: int) -> bool:
    """Compute or apply the tenant's plan, unless another worker does. True when a plan has been applied, so that there
    is something to transfer."""
    with leases.holding(tenant, "plan") as held:
        if held is None:
            return False
        run = (
            PlanRun.objects.select_related("tenant")
            .filter(tenant=tenant, state__in=(State.READING, State.APPLYING))
            .first()
        )
        if run is None:
            return False
        try:
            if run.state == State.READING:
                _compute(run)
                return False
            _apply(run)
        except _Stopped:
            return False
        except SamklangError as error:
            _fail(run, error)
            return False
        except Exception as error:  # a defect must not be tried for ever; it is logged whole by the engine
            _fail(run, Defect(f"{error.__class__.__name__}: {error}", do_this=Defect.do))
            raise
        return True


def _compute(run: PlanRun) -> None:
    PlanLine.objects.filter(tenant=run.tenant).delete()  # of earlier plans, or of this one before it was cut off
    found = foresee(config.parse(run.text), _teller(run), most=LISTED)
    for number, flow in enumerate(found.flows):
        lines = (
            PlanLine(
                tenant=run.tenant, plan=run, flow=number, action=one.action, key=one.key, title=one.title,
                fields={name: list(pair) for name, pair in one.fields.items()}, harm=one.harm, mails=one.mails,
                reason=one.reason,
            )
            for one in flow.samples
        )  # fmt: skip
        _keep(lines)
        flow.samples = []
    PlanRun.objects.filter(pk=run.pk, state=State.READING).update(
        state=State.READY, counted_at=timezone.now(), result=msgspec.to_builtins(found), progress={}
    )  # fmt: skip


def _keep(lines: Iterable[PlanLine]) -> None:
    page: list[PlanLine] = []
    for line in lines:
        page.append(line)
        if len(page) == _LINES:
            PlanLine.objects.bulk_create(page)
            page = []
    PlanLine.objects.bulk_create(page)


def _apply(run: PlanRun) -> None:
    found = consequences(run)
    assert found is not None, "only what has been counted can be approved"
    carry_out(config.parse(run.text), found, run.applied_by, run.why or "plan", _teller(run))
    with transaction.atomic():
        PlanRun.objects.filter(pk=run.pk).update(state=State.APPLIED, applied_at=timezone.now(), progress={})
        draft = Draft.objects.select_for_update().filter(tenant=run.tenant).first()
        if draft and drafts.shown(run.tenant).changes == []:
            draft.delete()


def _fail(run: PlanRun, error: SamklangError) -> None:
    told = {"code": error.code, "what": error.what, "where": error.where, "do_this": error.do_this}
    PlanRun.objects.filter(pk=run.pk).exclude(state=State.DROPPED).update(state=State.FAILED, error=told, progress={})


def _teller(run: PlanRun) -> Progress:
    """Writes progress down now and then; ends the work when the plan has been dropped."""
    last = 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last < _OFTEN:
            return
        last = time.monotonic()
        alive = PlanRun.objects.filter(pk=run.pk, state=run.state)
        if not alive.update(progress={"what": what, "done": done, "total": total}):
            raise _Stopped("another plan was asked for, or a person stopped this one")

    return tell
