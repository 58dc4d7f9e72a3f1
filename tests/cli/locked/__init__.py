"""A connector with a secret: its check knows the right one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from samklang.connectors.contract import Account, Connector, Page
from samklang.connectors.errors import LoginRefused
from samklang.connectors.registry import load_manifest

RIGHT = "s3cr3t-value-åäö"
hooked: list[str] = []


class Locked(Connector):
    """Opens with RIGHT only."""

    manifest = load_manifest(__name__)

    def check(self) -> Account:
        if self.settings["api_key"] != RIGHT:
            raise LoginRefused("The box does not open")
        return Account(title=f"Box {self.settings['box']}", warnings=("It creaks",))

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        yield Page([])

    def register_hooks(self, address: str, secret: str) -> None:
        hooked.append(address)
