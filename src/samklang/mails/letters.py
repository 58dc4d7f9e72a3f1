"""What stands in a mail: which problems, how many records, since when, where to mend them. Nothing of a buyer but the
order's number; a problem is called by its code's sentence."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from samklang.hub.models import Brake, Connection, Flow, Problem, ProblemItem, Tenant, Transfer
from samklang.mails import choices
from samklang.mails.models import Letter
from samklang.mails.words import TITLES
from samklang.packages.models import Warned
from samklang.people.models import Member
from samklang.records import types_of_order

Kind = Letter.Kind
_SHOWN = 20  # problems in one mail; the page shows all
_NUMBERS = 5  # orders named under one problem


class Line(NamedTuple):
    """A problem as a mail tells it."""

    number: int
    code: str
    connection: str
    type: str
    records: int
    since: datetime
    orders: list[str]


class Report(NamedTuple):
    """What a mail tells: problems (the first of them, and how many in all), and for a nightly one the day's figures."""

    lines: list[Line]
    problems: int
    fresh: int = 0
    closed: int = 0
    brakes: int = 0
    resting: tuple[str, ...] = ()  # connections that a person must see to, or has paused
    failed: int = 0
    orders: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing that anybody must look at."""
        return not (self.problems or self.brakes or self.resting)


def blocking(problems: QuerySet[Problem]) -> QuerySet[Problem]:
    """Those that keep orders from going on: of an order's records or a buyer, or of a connection that orders pass."""
    types = {*types_of_order(), "customer"}
    ways = Flow.objects.filter(enabled=True, type="order")
    passed = Q(type="") & (Q(connection__in=ways.values("source")) | Q(connection__in=ways.values("target")))
    return problems.filter(Q(type__in=types) | passed)


def tell(problems: QuerySet[Problem]) -> Report:
    """These problems of one tenant, the newest first."""
    rows = list(problems.select_related("connection").annotate(n=Count("items")).order_by("-first_at"))
    named = _orders([row.pk for row in rows[:_SHOWN]])
    lines = [Line(p.pk, p.code, p.system, p.type, p.n, p.first_at, named[p.pk]) for p in rows[:_SHOWN]]
    return Report(lines, len(rows))


def report(tenant: Tenant, now: datetime) -> Report:
    """What is not well with the tenant, and what the last day was like."""
    day = now - timedelta(days=1)
    problems = Problem.objects.filter(tenant=tenant)
    transfers = Transfer.objects.filter(
        tenant=tenant, connection__in=Connection.objects.filter(tenant=tenant), started__gte=day
    )
    resting = Connection.objects.filter(tenant=tenant).exclude(state=Connection.State.ACTIVE).order_by("name")
    orders = transfers.filter(direction="out", what="order").aggregate(n=Sum("created"))["n"]
    return tell(problems.filter(closed_at=None))._replace(
        fresh=problems.filter(closed_at=None, first_at__gte=day).count(),
        closed=problems.filter(closed_at__gte=day).count(),
        brakes=Brake.objects.filter(tenant=tenant, released_at=None).count(),
        resting=tuple(resting.values_list("name", flat=True)),
        failed=transfers.filter(result="failed").count(),
        orders=orders or 0,
    )


def _orders(problems: list[int]) -> dict[int, list[str]]:
    """Numbers of the first orders of each problem. Other records' keys may be a buyer's own (an e-mail address)."""
    place = Window(RowNumber(), partition_by=F("problem"), order_by=F("key").asc())
    rows = ProblemItem.objects.filter(problem__in=problems, type__in=types_of_order()).annotate(place=place)
    found: dict[int, list[str]] = defaultdict(list)
    for problem, key in rows.filter(place__lte=_NUMBERS).order_by("problem", "key").values_list("problem", "key"):
        number = key.split("#")[0].partition("/")[2]
        if number and number not in found[problem]:
            found[problem].append(number)
    return found


def write(member: Member, kind: Kind, told: Report, at: Any, day: date | None = None) -> Letter:
    """The mail to one member, in their language, its times in the zone `at`. Not saved."""
    tenant = member.tenant
    with translation.override(_language(member)), timezone.override(at):
        values = {
            "told": told, "lines": [_shown(tenant, line) for line in told.lines],
            "more": told.problems - len(told.lines), "day": day,
        }  # fmt: skip
        return _letter(member, kind, _subject(kind, told, tenant), values)


def write_quota(member: Member, warned: Warned) -> Letter:
    """What an owner is told when many of a month's orders are used. Not saved."""
    tenant = member.tenant
    with translation.override(_language(member)):
        values = {"warned": warned, "page": _address("console:package", tenant.slug)}
        words = _("%(percent)s %% of this month's orders are used") % {"percent": warned.level}
        return _letter(member, Kind.QUOTA, f"{tenant.name}: {words}", values)


def _language(member: Member) -> str:
    return member.user.language or settings.LANGUAGE_CODE


def _letter(member: Member, kind: Kind, subject: str, more: dict[str, Any]) -> Letter:
    """A mail out of its kind's templates, in the language that is active."""
    tenant = member.tenant
    values = {
        "tenant": tenant, "member": member, "language": _language(member),
        "problems": _address("console:problems", tenant.slug), "start": _address("console:start", tenant.slug),
        "choose": _address("mails"), "stop": choices.stop_address(member, kind), "role": member.get_role_display(),
        **more,
    }  # fmt: skip
    name = kind.value.replace(" ", "_")
    text = render_to_string(f"mails/{name}.txt", values).strip() + "\n"
    html = render_to_string(f"mails/{name}.html", values)
    return Letter(
        tenant=tenant, member=member, kind=kind, subject=" ".join(subject.split())[:200], text=text, html=html
    )


def _subject(kind: Kind, told: Report, tenant: Tenant) -> str:
    if kind == Kind.AT_ONCE:
        words = ngettext("%(n)s problem stops orders", "%(n)s problems stop orders", told.problems)
    elif told.problems:
        words = ngettext("%(n)s problem is open", "%(n)s problems are open", told.problems)
    else:
        words = _("something waits for a person")
    return f"{tenant.name}: {words % {'n': told.problems}}"


def _shown(tenant: Tenant, line: Line) -> dict[str, Any]:
    return {
        **line._asdict(), "title": TITLES.get(line.code, line.code),
        "type": _(line.type.replace("_", " ") or "connection"),
        "address": _address("console:problem", tenant.slug, line.number),
    }  # fmt: skip


def _address(name: str, *args: Any) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=args)}"
