"""PayPal: the days of an account with what moved its balance, as statements. See README.md and manifest.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from samklang.connectors.contract import Account, Paper, Surroundings
from samklang.connectors.errors import Misconfigured
from samklang.connectors.kit.system import System
from samklang.connectors.paypal.client import Client
from samklang.connectors.paypal.days import papers
from samklang.connectors.registry import load_manifest


class PayPal(System):
    """One account at PayPal."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.transport = self.client.transport

    def check(self) -> Account:
        self._zone()
        held = ", ".join(sorted(one.currency for one in self.client.balances()[1].balances or []))
        test = ("This is PayPal's sandbox: no money moves.",) if self.settings.get("test") else ()
        return Account(title=f"PayPal ({held})" if held else "PayPal", warnings=test)

    def statements(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        return papers(self.client, self.around.now(), self._zone(), since, known)

    def _zone(self) -> ZoneInfo:
        name = str(self.settings.get("time_zone") or "Europe/Stockholm")
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise Misconfigured(
                f"There is no time zone {name!r}", do_this="Enter it like Europe/Stockholm or America/Los_Angeles."
            ) from None
