"""Tables between two systems: what the target calls the source's price lists, warehouses, ways to pay and to send.

A table stands in the option `maps` of every flow of its channel from the one system to the other whose records bear
such values (`options.MAPPED`); `projection` translates by it. What a table does not name goes as it is, so equal names
need no line. Statuses, carriers and the warehouses that count have options of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from samklang.connectors.contract import Choice, ChoiceKind, Manifest
from samklang.connectors.errors import Misconfigured
from samklang.connectors.registry import manifest
from samklang.hub.models import Connection
from samklang.hub.projection import MAPPED
from samklang.hub.setup.choices import Listed, choices
from samklang.hub.setup.config import Config, FlowPart

#: Types whose records are one for each value: two values that become one would overwrite each other at the target.
_ONE_EACH = frozenset({"price_list", "price", "stock"})


class Table(NamedTuple):
    """One table: what it translates, in which channel, from where to where, for which record types, and its lines."""

    what: ChoiceKind
    channel: str
    source: str
    target: str
    types: tuple[str, ...]
    values: Mapping[str, str]

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What makes it the same table."""
        return self.channel, self.what, self.source, self.target


class Line(NamedTuple):
    """A line of a table: a value of the source, what it becomes ("" = nobody has said), and whether the target has the
    very same value, so that nothing need be said."""

    value: Choice
    becomes: str
    same: bool

    @property
    def open(self) -> bool:
        """Whether nobody has said what it becomes, and the target does not know it."""
        return not self.becomes and not self.same


def tables(config: Config) -> list[Table]:
    """Every table that a configuration can have, in the order of MAPPED."""
    found: dict[tuple[str, str, str, str], Table] = {}
    for what in MAPPED:
        for flow in config.flows:
            if not _bears(flow, what, manifest(config.connections[flow.target].connector)):
                continue
            place = (flow.channel, what, flow.source, flow.target)
            there = found.get(place) or Table(what, flow.channel, flow.source, flow.target, (), {})
            values = {**_of(flow, what), **there.values}
            found[place] = there._replace(types=(*there.types, flow.type), values=values)
    return list(found.values())


def table(config: Config, place: tuple[str, str, str, str]) -> Table | None:
    """The table of that place, if there can be one."""
    return next((one for one in tables(config) if one.place == place), None)


def put(config: Config, wanted: Table) -> None:
    """Let these be the lines of a table, in all of its flows. Misconfigured where two values would become one whose
    records would overwrite each other."""
    values = {old: new.strip() for old, new in wanted.values.items() if old and new.strip()}
    if _ONE_EACH & set(wanted.types):
        twice = [new for new, times in Counter(values.values()).items() if times > 1]
        if twice:
            raise Misconfigured(
                f"Two values would become {twice[0]!r}, and their records would overwrite each other there",
                do_this="Give each a value of its own, or leave one of them out by the flow's condition.",
            )
    between = (wanted.channel, wanted.source, wanted.target)
    for flow in config.flows:
        if flow.type in wanted.types and (flow.channel, flow.source, flow.target) == between:
            flow.options = _with(flow.options, wanted.what, values)


def inherited(config: Config, new: FlowPart) -> FlowPart:
    """A flow that is made, with the tables of its neighbours: those of its channel between the same two systems."""
    if new.target not in config.connections:
        return new  # config.check refuses it, and says which there are
    target = manifest(config.connections[new.target].connector)
    for what in MAPPED:
        neighbours = [
            flow for flow in config.flows
            if (flow.channel, flow.source, flow.target) == (new.channel, new.source, new.target) and _of(flow, what)
        ]  # fmt: skip
        if neighbours and _bears(new, what, target):
            new = msgspec.structs.replace(new, options=_with(new.options, what, _of(neighbours[0], what)))
    return new


def lines(one: Table, source: Connection, target: Connection) -> tuple[list[Line], Listed, Listed]:
    """The lines of a table with the real values of both systems, those that nobody has translated first; and what each
    side lists. What is saved is there whether or not a system answers."""
    ours, theirs = _listed(source, one.what), _listed(target, one.what)
    known, there = {choice.code for choice in ours.values}, {choice.code for choice in theirs.values}
    values = [*ours.values, *(Choice(code) for code in one.values if code not in known)]
    found = [Line(value, one.values.get(value.code, ""), value.code in there) for value in values]
    return sorted(found, key=lambda line: not line.open), ours, theirs


def _listed(row: Connection, what: ChoiceKind) -> Listed:
    """A system's values; where it has customer groups instead of price lists, those."""
    has = manifest(row.connector).choices
    groups: ChoiceKind = "customer_group"
    return choices(row, groups if what == "price_list" and what not in has and groups in has else what)


def _bears(flow: FlowPart, what: ChoiceKind, target: Manifest) -> bool:
    """Whether records of the flow bear such values, and the target keeps them."""
    field = MAPPED[what].get(flow.type)
    if field is None:
        return False
    if flow.type == "price":
        return target.price_lists
    if flow.type == "stock":
        return target.warehouses
    return bool({"*", field} & set(target.writes[flow.type].fields))


def _of(flow: FlowPart, what: str) -> dict[str, str]:
    return dict((flow.options.get("maps") or {}).get(what) or {})


def _with(options: Mapping[str, Any], what: str, values: Mapping[str, str]) -> dict[str, Any]:
    maps = {name: lines for name, lines in (options.get("maps") or {}).items() if name != what}
    maps |= {what: dict(values)} if values else {}
    rest = {name: value for name, value in options.items() if name != "maps"}
    return {**rest, "maps": maps} if maps else rest
