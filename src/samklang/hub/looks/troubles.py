"""Problems: what is wrong, on how many records, since when, who looks after it; and the calls that show it."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.db.models import Count, QuerySet
from django.utils import timezone

from samklang.hub.looks.rows import PAGE, Slice, bounded
from samklang.hub.models import ExchangeRow, Problem, ProblemItem, ProblemNote, Tenant
from samklang.hub.problems import exchanges_of

_LATELY = timedelta(days=2)  # problems that closed this long ago still stand below the open ones


class Asked(NamedTuple):
    """Which problems: of a connection (by name), whose code or wording holds `search`, of an assignee (a user's number,
    0 = nobody's), or those that are over."""

    search: str = ""
    connection: str = ""
    assignee: int | None = None
    closed: bool = False

    def __bool__(self) -> bool:
        return bool(self.search or self.connection or self.closed or self.assignee is not None)


class Trouble(NamedTuple):
    """A record with a problem and the call that shows it."""

    item: ProblemItem
    exchange: ExchangeRow | None

    @property
    def message(self) -> str:
        """What went wrong with this record, without the code and the place that stand beside it."""
        said = self.item.message.removeprefix(f"{self.item.problem.code} ")
        return said.split(f" [{self.item.where}]")[0] if self.item.where else said


class ProblemLook(NamedTuple):
    """One problem: its records (a page of them), how many there are, what people said."""

    problem: Problem
    troubles: Slice[Trouble]
    notes: list[ProblemNote]


def problems(tenant: Tenant, asked: Asked, before: str = "", size: int = PAGE) -> Slice[Problem]:
    """A page of problems with `n`, how many records each has; open ones the newest first, or closed ones. ValueError
    when `before` is nothing that a page could have given."""
    rows = Problem.objects.filter(tenant=tenant, closed_at__isnull=not asked.closed)
    if asked.connection:
        rows = rows.filter(connection__name=asked.connection)
    if asked.search:
        rows = rows.filter(what__icontains=asked.search) | rows.filter(code__iexact=asked.search)
    if asked.assignee is not None:
        rows = rows.filter(assignee=asked.assignee) if asked.assignee else rows.filter(assignee=None)
    page = rows.order_by("-pk")
    if before:
        page = page.filter(pk__lt=int(before))
    numbers = list(page.values_list("pk", flat=True)[: size + 1])
    found = Problem.objects.filter(tenant=tenant, pk__in=numbers[:size]).select_related("connection")
    shown: list[Problem] = list(found.annotate(n=Count("items")).order_by("-pk"))
    return Slice(shown, str(numbers[size - 1]) if len(numbers) > size else "", bounded(rows))


def lately_closed(tenant: Tenant, most: int = 6) -> list[Problem]:
    """Problems that went away in the last two days, the newest first."""
    rows = Problem.objects.filter(tenant=tenant, closed_at__gte=timezone.now() - _LATELY).select_related("connection")
    return list(rows.order_by("-closed_at")[:most])


def problem(tenant: Tenant, number: int, after: str = "", size: int = 20) -> ProblemLook | None:
    """One problem by its number, however long it is over, with a page of its records; None when there is none.
    ValueError when `after` is nothing that a page could have given."""
    found = Problem.objects.filter(tenant=tenant, pk=number).select_related("connection").first()
    if found is None:
        return None
    rows = items(tenant, found)
    page = rows.filter(pk__gt=int(after)) if after else rows
    shown = list(page.order_by("pk")[: size + 1])
    for item in shown:
        item.problem = found
    calls = exchanges_of(shown[:size])
    troubles = [Trouble(item, calls.get(item.pk)) for item in shown[:size]]
    more = str(shown[size - 1].pk) if len(shown) > size else ""
    return ProblemLook(
        found, Slice(troubles, more, bounded(rows)),
        list(ProblemNote.objects.filter(tenant=tenant, problem=found).order_by("pk")),
    )  # fmt: skip


def items(tenant: Tenant, found: Problem) -> QuerySet[ProblemItem]:
    """The records of a problem."""
    return ProblemItem.objects.filter(tenant=tenant, problem=found).select_related("connection")
