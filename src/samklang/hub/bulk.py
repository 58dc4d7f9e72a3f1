"""Something done to many records at a person's word: stored first, then done slice by slice by the engine.

A slice is one transaction with the place that it came to, so a kill costs nothing and repeats at most a slice whose
transaction was not committed; every act may be repeated anyway (hub/orders.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from samklang.connectors.errors import BadData, SamklangError
from samklang.hub import leases, orders
from samklang.hub.models import Binding, Bulk, Problem, ProblemItem
from samklang.hub.orders import Answer

Kind = Literal["release", "hold", "let go", "retry", "mend", "give up"]

MOST = 10_000  # records that are named one by one
_SLICE = 50
_LONGEST = 10.0  # seconds of one turn; then others have theirs
_TOLD = 200  # refusals whose reason is kept


def start(
    tenant: int, kind: Kind, by: str, keys: Sequence[str] = (), problem: Problem | None = None, reason: str = ""
) -> Bulk:
    """Store what is to be done: `release`, `hold`, `let go` and `retry` to orders by their keys; `mend` (try again)
    and `give up` to all records of a problem. BadData for nothing, or for more than `MOST` keys.
    """
    total = ProblemItem.objects.filter(tenant_id=tenant, problem=problem).count() if problem else len(keys)
    if not total:
        raise BadData("There is nothing to do it to", do_this="Choose some records first.")
    if len(keys) > MOST:
        raise BadData(f"More than {MOST} records at once", do_this="Narrow the list, then choose all again.")
    return Bulk.objects.create(
        tenant_id=tenant, kind=kind, keys=list(dict.fromkeys(keys)), problem=problem, reason=reason[:300], by=by,
        total=total if problem else len(set(keys)),
    )  # fmt: skip


def end(bulk: Bulk) -> None:
    """Stop it where it is; what was done stays done."""
    Bulk.objects.filter(pk=bulk.pk, state=Bulk.State.RUNNING).update(state=Bulk.State.ENDED, ended_at=timezone.now())


def running() -> list[tuple[int, int]]:
    """(tenant, number) of everything that is not done yet."""
    return list(Bulk.objects.filter(state=Bulk.State.RUNNING).values_list("tenant_id", "pk"))


def work(tenant: int, number: int) -> bool:
    """Go on with it for some seconds; False when nothing of it is left to do (or another worker is at it)."""
    with leases.holding(tenant, f"bulk-{number}") as held:
        if not held:
            return False
        until = time.monotonic() + _LONGEST
        while held.valid and time.monotonic() < until:
            with transaction.atomic():
                bulk = Bulk.objects.select_for_update().filter(tenant_id=tenant, pk=number).first()
                if bulk is None or bulk.state != Bulk.State.RUNNING:
                    return False
                if not _slice(bulk):
                    bulk.state, bulk.ended_at = Bulk.State.DONE, timezone.now()
                bulk.save()
        return True


class _Some(NamedTuple):
    """A slice's answers and the place after it."""

    answers: list[Answer]
    place: int


def _slice(bulk: Bulk) -> bool:
    """Do the next slice; False when there is none."""
    some = _of_problem(bulk) if bulk.problem_id else _of_keys(bulk)
    if not some.answers:
        return False
    bulk.place = some.place
    refused = [[answer.key, answer.why] for answer in some.answers if not answer.done]
    bulk.done += len(some.answers) - len(refused)
    bulk.refused += len(refused)
    bulk.answers = [*bulk.answers, *refused][:_TOLD]
    return True


def _of_keys(bulk: Bulk) -> _Some:
    keys = bulk.keys[bulk.place : bulk.place + _SLICE]
    if bulk.kind == "release":
        answers = orders.release(bulk.tenant_id, keys, bulk.by)
    else:
        act = _ACTS[bulk.kind]
        answers = [_answer(act, bulk, key) for key in keys]
    return _Some(answers, bulk.place + len(keys))


def _answer(act: Callable[[Bulk, str], bool], bulk: Bulk, key: str) -> Answer:
    try:
        with transaction.atomic():
            done = act(bulk, key)
    except SamklangError as error:
        return Answer(key, False, error.what)
    return Answer(key, done, "" if done else gettext_noop("There was nothing to do"))


def _hold(bulk: Bulk, key: str) -> bool:
    if not orders.stored_orders(bulk.tenant_id, [key]):
        return False
    orders.hold(bulk.tenant_id, key, bulk.reason, bulk.by)
    return True


def _let_go(bulk: Bulk, key: str) -> bool:
    orders.let_go(bulk.tenant_id, key, bulk.by)
    return True


def _retry(bulk: Bulk, key: str) -> bool:
    return bool(orders.retry(bulk.tenant_id, key, bulk.by))


_ACTS: dict[str, Callable[[Bulk, str], bool]] = {"hold": _hold, "let go": _let_go, "retry": _retry}


def _of_problem(bulk: Bulk) -> _Some:
    """Records of a problem, by the numbers of their items: those that come meanwhile are taken too."""
    rows = ProblemItem.objects.filter(tenant_id=bulk.tenant_id, problem=bulk.problem_id, pk__gt=bulk.place)
    items = list(rows.order_by("pk")[:_SLICE])
    if not items:
        return _Some([], bulk.place)
    answers = _mend(bulk, items) if bulk.kind == "mend" else [_give_up(bulk, item) for item in items]
    return _Some(answers, items[-1].pk)


def _mend(bulk: Bulk, items: list[ProblemItem]) -> list[Answer]:
    """What could not be written is due again, in one statement for each connection and type. What could not be read is
    read again by its connection's next whole read, which the caller has woken."""
    places = {(item.connection_id, item.type) for item in items if item.direction == "out" and item.connection_id}
    for connection, type_ in sorted(places):
        keys = [i.key for i in items if (i.direction, i.connection_id, i.type) == ("out", connection, type_)]
        Binding.objects.filter(
            Q(state="stopped") | Q(state="waiting") | Q(state="due"), tenant_id=bulk.tenant_id,
            connection_id=connection, type=type_, key__in=keys, wanted__isnull=False,
        ).update(state="due", due_at=time.time(), waiting_on="")  # fmt: skip
    return [Answer(item.key, True) for item in items]


def _give_up(bulk: Bulk, item: ProblemItem) -> Answer:
    if item.direction != "out" or item.connection_id is None:
        return Answer(item.key, False, "It was being read: correct it at its source")
    done = orders.skip(bulk.tenant_id, item.connection_id, item.type, item.key, bulk.reason, bulk.by)
    return Answer(item.key, done, "" if done else gettext_noop("It was on its way"))
