"""An order's way through all systems: each hop writes a step, reading them in time order is the journey."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from samklang.hub.models import Step

#: Record types whose every hop is written down. Their keys begin with the order's key (customers have their own).
TRACED = frozenset({"order", "order_status", "shipment"})


def step(tenant: int, connection: int, type_: str, steps: Iterable[tuple[str, str, str]]) -> None:
    """Write steps (record key, what, text) of one connection and type."""
    now = timezone.now()
    Step.objects.bulk_create(
        Step(
            tenant_id=tenant,
            order=key.split("#")[0],
            at=now,
            connection_id=connection,
            type=type_,
            what=what,
            text=text,
        )
        for key, what, text in steps
    )
