"""The service account: hours that the start package and hour packs bring, and work draws. What is not used stays."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext_noop

from samklang.hub.looks.rows import time_zone
from samklang.hub.models import Tenant
from samklang.packages.models import Agreement, Hours, Kind, Work
from samklang.people import audit
from samklang.people.audit import Actor


def ledger(tenant: Tenant) -> QuerySet[Hours]:
    """The account's lines, the newest first."""
    return Hours.objects.filter(tenant=tenant).order_by("-id")


def balance(tenant: Tenant) -> Decimal:
    """Hours that are left; below 0 where more was worked than there was: work that was done is written down."""
    found = Hours.objects.filter(tenant=tenant).aggregate(sum=Sum("hours"))["sum"] or Decimal(0)
    return Decimal(found).quantize(Decimal("0.01"))  # SQLite sums without trailing zeros


def begin(actor: Actor, amount: Decimal) -> None:
    """Put the start package's hours on the account, once for a tenant; in the caller's transaction."""
    if not Hours.objects.filter(tenant=actor.tenant, kind=Kind.START).exists():
        _write(actor, Kind.START, amount)


def buy(actor: Actor, amount: Decimal, note: str = "", day: date | None = None) -> Hours:
    """An hour pack."""
    return _noted(actor, gettext_noop("added hours"), _write(actor, Kind.PACK, _above_zero(amount), note=note, day=day))


def draw(actor: Actor, amount: Decimal, work: Work, note: str = "", day: date | None = None) -> Hours:
    """Hours of work of one kind, on a day (today): a delivery may be spread over several. ValueError for the first
    transfer of articles where no package runs (J-16): it is the beginning of what the package is for."""
    if work == Work.SYNC and not _runs(actor.tenant):
        raise ValueError("The first transfer of articles is drawn where a package runs: agree on one first")
    row = _write(actor, Kind.DRAW, -_above_zero(amount), work, note, day)
    return _noted(actor, gettext_noop("drew hours"), row)


def correct(actor: Actor, amount: Decimal, note: str) -> Hours:
    """Add or take hours because a line was wrong; the line stays, `note` says why."""
    if not amount:
        raise ValueError("Nothing to correct")
    return _noted(actor, gettext_noop("corrected hours"), _write(actor, Kind.CORRECTION, amount, note=note))


def _runs(tenant: Tenant) -> bool:
    newest = Agreement.objects.filter(tenant=tenant).order_by("-id").first()
    return newest is not None and newest.terms is not None


def _above_zero(amount: Decimal) -> Decimal:
    if amount <= 0:
        raise ValueError(f"{amount} is no number of hours: it must be above 0")
    return amount


def _write(
    actor: Actor, kind: Kind, amount: Decimal, work: Work = Work.NONE, note: str = "", day: date | None = None
) -> Hours:
    if amount != round(amount, 2) or abs(amount) >= 100_000:
        raise ValueError(f"{amount} is no number of hours: at most two decimals")
    return Hours.objects.create(
        tenant=actor.tenant, day=day or timezone.localdate(timezone=time_zone(actor.tenant)), kind=kind, work=work,
        hours=amount, by=actor.name[:200], note=note,
    )  # fmt: skip


def _noted(actor: Actor, what: str, row: Hours) -> Hours:
    audit.note(actor, what, "package", hours=str(row.hours), work=row.work, note=row.note)
    return row
