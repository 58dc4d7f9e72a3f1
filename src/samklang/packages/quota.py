"""Orders that were transferred in a calendar month, by the tenant's clock.

Counted in an index of the hub's order heads: delivery writes there, in the transaction that keeps the target's yes,
when a target first took an order from us. So tries, changes and further targets do not count, and no counter can drift.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils import timezone

from samklang.hub.listing import count_transferred
from samklang.hub.looks.rows import time_zone
from samklang.hub.models import Tenant
from samklang.packages import terms
from samklang.packages.offer import Package

#: Percent of a month's orders at which owners are told.
LEVELS = (80, 100)
_SHOWN = 13  # months


class Use(NamedTuple):
    """A month's transferred orders beside what was agreed: `quota` None is as many as there are."""

    month: date
    orders: int
    package: Package | None

    @property
    def quota(self) -> int | None:
        """Orders a month that the package includes."""
        return self.package.orders if self.package else None

    @property
    def percent(self) -> int:
        """How much of the quota is used, rounded down; 0 without one."""
        return self.orders * 100 // self.quota if self.quota else 0

    @property
    def level(self) -> int:
        """The highest level that is reached, 0 for none."""
        return max((level for level in LEVELS if self.percent >= level), default=0)

    @property
    def shown(self) -> int:
        """Percent for a bar, which ends at 100."""
        return min(self.percent, 100)


def this_month(tenant: Tenant, package: Package | None) -> Use:
    """What is used of the month that it now is where the tenant is."""
    zone = time_zone(tenant)
    month = timezone.localdate(timezone=zone).replace(day=1)
    return Use(month, _count(tenant, month, zone), package)


def by_month(tenant: Tenant) -> list[Use]:
    """This month and those before it since the first agreement, a year at the most, the newest first; each beside the
    package that there was at its end."""
    zone = time_zone(tenant)
    agreed = list(terms.history(tenant))  # the newest first
    month = timezone.localdate(timezone=zone).replace(day=1)
    first = agreed[-1].at.astimezone(zone).date().replace(day=1) if agreed else month
    found: list[Use] = []
    while month >= first and len(found) < _SHOWN:
        end = _begin(_after(month), zone)
        then = next((row for row in agreed if row.at < end), None)
        found.append(Use(month, _count(tenant, month, zone), terms.package_of(then)))
        month = _before(month)
    return found


def _count(tenant: Tenant, month: date, zone: ZoneInfo) -> int:
    return count_transferred(tenant.pk, _begin(month, zone).timestamp(), _begin(_after(month), zone).timestamp())


def _begin(month: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(month, time(), zone)


def _after(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _before(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)
