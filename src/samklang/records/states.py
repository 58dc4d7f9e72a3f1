"""The order's life as a state machine on three independent axes (MODEL §6).

A system tells where an order stands now, not how it came there, so a step may leap over states in between; what counts
is whether the new state can be reached from the old one. What cannot is late news, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Literal, get_args

import msgspec

from samklang.records.order import Fulfilment, Lifecycle, OrderStatus, Payment

Axis = Literal["lifecycle", "fulfilment", "payment"]
AXES: tuple[Axis, ...] = ("lifecycle", "fulfilment", "payment")

_STEPS: Mapping[Axis, Mapping[str, str]] = {
    "lifecycle": {
        "draft": "placed expired",
        "placed": "confirmed cancelled",
        "confirmed": "closed cancelled",
        "closed": "",
        "cancelled": "",
        "expired": "",
    },
    "fulfilment": {
        "none": "waiting_stock ready",
        "waiting_stock": "ready",
        "ready": "waiting_stock released",
        "released": "picking",
        "picking": "ready waiting_stock partly_shipped shipped",  # back: the warehouse has put the goods back
        "partly_shipped": "shipped partly_returned",
        "shipped": "delivered partly_returned",
        "delivered": "partly_returned",
        "partly_returned": "returned",
        "returned": "",
    },
    "payment": {
        "not_required": "pending",
        "pending": "authorised",
        "authorised": "partly_captured captured voided expired",
        "partly_captured": "captured",
        "captured": "partly_refunded disputed",
        "partly_refunded": "refunded disputed",
        "refunded": "",
        "voided": "",
        "expired": "",
        "disputed": "captured charged_back",
        "charged_back": "",
    },
}

#: Edges that are steps but no way onwards: who stands behind them has not been where they lead from.
_TURNS = {
    ("fulfilment", "picking", "ready"), ("fulfilment", "picking", "waiting_stock"),
    ("fulfilment", "ready", "waiting_stock"),
}  # fmt: skip
#: From here on the order is locked in all systems (O-06): it is being picked, or has left.
LOCKED = frozenset({"picking", "partly_shipped", "shipped", "delivered", "partly_returned", "returned"})
#: Goods of the order have left the warehouse.
LEFT = frozenset({"partly_shipped", "shipped", "delivered", "partly_returned", "returned"})


@cache
def _reach(axis: Axis, state: str) -> frozenset[str]:
    found: set[str] = set()
    queue = [state]
    while queue:
        here = queue.pop()
        for there in _STEPS[axis][here].split():
            if here != state and (axis, here, there) in _TURNS:
                continue
            if there not in found:
                found.add(there)
                queue.append(there)
    return frozenset(found)


def may_follow(axis: Axis, before: str, after: str) -> bool:
    """Whether a system whose order stood at `before` can truly say `after` now. "" = the system says nothing."""
    return not before or not after or before == after or after in _reach(axis, before)


def forward(before: OrderStatus, after: OrderStatus) -> tuple[OrderStatus, tuple[str, ...]]:
    """`after` with every axis that would go backwards kept as it was, and those refused, as `shipped → picking`.

    A cancellation after goods have left is refused too. An axis that `after` says nothing about keeps what was said.
    """
    kept: dict[str, str] = {}
    refused: list[str] = []
    for axis in AXES:
        was, now = getattr(before, axis), getattr(after, axis)
        if not now:
            kept[axis] = was
        elif not may_follow(axis, was, now) or (now == "cancelled" != was and before.fulfilment in LEFT):
            kept[axis] = was
            refused.append(f"{was} → {now}")
    return (msgspec.structs.replace(after, **kept) if kept else after), tuple(refused)


def axes_of(words: Iterable[str]) -> dict[str, str]:
    """Axis → state out of plain words, as a connection's own table of status words has them.

    A word is a state's name, or `axis:name` where two axes have it (`payment:expired`). `ignore` says nothing.
    Raises ValueError that names a word which is none, or an axis that is named twice.
    """
    found: dict[str, str] = {}
    for word in words:
        if word == "ignore":
            continue
        axis, _, name = word.rpartition(":")
        axes = [a for a in AXES if name in _STEPS[a] and axis in ("", a)]
        if len(axes) != 1:
            known = ", ".join(dict.fromkeys(state for a in AXES for state in _STEPS[a]))
            raise ValueError(f"{word!r} is no state of an order; states: ignore, {known} (payment:expired)")
        if axes[0] in found:
            raise ValueError(f"{word!r} and {found[axes[0]]!r} are both about {axes[0]}")
        found[axes[0]] = name
    return found


def states() -> Mapping[Axis, tuple[str, ...]]:
    """All states by axis, in the order of an order's life."""
    kinds: tuple[tuple[Axis, Any], ...] = (("lifecycle", Lifecycle), ("fulfilment", Fulfilment), ("payment", Payment))
    return {axis: get_args(kind) for axis, kind in kinds}
