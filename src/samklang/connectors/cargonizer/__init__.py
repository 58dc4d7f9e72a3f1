"""Logistra Cargonizer: consignments by its XML API. See README.md and manifest.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.connectors.cargonizer.client import Client
from samklang.connectors.cargonizer.read import Reader
from samklang.connectors.cargonizer.write import Writer
from samklang.connectors.contract import Account, Choice, ChoiceKind, Surroundings
from samklang.connectors.kit import consignments
from samklang.connectors.kit.system import System
from samklang.connectors.registry import load_manifest


class Cargonizer(System):
    """One sender at Cargonizer."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.transport = self.client.transport
        reader, writer = Reader(self.client, settings, around.now), Writer(self.client, settings)
        self.feeds = {"shipments": reader.shipments}
        self.writes = {"order": self.each(writer.order)}
        self.looks = {"order": writer.look}

    def check(self) -> Account:
        none = ("This sender has no transport agreement yet: nothing can be booked.",)
        test = ("This is Cargonizer's sandbox: nothing is sent.",) if self.settings.get("sandbox") else ()
        warnings = (*test, *(() if self.client.agreements() else none))
        return Account(title=f"Cargonizer, sender {self.settings['sender']}", warnings=warnings)

    def choices(self, what: ChoiceKind) -> list[Choice]:
        return consignments.choices((one.id, one.name, one.products) for one in self.client.agreements())
