"""A merchant account to try the Klarna connector on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import Specimen
from samklang.records import Capture, Record, Refund, Void
from samklang.sandboxes.klarna import PASSWORD, USER, KlarnaSandbox, Movement, Order
from samklang.sandboxes.stands import Clock, FaultyStand, Judge


class KlarnaStand(FaultyStand):
    """An account with no orders yet; each specimen brings its own."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.account = KlarnaSandbox(self.clock.instant)
        super().__init__(self.account.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {"username": USER, "password": PASSWORD, "api_address": self.base}

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "password": "of-somebody-else"}

    def held(self, type_: str) -> set[str] | None:
        return None

    def count(self, record: Record) -> int:
        if isinstance(record, Void):
            order = self.account.orders[record.payment_id]
            return int(not order.remaining)
        assert isinstance(record, Capture | Refund)
        order = self.account.orders[record.payment_id]
        return sum(one.reference == record.key for one in _moved(order, record.type))

    def figures(self) -> Mapping[tuple[str, str], str]:
        return {
            (type_, one.reference): f"{one.amount / 100:.2f}"
            for order in self.account.orders.values()
            for type_ in ("capture", "refund")
            for one in _moved(order, type_)
        }

    def specimen(self, type_: str, n: int) -> Specimen | None:
        payment = self.account.authorise(int(specimens.AUTHORISED * 100), reference=str(100_000 + n))
        return payment_specimen(type_, n, payment)


def payment_specimen(type_: str, n: int, payment: str) -> Specimen | None:
    """A capture, a refund of one, or the release of the whole or of the rest, at this authorised payment."""
    taken = specimens.capture(n, payment)
    found = {
        "capture": Specimen(record=taken),
        "refund": Specimen(record=specimens.refund(n, payment), before=(taken,)),
        "void": Specimen(record=specimens.void(n, payment, whole=n % 2 == 0), before=(taken,) if n % 2 else ()),
    }
    return found.get(type_)


def _moved(order: Order, type_: str) -> list[Movement]:
    return order.captures if type_ == "capture" else order.refunds


STAND = KlarnaStand
