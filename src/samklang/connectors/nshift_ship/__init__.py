"""nShift Ship, once Consignor: consignments by the Shipment Server's REST API. See README.md and manifest.toml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from samklang.connectors.contract import Account, Choice, ChoiceKind, Page, Surroundings
from samklang.connectors.kit import consignments
from samklang.connectors.kit.system import System
from samklang.connectors.nshift_ship.client import Client
from samklang.connectors.nshift_ship.map import bookable
from samklang.connectors.nshift_ship.read import Reader
from samklang.connectors.nshift_ship.write import Writer
from samklang.connectors.registry import load_manifest


class NshiftShip(System):
    """One actor at nShift Ship."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, self.manifest.limits, around)
        self.transport = self.client.transport
        self._reader, writer = Reader(self.client, settings), Writer(self.client, settings)
        self.writes = {"order": self.each(writer.order)}
        self.looks = {"order": writer.look}

    def check(self) -> Account:
        none = ("This actor has no carrier's products yet: nothing can be booked.",)
        carriers = self.client.carriers()
        return Account(title=f"nShift Ship, actor {self.settings['actor']}", warnings=() if carriers else none)

    def fetch(self, feed: str, external_ids: Sequence[str]) -> Iterator[Page]:
        return self._reader.shipments(external_ids)

    def choices(self, what: ChoiceKind) -> list[Choice]:
        return consignments.choices(
            (str(one.id), one.name or one.short_name or str(one.id), bookable(one)) for one in self.client.carriers()
        )

    def close(self) -> None:
        self.client.login.close()
        super().close()
