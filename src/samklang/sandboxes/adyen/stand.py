"""A merchant account to try the Adyen connector on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.sandboxes.adyen import ACCOUNT, PASSWORD, USER, AdyenSandbox
from samklang.sandboxes.stands import Clock, Judge, StatingStand


class AdyenStand(StatingStand):
    """An account with one report; nothing can be written to it."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.clock = Clock()
        self.account = AdyenSandbox(self.clock.instant)
        self.account.pay("661.00", "1002")
        self.account.close_batch()
        super().__init__(self.account.app, judge)

    def settings(self) -> Mapping[str, Any]:
        return {
            "merchant_account": ACCOUNT, "user": USER, "password": PASSWORD, "first_batch": 1, "api_address": self.base,
        }  # fmt: skip

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "password": "of somebody else"}


STAND = AdyenStand
