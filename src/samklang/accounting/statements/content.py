"""A file as the readers see it: what kind of thing it is, decoded once, within bounds."""

from __future__ import annotations

import csv
import datetime as dates
import io
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, NamedTuple

from samklang.accounting.statements.base import Profile, Unreadable, file_hash
from samklang.accounting.statements.documents import parse_json
from samklang.accounting.statements.tables import (
    COMMA,
    FETCH_AGAIN,
    POINT,
    Cell,
    Numbers,
    decode,
    header_row,
    split_rows,
)

LARGEST = 64 * 2**20
#: A small zip can unpack to anything; a report of 100,000 rows needs some 200 MB.
_LARGEST_UNPACKED = 512 * 2**20
_UNPACK = "Unpack it and hand in what is in it."
_NOT_A_PDF = "Export the same report as CSV, XLSX or XML."
#: The list of parts, which every workbook has.
_WORKBOOK = "[Content_Types].xml"
#: What openpyxl and zipfile raise for a workbook that somebody has cut or changed.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, SyntaxError, LookupError, TypeError, ValueError, AttributeError,
    OverflowError, RuntimeError, OSError,
)  # fmt: skip
_DELIMITERS = (",", ";", "\t")

Numbered = list[tuple[int, Sequence[Cell]]]


class Content:
    """The bytes of one file with its name and profile, and the views of them that readers ask for."""

    def __init__(self, data: bytes, filename: str, profile: Profile) -> None:
        if not data.strip():
            raise Unreadable("The file is empty.", do_this=FETCH_AGAIN)
        if len(data) > LARGEST:
            raise Unreadable(
                f"The file has {len(data)} bytes; {LARGEST} are the most.", do_this="Export a shorter period."
            )
        _check_kind(data)
        self.data = data
        self.filename = filename
        self.profile = profile
        self.hash = file_hash(data)

    @cached_property
    def kind(self) -> Literal["xlsx", "xml", "json", "text"]:
        """What the first bytes say; the file's name says nothing."""
        if self.data.startswith(b"PK\x03\x04"):
            return "xlsx"
        head = self.data[:200]
        wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
        head = head.decode("utf-16", "ignore").encode() if wide else head.removeprefix(b"\xef\xbb\xbf")
        start = head.lstrip()[:1]
        if start == b"<" or head[:4] == b"<\x00?\x00":
            return "xml"
        return "json" if start in (b"{", b"[") else "text"

    @cached_property
    def text(self) -> str:
        """UTF-8, or as the byte order mark or the profile says."""
        return decode(self.data, (self.profile.charset or "utf-8",))

    @cached_property
    def json(self) -> Any:
        return parse_json(self.text.removeprefix("\ufeff"))

    @cached_property
    def head(self) -> str:
        """The first line, for formats that begin with a word of their own. Any charset of one byte will do for it."""
        return self.data[:200].decode("latin-1").removeprefix("ï»¿").lstrip().split("\n", 1)[0].strip()

    @property
    def numbers(self) -> Numbers:
        """Decimal points, unless the profile says that this merchant's exports have commas."""
        return COMMA if self.profile.decimal == "," else POINT

    def table(self, *marks: Collection[str]) -> Numbered | None:
        """The rows from the header on, in the one sheet (or with the first delimiter) that has every mark."""
        sheets = self.sheets if self.kind == "xlsx" else dict(enumerate(self._heads(marks)))
        found = {name: rows[place:] for name, rows in sheets.items() if (place := header_row(rows, marks)) is not None}
        filled = {name: rows for name, rows in found.items() if any(any(row) for _, row in rows[1:])}
        if len(filled) > 1:
            raise Unreadable(
                f"Several sheets hold such a table: {', '.join(map(str, filled))}.",
                do_this="Hand in each sheet as a file of its own.",
            )
        return next(iter((filled or found).values()), None)

    @cached_property
    def sheets(self) -> dict[str, Numbered]:
        """The sheets of a workbook by name; numbers are decimals with what a person typed, dates ISO text."""
        import openpyxl  # takes a while to load, and few files are workbooks
        from openpyxl.utils.exceptions import InvalidFileException

        try:
            with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                if _WORKBOOK not in archive.namelist():
                    raise Unreadable("The file is packed (ZIP).", do_this=_UNPACK)
                if sum(part.file_size for part in archive.infolist()) > _LARGEST_UNPACKED:
                    raise Unreadable(
                        "The workbook unpacks to more than can be read.", do_this="Export a shorter period."
                    )
            book = openpyxl.load_workbook(io.BytesIO(self.data), read_only=True, data_only=True)
            return {sheet.title: _sheet(sheet) for sheet in book.worksheets}
        except (*_BROKEN, InvalidFileException) as error:
            raise Unreadable(f"The workbook is not whole: {error}.", do_this=FETCH_AGAIN) from error

    def _heads(self, marks: Sequence[Collection[str]]) -> list[Numbered]:
        """The text split by the delimiter under which its first lines show every mark; nothing when none does."""
        if self.kind != "text":
            return []
        start = self.text[:20_000].splitlines()[:40]
        for delimiter in _DELIMITERS:
            rows = list(enumerate(csv.reader(start, delimiter=delimiter)))
            if header_row(rows, marks) is not None:
                return [self._split(delimiter)]
        return []

    def _split(self, delimiter: str) -> Numbered:
        if delimiter not in self._splits:
            self._splits[delimiter] = list(split_rows(self.text, delimiter))
        return self._splits[delimiter]

    @cached_property
    def _splits(self) -> dict[str, Numbered]:
        return {}


def _check_kind(data: bytes) -> None:
    """Refuse what by its first bytes is none of the kinds that are read."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(
            "The file is an old workbook (XLS), or one with a password.",
            do_this="Save it as XLSX or CSV, without password.",
        )
    if data.startswith(b"\x1f\x8b"):
        raise Unreadable("The file is packed (GZIP).", do_this=_UNPACK)
    if data.startswith(b"%PDF"):
        raise Unreadable("The file is a PDF, which is for reading only.", do_this=_NOT_A_PDF)


class Format(NamedTuple):
    """One kind of file. `read` gives the statements in it, or refuses the file whole."""

    name: str
    about: str
    matches: Callable[[Content], bool]
    read: Callable[[Content], Iterable[Any]]


def _sheet(sheet: Any) -> Numbered:
    """The sheet's rows that hold anything. The extent that a workbook states is often wrong, so it is not asked."""
    sheet.reset_dimensions()
    rows: list[tuple[int, list[Cell]]] = []
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        cells = [_cell(value) for value in values]
        if any(cell != "" for cell in cells):
            rows.append((number, cells))
    width = max((len(cells) for _, cells in rows), default=0)
    return [(number, cells + [""] * (width - len(cells))) for number, cells in rows]


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return Decimal(repr(value))
    if isinstance(value, dates.datetime | dates.date | dates.time):
        return value.isoformat()
    return str(value)
