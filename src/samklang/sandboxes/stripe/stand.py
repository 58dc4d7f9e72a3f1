"""An account to try the Stripe connector on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.sandboxes.stands import Clock, Judge, StatingStand
from samklang.sandboxes.stripe import KEY, StripeSandbox


class StripeStand(StatingStand):
    """An account with one payout; nothing can be written to it."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.account = StripeSandbox(self.clock.instant)
        self.account.pay(66_100, "1002")
        self.account.pay_out()
        super().__init__(self.account.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {"key": KEY, "api_address": self.base}

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "key": "rk_test_of_somebody_else"}


STAND = StripeStand
