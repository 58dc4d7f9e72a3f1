"""The map as a drawing: where each system stands, and the lines between them and the hub."""

from __future__ import annotations

from typing import NamedTuple

from samklang.hub.looks.overview import Overview, System, Traffic

WIDTH = 740
_NODE = (198, 64)
_GAP = 24
_HUB = (146, 146)
_EDGE = 4
_MOST = 8  # systems on a side
_ROUND = 110  # high: where lines end at the hub
_HEALTH = ("bad", "wait", "ok", "off")
_SPREAD = 14  # between a system's two lines, to each side
_LEAST = 200  # high: the hub with its words
_WIDEST = 84  # of a label
_SHOWN = 2  # types of record on a line's label

#: What stands for each type of record (static/icons.svg).
_ICONS = {
    "order": "shopping-bag", "product": "package", "price": "tag", "price_list": "tag", "stock": "boxes",
    "customer": "users", "order_status": "list-checks", "shipment": "truck", "capture": "credit-card",
    "refund": "undo-2", "return": "undo-2", "voucher": "book-open", "release": "send", "order_edit": "pencil",
}  # fmt: skip


class Label(NamedTuple):
    """Records of one type on a line: its drawing, how many moved, and where in the label it stands."""

    icon: str
    type: str
    moved: int
    x: int


class Wire(NamedTuple):
    """What flows between a system and the hub in one direction: a path in that direction, and its label with its
    place."""

    d: str
    health: str
    lively: bool
    labels: list[Label]
    x: int
    y: int
    width: int


class Node(NamedTuple):
    """A system and where it stands."""

    system: System
    x: int
    y: int
    wires: list[Wire]


class Drawing(NamedTuple):
    """Everything with its place. `middle` is the hub's. `systems` are those that are drawn, in order; `more`: how many
    are not."""

    width: int
    height: int
    nodes: list[Node]
    middle: tuple[int, int]
    systems: list[System]
    more: int


def drawn(seen: Overview) -> Drawing:
    """Shops on the left, the others on the right; a side with fewer systems is centred. Of very many systems those are
    drawn that say most."""
    left = _telling([system for system in seen.systems if system.shop])
    right = _telling([system for system in seen.systems if not system.shop])
    most = max(len(left), len(right), 2)
    height = max(most * _NODE[1] + (most - 1) * _GAP + 2 * _EDGE, _LEAST)
    middle = (WIDTH // 2, height // 2)
    nodes: list[Node] = []
    for side, systems in ((-1, left), (1, right)):
        tall = len(systems) * _NODE[1] + (len(systems) - 1) * _GAP
        top = (height - tall) // 2
        for place, system in enumerate(systems):
            x = _EDGE if side < 0 else WIDTH - _EDGE - _NODE[0]
            y = top + place * (_NODE[1] + _GAP)
            spread = (place - (len(systems) - 1) / 2) * min(22, _ROUND / len(systems))
            nodes.append(Node(system, x, y, _wires(system, side, y + _NODE[1] // 2, middle, spread)))
    chosen = [system for system in seen.systems if system in left or system in right]
    return Drawing(WIDTH, height, nodes, middle, chosen, len(seen.systems) - len(chosen))


def _telling(systems: list[System]) -> list[System]:
    """At most as many as a side has room for, in their own order: where there are more, those that no flow uses are
    left out first, then those that are well and move least."""
    if len(systems) <= _MOST:
        return systems
    used = [system for system in systems if system.why != "unused"] or systems
    rank = sorted(used, key=lambda one: (_HEALTH.index(one.health), -sum(t.moved for t in (*one.out, *one.into))))
    return [system for system in systems if system in rank[:_MOST]]


def _wires(system: System, side: int, y: int, middle: tuple[int, int], spread: float) -> list[Wire]:
    there = _EDGE + _NODE[0] if side < 0 else WIDTH - _EDGE - _NODE[0]
    hub = middle[0] + side * _HUB[0] // 2
    both = bool(system.out) and bool(system.into)
    found = []
    for traffic, outward in ((system.out, True), (system.into, False)):
        if not traffic:
            continue
        shift = (-_SPREAD if outward else _SPREAD) if both else 0
        at, to = y + shift, round(middle[1] + spread + shift * 0.5)
        half = (there + hub) // 2
        ends = (f"{there},{at}", f"{half},{at}", f"{half},{to}", f"{hub},{to}")
        start, one, two, end = ends if outward else ends[::-1]
        labels, width = _labels(traffic)
        lively = bool(labels) and system.health != "off"
        x = there - side * (8 + width // 2)
        found.append(Wire(f"M{start} C{one} {two} {end}", system.health, lively, labels, x, at, width))
    return found


def _labels(traffic: tuple[Traffic, ...]) -> tuple[list[Label], int]:
    """The types that moved most, and how wide they are together."""
    moved = sorted((one for one in traffic if one.moved), key=lambda one: -one.moved)[:_SHOWN]
    labels: list[Label] = []
    x = 8
    for one in moved:
        wide = 17 + round(6.6 * len(f"{one.moved:,}")) + 8
        if labels and x + wide > _WIDEST:
            break
        labels.append(Label(_ICONS.get(one.type, "arrow-right"), one.type, one.moved, x))
        x += wide
    return labels, x
