"""Files that people hand in: bounded, known by what is in them, never by their name, and harmless before anybody opens
them. What the file means is for its reader to say (accounting/statements, hub/config).

How much a request may carry at all is decided before it reaches Django: see `samklang.asgi`.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple, Protocol

from django.utils.translation import gettext_noop as _

from samklang.connectors.errors import BadData

Kind = Literal["xlsx", "pdf", "xml", "json", "text"]

LARGEST = 64 * 2**20  # bytes of one file
_UNPACKED = 512 * 2**20  # a report of 100,000 rows needs some 200 MB
_RATIO = 200  # a sheet of equal rows packs to a hundredth; bombs to a thousandth
_SMALL = 2**20  # what unpacks to so little may pack as well as it likes
_PARTS = 2000
_BEGINNING = 4096  # bytes that tell the kind
_PROLOG = 2**16  # bytes in which a document must have begun

_TITLES = {"xlsx": "XLSX", "pdf": "PDF", "xml": "XML", "json": "JSON", "text": "text (CSV, SIE, TOML)"}
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_ASIDE = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ROOT = re.compile(rb"<[^!?]")
_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]+')  # also what turns the reading direction


class Upload(NamedTuple):
    """A file that passed. `name` is fit for showing and for a header; `kind` is what its bytes say."""

    name: str
    kind: Kind
    body: bytes


class Sent(Protocol):
    """What Django hands over for a file in a form."""

    name: str | None

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The file, piece by piece."""


def take(file: Sent, allowed: Collection[Kind], most: int = LARGEST) -> Upload:
    """A file out of a form, read no further than it may be long. Raises as `checked` does."""
    body = bytearray()
    for piece in file.chunks():
        body += piece
        if len(body) > most:
            raise _too_large(most)
    return checked(file.name or "", bytes(body), allowed, most)


def checked(name: str, body: bytes, allowed: Collection[Kind], most: int = LARGEST) -> Upload:
    """A file however it came. Raises BadData, with what to do, when it is empty, too large, of another kind than is
    `allowed`, or built to harm: a workbook that unpacks to too much, holds macros, or XML with a document type."""
    if len(body) > most:
        raise _too_large(most)
    if not body.strip():
        raise BadData(_("The file is empty"), do_this=_("Choose another file, or fetch it again."))
    kind = _kind(body)
    if kind is None or kind not in allowed:
        known = ", ".join(_TITLES[one] for one in allowed)
        what = f"is {_TITLES[kind]}" if kind else "is of a kind that is not known here"
        raise BadData(f"The file {what}", do_this=f"Hand in {known}.")
    if kind == "xlsx":
        _unpack_safely(body)
    elif kind == "xml":
        _refuse_document_type(body)
    return Upload(plain_name(name), kind, body)


def plain_name(name: str) -> str:
    """The file's own name without folders, control characters and what else could deceive: 100 characters at most.

    Bytes that are no text in a folder's charset, which Python keeps as halves of characters, are left out.
    """
    text = name.encode("utf-8", "ignore").decode()
    last = unicodedata.normalize("NFC", text.replace("\\", "/").rpartition("/")[2])
    clean = _UNFIT.sub("", last).strip(". ")
    stem, dot, ending = clean.rpartition(".")
    return f"{stem[: 99 - len(ending)]}.{ending}" if dot and len(ending) < 10 else clean[:100] or "file"


def _kind(body: bytes) -> Kind | None:
    """What the bytes say: None for programs, pictures, old workbooks and other archives."""
    if body.startswith(b"PK\x03\x04"):
        return "xlsx"
    if body.startswith(b"%PDF-"):
        return "pdf"
    wide = body.startswith(_MARKS[1:])
    if b"\x00" in body[:_BEGINNING] and not wide:
        return None
    start = body[:_BEGINNING].replace(b"\x00", b"")
    for mark in _MARKS:
        start = start.removeprefix(mark)
    first = start.lstrip()[:1]
    if first == b"<":
        return "xml"
    if first in (b"{", b"["):
        return "json"
    # Text of any charset, DOS' included; what has other control characters in its beginning is none.
    return None if re.search(rb"[\x01-\x08\x0e-\x19\x1b-\x1f]", start) else "text"


def _too_large(most: int) -> BadData:
    return BadData(f"The file is larger than {most // 2**20} MB", do_this=_("Export a shorter period, or split it."))


def _unpack_safely(body: bytes) -> None:
    """A workbook's parts, counted before anything is unpacked. zipfile gives no part more than it states."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if "xl/workbook.xml" not in names:
                raise BadData(
                    _("The file is an archive, not a workbook"), do_this=_("Unpack it and hand in what is in it.")
                )
            if any(part.flag_bits & 1 for part in parts):
                raise BadData(_("The workbook is locked with a password"), do_this=_("Save it without one."))
            if any(name.lower().endswith("vbaproject.bin") for name in names):
                raise BadData(_("The workbook holds macros"), do_this=_("Save it as XLSX, without macros."))
            full = sum(part.file_size for part in parts)
            swollen = any(p.file_size > _SMALL and p.file_size > _RATIO * max(p.compress_size, 1) for p in parts)
            if len(parts) > _PARTS or full > _UNPACKED or swollen:
                raise BadData(_("The workbook unpacks to more than can be read"), do_this=_("Export a shorter period."))
            for part in parts:
                if part.filename.lower().endswith((".xml", ".rels", ".vml")):
                    with archive.open(part) as opened:
                        _refuse_document_type(opened.read(_PROLOG))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise BadData(f"The workbook is not whole: {error}", do_this=_("Fetch or save it again.")) from error


def _refuse_document_type(start: bytes) -> None:
    """No entities: nothing that we read needs them, and they can grow without end or name files of ours. A document
    type stands before the first element, with nothing but comments and instructions around it."""
    prolog = _ASIDE.sub(b"", start[:_PROLOG].replace(b"\x00", b""))
    root = _ROOT.search(prolog)
    if root is None:
        raise BadData(_("The file does not begin as XML does"), do_this=_("Fetch or save it again."))
    if b"<!DOCTYPE" in prolog[: root.start()].upper():
        raise BadData(_("The file brings a document type of its own"), do_this=_("Export it without DOCTYPE."))
