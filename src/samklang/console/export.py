"""Lists as files, CSV and XLSX, written while they are read: memory stays flat however many rows there are.

An XLSX file is a zip of XML; of a sheet of plain rows so little is needed that it is written here, into a zip that is
sent as it grows (openpyxl keeps a whole sheet, or puts it on disk before the first byte leaves).
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.sax.saxutils import escape

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext_noop

from samklang.people import audit
from samklang.people.access import PageRequest
from samklang.people.models import Note

Cell = str | int | float | Decimal | date | datetime | None

_AT_ONCE = 64 * 1024  # bytes gathered before they are sent
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so would be worked out by a spreadsheet
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what XML cannot hold
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  where a spreadsheet's days begin

TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def file(
    request: PageRequest, name: str, kind: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> StreamingHttpResponse:
    """An answer that is the file `name`.csv or .xlsx; `rows` are taken as it is sent. KeyError for another kind. Who
    takes which list, filtered how, is written down before the first row leaves, and how many there were after the last
    (or after the one at which it broke off)."""
    content_type = TYPES[kind]
    # What was searched for may be a buyer's name or address, which has no place in the audit.
    filters = [f"{key}: {'…' if key == 'q' else value}" for key, value in request.GET.items() if value]
    note = audit.note(request, gettext_noop("took a list as a file"), f"{name}.{kind}", filters=", ".join(filters))
    parts = (csv_file if kind == "csv" else xlsx_file)(heads, _counted(rows, note))
    answer = StreamingHttpResponse(_sent(parts), content_type=content_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localdate():%Y-%m-%d}.{kind}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _counted(rows: Iterable[Sequence[Cell]], note: Note) -> Iterator[Sequence[Cell]]:
    """The rows; how many were taken is added to the note."""
    count, whole = 0, False
    try:
        for row in rows:
            yield row
            count += 1
        whole = True
    finally:
        note.details |= {"rows": count} if whole else {"rows": count, "broken off": True}
        note.save(update_fields=["details"])


async def _sent(parts: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
    """The parts, each made in the thread where the database may be asked, in the reader's language and zone."""
    language, here = translation.get_language() or "en", timezone.get_current_timezone()

    def pull() -> bytes | None:
        with translation.override(language), timezone.override(here):
            return next(parts, None)

    try:
        while (part := await sync_to_async(pull)()) is not None:
            yield part
    finally:
        await sync_to_async(parts.close)()  # in that thread too, where the reader has gone in the middle


def csv_file(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Generator[bytes, None, None]:
    """CSV (RFC 4180) in UTF-8 with its mark, as spreadsheets want it; figures with a point, times in ISO 8601."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([_plain(cell) for cell in row])
        if buffer.tell() >= _AT_ONCE:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return timezone.localtime(cell).isoformat(timespec="seconds") if timezone.is_aware(cell) else cell.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return format(cell, "f")
    text = str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA) else text


# ------------------------------------------------------------------------------------------------ XLSX

_PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml"'
        ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/styles.xml"'
        ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml"'
        ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"'
        ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<sheets><sheet name="Samklang" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"'
        ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"'
        ' Target="worksheets/sheet1.xml"/><Relationship Id="r2"'
        ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/>'
        "</Relationships>"
    ),
    # Styles by number: 0 plain, 1 a time, 2 a day, 3 bold (the heads).
    "xl/styles.xml": (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1">'
        '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/></numFmts><fonts count="2">'
        '<font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/>'
        '</cellStyleXfs><cellXfs count="4"><xf/><xf numFmtId="164" applyNumberFormat="1"/>'
        '<xf numFmtId="14" applyNumberFormat="1"/><xf fontId="1" applyFont="1"/></cellXfs></styleSheet>'
    ),
}
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews>'
    '<sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" state="frozen"/></sheetView></sheetViews>'
    "<sheetData>"
)


class _Pipe(io.RawIOBase):
    """Where the zip is written to: gives back what has come since it was last asked. Cannot be sought in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, some: bytes) -> int:  # type: ignore[override]  # zipfile gives bytes
        self._parts.append(bytes(some))
        self.size += len(some)
        return len(some)

    def take(self) -> bytes:
        """Everything since the last time."""
        some, self._parts, self.size = b"".join(self._parts), [], 0
        return some


def xlsx_file(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Generator[bytes, None, None]:
    """A workbook of one sheet: figures are figures, times are times in the active zone, the heads stay in sight."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in _PARTS.items():
            book.writestr(name, _HEAD + text)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write((_HEAD + _SHEET + _row(heads, bold=True)).encode())
            for row in rows:
                sheet.write(_row(row).encode())
                if pipe.size >= _AT_ONCE:
                    yield pipe.take()
            sheet.write(b"</sheetData></worksheet>")
    yield pipe.take()


def _row(cells: Sequence[Cell], bold: bool = False) -> str:
    return f"<row>{''.join(_cell(cell, bold) for cell in cells)}</row>"


def _cell(cell: Cell, bold: bool) -> str:
    if cell is None or cell == "":
        return "<c/>"
    if isinstance(cell, datetime):
        local = timezone.localtime(cell) if timezone.is_aware(cell) else cell
        return f'<c s="1"><v>{(local.replace(tzinfo=None) - _EPOCH).total_seconds() / 86400:.8f}</v></c>'
    if isinstance(cell, date):
        return f'<c s="2"><v>{(datetime(cell.year, cell.month, cell.day) - _EPOCH).days}</v></c>'  # noqa: DTZ001
    if isinstance(cell, Decimal):
        return f"<c><v>{cell:f}</v></c>"
    if isinstance(cell, int | float):
        return f"<c><v>{cell!r}</v></c>"
    text = escape(_CONTROL.sub("", cell))[:32_767]
    style = ' s="3"' if bold else ""
    return f'<c t="inlineStr"{style}><is><t xml:space="preserve">{text}</t></is></c>'


def moment(seconds: float | None) -> datetime | None:
    """Epoch seconds as a time."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
