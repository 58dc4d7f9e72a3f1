"""A sender to try the Cargonizer connector on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import Happening, Specimen
from samklang.records import Order, Record
from samklang.sandboxes.cargonizer import KEY, SENDER, CargonizerSandbox
from samklang.sandboxes.stands import Clock, FaultyStand, Judge


class CargonizerStand(FaultyStand):
    """More than three pages of consignments, of which one was taken back."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.sender = CargonizerSandbox(self.clock.instant)
        for n in range(100):
            self.sender.book(f"{specimens.CHANNEL}/{n}", parcels=1 + n % 3)
        self.sender.remove(f"{specimens.CHANNEL}/7")
        super().__init__(self.sender.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {"key": KEY, "sender": SENDER, "address": self.base, "weight_g": 1000}

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "key": "of-somebody-else"}

    def held(self, type_: str) -> set[str] | None:
        there = self.sender.consignments.values()
        return {f"#4017073{one.id}5" for one in there if one.state == "open"} if type_ == "shipment" else None

    def count(self, record: Record) -> int:
        assert isinstance(record, Order)
        return len(self.sender.under(record.key))

    def specimen(self, type_: str, n: int) -> Specimen | None:
        if type_ != "order":
            return None
        return Specimen(record=specimens.to_warehouse(specimens.order(n), "102", "mypack"))

    def happens(self, at: datetime) -> Happening:
        self.clock.at = at
        try:
            id_ = self.sender.book(f"{specimens.CHANNEL}/{at:%H%M}")
        finally:
            self.clock.at = None
        return Happening("shipments", "shipment", f"#4017073{id_}5")


STAND = CargonizerStand
