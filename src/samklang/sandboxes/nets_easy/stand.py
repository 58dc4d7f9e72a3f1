"""A merchant account to try the Nets Easy connector on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import Specimen
from samklang.records import Capture, Record, Refund, Void
from samklang.sandboxes.klarna.stand import payment_specimen
from samklang.sandboxes.nets_easy import SECRET_KEY, Movement, NetsSandbox, Payment
from samklang.sandboxes.stands import Clock, FaultyStand, Judge


class NetsStand(FaultyStand):
    """An account with 12 payments that bear order numbers; each specimen brings one of its own."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.account = NetsSandbox(self.clock.instant)
        self._named = [self.account.reserve(10_000 + n, reference=f"S-{n}") for n in range(12)]
        for payment in self._named[::2]:
            self.account.charge(payment, 5_000)
        super().__init__(self.account.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {"secret_key": SECRET_KEY, "order_channel": specimens.CHANNEL, "api_address": self.base}

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "secret_key": "test-secret-key-of-somebody-else"}

    def named(self, feed: str) -> Sequence[str]:
        return self._named

    def held(self, type_: str) -> set[str] | None:
        references = [self.account.payments[id_].reference for id_ in self._named]
        return {f"{specimens.CHANNEL}/{one}" for one in references} if type_ == "order_status" else None

    def count(self, record: Record) -> int:
        if isinstance(record, Void):
            return int(self.account.payments[record.payment_id].cancelled == record.amount * 100)
        assert isinstance(record, Capture | Refund)
        payment = self.account.payments[record.payment_id]
        return sum(one.amount == record.amount * 100 for one in _moved(payment, record.type))

    def figures(self) -> Mapping[tuple[str, str], str]:
        return {
            (type_, f"{specimens.CHANNEL}/{payment.reference}#{'1' if type_ == 'capture' else 'R1'}"): (
                f"{one.amount / 100:.2f}"
            )
            for payment in self.account.payments.values()
            for type_ in ("capture", "refund")
            for one in _moved(payment, type_)
        }

    def specimen(self, type_: str, n: int) -> Specimen | None:
        payment = self.account.reserve(int(specimens.AUTHORISED * 100), reference=str(100_000 + n))
        # The rest after a charge is a person's task here, so only whole voids are tried.
        return payment_specimen(type_, n if type_ != "void" else n * 2, payment)


def _moved(payment: Payment, type_: str) -> list[Movement]:
    return payment.charges if type_ == "capture" else payment.refunds


STAND = NetsStand
