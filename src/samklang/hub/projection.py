"""What a target is really sent: rules out, then the flow's field mask. Also what the plan compares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import msgspec

from samklang.hub.models import Flow
from samklang.hub.rulesets import chain
from samklang.records import Record, content_hash, encode
from samklang.rules import Ignored

Projection = Callable[[Record], "Record | Ignored"]


def projection(flow: Flow) -> Projection:
    """The rules out of the flow's target for its type; without rules the record itself."""
    rules = chain(flow.target, "out", flow.type)
    return rules or (lambda record: record)


@cache
def defaults(cls: type[Record]) -> dict[str, object]:
    """Default value of every field that has one."""
    found: dict[str, object] = {}
    for field in msgspec.structs.fields(cls):
        if field.default is not msgspec.NODEFAULT:
            found[field.name] = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            found[field.name] = field.default_factory()
    return found


def masked_hash(record: Record, fields: Iterable[str]) -> bytes:
    """Hash of the part of a record that a flow writes: a change outside of it sends nothing."""
    chosen = set(fields)
    if not chosen:
        return content_hash(encode(record))
    plain = msgspec.json.decode(encode(record))
    return content_hash(msgspec.json.encode({k: v for k, v in plain.items() if k in chosen}, order="sorted"))
