"""nShift Delivery, once Unifaun Online: consignments by its APIConnect. See README.md and manifest.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.connectors.contract import Account, Choice, ChoiceKind, Surroundings
from samklang.connectors.kit import consignments
from samklang.connectors.kit.system import System
from samklang.connectors.registry import load_manifest
from samklang.connectors.unifaun.client import Client
from samklang.connectors.unifaun.read import Reader
from samklang.connectors.unifaun.write import Writer


class Unifaun(System):
    """One account at nShift Delivery."""

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
        self.client.drafts("samklang-check")
        test = ("Labels say TEST, and nothing is sent to the carriers.",) if self.settings.get("test") else ()
        return Account(title="nShift Delivery", warnings=test)

    def choices(self, what: ChoiceKind) -> list[Choice]:
        return consignments.choices(
            (one.id, one.description or one.id, [(row.id, row.description or row.id) for row in one.services])
            for one in self.client.partners()
        )
