"""Problems group equal errors, say what, where and what to do, and close themselves when the last record is well.

Two errors are equal when code, connection, direction, record type and wording agree; the wording is compared without
numbers and quoted values, so "SKU 12 is missing" and "SKU 13 is missing" are one problem with two records.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from samklang.connectors.errors import SamklangError
from samklang.hub import events
from samklang.hub.models import ExchangeRow, Problem, ProblemItem, ProblemNote

_NEAR, _SOON = timedelta(hours=1), timedelta(minutes=1)  # a failed call before and after the error that it explains
_AT_ONCE = 500  # items in one statement
_PARTICULARS = re.compile(r"'[^']*'|\"[^\"]*\"|\b\S*\d\S*\b")


class Trouble(NamedTuple):
    """One record's error, for `report`. `key` may be an external id where no key is known."""

    direction: str
    type: str
    key: str
    error: SamklangError
    external_id: str = ""
    amount: Decimal | None = None  # what is at stake, where it is money
    currency: str = ""


def _fingerprint(connection: int | None, trouble: Trouble) -> str:
    wording = _PARTICULARS.sub("…", trouble.error.what)
    text = f"{connection}|{trouble.direction}|{trouble.type}|{trouble.error.code}|{wording}"
    return hashlib.sha256(text.encode()).hexdigest()


def report(tenant: int, connection: int | None, troubles: Iterable[Trouble]) -> None:
    """Open or extend the problems of these records; a record has at most one problem per direction and type. Without a
    connection they are the hub's own. Costs a few statements for each problem, not for each record."""
    now = timezone.now()
    with transaction.atomic():
        last = {(trouble.direction, trouble.type, trouble.key): trouble for trouble in troubles}
        by_problem: dict[str, list[Trouble]] = defaultdict(list)
        for trouble in last.values():
            by_problem[_fingerprint(connection, trouble)].append(trouble)
        touched: set[int] = set()
        opened: list[Problem] = []
        for fingerprint, some in sorted(by_problem.items()):
            error = some[-1].error
            problem, new = Problem.objects.update_or_create(
                tenant_id=tenant,
                fingerprint=fingerprint,
                closed_at=None,
                defaults={"do_this": error.do_this, "last_at": now},
                create_defaults={
                    "connection_id": connection,
                    "code": error.code,
                    "type": some[-1].type,
                    "what": error.what,
                    "do_this": error.do_this,
                },
            )
            opened += [problem] if new else []
            touched |= _put(tenant, connection, problem, some)
        events.tell(tenant, (_happening("problem.opened", problem) for problem in opened))
        _close_empty(touched)


def _put(tenant: int, connection: int | None, problem: Problem, troubles: Sequence[Trouble]) -> set[int]:
    """The records' items under this problem; gives the problems that they had before."""
    place: dict[str, Any] = {"tenant_id": tenant, "connection_id": connection}
    there: dict[tuple[str, str, str], ProblemItem] = {}
    for start in range(0, len(troubles), _AT_ONCE):
        keys = [trouble.key for trouble in troubles[start : start + _AT_ONCE]]
        found = ProblemItem.objects.filter(**place, key__in=keys)
        there |= {(item.direction, item.type, item.key): item for item in found}
    fresh, known, before = [], [], set()
    for trouble in troubles:
        item = there.get((trouble.direction, trouble.type, trouble.key))
        if item is None:
            item = ProblemItem(direction=trouble.direction, type=trouble.type, key=trouble.key)
            fresh.append(item)
        else:
            before.add(item.problem_id)
            known.append(item)
        item.tenant_id, item.connection_id, item.problem = tenant, connection, problem
        item.external_id, item.message, item.where = trouble.external_id, str(trouble.error), trouble.error.where
        item.amount, item.currency, item.at = trouble.amount, trouble.currency, timezone.now()
    ProblemItem.objects.bulk_create(fresh, batch_size=_AT_ONCE)
    changing = ["problem", "external_id", "message", "where", "amount", "currency", "at"]
    ProblemItem.objects.bulk_update(known, changing, batch_size=_AT_ONCE // 5)
    return before - {problem.pk}


def clear(tenant: int, connection: int | None, direction: str, type_: str, keys: Iterable[str]) -> None:
    """These records, named by key or external id, are well again."""
    keys = list(keys)
    with transaction.atomic():
        items = ProblemItem.objects.filter(
            Q(key__in=keys) | Q(external_id__in=[key for key in keys if key]),
            Q(connection=connection),
            tenant_id=tenant,
            direction=direction,
            type=type_,
        )
        touched = set(items.values_list("problem_id", flat=True))
        if touched:
            items.delete()
            _close_empty(touched)


def comment(problem: Problem, by: str, text: str) -> ProblemNote:
    """Write down what somebody says about a problem."""
    return ProblemNote.objects.create(tenant_id=problem.tenant_id, problem=problem, by=by, text=text)


def assign(problem: Problem, user: int | None) -> None:
    """Say who looks after a problem (the number of a user, None = nobody)."""
    problem.assignee_id = user
    problem.save(update_fields=["assignee"])  # not when it last came


def open_names(tenant: int, connection: int, direction: str) -> set[tuple[str, str]]:
    """(type, key or external id) of records with an open problem; small, so intake can hold it during a run."""
    rows = ProblemItem.objects.filter(tenant_id=tenant, connection_id=connection, direction=direction)
    return {(type_, name) for type_, *names in rows.values_list("type", "key", "external_id") for name in names if name}


def exchange_of(item: ProblemItem) -> ExchangeRow | None:
    """The newest call that was about this record alone, else the connection's newest failed one near that time."""
    return exchanges_of([item]).get(item.pk)


def exchanges_of(items: Sequence[ProblemItem]) -> dict[int, ExchangeRow]:
    """The call of each item that has one, as `exchange_of` says it: two or three queries for each connection."""
    found: dict[int, ExchangeRow] = {}
    by_connection: dict[tuple[int, int], list[ProblemItem]] = defaultdict(list)
    for item in items:
        if item.connection_id is not None:
            by_connection[item.tenant_id, item.connection_id].append(item)
    for (tenant, connection), some in by_connection.items():
        rows = ExchangeRow.objects.filter(tenant_id=tenant, connection_id=connection)
        alone = about_one(tenant).filter(about__in={item.key for item in some if item.key})  # by its index, then here
        newest: dict[str, int] = {}
        for about, place, pk in alone.values_list("about", "connection_id", "pk"):
            if place == connection:
                newest[about] = max(pk, newest.get(about, 0))
        by_key = {row.about: row for row in ExchangeRow.objects.filter(pk__in=newest.values())}
        found.update((item.pk, by_key[item.key]) for item in some if item.key in by_key)
        rest = [item for item in some if item.key not in by_key]
        if rest:
            last = max(item.at for item in rest)
            failed = rows.filter(status__gte=400, at__range=(last - _NEAR, last + _SOON)).order_by("-at").first()
            found.update((item.pk, failed) for item in rest if failed and failed.at <= item.at + _SOON)
    return found


def about_one(tenant: int) -> QuerySet[ExchangeRow]:
    """Calls about one record each. Says the condition of their index word for word: SQLite understands nothing else."""
    return ExchangeRow.objects.filter(tenant_id=tenant).extra(where=['NOT ("exchange"."about"=\'\')'])


def _close_empty(ids: set[int]) -> None:
    if not ids:
        return
    over = list(Problem.objects.filter(id__in=ids, items__isnull=True, closed_at=None).select_related("connection"))
    Problem.objects.filter(id__in=[problem.pk for problem in over]).update(closed_at=timezone.now())
    for problem in over:
        events.tell(problem.tenant_id, [_happening("problem.closed", problem)])


def _happening(type_: str, problem: Problem) -> events.Happening:
    """What is told of a problem: where and of which kind, not in which words."""
    data = {"problem": problem.pk, "code": problem.code, "connection": problem.system, "record": problem.type}
    return events.Happening(type_, str(problem.pk), data)
