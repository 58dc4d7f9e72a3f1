"""What a target is really sent: rules out, the flow's tables, then its field mask. Also what the plan compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from samklang.connectors.contract import ChoiceKind
from samklang.hub.models import Flow
from samklang.hub.rulesets import Chain, chain
from samklang.records import Order, Record, content_hash, encode
from samklang.rules import Ignored

#: What tables between two systems translate (option `maps`: kind → source's value → target's): record type → field.
MAPPED: dict[ChoiceKind, dict[str, str]] = {
    "price_list": {"price_list": "name", "price": "price_list", "customer": "price_list"},  # J-09, P-08
    "customer_group": {"customer": "group"},
    "warehouse": {"stock": "warehouse"},
    "payment_method": {"order": "payment_method"},
    "shipping_method": {"order": "shipping_method"},
}


class Projection(NamedTuple):
    """The rules out of a target for a flow's type, the fields that the flow writes (none named = all), and the carrier
    codes of the shop's shipping methods (option `carriers` of an order flow: method → {carrier, service}; O-12); tables
    by field (option `maps`)."""

    rules: Chain
    fields: tuple[str, ...]
    carriers: Mapping[str, Mapping[str, str]] = {}
    maps: Mapping[str, Mapping[str, str]] = {}

    def __call__(self, record: Record) -> Record | Ignored:
        """The record as the target is to get it."""
        changed = self.rules(record) if self.rules else record
        if self.carriers and isinstance(changed, Order) and not changed.carrier_code:
            codes = self.carriers.get(changed.shipping_method, {})
            changed = msgspec.structs.replace(
                changed, carrier_code=codes.get("carrier", ""), service_code=codes.get("service", "")
            )
        return self._translated(changed) if self.maps and not isinstance(changed, Ignored) else changed

    def _translated(self, record: Record) -> Record:
        new = {
            field: table[old] for field, table in self.maps.items()
            if isinstance(old := getattr(record, field), str) and old in table
        }  # fmt: skip
        return msgspec.structs.replace(record, **new) if new else record

    def known_as(self, need: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        """Names under which the hub may know what a record refers to: the source's own, where a table changed it."""
        table = self.maps.get(need[0]) or {}
        return (*((need[0], old) for old, new in table.items() if new == need[1]), need)

    def hash(self, record: Record, wanted: bytes) -> bytes:
        """Hash of what is sent; where nothing is changed or masked that is `wanted`, the source record's own."""
        return masked_hash(record, self.fields) if any(self) else wanted


def projection(flow: Flow) -> Projection:
    """How the flow's records are sent."""
    given = flow.options.get("maps") or {}
    maps = {MAPPED[what][flow.type]: table for what, table in given.items()}
    carriers = flow.options.get("carriers") or {}
    return Projection(chain(flow.target, "out", flow.type), tuple(flow.fields), carriers, maps)


def masked_hash(record: Record, fields: Iterable[str]) -> bytes:
    """Hash of the part of a record that a flow writes: a change outside of it sends nothing."""
    chosen = set(fields)
    if not chosen:
        return content_hash(encode(record))
    plain = msgspec.json.decode(encode(record))
    return content_hash(msgspec.json.encode({k: v for k, v in plain.items() if k in chosen}, order="sorted"))
