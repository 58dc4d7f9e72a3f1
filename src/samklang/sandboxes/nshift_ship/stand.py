"""An actor to try the nShift Ship connector on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import Specimen
from samklang.records import Order, Record
from samklang.sandboxes.nshift_ship import ACTOR, CLIENT_ID, CLIENT_SECRET, LOGIN, NshiftShipSandbox
from samklang.sandboxes.stands import FaultyStand, Judge


class NshiftShipStand(FaultyStand):
    """Shipments of more orders than are asked for at once."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.server = NshiftShipSandbox()
        self._tags = [self.server.book(f"{specimens.CHANNEL}/{n}", 1032 if n % 3 else 2757) for n in range(45)]
        super().__init__(self.server.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {
            "actor": ACTOR, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "address": self.base,
            "login_address": f"{self.base}{LOGIN}", "weight_g": 1000,
        }  # fmt: skip

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "client_secret": "of-somebody-else"}

    def named(self, feed: str) -> Sequence[str]:
        return self._tags

    def held(self, type_: str) -> set[str] | None:
        return {f"#{self.server.shipments[tag].number}" for tag in self._tags} if type_ == "shipment" else None

    def count(self, record: Record) -> int:
        assert isinstance(record, Order)
        return len(self.server.under(record.key))

    def specimen(self, type_: str, n: int) -> Specimen | None:
        if type_ != "order":
            return None
        return Specimen(record=specimens.to_warehouse(specimens.order(n), "39", "1032"))


STAND = NshiftShipStand
