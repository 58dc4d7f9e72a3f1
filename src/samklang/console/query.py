"""What the address of a list says: filters live in it, so that a list can be kept, sent and gone back to."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date

from samklang.connectors.registry import manifest, packages
from samklang.hub.models import Connection, Tenant

_FEW = 12  # connections that are listed without their kinds
_LONGEST = 80  # characters of what is typed


def word(request: HttpRequest, name: str) -> str:
    """One value of the address, trimmed; "" where it is missing."""
    return request.GET.get(name, "").strip()[:_LONGEST]


def place(request: HttpRequest, name: str = "after") -> str:
    """Where a page of a list begins: what the page before said, and never typed."""
    return request.GET.get(name, "")[:400]


def systems(tenant: Tenant) -> list[tuple[str, list[str]]]:
    """Connections to filter by: a kind (as the lexicon knows it) and the names of that kind, so that a long list can be
    looked through; with few, all in one group without a kind."""
    rows = list(Connection.objects.filter(tenant=tenant).order_by("name").values_list("name", "connector"))
    if len(rows) <= _FEW:
        return [("", [name for name, _ in rows])] if rows else []
    installed = packages()
    groups: dict[str, list[str]] = {}
    for name, connector in rows:
        groups.setdefault(manifest(connector).kind if connector in installed else "", []).append(name)
    return sorted(groups.items())


def midnight(request: HttpRequest, name: str, more: int = 0) -> datetime | None:
    """The beginning of a day in the active zone, so many days later; None where the address names none."""
    try:
        day = parse_date(word(request, name))
    except ValueError:  # 31 February
        day = None
    if day is None:
        return None
    return timezone.make_aware(datetime.combine(day + timedelta(days=more), time.min))


def with_values(request: HttpRequest, **changes: str) -> str:
    """The query of this address with some values changed ("" = left out); without the page's place."""
    query: QueryDict = request.GET.copy()
    query.pop("after", None)
    for name, value in changes.items():
        if value:
            query[name] = value
        else:
            query.pop(name, None)
    return f"?{query.urlencode()}" if query else "?"


def number(request: HttpRequest, name: str) -> int | None:
    """A whole number of the address; None where it is missing or none."""
    text = word(request, name)
    return int(text) if text.isdecimal() else None
