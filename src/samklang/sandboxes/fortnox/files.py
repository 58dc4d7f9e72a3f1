"""The inbox, and what hangs on vouchers: a file lies in the inbox until it is put somewhere, then in the archive."""

from __future__ import annotations

import itertools
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from samklang.sandboxes.fortnox.fields import FILE, Refused, checked
from samklang.sandboxes.fortnox.ledger import Registers, Row

#: Folders that every inbox has, one for each kind of paper.
_FOLDERS = {"inbox_l": "Leverantörsfakturor", "inbox_v": "Verifikationer", "inbox_b": "Bankfiler"}


class Files:
    """A company's files."""

    def __init__(self, ledger: Registers) -> None:
        self._ledger = ledger
        self._numbers = itertools.count(1)
        self.allowed = True  # whether login and licence cover files
        self.inbox: dict[str, Row] = {}
        self.hung: dict[str, Row] = {}
        self.bodies: dict[str, bytes] = {}

    def folder(self) -> Row:
        """The root of the inbox."""
        self._guard()
        folders = [{"Id": id_, "Name": name} for id_, name in _FOLDERS.items()]
        return {"Id": "root", "Name": "Inbox", "Files": list(self.inbox.values()), "Folders": folders}

    def upload(self, kind: str, body: bytes) -> Row:
        """Leave the form's file in the inbox. Names need not be unique there."""
        self._guard()
        name, data = _file(kind, body)
        number = next(self._numbers)
        id_ = f"00000000-0000-4000-8000-{number:012d}"
        row = {"Id": id_, "ArchiveFileId": id_, "Name": name, "Path": "Inbox", "Size": len(data)}
        self.inbox[id_], self.bodies[id_] = row, data
        return row

    def hang(self, data: object, year: str) -> Row:
        """Hang a file of the inbox on a voucher, of the open year unless another is named."""
        self._guard()
        given = checked(data, FILE)
        if given["FileId"] not in self.inbox:
            raise Refused("Kan inte hitta filen", 0, 404)
        if not given["VoucherNumber"].isdecimal():
            raise Refused("Värdet måste vara numeriskt", 2000108)
        of = int(year) if year else self._ledger.year()["Id"]
        voucher = self._ledger.vouchers.get((given["VoucherSeries"], int(given["VoucherNumber"]), of))
        if voucher is None:
            raise Refused("Kan inte hitta verifikationen", 0, 404)
        del self.inbox[given["FileId"]]
        row = {**given, "VoucherDescription": voucher["Description"], "VoucherYear": of}
        self.hung[given["FileId"]] = row
        return row

    def on(self, file: str) -> Row:
        """The voucher that a file hangs on; 404 when it hangs on none."""
        self._guard()
        if file not in self.hung:
            raise Refused("Kan inte hitta posten", 0, 404)
        return self.hung[file]

    def _guard(self) -> None:
        if not self.allowed:
            raise Refused("Har inte behörighet för scope.", 2000663)


def _file(kind: str, body: bytes) -> tuple[str, bytes]:
    if not kind.startswith("multipart/form-data"):
        raise Refused("Invalid content type", 1000031)
    form = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    parts: list[Any] = list(form.iter_parts())
    for part in parts:
        if part.get_param("name", header="Content-Disposition") == "file" and part.get_filename():
            return part.get_filename(), part.get_payload(decode=True)
    raise Refused("Ingen fil", 0)
