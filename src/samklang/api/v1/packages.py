"""Packages: what is agreed with the tenant, orders by month, the service account. Only read: whoever runs the hub
agrees, at the command line."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from samklang.api.v1 import cursors
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door
from samklang.api.v1.shapes import Amount, Answer, Page
from samklang.hub.setup import config
from samklang.packages import gates, hours, quota, readiness, terms
from samklang.packages.offer import FEATURES, Feature
from samklang.packages.quota import Use
from samklang.people.rights import Right

door = Door("packages")


class Agreed(Answer):
    """A package as it was agreed. Fees are "from" prices in `currency`, null by quotation; no `orders` = no limit."""

    code: str
    name: str
    features: list[Feature]
    orders: int | None
    start_fee: Amount | None
    monthly_fee: Amount | None
    currency: str
    term_months: int
    notice_months: int
    services: list[str]


class Lack(Answer):
    """Something that flows although the package does not include it: it began before."""

    feature: Feature
    where: str


class MonthRow(Answer):
    """Orders that were transferred in a calendar month of the tenant's time zone, each counted once. `percent` is of
    `quota`, rounded down, and may be above 100: no order is stopped."""

    month: date
    orders: int
    package: str | None
    quota: int | None
    percent: int | None


class PackageLook(Answer):
    """What is agreed (null: no package, so all is included), what is used of it this month, and hours that are left."""

    package: Agreed | None
    since: datetime | None
    bound_until: date | None
    contact: str
    lacks: list[Lack]
    month: MonthRow
    hours_left: Amount


class HoursRow(Answer):
    """A line of the service account: hours that came (above 0) or were worked (below)."""

    id: int
    day: date
    kind: str
    work: str
    hours: Amount
    by: str
    note: str


def _month(use: Use) -> dict[str, Any]:
    package = use.package
    return {
        "month": use.month, "orders": use.orders, "package": package.code if package else None, "quota": use.quota,
        "percent": use.percent if use.quota else None,
    }  # fmt: skip


@door.get("/package", Right.OPERATE, PackageLook)
def package(call: Call) -> Any:
    """What is agreed, used and left."""
    row = terms.latest(call.tenant)
    agreed = terms.package_of(row)
    lacks = readiness.check(agreed, gates.needs(config.current(call.tenant))).lacks
    shown = None
    if agreed:
        shown = {name: getattr(agreed, name) for name in Agreed.model_fields}
        shown["features"] = [one for one in FEATURES if agreed.includes(one)]
    return {
        "package": shown, "since": row.at if row else None, "bound_until": terms.bound_until(row) if row else None,
        "contact": row.contact if row else "", "lacks": [need._asdict() for need in lacks],
        "month": _month(quota.this_month(call.tenant, agreed)), "hours_left": hours.balance(call.tenant),
    }  # fmt: skip


@door.get("/package/months", Right.OPERATE, list[MonthRow])
def package_months(call: Call) -> Any:
    """Orders by month since the first agreement, 13 months at the most, the newest first."""
    return [_month(use) for use in quota.by_month(call.tenant)]


@door.get("/package/hours", Right.OPERATE, Page[HoursRow])
def package_hours(call: Call, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """The service account, the newest line first."""
    rows = hours.ledger(call.tenant)
    before = cursors.read(cursor, int)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return cursors.cut(list(rows[: limit + 1]), limit, lambda row: row.pk)
