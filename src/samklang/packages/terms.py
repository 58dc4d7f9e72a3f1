"""Which package a tenant has: the newest agreement. Whoever runs the hub agrees: by command, or
in the console as a person that the command has named (sellers.py). A tenant sees it."""

from __future__ import annotations

import calendar
from datetime import date, datetime, time

import msgspec
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from samklang.connectors.errors import BadData
from samklang.hub.looks.rows import time_zone
from samklang.hub.models import Tenant
from samklang.packages import hours, past
from samklang.packages.models import Agreement
from samklang.packages.offer import Package
from samklang.people import audit
from samklang.people.audit import Actor


def history(tenant: Tenant) -> QuerySet[Agreement]:
    """What was agreed, the newest first."""
    return Agreement.objects.filter(tenant=tenant).order_by("-id")


def latest(tenant: Tenant) -> Agreement | None:
    """The agreement that counts, which may be the end of one."""
    return history(tenant).first()


def package_of(agreement: Agreement | None) -> Package | None:
    """The package as it was agreed."""
    return msgspec.convert(agreement.terms, Package) if agreement and agreement.terms else None


def current(tenant: Tenant) -> Package | None:
    """The tenant's package; None: nothing is agreed, and nothing gated."""
    return package_of(latest(tenant))


def agree(
    actor: Actor, package: Package | None, contact: str = "", note: str = "", since: date | None = None
) -> Agreement:
    """Give the tenant a package from now on, or from the beginning of a day in the past by the tenant's clock; or none.
    The first one's start package puts its hours on the account. What flows already goes on, whatever the package
    includes. BadData for a day that has not begun, or lies before what was agreed last.
    """
    tenant = actor.tenant
    zone = time_zone(tenant)
    at = datetime.combine(since, time(), zone) if since else timezone.now()
    past.write_down(tenant, at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0))
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant.pk)
        before = latest(tenant)
        if at > timezone.now() or (before and at < before.at):
            raise BadData(
                f"A package cannot begin on {since}",
                do_this="Name a day that has begun, and not one before the package that was agreed last.",
            )
        row = Agreement.objects.create(
            tenant=tenant, at=at, by=actor.name[:200], terms=msgspec.to_builtins(package) if package else None,
            contact=contact, note=note,
        )  # fmt: skip
        if package and package.start_hours:
            hours.begin(actor, package.start_hours)
        name = package.name if package else ""
        audit.note(actor, gettext_noop("agreed on a package"), "package", package=name, note=note)
    return row


def bound_until(agreement: Agreement) -> date | None:
    """The last day of the contract's first term; None without one."""
    package = package_of(agreement)
    if package is None or not package.term_months:
        return None
    day = agreement.at.astimezone(time_zone(agreement.tenant)).date()
    years, month = divmod(day.month - 1 + package.term_months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
