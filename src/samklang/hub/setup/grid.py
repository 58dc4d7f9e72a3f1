"""The master matrix of one channel as a picture: which system is master of a record type, which get it, which could."""

from __future__ import annotations

from typing import Literal, NamedTuple

from samklang.connectors.registry import manifest, packages
from samklang.hub.flows import DERIVED
from samklang.hub.setup import edits
from samklang.hub.setup.config import Config, FlowPart
from samklang.hub.setup.drafts import Shown
from samklang.records import record_types

_ORDER = ("shop", "marketplace", "pos", "erp", "wms", "carrier", "payment")


class Column(NamedTuple):
    """A system in the picture: the channel's own shop first, then the others by kind."""

    name: str
    title: str
    kind: str
    own: bool
    used: bool  # the channel's own, or at an end of one of its flows now or by the draft


class Cell(NamedTuple):
    """What a system is to a record type. `flow` is the flow that it gets the type by; `change` says what the draft does
    to it: new, changed, gone, or "" for nothing."""

    system: str
    state: Literal["master", "gets", "nothing"]
    can_rule: bool
    can_get: bool
    flow: FlowPart | None = None
    change: str = ""

    @property
    def possible(self) -> bool:
        """Whether there is anything to choose."""
        return self.can_rule or self.can_get or self.state != "nothing"


class Line(NamedTuple):
    """A record type of the picture; `derived`: the hub makes it, out of these types."""

    type: str
    cells: list[Cell]
    derived: tuple[str, ...]

    @property
    def master(self) -> str:
        """The connection that rules it, "" for none."""
        return next((cell.system for cell in self.cells if cell.state == "master"), "")

    @property
    def used(self) -> bool:
        """Whether it flows, or did before the draft."""
        return bool(self.master) or any(cell.change for cell in self.cells)


class Grid(NamedTuple):
    """The picture of a channel."""

    channel: str
    columns: list[Column]
    lines: list[Line]
    preset: str
    erps: list[str]


def grid(shown: Shown, channel: str) -> Grid:
    """The picture of a channel as the draft would have it."""
    wanted, now = shown.wanted, shown.now
    shop = wanted.channels[channel].connection
    others = {part.connection for code, part in wanted.channels.items() if code != channel} - {shop}
    used = {end for flow in wanted.flows if flow.channel == channel for end in (flow.source, flow.target)}
    before = {end for flow in now.flows if flow.channel == channel for end in (flow.source, flow.target)}
    columns = [
        Column(name, facts.title, facts.kind, name == shop, name == shop or name in used or name in before)
        for name, part in wanted.connections.items()
        if part.connector in packages() and (name not in others or name in used)
        for facts in [manifest(part.connector)]
    ]
    columns.sort(key=lambda column: (not column.own, column.name not in used, _ORDER.index(column.kind), column.name))
    lines = [
        Line(type_, [_cell(wanted, now, channel, type_, column.name) for column in columns], DERIVED.get(type_, ()))
        for type_ in record_types()
        if _matters(wanted, now, channel, type_, [column.name for column in columns])
    ]
    found = edits.preset_of(wanted, channel)
    erps = [column.name for column in columns if column.kind == "erp"]
    return Grid(channel, columns, lines, found.use if found else "", erps)


def _matters(wanted: Config, now: Config, channel: str, type_: str, systems: list[str]) -> bool:
    if any((flow.channel, flow.type) == (channel, type_) for one in (wanted, now) for flow in one.flows):
        return True
    return any(edits.able(wanted, type_, a, b) for a in systems for b in systems if a != b)


def _cell(wanted: Config, now: Config, channel: str, type_: str, system: str) -> Cell:
    name = (channel, type_, system)
    flow, before = edits.find_flow(wanted, name), edits.find_flow(now, name)
    rules = any((one.channel, one.type, one.source) == (channel, type_, system) for one in wanted.flows)
    change = ""
    if flow != before:
        change = "gone" if flow is None else "new" if before is None else "changed"
    state: Literal["master", "gets", "nothing"] = "master" if rules else "gets" if flow else "nothing"
    readable = type_ in edits.readable(wanted, system)
    return Cell(system, state, readable, type_ in edits.writable(wanted, system), flow, change)


def rule(config: Config, channel: str, type_: str, system: str) -> None:
    """Let a system be master of a type: what got it before still gets it; where nothing did, the channel's shop does,
    or else the ERP."""
    got = [flow.target for flow in config.flows if (flow.channel, flow.type) == (channel, type_)]
    old = next((flow.source for flow in config.flows if (flow.channel, flow.type) == (channel, type_)), "")
    targets = [one for one in dict.fromkeys([*got, old]) if one and one != system and _gets(config, type_, one)]
    if not targets:
        shop = config.channels[channel].connection
        erps = [name for name, part in config.connections.items() if manifest(part.connector).kind == "erp"]
        rest = [name for name in config.connections if name not in erps]
        targets = [one for one in (shop, *erps, *rest) if one != system and _gets(config, type_, one)][:1]
    edits.set_master(config, channel, type_, system, targets)


def give(config: Config, channel: str, type_: str, system: str, wanted: bool) -> None:
    """Let a system get a type from its master, or not any more. Where there is no master yet, the only other system
    that could be it becomes it."""
    flows = [flow for flow in config.flows if (flow.channel, flow.type) == (channel, type_)]
    master = flows[0].source if flows else ""
    targets = [flow.target for flow in flows if flow.target != system]
    if wanted:
        if not master:
            able = [name for name in config.connections if name != system and type_ in edits.readable(config, name)]
            shop = config.channels[channel].connection
            master = shop if shop in able else able[0] if able else ""
        targets.append(system)
    edits.set_master(config, channel, type_, master if targets else "", targets)


def _gets(config: Config, type_: str, system: str) -> bool:
    return type_ in edits.writable(config, system)
