"""An account to try the nShift Delivery connector on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import Happening, Specimen
from samklang.records import Order, Record
from samklang.sandboxes.stands import Clock, FaultyStand, Judge
from samklang.sandboxes.unifaun import BASE, KEY_ID, KEY_SECRET, UnifaunSandbox


class UnifaunStand(FaultyStand):
    """More than two pages of printed consignments, of which some were cancelled."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.account = UnifaunSandbox(self.clock.instant)
        for n in range(120):
            self.account.book(f"{specimens.CHANNEL}/{n}", "P19" if n % 3 else "BPA")
        self.account.shipments["10252305"].status = "CANCELLED"
        super().__init__(self.account.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {
            "key_id": KEY_ID, "key_secret": KEY_SECRET, "address": f"{self.base}{BASE}", "weight_g": 1000,
            "booking": "at once",
        }  # fmt: skip

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "key_secret": "of-somebody-else"}

    def held(self, type_: str) -> set[str] | None:
        printed = self.account.shipments.values()
        return {f"#{one.number}" for one in printed if one.status == "PRINTED"} if type_ == "shipment" else None

    def count(self, record: Record) -> int:
        assert isinstance(record, Order)
        return len(self.account.under(record.key))

    def specimen(self, type_: str, n: int) -> Specimen | None:
        if type_ != "order":
            return None
        return Specimen(record=specimens.to_warehouse(specimens.order(n), "PLAB", "P19"))

    def happens(self, at: datetime) -> Happening:
        self.clock.at = at
        try:
            made = self.account.shipments[self.account.book(f"{specimens.CHANNEL}/{at:%H%M}")]
        finally:
            self.clock.at = None
        return Happening("shipments", "shipment", f"#{made.number}")


STAND = UnifaunStand
