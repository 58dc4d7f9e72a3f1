"""What ages out: rows that tell of the past are deleted once they are older than the operator wants (SAMKLANG_KEEP).

Oldest first, a page of keys at a time, each page in a transaction of its own: nobody waits for a lock longer than one
page takes, and PostgreSQL's autovacuum has the room back before much has gathered. Numbers grow with time, give or take
a little, so a page on which all is young ends the search.

Records, bindings, brakes and the history of the configuration never age: they are the hub's state, not its past.
"""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Model, Q
from django.utils import timezone

from samklang.hub.models import Bulk, Event, ExchangeRow, Hook, Problem, Step, Transfer

_PAGE = 1000  # keys looked at in one transaction


class Past(NamedTuple):
    """A table that ages out: its kind in SAMKLANG_KEEP, the column that says how old a row is, which rows may go, and
    whether the column grows with the key."""

    kind: str
    model: type[Model]
    at: str
    may_go: Q = Q()
    in_order: bool = True


#: Floors above add theirs.
PASTS = [
    Past("exchanges", ExchangeRow, "at"),  # they hold personal data
    Past("webhooks", Hook, "at", Q(done=True)),  # what could not be worked off is news, however old
    Past("events", Event, "at"),  # and with them their messages
    Past("transfers", Transfer, "started"),
    Past("transfers", Bulk, "at", ~Q(state="running")),
    Past("problems", Problem, "closed_at", Q(closed_at__isnull=False), in_order=False),
]


def age_out(seconds: float) -> bool:
    """Delete what is too old, for about so many seconds; False when some may be left for the next time."""
    until, now = time.monotonic() + seconds, timezone.now()
    for past in PASTS:
        if not _age_out(past, now - timedelta(days=settings.KEEP[past.kind]), until):
            return False
    return _age_out_steps(now - timedelta(days=settings.KEEP["steps"]), until)


def _age_out(past: Past, before: datetime, until: float) -> bool:
    rows, last = past.model._base_manager.order_by("pk"), 0
    while time.monotonic() < until:
        page = list(rows.filter(pk__gt=last).values_list("pk", past.at)[:_PAGE])
        if not page or (past.in_order and all(at >= before for _, at in page)):
            return True
        first, last = page[0][0], page[-1][0]
        with transaction.atomic():
            rows.filter(past.may_go, pk__gte=first, pk__lte=last, **{f"{past.at}__lt": before}).delete()
    return False


def _age_out_steps(before: datetime, until: float) -> bool:
    """An order's steps go together, when its last one is too old."""
    last = 0
    while time.monotonic() < until:
        page = list(Step.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "tenant", "order", "at")[:_PAGE])
        old: dict[int, set[str]] = defaultdict(set)
        for _, tenant, order, at in page:
            if at < before:
                old[tenant].add(order)
        if not old:
            return True
        last = page[-1][0]
        for tenant, orders in old.items():
            steps = Step.objects.filter(tenant=tenant, order__in=sorted(orders))
            with transaction.atomic():
                quiet = steps.values("order").annotate(newest=Max("at")).filter(newest__lt=before)
                steps.filter(order__in=list(quiet.values_list("order", flat=True))).delete()
    return False
