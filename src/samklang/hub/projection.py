"""What a target is really sent: rules out, then the flow's field mask. Also what the plan compares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from samklang.hub.models import Flow
from samklang.hub.rulesets import Chain, chain
from samklang.records import Record, content_hash, encode
from samklang.rules import Ignored


class Projection(NamedTuple):
    """The rules out of a target for a flow's type, and the fields that the flow writes (none named = all)."""

    rules: Chain
    fields: tuple[str, ...]

    def __call__(self, record: Record) -> Record | Ignored:
        """The record as the target is to get it."""
        return self.rules(record) if self.rules else record

    def hash(self, record: Record, wanted: bytes) -> bytes:
        """Hash of what is sent; where nothing is changed or masked that is `wanted`, the source record's own."""
        return masked_hash(record, self.fields) if self.rules or self.fields else wanted


def projection(flow: Flow) -> Projection:
    """How the flow's records are sent."""
    return Projection(chain(flow.target, "out", flow.type), tuple(flow.fields))


def masked_hash(record: Record, fields: Iterable[str]) -> bytes:
    """Hash of the part of a record that a flow writes: a change outside of it sends nothing."""
    chosen = set(fields)
    if not chosen:
        return content_hash(encode(record))
    plain = msgspec.json.decode(encode(record))
    return content_hash(msgspec.json.encode({k: v for k, v in plain.items() if k in chosen}, order="sorted"))
