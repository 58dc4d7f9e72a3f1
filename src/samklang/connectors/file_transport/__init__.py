"""File transport: orders out and parcel numbers in as files, for transport systems without an API (KSD, K2, TDXlog …).

See README.md and manifest.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samklang.connectors.contract import Account, Surroundings
from samklang.connectors.file_transport.client import Client
from samklang.connectors.file_transport.read import Reader
from samklang.connectors.file_transport.write import Writer
from samklang.connectors.kit.system import System
from samklang.connectors.registry import load_manifest
from samklang.connectors.transport import Transport


class FileTransport(System):
    """One place where files are left for each other."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.client = Client(settings, around)
        self.transport = Transport("http://files.invalid", self.manifest.limits, around)  # for its threads only
        reader, writer = Reader(self.client, settings, around.now), Writer(self.client, settings)
        self.feeds = {"shipments": reader.shipments}
        self.writes = {"order": self.each(writer.order)}
        self.looks = {"order": writer.look}

    def check(self) -> Account:
        for folder in self.client.folders:
            self.client.box.entries(folder)
        return Account(title=f"{self.settings.get('system') or 'File transport'}: {self.client.place}")

    def leave(self, name: str, data: bytes) -> None:
        if self.client.state(name) in ("", "half"):
            self.client.send(name, data)
