"""An account to try the PayPal connector on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.sandboxes.paypal import CLIENT, SECRET, PayPalSandbox
from samklang.sandboxes.stands import Clock, Judge, StatingStand


class PayPalStand(StatingStand):
    """An account with a payment and a withdrawal; nothing can be written to it."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.account = PayPalSandbox(self.clock.instant)
        self.account.pay("800.00", "1004")
        self.account.withdraw("500.00")
        super().__init__(self.account.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {"client_id": CLIENT, "client_secret": SECRET, "api_address": self.base}

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "client_secret": "of somebody else"}


STAND = PayPalStand
