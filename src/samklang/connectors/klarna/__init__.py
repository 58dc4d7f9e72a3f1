"""Klarna: captures, refunds and releases at the Order Management API. See README.md and manifest.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from samklang.connectors.contract import Account, Paper, Surroundings
from samklang.connectors.kit.system import System
from samklang.connectors.klarna.client import Client
from samklang.connectors.klarna.payouts import Payouts
from samklang.connectors.klarna.write import Writer
from samklang.connectors.registry import load_manifest

#: No order has this id: asking for it tries the login and nothing else.
_NO_ORDER = "00000000-0000-0000-0000-000000000000"


class Klarna(System):
    """One merchant account at Klarna."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.transport = self.client.transport
        writer = Writer(self.client)
        self.feeds = {}
        self.writes = {
            "capture": self.each(writer.move), "refund": self.each(writer.move), "void": self.each(writer.void),
        }  # fmt: skip

    def statements(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        return Payouts(self.transport).papers(since, known)

    def check(self) -> Account:
        self.client.order(_NO_ORDER)
        merchant = str(self.settings["username"]).partition("_")[0]
        test = ("This is Klarna's test system: no money moves.",) if self.settings.get("playground") else ()
        return Account(title=f"Klarna {merchant}", warnings=test)
