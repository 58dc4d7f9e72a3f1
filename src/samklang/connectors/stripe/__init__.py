"""Stripe: payouts with what they consist of, as statements. See README.md and manifest.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from samklang.connectors.contract import Account, Paper, Surroundings
from samklang.connectors.kit.system import System
from samklang.connectors.registry import load_manifest
from samklang.connectors.stripe.client import Client
from samklang.connectors.stripe.payouts import papers


class Stripe(System):
    """One account at Stripe."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.transport = self.client.transport

    def check(self) -> Account:
        balance = self.client.balance()
        test = () if balance.livemode else ("This is a test key: no money moves.",)
        held = ", ".join(sorted({row.currency.upper() for row in balance.available}))
        return Account(title=f"Stripe ({held})", warnings=test)

    def statements(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        return papers(self.client, since, known)
