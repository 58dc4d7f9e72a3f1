"""Files that people hand in: known by their bytes, bounded, and bombs do not go off."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import openpyxl
import pytest

from samklang.connectors.errors import BadData
from samklang.hub.keeping import uploads
from samklang.hub.keeping.uploads import checked, plain_name, take

ALL = ("xlsx", "pdf", "xml", "json", "text")


def workbook(**parts: bytes) -> bytes:
    """A small workbook, with further parts of the zip by name (dots for slashes)."""
    book = openpyxl.Workbook()
    book.active["A1"] = "Utbetalning"
    file = io.BytesIO()
    book.save(file)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), body)
    return file.getvalue()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (workbook(), "xlsx"),
        (b"%PDF-1.7 \x00\x01", "pdf"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><Document/>', "xml"),
        ('<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"), "xml"),
        (b'  {"a": 1}', "json"),
        (b"[]", "json"),
        (b"Datum;Belopp\r\n2026-11-01;12,50", "text"),
        ("Datum;Belopp".encode("utf-16"), "text"),
        ('#FLAGGA 0\r\n#PROGRAM "Åäö"'.encode("cp437"), "text"),
    ],
)
def test_the_kind_is_what_the_bytes_say(body: bytes, kind: str) -> None:
    assert checked("report.exe", body, ALL).kind == kind


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \r\n ", "empty"),
        (b"\x7fELF\x02\x01\x01\x00", "not known"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not known"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "not known"),
        (b"Rar!\x1a\x07\x01", "not known"),
    ],
)
def test_what_is_no_document_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(BadData, match=words) as refused:
        checked("report.csv", body, ALL)
    assert refused.value.do_this.endswith(".")


def test_a_kind_that_is_not_asked_for_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadData, match="is PDF") as refused:
        checked("a.xlsx", b"%PDF-1.4", ["xlsx", "text"])
    assert "XLSX" in refused.value.do_this


def test_a_file_that_is_too_large_is_not_read_to_its_end() -> None:
    class Endless:
        name = "endless.csv"
        read = 0

        def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
            while True:
                self.read += 1000
                yield b"x" * 1000

    file = Endless()
    with pytest.raises(BadData, match="larger than"):
        take(file, ["text"], most=10_000)
    assert file.read == 11_000
    with pytest.raises(BadData, match="larger than"):
        checked("a.csv", b"x" * 10_001, ["text"], most=10_000)


def test_a_bomb_does_not_go_off() -> None:
    """10 MB of nothing packs to 10 KB: no sheet that a person made does."""
    with pytest.raises(BadData, match="unpacks to more"):
        checked("a.xlsx", workbook(xl__worksheets__sheet9_xml=b"\x00" * 10 * 2**20), ["xlsx"])


def test_many_parts_and_much_in_all_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_PARTS", 5)
    with pytest.raises(BadData, match="unpacks to more"):
        checked("a.xlsx", workbook(), ["xlsx"])
    monkeypatch.setattr(uploads, "_PARTS", 500)
    monkeypatch.setattr(uploads, "_UNPACKED", 5000)
    with pytest.raises(BadData, match="unpacks to more"):
        checked("a.xlsx", workbook(), ["xlsx"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (workbook(xl__vbaProject_bin=b"x"), "macros"),
        (workbook(xl__evil_xml=b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "document type"),
        (workbook()[:-200], "not whole"),
        (b"PK\x03\x04" + b"\x00" * 50, "not whole"),
    ],
)
def test_a_workbook_that_is_no_plain_one_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(BadData, match=words):
        checked("a.xlsx", body, ["xlsx"])


def test_any_other_archive_is_no_workbook() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("statement.csv", "a;b")
    with pytest.raises(BadData, match="archive, not a workbook"):
        checked("a.xlsx", file.getvalue(), ["xlsx"])


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<?xml version="1.0"?><!-- <a> --><!doctype a [<!ENTITY b "b">]><a>&b;</a>',
        "<!-- " + "x" * 5000 + " --><!DOCTYPE a><a/>",
        "<!-- " + "x" * 2**17 + " --><a/>",
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_xml_with_a_document_type_is_refused_wherever_it_hides(text: str, charset: str) -> None:
    with pytest.raises(BadData):
        checked("a.xml", text.encode(charset), ["xml"])


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\anna\\Klarna 2026.xlsx", "Klarna 2026.xlsx"),
        ('a"b\r\nSet-Cookie: x.csv', "abSet-Cookie x.csv"),
        ("exe.\u202evsc", "exe.vsc"),
        ("", "file"),
        ("...", "file"),
        ("x" * 200 + ".xml", "x" * 96 + ".xml"),
    ],
)
def test_a_name_is_fit_for_showing(given: str, name: str) -> None:
    assert plain_name(given) == name
