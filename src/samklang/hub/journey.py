"""An order's way through all systems: each hop writes a step, reading them in time order is the journey."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from samklang.hub import traces
from samklang.hub.models import Connection, Step
from samklang.records import types_of_order

#: Record types whose every hop is written down. Their keys begin with the order's key (customers have their own).
TRACED = types_of_order()


def step(row: Connection, type_: str, steps: Sequence[tuple[str, str, str]]) -> None:
    """Write steps (record key, what, text) of one connection and type; their spans go out with the commit."""
    now = timezone.now()
    Step.objects.bulk_create(
        Step(
            tenant_id=row.tenant_id,
            order=key.split("#")[0],
            at=now,
            connection_id=row.pk,
            type=type_,
            what=what,
            text=text,
        )
        for key, what, text in steps
    )
    transaction.on_commit(lambda: traces.hops(row, type_, [(key, what) for key, what, _ in steps]))
