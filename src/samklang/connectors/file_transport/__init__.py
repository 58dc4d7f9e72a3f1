"""File transport: orders out and parcel numbers in as files, for transport systems without an API (KSD, K2, TDXlog …);
files of vouchers out, and statements in, from folders or out of a mailbox.

See README.md and manifest.toml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from samklang.connectors.contract import Account, Paper, Surroundings
from samklang.connectors.file_transport.client import Client
from samklang.connectors.file_transport.read import Reader
from samklang.connectors.file_transport.write import Writer
from samklang.connectors.kit.mailbox import Login, Mailbox
from samklang.connectors.kit.system import System
from samklang.connectors.registry import load_manifest
from samklang.connectors.transport import Transport

#: What the manifest gives where nothing is said; a mailbox has other ones.
_SSH, _IN = 22, "in"


class FileTransport(System):
    """One place where files are left for each other."""

    manifest = load_manifest(__name__)

    def __init__(self, settings: Mapping[str, Any], around: Surroundings) -> None:
        super().__init__(settings, around)
        self.mails = _mailbox(settings, around) if settings.get("place") == "imap" else None
        self.client = Client(settings, around)
        self.transport = Transport("http://files.invalid", self.manifest.limits, around)  # for its threads only
        reader, writer = Reader(self.client, settings, around.now), Writer(self.client, settings)
        self.feeds = {"shipments": reader.shipments}
        self.writes = {"order": self.each(writer.order)}
        self.looks = {"order": writer.look}

    def check(self) -> Account:
        if self.mails is not None:
            self.mails.check()
        else:
            statements = self.settings.get("purpose") == "statements"
            for folder in [self.client.into] if statements else self.client.folders:
                self.client.box.entries(folder)
        return Account(title=f"{self.settings.get('system') or 'File transport'}: {self.client.place}")

    def statements(self, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
        papers = self.mails.papers if self.mails is not None else self.client.papers
        return papers(since, known)

    def leave(self, name: str, data: bytes) -> None:
        if self.client.state(name) in ("", "half"):
            self.client.send(name, data)


def _mailbox(settings: Mapping[str, Any], around: Surroundings) -> Mailbox:
    def said(name: str) -> str:
        return str(settings.get(name) or "")

    senders = frozenset(one.strip().casefold() for one in said("senders").split(",") if one.strip())
    port, folder = int(said("port") or _SSH), said("in")
    login = Login(said("host"), 993 if port == _SSH else port, said("user"), said("password"), said("authority"))
    return Mailbox(login, "INBOX" if folder in ("", _IN) else folder, senders, around)
