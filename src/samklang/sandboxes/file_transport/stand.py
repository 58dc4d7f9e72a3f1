"""A transport system with files to try the file transport on."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import FaultKind, Specimen
from samklang.connectors.file_transport.map import Form
from samklang.records import Order, Record
from samklang.sandboxes.base import Fault
from samklang.sandboxes.file_transport import PASSWORD, USER, FileSandbox
from samklang.sandboxes.stands import FaultyStand, Judge


class FileStand(FaultyStand):
    """An SFTP server with five files of status, on forty consignments."""

    cannot: Mapping[str, str] = {
        "slows-down": "An SFTP server has no word for too many calls.",
        "cut-off": "Half a CSV that lies whole on the server cannot be told from a short one; a connection that breaks "
        "off can, which tests/contract/test_file_transport.py tries at every step.",
    }

    def __init__(self, judge: Judge | None = None) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="samklang-files-")
        self.box = FileSandbox(Path(self._home.name))
        for file in range(5):
            lines = [f"{specimens.CHANNEL}/{n};S{n};P{n}-{file};13;" for n in range(file * 8, file * 8 + 8)]
            header = "reference;number;parcel;state;tracking_url"
            self.box.answer(f"status-{file}.csv", "\r\n".join((header, *lines, "")).encode())
        self.port = 0
        super().__init__(_no_web, judge)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with self._home, self.box.serve() as self.port:
            yield

    def settings(self) -> Mapping[str, Any]:
        return {
            "place": "sftp", "host": "127.0.0.1", "port": self.port, "host_key": self.box.host_key, "user": USER,
            "password": PASSWORD, "states": "13=in_transit",
        }  # fmt: skip

    def wrong_settings(self) -> Mapping[str, Any]:
        return {**self.settings(), "password": "of-somebody-else"}

    def fault(
        self, kind: FaultKind, *, after: int = 0, times: int | None = None, method: str = "", seconds: float = 1.0
    ) -> None:
        self.box.play(None if kind == "extra" else Fault(kind, after=after, times=times))

    def no_faults(self) -> None:
        self.box.play(None)

    def requests(self) -> int:
        return self.box.steps

    def held(self, type_: str) -> set[str] | None:
        return {f"#S{n}" for n in range(40)} if type_ == "shipment" else None

    def count(self, record: Record) -> int:
        assert isinstance(record, Order)
        name = Form({}).name(record.key)
        return int(name in self.box.left())

    def specimen(self, type_: str, n: int) -> Specimen | None:
        if type_ != "order":
            return None
        return Specimen(record=specimens.to_warehouse(specimens.order(n), "SCH", "PARCEL"))


async def _no_web(*_: object) -> None:
    raise RuntimeError("this system speaks SFTP only")


STAND = FileStand
