"""Owners are told once when 80 % and when all of a month's orders are used. That is all that happens: orders go on.

80 % is a word by mail; 100 % is also a problem, which goes by itself with the month or with a larger package.
"""

from __future__ import annotations

from django.db import transaction

from samklang.connectors.errors import QuotaUsed
from samklang.hub import problems
from samklang.hub.models import ProblemItem, Tenant
from samklang.packages import quota, terms
from samklang.packages.models import Agreement, Warned
from samklang.packages.quota import Use

_TYPE = "quota"  # of the hub's own problem; its key is the month


def work() -> None:
    """Look at every tenant with whom anything was ever agreed; the engine asks for it each minute."""
    for tenant in Tenant.objects.filter(pk__in=Agreement.objects.values("tenant")).order_by("pk"):
        look(tenant)


def look(tenant: Tenant) -> None:
    """Tell what is new of a tenant's month, and take back what is over."""
    package = terms.current(tenant)
    use = quota.this_month(tenant, package) if package and package.orders else None
    with transaction.atomic():
        full = use.month.isoformat() if use and use.level >= 100 else ""
        if use and use.level:
            _warn(tenant, use)
        own = ProblemItem.objects.filter(tenant=tenant, connection=None, type=_TYPE)
        over = [key for key in own.values_list("key", flat=True) if key != full]
        if over:
            problems.clear(tenant.pk, None, "out", _TYPE, over)


def _warn(tenant: Tenant, use: Use) -> None:
    assert use.package and use.quota
    _, new = Warned.objects.get_or_create(
        tenant=tenant, month=use.month, quota=use.quota, level=use.level, defaults={"orders": use.orders}
    )
    if new and use.level >= 100:
        name = use.package.name
        error = QuotaUsed(f"All orders that the package {name} includes this month are used: {use.quota}")
        problems.report(tenant.pk, None, [problems.Trouble("out", _TYPE, use.month.isoformat(), error)])
