"""The edits that people make of a configuration, each in place on a `Config`: who is master of what, presets, one flow,
one channel, a chain of rules. Pure: `drafts.edit` keeps them, the plan shows what they do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from samklang.connectors.errors import Misconfigured
from samklang.hub.flows import PRESETS, WHERE_KNOWN, can_be_read, can_be_written, manners, preset
from samklang.hub.setup.config import ChannelPart, Config, FlowPart, PresetPart, RulesPart
from samklang.hub.setup.drafts import chain_name
from samklang.hub.setup.maps import inherited
from samklang.records import record_types

Name = tuple[str, str, str]
"""Channel, record type, target: what makes it the same flow."""
Preset = Literal["shop rules", "erp rules", "combo", "till"]


def find_flow(config: Config, name: Name) -> FlowPart | None:
    """The flow of that name, if there is one."""
    return next((flow for flow in config.flows if flow.name() == name), None)


def put_flow(config: Config, flow: FlowPart) -> None:
    """Add a flow, or replace the one of its name where it stands."""
    for place, there in enumerate(config.flows):
        if there.name() == flow.name():
            config.flows[place] = flow
            return
    config.flows.append(flow)


def set_master(config: Config, channel: str, type_: str, master: str, targets: Iterable[str]) -> None:
    """Let `master` rule a type in a channel and send it to `targets`; without a master nothing of it flows. A flow that
    stays keeps its settings."""
    wanted = [target for target in dict.fromkeys(targets) if master]
    if master in wanted:
        raise Misconfigured(f"{master} is master of {type_} in {channel} and cannot be its target")
    kept = {
        flow.target: flow for flow in config.flows if (flow.channel, flow.type, flow.source) == (channel, type_, master)
    }
    config.flows[:] = [flow for flow in config.flows if (flow.channel, flow.type) != (channel, type_)]
    for target in wanted:
        new = FlowPart(channel=channel, type=type_, source=master, target=target, **manners(type_))
        config.flows.append(kept.get(target) or inherited(config, new))


class Used(msgspec.Struct, frozen=True):
    """What a preset came to: flows that it set up, and record types that one of the two systems cannot do."""

    flows: tuple[Name, ...]
    left_out: tuple[str, ...]


def use_preset(config: Config, channel: str, erp: str, name: Preset) -> Used:
    """Let the flows between a channel's shop and an ERP be those of a preset (J-01, J-02, J-03).

    Flows that are there already keep their settings. Flows of a type whose master becomes another one go, also those to
    third systems: there is one master. A type that one of the two cannot do is left out.
    """
    shop = config.channels[channel].connection
    wanted: dict[str, tuple[str, str, dict[str, Any]]] = {}
    left_out = []
    for type_, source, target, more in preset(name, shop, erp):
        if able(config, type_, source, target):
            wanted[type_] = source, target, more
        elif type_ not in WHERE_KNOWN:
            left_out.append(type_)

    def stays(flow: FlowPart) -> bool:
        if flow.channel != channel:
            return True
        if flow.type in wanted:
            return flow.source == wanted[flow.type][0]
        return {flow.source, flow.target} != {shop, erp}

    config.flows[:] = [flow for flow in config.flows if stays(flow)]
    for type_, (source, target, more) in wanted.items():
        if find_flow(config, (channel, type_, target)) is None:
            new = FlowPart(channel=channel, type=type_, source=source, target=target, **more)
            config.flows.append(inherited(config, new))
    return Used(tuple((channel, type_, target) for type_, (_, target, _) in wanted.items()), tuple(left_out))


def preset_of(config: Config, channel: str) -> PresetPart | None:
    """The preset that the channel's flows of products, prices and stock follow, if they follow one."""
    shop = config.channels[channel].connection
    there = {(flow.type, flow.source, flow.target) for flow in config.flows if flow.channel == channel}
    for erp in config.connections:
        pairs = {line for line in there if set(line[1:]) == {shop, erp}}
        for name in PRESETS:
            lines = {line[:3] for line in preset(name, shop, erp) if able(config, *line[:3])}
            if lines and lines == pairs:
                return PresetPart(channel=channel, use=name, erp=erp)  # type: ignore[arg-type]  # a key of PRESETS
    return None


def able(config: Config, type_: str, source: str, target: str) -> bool:
    """Whether records of a type can be read from one connection and written to another."""
    return type_ in readable(config, source) and type_ in writable(config, target)


def readable(config: Config, connection: str) -> list[str]:
    """Record types that come out of a connection: read from it, or made by the hub out of what is read."""
    return [type_ for type_ in record_types() if can_be_read(config.connections[connection].connector, type_)]


def writable(config: Config, connection: str) -> list[str]:
    """Record types that can be written to a connection."""
    return [type_ for type_ in record_types() if can_be_written(config.connections[connection].connector, type_)]


# ------------------------------------------------------------------------------------------------ channels, rules


def put_channel(config: Config, code: str, part: ChannelPart) -> None:
    """Add or change a channel. Misconfigured when it would move to another connection with its flows."""
    there = config.channels.get(code)
    moves = there is not None and there.connection != part.connection
    if moves and any(flow.channel == code for flow in config.flows):
        raise Misconfigured(
            f"Channel {code} has flows, so it stays with {there.connection}", where="connection",  # type: ignore[union-attr]  # moves
            do_this="Make a new channel for the other connection, or take its flows away first.",
        )  # fmt: skip
    config.channels[code] = part


def remove_channel(config: Config, code: str) -> None:
    """Take a channel away with its flows."""
    config.flows[:] = [flow for flow in config.flows if flow.channel != code]
    config.channels.pop(code, None)


def find_chain(config: Config, connection: str, direction: str, type_: str) -> RulesPart | None:
    """The rules on the way in or out of a connection for a type, if there are any."""
    return next((part for part in config.rules if chain_name(part) == (connection, direction, type_)), None)


def put_chain(config: Config, chain: RulesPart) -> None:
    """Let these be the rules of their place; none take the chain away."""
    there = find_chain(config, *chain_name(chain))
    if there is not None:
        there.rules = chain.rules
    elif chain.rules:
        config.rules.append(chain)
    config.rules[:] = [part for part in config.rules if part.rules]
